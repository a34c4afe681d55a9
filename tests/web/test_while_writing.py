"""Pages of desk and portal while the jobs write to the embedded database: nobody waits to read."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from nta.settings import Settings
from nta.store.db.handle import Store
from nta.web.portal import create_portal
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.web.conftest import Catalogue, post

BOUND_S = 60
"""A bound against hanging: before the write that is held ends, no page that waited for it could answer."""


@pytest.fixture
def told(lite: Store) -> MadeNotice:
    return make_notice(lite, [make_case(lite, "http://gallery.example/a", NINE)], NINE)


def status_while_writing(lite: Store, client: FlaskClient, path: str) -> int:
    with ThreadPoolExecutor(1) as other, lite.db.write() as connection:
        connection.exec_driver_sql("UPDATE episode SET presence = presence")
        return other.submit(lambda: client.get(path).status_code).result(BOUND_S)


@pytest.mark.parametrize("path", ["/cases", "/hand-in", "/tasks", "/approvals", "/login"])
@pytest.mark.usefixtures("told")
def test_a_page_of_the_desk_waits_for_no_write(lite: Store, lead: FlaskClient, path: str) -> None:
    assert status_while_writing(lite, lead, path) in (200, 302)


def test_a_page_of_the_portal_waits_for_no_write(
    lite: Store, settings: Settings, clock: SetClock, catalogue: Catalogue, told: MadeNotice
) -> None:
    client = create_portal(lite, settings, clock, catalogue).test_client()

    assert status_while_writing(lite, client, f"/n/{told.token}") == 200


def test_a_form_is_taken_while_a_job_writes_without_a_pause(lite: Store, analyst: FlaskClient) -> None:
    writes: list[int] = []
    is_done = False

    def job() -> None:
        while not is_done:
            with lite.db.write(lazy=True) as connection:
                connection.exec_driver_sql("UPDATE process_start SET number = number")
            writes.append(1)

    with ThreadPoolExecutor(1) as other:
        working = other.submit(job)
        answer = post(analyst, "/hand-in", "hand-in", text="http://gallery.example/b", confirm="yes")
        is_done = True
        working.result(BOUND_S)

    assert answer.status_code in (200, 302, 303)
    assert writes
