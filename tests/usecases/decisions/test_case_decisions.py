"""What people decide is done, noted once, and refused where it makes no sense."""

from datetime import datetime

import pytest
from sqlalchemy import select, update

from nta.domain.checks.outcomes import PERSONS_ENDS, Outcome
from nta.domain.errors import RefusedError
from nta.domain.reasons import Code, said
from nta.domain.references import reference
from nta.store.db.handle import Store
from nta.store.tables import Addressee, AuditEntry, Domain, Due, Episode, Event, SightingSpan, Submission
from nta.store.work import due
from nta.usecases.decisions import case_decisions
from tests import person_tasks
from tests.builders import MadeCase, make_case, make_notice, make_span, sending_allowed
from tests.conftest import NINE, hours
from tests.people import by

LEAD = "lead@hotline.test"
LATER = NINE + hours(2)


@pytest.fixture
def case(store: Store) -> MadeCase:
    return make_case(store, "http://images.quick.example/p/1", NINE)


def rows(store: Store, *columns: object) -> list:
    with store.db.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]  # type: ignore[call-overload]


def test_reveal_returns_the_url_and_notes_who_asked(store: Store, case: MadeCase) -> None:
    url = case_decisions.reveal(store, case.reference.lower(), by(LEAD), LATER)

    assert url == case.url
    entries = rows(
        store, AuditEntry.at, AuditEntry.who, AuditEntry.act, AuditEntry.subject, AuditEntry.detail
    )
    assert entries == [(LATER, LEAD, "reveal", case.reference, None)]


def test_nothing_is_revealed_of_an_unknown_case(store: Store, case: MadeCase) -> None:
    with pytest.raises(RefusedError, match="no_case"):
        case_decisions.reveal(
            store, reference("C", 7, 2026, store.keys.derived("reference")), by(LEAD), LATER
        )

    assert rows(store, AuditEntry.id) == []


def test_a_dedicated_domain_is_marked_and_its_told_cases_looked_through(store: Store, case: MadeCase) -> None:
    told = make_case(store, "http://other.quick.example/x", NINE, stage="exhausted")
    make_case(store, "http://slow.example/x", NINE, stage="notified")
    with store.db.write() as connection:
        connection.execute(update(Due).values(due_at=NINE + hours(24)))
        person_tasks.give(connection, told.episode_id, NINE + hours(24), owner="lead", code=Code.NOBODY_LEFT)

    case_decisions.mark_dedicated(store, case.reference, "yes", "nothing else there", by(LEAD), LATER)

    marked = rows(store, Domain.dedicated, Domain.dedicated_by, Domain.dedicated_at, Domain.dedicated_why)
    assert ("yes", LEAD, LATER, "nothing else there") in marked
    with store.db.read() as connection:
        soon = connection.execute(select(Due.kind, Due.subject).where(Due.due_at <= LATER)).all()
    assert soon == [(due.ESCALATE, told.episode_id)]


@pytest.mark.parametrize(
    ("url", "value", "reason"),
    [
        pytest.param("http://quick.example/", "maybe", "say_yes_no", id="value"),
        pytest.param("http://192.0.2.7/", "yes", "no_domain_to_mark", id="address"),
        pytest.param("http://someone.github.io/", "yes", "never_dedicated", id="private-suffix"),
    ],
)
def test_what_cannot_be_dedicated_is_refused(store: Store, url: str, value: str, reason: str) -> None:
    made = make_case(store, url, NINE)

    with pytest.raises(RefusedError, match=reason):
        case_decisions.mark_dedicated(store, made.reference, value, None, by(LEAD), LATER)

    assert rows(store, AuditEntry.id) == []
    assert set(rows(store, Domain.dedicated)) <= {("unknown",)}


@pytest.mark.parametrize(
    "outcome", [outcome for outcome, end in PERSONS_ENDS.items() if end.takes_back], ids=str
)
def test_a_person_ends_a_case_and_nothing_of_it_waits_any_more(
    store: Store, case: MadeCase, outcome: Outcome
) -> None:
    make_notice(store, [case], NINE, state="queued", handed=False)

    case_decisions.end_case(store, case.reference, outcome, " entered twice ", by(LEAD), LATER)

    ended = rows(store, Episode.stage, Episode.outcome, Episode.actor, Episode.ended_at)
    assert ended == [("ended", outcome, "analyst", LATER)]
    assert rows(store, Addressee.waiting_since, Addressee.released_why) == [(None, outcome)]
    assert rows(store, Submission.withdrawn_at) == [(LATER,)]
    assert ("ended", LEAD, said("entered twice")) in rows(store, Event.kind, Event.who, Event.why)
    with store.db.read() as connection:
        left = connection.execute(select(Due.kind).where(Due.subject == case.episode_id)).all()
    assert left == []
    with pytest.raises(RefusedError, match="case_ended"):
        case_decisions.end_case(store, case.reference, outcome, None, by(LEAD), LATER)


def test_sending_is_stopped_and_allowed_and_noted_once_each(store: Store) -> None:
    assert sending_allowed(store)

    case_decisions.stop_sending(store, by(LEAD), NINE)
    case_decisions.stop_sending(store, by(LEAD), NINE)
    stopped = sending_allowed(store)
    case_decisions.allow_sending(store, by(LEAD), LATER)
    case_decisions.allow_sending(store, by(LEAD), LATER)

    assert not stopped
    assert sending_allowed(store)
    assert rows(store, AuditEntry.act) == [("stop_sending",), ("allow_sending",)]


def kept_out(store: Store, case: MadeCase, since: datetime) -> None:
    make_span(store, case, since, LATER, vantage="nl", verdict="restricted")
    make_span(store, case, since, LATER, vantage="de")
    with store.db.write() as connection:
        blocked = SightingSpan.verdict == "restricted"
        connection.execute(update(SightingSpan).where(blocked).values(cause="geo_blocked"))


def test_what_is_kept_from_one_country_ends_as_restricted_by_a_leads_word(
    store: Store, case: MadeCase
) -> None:
    make_notice(store, [case], NINE - hours(50))
    kept_out(store, case, LATER - hours(48))

    case_decisions.end_case(
        store, case.reference, Outcome.RESTRICTED, "blocked here by order", by(LEAD), LATER
    )

    assert rows(store, Episode.outcome, Episode.actor) == [("restricted", "analyst")]
    assert rows(store, AuditEntry.act) == [("restrict",)]


@pytest.mark.parametrize(
    ("told", "since", "why"),
    [
        pytest.param(False, LATER - hours(90), "nobody_notified", id="nobody-told"),
        pytest.param(True, LATER - hours(47), "not_kept_out", id="not-for-long"),
        pytest.param(True, None, "not_kept_out", id="nobody-is-kept-out"),
    ],
)
def test_what_is_not_proven_to_be_kept_out_does_not_end_as_restricted(
    store: Store, case: MadeCase, told: bool, since: datetime | None, why: str
) -> None:
    if told:
        make_notice(store, [case], NINE)
    if since is not None:
        kept_out(store, case, since)

    with pytest.raises(RefusedError, match=why):
        case_decisions.end_case(store, case.reference, Outcome.RESTRICTED, "x", by(LEAD), LATER)

    assert rows(store, Episode.ended_at) == [(None,)]
