"""The page of contacts: who waits for a word, who is in doubt or dead, and what people say of them."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from nta.domain.reasons import Code, Reason, because
from nta.store.db.handle import Store
from nta.store.tables import Addressee, AuditEntry, Contact, Due, PartyRow
from nta.store.work import due
from tests import person_tasks
from tests.builders import MadeCase, make_case
from tests.conftest import NINE, hours
from tests.web.conftest import Forms, entered, post

ADDRESS = "abuse@second.example"
FROM_RDAP = Reason(Code.NAMED_BY_ONE, {"source": "rdap"}, (Reason(Code.CATALOGUES_DEAD),))


@pytest.fixture
def case(lite: Store) -> MadeCase:
    return make_case(lite, "http://images.quick.example/private/1.jpg", NINE - hours(1), presence="up")


@pytest.fixture
def new(lite: Store, case: MadeCase) -> int:
    """A contact that waits for a word, in one case."""
    with lite.db.write() as connection:
        connection.execute(
            insert(PartyRow).values(
                id="rdap:ORG-2", name="Second Hosting", country="NL", source="rdap", seen_at=NINE
            )
        )
        number, addressee = lite.ids.take(2)
        connection.execute(
            insert(Contact).values(
                id=number,
                party="rdap:ORG-2",
                way="email",
                address=ADDRESS,
                language="en",
                format="text",
                source="rdap",
                confidence=0.9,
                waits_until=NINE + hours(4),
            )
        )
        connection.execute(
            insert(Addressee).values(
                id=addressee,
                episode_id=case.episode_id,
                party="rdap:ORG-2",
                role="host",
                contact_id=number,
                why=because(Code.CHOSEN, why=FROM_RDAP),
                rung="first",
                kind="first",
            )
        )
        person_tasks.give(connection, number, NINE + hours(4), owner="analyst", code=Code.NEW_CONTACT)
    return number


def row(store: Store) -> Any:
    with store.db.read() as connection:
        return connection.execute(select(*Contact.__table__.c)).one()


def acts(store: Store) -> list[tuple[str, str, str | None]]:
    with store.db.read() as connection:
        rows = connection.execute(
            select(AuditEntry.act, AuditEntry.who, AuditEntry.detail).where(AuditEntry.act != "user_added")
        )
        return [(one.act, one.who, one.detail) for one in rows]


def troubled(store: Store, health: str) -> None:
    with store.db.write() as connection:
        connection.execute(
            update(Contact).values(health=health, health_why="550 5.1.1 no such mailbox", health_at=NINE)
        )


def test_a_contact_that_waits_is_shown_with_its_deadline_and_its_case(
    analyst: FlaskClient, new: int, case: MadeCase
) -> None:
    page = analyst.get("/contacts").text
    tasks = analyst.get("/tasks").text

    assert ADDRESS in page
    assert "Second Hosting" in page
    assert "in 4 h" in page
    assert case.reference in page
    assert "the catalogue&#39;s contact cannot be reached." in page
    assert "contact of Second Hosting" in tasks
    assert "a new contact waits for approval" in tasks
    assert f"done-{new}-new_contact" not in Forms(tasks).forms


def test_the_page_of_the_case_says_that_it_waits(
    analyst: FlaskClient, lite: Store, new: int, case: MadeCase
) -> None:
    said = "s word until 2 Mar 2026, 13:00 UTC"
    assert said in analyst.get(f"/cases/{case.reference}").text

    post(analyst, "/contacts", f"approve-{new}")

    assert said not in analyst.get(f"/cases/{case.reference}").text


def test_an_analyst_approves_a_contact(analyst: FlaskClient, lite: Store, new: int, case: MadeCase) -> None:
    answer = post(analyst, "/contacts", f"approve-{new}", reason="on their own page")

    assert answer.status_code == 303
    page = analyst.get("/contacts").text
    assert "The contact may be used. 1 open case goes on." in page
    assert "No contact is waiting for approval." in page
    assert (row(lite).approved_by, row(lite).approved_at) == ("analyst@hotline.test", NINE)
    assert acts(lite) == [("approve_contact", "analyst@hotline.test", "on their own page")]
    with lite.db.read() as connection:
        at = connection.execute(
            select(Due.due_at).where(Due.kind == due.ESCALATE, Due.subject == case.episode_id)
        ).scalar()
    assert at is not None
    assert at <= NINE


def test_a_lead_refuses_a_contact_and_takes_that_back(lead: FlaskClient, lite: Store, new: int) -> None:
    post(lead, "/contacts", f"refuse-{new}", reason="a private address")
    page = lead.get("/contacts").text
    assert "a private address" in page
    assert row(lite).refused_by == "lead@hotline.test"

    post(lead, "/contacts", f"approve-{new}", reason="it is theirs after all")

    assert (row(lite).refused_by, row(lite).approved_by) == (None, "lead@hotline.test")
    assert [act for act, *_ in acts(lite)] == ["refuse_contact", "approve_contact"]


@pytest.mark.parametrize(("health", "word"), [("dead", "dead"), ("doubtful", "in doubt")])
def test_somebody_revives_a_contact_with_a_reason(
    analyst: FlaskClient, lite: Store, new: int, health: str, word: str
) -> None:
    troubled(lite, health)
    assert f">{word}<" in analyst.get("/contacts").text

    post(analyst, "/contacts", f"revive-{new}", reason="they mended it")

    assert "Every contact is fine." in analyst.get("/contacts").text
    assert (row(lite).health, row(lite).revived_at) == ("fine", NINE)
    assert acts(lite) == [("revive_contact", "analyst@hotline.test", "they mended it")]


@pytest.mark.parametrize("act", ["refuse", "revive"])
def test_no_word_without_a_reason(analyst: FlaskClient, lite: Store, new: int, act: str) -> None:
    troubled(lite, "dead")

    answer = post(analyst, "/contacts", f"{act}-{new}", reason=" ")

    assert answer.status_code == 422
    assert acts(lite) == []


def test_an_administrator_reads_and_says_nothing(desk: Any, lite: Store, new: int) -> None:
    administrator = entered(desk, lite, "administrator")

    assert f"approve-{new}" not in Forms(administrator.get("/contacts").text).forms
    token = Forms(administrator.get("/contacts").text).forms["logout"]["csrf_token"][0]
    answer = administrator.post(f"/contacts/{new}/approve", data={"csrf_token": token})
    assert answer.status_code == 403
    assert row(lite).approved_at is None


def test_a_form_without_its_token_does_nothing(analyst: FlaskClient, lite: Store, new: int) -> None:
    assert analyst.post(f"/contacts/{new}/approve").status_code == 400
    assert row(lite).approved_at is None


def test_the_task_of_a_contact_is_no_word_of_done(analyst: FlaskClient, lite: Store, new: int) -> None:
    token = Forms(analyst.get("/contacts").text).forms[f"approve-{new}"]["csrf_token"][0]

    answer = analyst.post(
        "/tasks/done", data={"csrf_token": token, "subject": str(new), "code": "new_contact"}
    )

    assert answer.status_code == 422
    assert "take it on the page of contacts" in answer.text


def test_the_page_is_in_the_readers_language(analyst: FlaskClient, new: int) -> None:
    with analyst.session_transaction() as session:
        session["lang"] = "nl"

    page = analyst.get("/contacts").text

    assert "Wacht op een oordeel" in page
    assert "het contact uit de catalogus is niet bereikbaar." in page
