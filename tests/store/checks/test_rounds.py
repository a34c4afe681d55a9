"""What a round writes for many alike says the same as what it would write for each by itself."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from nta.domain.checks.look_effects import PresenceTurn, turn_of
from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.checks.verdicts import Cause, Judgement, Verdict
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import EventKind, Presence, PresenceSign
from nta.store.cases import bulk_transitions, episodes
from nta.store.checks import rounds
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.store.tables import Due, Event
from nta.store.work import due
from tests.builders import make_case
from tests.conftest import NINE, hours

LATER = NINE + hours(2)
GONE = Judgement(Verdict.GONE, Cause.NOT_FOUND, proven=True, one_vantage=True)
SEEN = Judgement(Verdict.UP, Cause.CONTENT_PRESENT, proven=False, one_vantage=False)


def begun(store: Store, many: int) -> list[int]:
    return [make_case(store, f"http://a.test/{n}", NINE, resolved=False).episode_id for n in range(many)]


def states(store: Store) -> dict[int, EpisodeState]:
    with store.db.read() as connection:
        return episodes.load(
            connection, [row[0] for row in connection.exec_driver_sql("SELECT id FROM episode")]
        )


def taken(store: Store, holder: str) -> None:
    with store.db.write() as connection:
        due.take(connection, due.LOOK, holder, LATER, 100)


@pytest.mark.parametrize(
    ("before", "signed", "judgement"),
    [
        (Presence.UNSEEN, PresenceSign.SEEN_UP, SEEN),
        (Presence.UNSEEN, PresenceSign.SEEN_GONE, GONE),
        (Presence.UP, PresenceSign.SEEN_GONE, GONE),
        (Presence.ABSENT, PresenceSign.PROVEN_GONE, GONE),
    ],
)
def test_what_is_alike_is_turned_together(store: Store, before, signed, judgement) -> None:
    ids = begun(store, 3)
    with store.db.write() as connection:
        connection.exec_driver_sql(f"UPDATE episode SET presence = '{before.value}'")
    turn = turn_of(before, signed, judgement, LATER)
    assert turn is not None

    with store.db.write() as connection:
        standing = ("submitted", before.value)
        bulk_transitions.turn_alike(connection, store.ids, standing, turn, ids[:2], at=LATER, who="me")

    after = states(store)
    first, second, other = (after[number] for number in ids)
    assert other.presence == before.value
    assert other.looked_at is None
    assert first.presence == second.presence == turn.presence != before.value
    assert (first.looked_at, first.last_verdict, first.last_cause) == (
        LATER,
        judgement.verdict.value,
        judgement.cause.value,
    )
    assert (first.last_up_at == LATER) is (signed is PresenceSign.SEEN_UP)
    assert (first.first_gone_at == first.paused_since == LATER) is (signed is PresenceSign.SEEN_GONE)
    assert (first.proven_gone_at == LATER) is first.one_vantage is (signed is PresenceSign.PROVEN_GONE)
    with store.db.read() as connection:
        told = connection.execute(
            select(Event.episode_id, Event.kind, Event.stage, Event.presence, Event.at, Event.who).where(
                Event.kind == turn.kind.value
            )
        ).all()
    assert [tuple(row) for row in told] == [
        (number, turn.kind.value, "submitted", turn.presence, LATER, "me") for number in ids[:2]
    ]


def test_a_turn_that_the_tables_do_not_know_is_refused_and_nothing_is_written(store: Store) -> None:
    [number] = begun(store, 1)
    turn = PresenceTurn("removed", (("looked_at", LATER),), EventKind.PROVEN_GONE)

    with pytest.raises(RefusedError, match="unseen cannot become removed"), store.db.write() as connection:
        bulk_transitions.turn_alike(
            connection, store.ids, ("submitted", "unseen"), turn, [number], at=LATER, who="me"
        )

    assert states(store)[number].looked_at is None


def test_only_looks_that_are_still_held_are_ours_and_what_ended_is_told_apart(store: Store) -> None:
    ids = begun(store, 3)
    taken(store, "one")
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.subject == ids[0]).values(taken_by="two"))
        state = episodes.load(connection, [ids[1]])[ids[1]]
        ended = episodes.ending(state, Outcome.WITHDRAWN, Actor.ANALYST, at=LATER, who="me")
        episodes.move(connection, store.ids, [ended])

    with store.db.write() as connection:
        mine = rounds.mine(connection, ids, "one")

    assert mine == {
        ids[1]: None,
        ids[2]: rounds.Brief("submitted", "unseen", states(store)[ids[2]].severity, to_us(NINE), None),
    }
    assert mine[ids[2]].began_at == NINE
    assert mine[ids[2]].first_gone_at is None


def test_a_look_that_changed_nothing_says_when_it_was_there_only_if_it_was(store: Store) -> None:
    up, gone = begun(store, 2)

    with store.db.write() as connection:
        rounds.looked_alike(connection, [up], "up", "content_present", LATER)
        rounds.looked_alike(connection, [gone], "gone", "not_found", LATER + timedelta(minutes=5))

    after = states(store)
    assert (after[up].looked_at, after[up].last_up_at) == (LATER, LATER)
    assert (after[gone].looked_at, after[gone].last_up_at) == (LATER + timedelta(minutes=5), None)
