"""Pages on which people decide: approvals of notices, the acts on a case, and tasks of every sort."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, Episode, Notice, SightingSpan
from nta.usecases import approve
from nta.web.access import add_user
from tests import person_tasks
from tests.builders import MadeCase, MadeNotice, make_case, make_notice, make_span
from tests.conftest import NINE, hours
from tests.fakes import SetClock
from tests.mails import keep
from tests.people import by
from tests.web.conftest import PASSWORD, Forms, entered, post

URL = "http://images.quick.example/private/path/1.jpg"
LEAD = "lead@hotline.test"


@pytest.fixture
def case(lite: Store) -> MadeCase:
    made = make_case(lite, URL, NINE - hours(60), last_up_at=NINE - hours(1), presence="up")
    make_span(lite, made, NINE - hours(4), NINE - hours(1))
    return made


@pytest.fixture
def waiting(lite: Store, case: MadeCase) -> MadeNotice:
    """A notice to the registry that waits for two leads; the host was told before."""
    make_notice(lite, [case], NINE - hours(50))
    made = make_notice(
        lite,
        [case],
        NINE,
        party="registry:test",
        role="registry",
        kind="registry",
        state="waiting_lead",
        handed=False,
    )
    with lite.db.write() as connection:
        connection.execute(update(Notice).where(Notice.id == made.notice_id).values(leads=2))
        person_tasks.give(connection, made.notice_id, NINE + hours(24), owner="lead", code=Code.TWO_LEADS)
    return made


@pytest.fixture
def second(desk: Flask, lite: Store) -> FlaskClient:
    """Another lead."""
    add_user(lite, "second@hotline.test", PASSWORD, "lead", clock=SetClock(NINE))
    return entered(desk, lite, "second")


def acts(store: Store) -> list[tuple[str, str]]:
    with store.db.read() as connection:
        rows = connection.execute(
            select(AuditEntry.act, AuditEntry.who).where(AuditEntry.act != "user_added")
        )
        return [(row.act, row.who) for row in rows]


def state(store: Store) -> tuple[str, str | None]:
    with store.db.read() as connection:
        row = connection.execute(select(Episode.stage, Episode.outcome)).one()
        return row.stage, row.outcome


def test_two_leads_let_a_notice_go(
    lead: FlaskClient, second: FlaskClient, lite: Store, waiting: MadeNotice
) -> None:
    place = f"/notices/{waiting.reference}"
    assert waiting.reference in lead.get("/approvals").text
    assert "0 of 2" in lead.get("/approvals").text

    first = post(lead, place, "approve", reason="seen it")
    again = Forms(lead.get(place).text).forms
    listed = second.get("/approvals").text
    last = post(second, place, "approve")

    assert (first.status_code, last.status_code) == (303, 303)
    assert "approve" not in again
    assert "1 of 2" in listed
    assert "No notice waits for a lead" in lead.get("/approvals").text
    assert acts(lite) == [("approve_notice", LEAD), ("approve_notice", "second@hotline.test")]


def test_the_page_of_a_notice_shows_what_would_be_sent_and_the_evidence(
    lead: FlaskClient, waiting: MadeNotice
) -> None:
    page = lead.get(f"/notices/{waiting.reference}").text

    assert "WHO WAS TOLD BEFORE, AND WHEN" in page
    assert "Quick Hosting B.V." in page
    assert "From nl" in page
    assert "images.quick.example" not in page


@pytest.mark.parametrize("form", ["xarf", "csv"])
def test_a_letter_with_an_attachment_is_readable_too(
    lead: FlaskClient, lite: Store, waiting: MadeNotice, form: str
) -> None:
    with lite.db.write() as connection:
        connection.execute(
            update(Notice).where(Notice.id == waiting.notice_id).values(format=form, language="nl")
        )

    page = lead.get(f"/notices/{waiting.reference}").text

    assert "WIE EERDER IS INGELICHT" in page
    assert form in page
    assert "images.quick.example" not in page


def test_a_location_is_revealed_by_post_and_noted(
    lead: FlaskClient, lite: Store, waiting: MadeNotice
) -> None:
    page = post(lead, f"/notices/{waiting.reference}", f"reveal-{waiting.item_ids[0]}").text

    assert URL in page
    assert acts(lite) == [("reveal", LEAD)]


def test_a_notice_is_declined_with_a_reason(lead: FlaskClient, lite: Store, waiting: MadeNotice) -> None:
    place = f"/notices/{waiting.reference}"
    assert post(lead, place, "decline", reason="").status_code == 422

    post(lead, place, "decline", reason="an order is needed")

    assert "declined by a lead" in lead.get(place).text
    assert acts(lite) == [("decline_notice", LEAD)]


def test_an_analyst_reads_a_notice_and_decides_nothing(analyst: FlaskClient, waiting: MadeNotice) -> None:
    place = f"/notices/{waiting.reference}"
    forms = Forms(analyst.get(place).text).forms

    assert not {"approve", "decline"} & forms.keys()
    assert analyst.post(f"{place}/approve", data=forms["search"]).status_code == 403


def test_an_unknown_notice_is_not_found(lead: FlaskClient) -> None:
    assert lead.get("/notices/N-26-0000-0000").status_code == 404


def test_sending_shows_what_two_leads_decide_without_a_way_round(
    lead: FlaskClient, waiting: MadeNotice
) -> None:
    page = lead.get("/sending").text

    assert "Two leads decide" in page
    assert f"release-{waiting.notice_id}" not in Forms(page).forms


@pytest.mark.parametrize(
    ("form", "act", "ended"),
    [
        ("withdraw", "withdraw", "withdrawn"),
        ("invalid", "invalid", "invalid"),
        ("expire", "expire", "expired"),
        ("still-online", "still_online", "still_online"),
    ],
)
def test_a_lead_ends_a_case_with_a_reason(
    lead: FlaskClient, lite: Store, case: MadeCase, form: str, act: str, ended: str
) -> None:
    with lite.db.write() as connection:
        connection.execute(update(Episode).values(stage="exhausted"))
    assert post(lead, f"/cases/{case.reference}", form, reason=" ").status_code == 422

    answer = post(lead, f"/cases/{case.reference}", form, reason="because")

    assert answer.status_code == 303
    assert state(lite) == ("ended", ended)
    assert acts(lite) == [(act, LEAD)]


def test_an_analyst_does_not_end_a_case_as_expired_or_still_online(
    analyst: FlaskClient, case: MadeCase
) -> None:
    forms = Forms(analyst.get(f"/cases/{case.reference}").text).forms

    assert not {"expire", "still-online"} & forms.keys()
    for act in ("expire", "still-online"):
        refused = analyst.post(f"/cases/{case.reference}/{act}", data=forms["search"] | {"reason": "x"})
        assert refused.status_code == 403


def test_a_case_with_somebody_left_to_tell_is_not_called_still_online(
    lead: FlaskClient, lite: Store, case: MadeCase
) -> None:
    forms = Forms(lead.get(f"/cases/{case.reference}").text).forms
    assert "still-online" not in forms

    refused = lead.post(f"/cases/{case.reference}/still-online", data=forms["expire"] | {"reason": "x"})

    assert refused.status_code == 422
    assert state(lite) == ("ready", None)


def test_a_lead_ends_a_case_as_restricted_only_while_a_place_is_kept_out(
    lead: FlaskClient, lite: Store, case: MadeCase
) -> None:
    place = f"/cases/{case.reference}"
    make_notice(lite, [case], NINE)
    before = Forms(lead.get(place).text).forms
    make_span(lite, case, NINE - hours(60), NINE, vantage="de", verdict="restricted")
    with lite.db.write() as connection:
        denied = SightingSpan.vantage == "de"
        connection.execute(update(SightingSpan).where(denied).values(cause="geo_blocked"))

    answer = post(lead, place, "restrict", reason="blocked here by order")

    assert "restrict" not in before
    assert answer.status_code == 303
    assert state(lite) == ("ended", "restricted")
    assert acts(lite) == [("restrict", LEAD)]


def test_a_case_is_held_and_released(analyst: FlaskClient, lite: Store, case: MadeCase) -> None:
    place = f"/cases/{case.reference}"

    post(analyst, place, "hold", until="2026-03-03T09:00", reason="the police asked")
    held, tasks = analyst.get(place).text, analyst.get("/tasks").text
    during = state(lite)
    post(analyst, place, "release", reason="they are done")

    assert during == ("held", None)
    assert "Held: nothing leaves" in held
    assert "until the police have had their time" in tasks
    assert state(lite) == ("ready", None)
    assert [act for act, _ in acts(lite)] == ["hold", "release"]


@pytest.mark.parametrize("until", ["yesterday", "2025-01-01T00:00", "2036-01-01T00:00"])
def test_a_hold_until_a_moment_that_makes_no_sense_is_refused(
    analyst: FlaskClient, lite: Store, case: MadeCase, until: str
) -> None:
    answer = post(analyst, f"/cases/{case.reference}", "hold", until=until, reason="the police asked")

    assert answer.status_code == 422
    assert state(lite) == ("ready", None)


def test_tasks_about_notices_and_mails_are_listed_too(
    analyst: FlaskClient, lite: Store, case: MadeCase, waiting: MadeNotice
) -> None:
    with lite.db.write() as connection:
        mail = keep(
            connection, lite, received=b"x", kept=b"x", kind="reply", notice_id=waiting.notice_id, at=NINE
        )
        assert mail
        person_tasks.give(connection, mail, NINE + hours(1), owner="analyst", code=Code.READ_REPLY)
        person_tasks.give(connection, case.episode_id, NINE + hours(2), owner="lead", code=Code.NOBODY_LEFT)

    page = analyst.get("/tasks").text

    rows = [re.sub(r"<[^>]+>", " ", row) for row in page.split("<tr>")[2:]]
    assert len(rows) == 3
    assert "a reply to read" in rows[0]
    assert waiting.reference in rows[0]
    assert case.reference in rows[1]
    assert "needs two leads" in rows[2]


def test_reasons_are_in_the_readers_language(lead: FlaskClient, lite: Store, waiting: MadeNotice) -> None:
    approve.decline(lite, waiting.reference, "een bevel is nodig", by(LEAD), NINE)
    lead.post("/language", data=Forms(lead.get("/cases").text).forms["search"] | {"lang": "nl", "back": "/"})
    with lite.db.read() as connection:
        reference = connection.execute(select(Notice.reference).where(Notice.state == "handed_over")).scalar()
    assert reference

    page = lead.get(f"/notices/{reference}").text
    case_page = lead.get(re.search(r"/cases/C-26-\w{4}-\w{4}", page)[0]).text  # type: ignore[index]

    assert "Afgewezen door een leidinggevende: een bevel is nodig" in case_page
