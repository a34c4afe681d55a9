"""The report page as a statistician meets it: wide and narrow, on paper, aloud, as a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.web.desk import create_desk
from tests.browser.test_desk_in_a_browser import log_in
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.web.conftest import Staffed
from tests.web.test_reports import PAGE, told

pytestmark = pytest.mark.system


@pytest.fixture
def report(
    page: Page,
    lite: Store,
    settings: Settings,
    catalogue: Catalogue,
    serve: Callable[[Flask], str],
    at_nine: None,
    keyring: Keyring,
    staffed: Staffed,
) -> Page:
    """The report page, with two hosts that are published, one that is not, and a proxy."""
    told(lite, 60)
    told(lite, 25, "hosting:slow")
    told(lite, 3, "hosting:small")
    told(lite, 21, "proxy:front", role="proxy")
    desk = serve(create_desk(lite, settings, SetClock(NINE), catalogue))
    log_in(page, desk, staffed, "lead")
    page.goto(desk + PAGE)
    return page


@pytest.mark.parametrize("width", [1360, 390])
def test_the_report_can_be_used_by_everyone(report: Page, accessible: Callable[[], None], width: int) -> None:
    report.set_viewport_size({"width": width, "height": 850})

    accessible()
    assert report.evaluate("document.documentElement.scrollWidth") <= width
    assert report.locator("svg[role=img]").count() == 4


def test_a_curve_is_read_aloud_with_its_meaning(report: Page) -> None:
    expect(
        report.get_by_role("img", name="How much is still online as time goes on: hosts together")
    ).to_be_visible()
    expect(report.get_by_role("region", name="Removal times by host; hours")).to_be_visible()


def test_choosing_a_clock_and_a_provider_is_in_the_address(report: Page) -> None:
    report.select_option("#clock", "A")
    report.select_option("#provider", "hosting:slow")
    report.click("#report button")

    expect(report.locator("#host-times")).to_be_visible()
    expect(report.locator("table:has(#host-times) tbody tr")).to_have_count(1)
    assert "clock=A" in report.url


def test_on_paper_nothing_is_cut_off(report: Page) -> None:
    report.emulate_media(media="print")
    report.set_viewport_size({"width": 1032, "height": 700})  # A4 across, within its margins

    assert report.evaluate("document.documentElement.scrollWidth") <= 1032
    expect(report.locator("#report")).to_be_hidden()
    tables = "[...document.querySelectorAll('.report .table-scroll')]"
    assert report.evaluate(f"{tables}.filter(e => e.scrollWidth > e.clientWidth + 1).length") == 0


def test_the_file_shows_the_same_without_a_server(report: Page, tmp_path: Path) -> None:
    with report.expect_download() as download:
        report.click("text=As a file")
    path = tmp_path / "report.html"
    download.value.save_as(path)

    report.goto(path.as_uri())

    assert report.locator("svg[role=img]").count() == 4
    font = report.evaluate("getComputedStyle(document.querySelector('.report-facts dd')).fontVariantNumeric")
    assert font == "tabular-nums"
