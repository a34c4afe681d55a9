"""The database puts every severity in its order, and holds every word of the domain."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest
from sqlalchemy import update

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.checks.verdicts import Cause, Verdict
from nta.domain.lifecycle import EventKind, Presence, Stage
from nta.domain.roles import NoticeKind, Role, Severity
from nta.render.words import ranks
from nta.store.db.handle import Store
from nta.store.notices import wanted_notices
from nta.store.reads import cases
from nta.store.tables import Addressee, Case, Episode, Event, Notice, Submission
from tests.builders import make_case, make_notice
from tests.conftest import NINE

HOUR = timedelta(hours=1)


def test_the_list_of_cases_begins_with_what_hurries_most(store: Store) -> None:
    for number, severity in enumerate(Severity):
        make_case(store, f"http://host{number}.test/", NINE, severity=severity.value)

    with store.db.read() as connection:
        page = cases.page(connection, store, NINE, wanted=cases.Wanted(), ranks=ranks())

    assert [row.severity for row in page.rows] == [severity.value for severity in reversed(Severity)]


def test_notices_that_gather_are_made_after_those_that_do_not(store: Store) -> None:
    for number, severity in enumerate(Severity):
        _wait(store, number, severity)

    with store.db.read() as connection:
        waiting = wanted_notices.waiting(connection, NINE, 100)

    gathers = [Severity(addressee.severity).urgency.gathers for addressee in waiting]
    assert len(gathers) == len(Severity)
    assert gathers == sorted(gathers)


@pytest.mark.parametrize("severity", Severity)
def test_the_next_notice_is_made_at_once_or_when_it_has_gathered(store: Store, severity: Severity) -> None:
    _wait(store, 1, severity)

    with store.db.read() as connection:
        at = wanted_notices.next_waiting(connection, NINE, HOUR)

    assert at == (NINE + HOUR if severity.urgency.gathers else NINE)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        pytest.param(Submission.severity, Severity, id="severity-of-a-submission"),
        pytest.param(Case.severity, Severity, id="severity-of-a-case"),
        pytest.param(Episode.severity, Severity, id="severity-of-an-episode"),
        pytest.param(Notice.severity, Severity, id="severity-of-a-notice"),
        pytest.param(Addressee.role, Role, id="role-of-an-addressee"),
        pytest.param(Notice.role, Role, id="role-of-a-notice"),
        pytest.param(Notice.kind, NoticeKind, id="kind-of-a-notice"),
        pytest.param(Episode.outcome, Outcome, id="outcome"),
        pytest.param(Episode.actor, Actor, id="actor"),
        pytest.param(Episode.stage, Stage, id="stage"),
        pytest.param(Episode.presence, Presence, id="presence"),
        pytest.param(Episode.last_verdict, Verdict, id="verdict"),
        pytest.param(Episode.last_cause, Cause, id="cause"),
        pytest.param(Event.kind, EventKind, id="event"),
    ],
)
def test_every_word_fits_its_column(column: Any, words: type[StrEnum]) -> None:
    assert max(len(word) for word in words) <= column.type.length


def _wait(store: Store, number: int, severity: Severity) -> None:
    """Make an addressee of a case for whom a notice is still to be made."""
    case = make_case(store, f"http://host{number}.test/", NINE, severity=severity.value)
    make_notice(store, [case], NINE, party=f"hosting:party{number}", handed=False)
    with store.db.write() as connection:
        waits = update(Addressee).where(Addressee.episode_id == case.episode_id)
        connection.execute(waits.values(waiting_since=NINE))
