"""Desk and portal say that the demo is over while its world is, and nowhere else."""

from collections.abc import Callable

import pytest
from flask import Flask

from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.web.desk import create_desk
from nta.web.portal import create_portal
from tests.conftest import NINE
from tests.fakes import SetClock

ENDED = {"en": "The demo has ended.", "nl": "De demo is afgelopen."}


@pytest.mark.parametrize("make", [create_desk, create_portal])
@pytest.mark.parametrize("language", ENDED)
def test_a_page_says_so_from_the_moment_on_that_the_world_is_over(
    make: Callable[..., Flask], language: str, lite: Store, settings: Settings, catalogue: Catalogue
) -> None:
    over = [False]
    app = make(lite, settings, SetClock(NINE), catalogue, is_world_over=lambda: over[0])
    path = "/login" if make is create_desk else "/"
    before = app.test_client().get(path, headers={"Accept-Language": language}).text
    over[0] = True

    after = app.test_client().get(path, headers={"Accept-Language": language}).text

    assert ENDED[language] not in before
    assert after.count(ENDED[language]) == 1


@pytest.mark.parametrize("make", [create_desk, create_portal])
def test_a_real_installation_never_says_so(
    make: Callable[..., Flask], lite: Store, settings: Settings, catalogue: Catalogue
) -> None:
    app = make(lite, settings, SetClock(NINE), catalogue)

    page = app.test_client().get("/login" if make is create_desk else "/").text

    assert "demo" not in page
