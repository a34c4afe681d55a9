"""The desk as an analyst meets it: policy on, keyboard in reach, no complaint from the browser."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import Code
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import Contact
from nta.web.access import add_user
from nta.web.desk import create_desk
from tests import person_tasks
from tests.builders import make_case, make_notice, make_span
from tests.conftest import NINE, hours
from tests.fakes import SetClock
from tests.mails import keep
from tests.web.conftest import PASSWORD, Staffed, totp

pytestmark = pytest.mark.system

URL = "http://images.quick.example/private/path/1.jpg"


@pytest.fixture
def desk(
    lite: Store,
    settings: Settings,
    catalogue: Catalogue,
    serve: Callable[[Flask], str],
    at_nine: None,
    keyring: Keyring,
) -> str:
    return serve(create_desk(lite, settings, SetClock(NINE), catalogue))


def log_in(page: Page, desk: str, staffed: Staffed, role: str) -> None:
    user = staffed.users[role]
    page.goto(f"{desk}/login")
    page.fill("#email", user.email)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#code")
    page.fill("#code", totp(user.secret or "", time.time()))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk}/cases")


def test_an_analyst_hands_in_and_sees_the_url_on_asking(page: Page, desk: str, staffed: Staffed) -> None:
    log_in(page, desk, staffed, "analyst")

    page.click("text=Hand in >> nth=0")
    page.fill("#text", f"{URL}\nno url at all\n")
    page.check("[name=confirm]")
    page.click("#hand-in button[type=submit]")
    expect(page.locator("[role=status]").last).to_contain_text("1 URL taken, 1 line refused")
    page.click("a.reference")
    expect(page.locator("h1")).to_contain_text(re.compile(r"C-26-\w{4}-\w{4}"))
    assert "quick" not in page.content()
    page.click("#reveal button")

    expect(page.locator("#revealed")).to_have_text(URL)
    assert page.locator(f'a[href="{URL}"]').count() == 0


def test_a_case_is_found_with_the_keyboard_alone(
    page: Page, desk: str, staffed: Staffed, lite: Store
) -> None:
    case = make_case(lite, URL, NINE)
    log_in(page, desk, staffed, "analyst")

    page.keyboard.press("/")
    page.keyboard.type("hxxp://images[.]quick[.]example/private/path/1.jpg")
    page.keyboard.press("Enter")

    expect(page).to_have_title(re.compile(case.reference))
    assert "quick" not in page.url


def test_a_lead_stops_all_sending_in_one_click(page: Page, desk: str, staffed: Staffed) -> None:
    log_in(page, desk, staffed, "lead")
    page.goto(f"{desk}/sending")

    page.click("#stop button")

    expect(page.locator(".stopped")).to_contain_text("All sending is stopped")


def test_the_list_refreshes_itself_in_place(page: Page, desk: str, staffed: Staffed, lite: Store) -> None:
    log_in(page, desk, staffed, "analyst")
    expect(page.locator("#cases")).to_contain_text("No case here")
    case = make_case(lite, URL, NINE)
    page.evaluate("document.activeElement.blur()")

    page.evaluate("htmx.ajax('GET', '/cases', {target: '#cases', select: '#cases', swap: 'outerHTML'})")

    expect(page.locator("#cases")).to_contain_text(case.reference)


def test_the_second_factor_is_set_up_from_a_picture(page: Page, desk: str, lite: Store) -> None:
    add_user(lite, "newcomer@hotline.test", PASSWORD, "analyst", clock=SetClock(NINE), second_factor=False)
    page.goto(f"{desk}/login")
    page.fill("#email", "newcomer@hotline.test")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.click("#tf-setup button")
    assert page.locator(".qr img").evaluate("i => i.naturalWidth") > 0

    page.fill("#code", totp(page.inner_text(".key").replace("-", ""), time.time()))
    page.keyboard.press("Enter")

    page.wait_for_url(f"{desk}/cases")


PLACES = ["/cases", "/hand-in", "/tasks", "/sending", "/approvals", "case", "resolution", "notice", "/login"]
SAID: tuple[dict[str, Any], ...] = (  # of a contact: it is dead, it was refused, it waits
    {"health": "dead", "health_why": "550 5.1.1 no such mailbox", "health_at": NINE},
    {"refused_by": "lead@hotline.test", "refused_at": NINE, "word_why": "somebody's own mailbox"},
    {"waits_until": NINE + hours(4)},
)


@pytest.mark.parametrize("where", PLACES)
def test_pages_can_be_used_by_everyone(
    page: Page, desk: str, staffed: Staffed, lite: Store, accessible: Callable[[], None], where: str
) -> None:
    case = make_case(lite, URL, NINE - hours(30), severity="urgent", presence="up", stage="notified")
    make_case(lite, URL + "?2", NINE - hours(30), severity="high", stage="unresolved")
    make_notice(lite, [case], NINE - hours(20))
    make_span(lite, case, NINE - hours(19), NINE - hours(1))
    keeper = {"party": "registry:example", "role": "registry", "kind": "registry"}
    notice = make_notice(lite, [case], NINE - hours(2), **keeper, state="waiting_lead", handed=False)
    if where != "/login":
        log_in(page, desk, staffed, "lead")
    named = {"case": f"/cases/{case.reference}", "notice": f"/notices/{notice.reference}"}
    named["resolution"] = f"{named['case']}/resolution"
    page.goto(desk + named.get(where, where))
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")

    accessible()


def test_the_page_of_contacts_can_be_used_by_everyone(
    page: Page, desk: str, staffed: Staffed, lite: Store, accessible: Callable[[], None]
) -> None:
    case = make_case(lite, URL, NINE - hours(30), presence="up", stage="notified")
    for party, said in zip(("hosting:quick", "hosting:slow", "hosting:new"), SAID, strict=True):
        make_notice(lite, [case], NINE - hours(20), party=party, state="queued", handed=False)
        with lite.db.write() as connection:
            connection.execute(update(Contact).where(Contact.party == party).values(**said))
            number = connection.execute(select(Contact.id).where(Contact.party == party)).scalar_one()
            if "waits_until" in said:
                person_tasks.give(
                    connection, number, said["waits_until"], owner="analyst", code=Code.NEW_CONTACT
                )
    log_in(page, desk, staffed, "analyst")

    page.goto(f"{desk}/contacts")
    accessible()
    page.fill(f"#approve-{number} [name=reason]", "on their own page")
    page.keyboard.press("Enter")

    expect(page.locator("[role=status]").last).to_contain_text("The contact may be used.")
    expect(page.locator("main")).to_contain_text("No contact is waiting for approval.")


def test_a_mail_is_read_and_its_answer_noted(
    page: Page, desk: str, staffed: Staffed, lite: Store, accessible: Callable[[], None]
) -> None:
    case = make_case(lite, URL, NINE - hours(9), last_up_at=NINE - hours(1), presence="up")
    notice = make_notice(lite, [case], NINE - hours(8))
    letter = b"From: desk@hosting.example\nSubject: Re: notice\n\nGone by now.\n"
    with lite.db.write() as connection:
        mail = keep(
            connection,
            lite,
            received=letter,
            kept=letter,
            kind="reply",
            notice_id=notice.notice_id,
            at=NINE - hours(2),
        )
        person_tasks.give(connection, case.episode_id, NINE + hours(2), owner="analyst", code=Code.READ_REPLY)
    log_in(page, desk, staffed, "analyst")

    page.goto(f"{desk}/mails/{mail}")
    page.click("#read button")
    expect(page.locator("pre.letter")).to_contain_text("Gone by now.")
    accessible()
    page.click("#answer button[type=submit]")
    expect(page.locator("#answer")).to_contain_text("removed")
    page.goto(f"{desk}/tasks")
    accessible()
    page.fill(f"#done-{case.episode_id}-read_reply [name=reason]", "noted as removed")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Nothing needs a decision.")
