"""The portal as a provider's abuse desk meets it, with scripts and without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from nta.store.db.handle import Store
from nta.store.tables import AnswerRow, NoticeEvent
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE, hours

pytestmark = pytest.mark.system


@pytest.fixture
def notice(lite: Store) -> MadeNotice:
    cases = [make_case(lite, f"http://images.quick.example/p/{n}", NINE - hours(9)) for n in (1, 2, 3)]
    return make_notice(lite, cases, NINE - hours(8))


def test_a_notice_is_opened_and_answered_in_two_clicks(
    page: Page, portal: str, notice: MadeNotice, lite: Store, accessible: Callable[[], None]
) -> None:
    page.goto(f"{portal}/n/{notice.token}")
    expect(page.locator("h1")).to_contain_text(notice.reference)
    accessible()

    page.click("#open button")
    expect(page.locator("code.url")).to_have_count(3)
    assert notice.token not in page.url
    accessible()
    page.click("#answer button[type=submit]")

    expect(page.locator("main")).to_contain_text("Your answer for 3 locations was noted")
    with lite.db.read() as connection:
        assert list(connection.execute(select(AnswerRow.says)).scalars()) == ["removed"] * 3
        assert "opened" in set(connection.execute(select(NoticeEvent.kind)).scalars())


def test_it_works_without_scripts_and_in_dutch(
    browser: Browser, portal: str, notice: MadeNotice, lite: Store
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="nl-NL")
    page = context.new_page()
    page.set_default_timeout(5_000)
    page.goto(f"{portal}/n/{notice.token}")

    page.click("text=Toon de lijst")
    page.uncheck(f"#item-{notice.item_ids[0]}")
    page.select_option("#says", "not_ours")
    page.click("text=Verstuur het antwoord")

    assert "2 locaties" in page.inner_text("main")
    context.close()
    with lite.db.read() as connection:
        assert list(connection.execute(select(AnswerRow.says)).scalars()) == ["not_ours"] * 2


def test_a_field_shows_when_an_answer_needs_it(
    page: Page, portal: str, notice: MadeNotice, accessible: Callable[[], None]
) -> None:
    page.goto(f"{portal}/n/{notice.token}")
    page.click("#open button")
    expect(page.locator("#until")).to_be_hidden()
    expect(page.locator("#whose")).to_be_hidden()

    page.select_option("#says", "forwarded")
    expect(page.locator("#until")).to_be_visible()
    page.select_option("#says", "removed")
    page.select_option(f"[name=answer-{notice.item_ids[0]}]", "not_ours")

    expect(page.locator("#until")).to_be_hidden()
    expect(page.locator("#whose")).to_be_visible()
    accessible()


def test_a_fault_stands_at_its_field_and_the_keyboard_leads_there(
    page: Page, portal: str, notice: MadeNotice, lite: Store, accessible: Callable[[], None]
) -> None:
    page.goto(f"{portal}/n/{notice.token}")
    page.click("#open button")
    page.select_option(f"[name=answer-{notice.item_ids[0]}]", "refused")
    page.focus("#answer button[type=submit]")
    page.keyboard.press("Enter")

    expect(page.locator("#fault-why")).to_be_visible()
    expect(page.locator("#why")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("input[name=item]:checked")).to_have_count(1)
    accessible()
    page.focus("[role=alert] a")
    page.keyboard.press("Enter")
    page.keyboard.type("it is a drawing")
    expect(page.locator("#why")).to_have_value("it is a drawing")
    page.click("#answer button[type=submit]")

    expect(page.locator("main")).to_contain_text("Your answer for 1 location was noted")
    with lite.db.read() as connection:
        found = sorted(connection.execute(select(AnswerRow.says)).scalars())
    assert found == ["refused", "removed", "removed"]
