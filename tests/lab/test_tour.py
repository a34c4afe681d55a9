"""The visitor's pages: log-ins, mailboxes, and the bar that sets the world's pace."""

import re
from http.client import HTTPConnection
from urllib.parse import urlencode

from tests.lab.conftest import Client
from tests.lab.fake_service import FakeService
from tests.lab.test_world_page import page

WAITING = {"is_begun": True, "is_lively": False, "approvals": 0, "rate": 60}


def press(lab: Client, button: str, token: str | None = None, **fields: str) -> int:
    """Press a button of the bar; return the answer's status."""
    found = re.search(r'name="token" value="([^"]+)"', page(lab, "/world")[1])
    assert found is not None
    host, port = lab.card["control"].removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    try:
        body = urlencode({"token": found.group(1) if token is None else token, "do": button})
        connection.request("POST", "/pace", body, fields)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_world_page_has_log_ins_with_codes_and_a_bar(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())

    _, text = page(lab, "/world")

    assert all(user["password"] in text for user in service.card()["users"])
    assert re.search(r"<code>\d{6}</code>", text)
    assert "A code works once" in text
    assert "Play to the end" in text
    assert "<script" not in text
    assert "<style" not in text
    assert "style=" not in text


def test_a_pause_holds_time_and_a_day_is_leapt(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    status = press(lab, "pause")
    paused = lab.leap("2026-03-02T09:30Z")
    press(lab, "day")

    leapt = [lab.leap("2026-03-02T09:30Z"), lab.leap("2026-03-02T09:30Z")]

    assert (status, paused) == (303, "03-02T09:00")
    assert leapt[-1] > paused


def test_a_story_that_has_begun_walks_and_an_approval_halts_who_leaps_to_it(
    lab: Client, service: FakeService
) -> None:
    lab.ask("POST", "/service", service.card())
    lab.ask("POST", "/waiting", WAITING)
    begun = page(lab, "/world")[1]
    press(lab, "approval")
    lab.ask("POST", "/waiting", {**WAITING, "approvals": 1})

    halted = page(lab, "/world")[1]

    assert "Time walks: a minute a second." in begun
    assert "Time stands still." in halted


def test_an_approval_that_waited_already_halts_nobody(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.ask("POST", "/waiting", {**WAITING, "approvals": 1})
    press(lab, "approval")
    lab.ask("POST", "/waiting", {**WAITING, "approvals": 1})
    leaping = page(lab, "/world")[1]
    lab.ask("POST", "/waiting", {**WAITING, "approvals": 2})

    halted = page(lab, "/world")[1]

    assert "Time leaps until another notice waits for approval" in leaping
    assert "Time stands still." in halted


def test_the_bar_refuses_a_foreign_form_page_or_host(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())

    statuses = [
        press(lab, "pause", token="guessed"),
        press(lab, "pause", Origin="http://evil.example"),
        press(lab, "pause", Host="evil.example"),
        press(lab, "backwards"),
    ]

    assert statuses == [403, 403, 403, 400]


def test_a_mailbox_shows_its_mails_with_the_link_to_click(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    service.send(lab.card["smtp"], "abuse@quick.example", list(lab.truth())[:1])

    _, overview = page(lab, "/world")
    _, box = page(lab, "/mailbox/abuse@quick.example")
    status, text = page(lab, "/mail/1")

    assert "/mailbox/abuse%40quick.example" in overview
    assert '<a href="/mail/1">' in box
    assert status == 200
    assert 'href="http' in text
    assert "/n/" in text
    assert page(lab, "/mail/2")[0] == page(lab, "/mailbox/nobody@quick.example")[0] == 404
