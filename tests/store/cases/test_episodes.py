"""Episodes: moved by the two tables alone, each change with its event, and never two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Signal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.episode_state import EpisodeChange, EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import PRESENCES, STAGES, EventKind, Presence, Stage
from nta.domain.reasons import Code, said
from nta.store.cases import episodes
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.notices import endings
from nta.store.tables import Due, Event
from nta.store.work import due
from tests import person_tasks
from tests.builders import make_case
from tests.conftest import NINE, hours
from tests.fakes import CountingIds

URL = "http://a.test/x"


def begun(store: Store, url: str = URL) -> int:
    return make_case(store, url, NINE, resolved=False).episode_id


def state(store: Store, number: int) -> EpisodeState:
    with store.db.read() as connection:
        return episodes.load(connection, [number])[number]


def events(store: Store, number: int) -> list[tuple[str, str, str]]:
    with store.db.read() as connection:
        rows = connection.execute(
            select(Event.kind, Event.stage, Event.presence)
            .where(Event.episode_id == number)
            .order_by(Event.id)
        )
        return [tuple(row) for row in rows]


def move(store: Store, number: int, **changes: Any) -> EpisodeState:
    before = state(store, number)
    after = before._replace(**changes)
    with store.db.write() as connection:
        episodes.move(
            connection,
            store.ids,
            [EpisodeChange(before, after, EventKind.SEEN_UP, NINE, "me", said("so"))],
        )
    return after


def test_an_episode_begins_submitted_unseen_and_with_all_that_is_due(store: Store) -> None:
    made = make_case(store, URL, NINE, resolved=False)

    found = state(store, made.episode_id)
    assert (found.stage, found.presence, found.outcome, found.ended_at) == ("submitted", "unseen", None, None)
    assert (found.began_at, found.received_at, found.paused) == (NINE, NINE, timedelta(0))
    assert events(store, made.episode_id) == [("submitted", "submitted", "unseen")]
    with store.db.read() as connection:
        assert set(connection.execute(select(Due.kind, Due.subject, Due.due_at)).all()) == {
            (due.LOOK, made.episode_id, NINE),
            (due.RESOLVE, made.host_id, NINE),
        }


def test_a_move_writes_the_whole_state_and_its_event(store: Store) -> None:
    number = begun(store)
    wanted = {
        "stage": "ready",
        "presence": "up",
        "arrangement_id": 77,
        "ladder": "nl-domestic",
        "ladder_version": "v2",
        "looked_at": NINE + hours(1),
        "last_verdict": "up",
        "last_cause": "content_present",
        "last_up_at": NINE + hours(1),
        "paused_since": NINE + hours(2),
        "paused": timedelta(microseconds=1500001),
        "one_vantage": True,
        "returns": 3,
        "first_handed_at": NINE + hours(3),
    }

    after = move(store, number, **wanted)

    assert state(store, number) == after
    with store.db.read() as connection:
        event = connection.execute(select(Event).order_by(Event.id.desc())).first()
    assert (event.kind, event.at, event.who, event.why, event.stage, event.presence, event.subject) == (
        "seen_up",
        NINE,
        "me",
        said("so"),
        "ready",
        "up",
        None,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stage": "escalated"}, "an episode that is submitted cannot become escalated"),
        ({"presence": "removed"}, "content that is unseen cannot become removed"),
        ({"stage": "ended"}, "an episode ends with an outcome, and only then has one"),
        ({"stage": "ended", "outcome": "withdrawn"}, "an episode ends with an outcome"),
        ({"stage": "ready", "outcome": "withdrawn", "ended_at": NINE}, "an episode ends with an outcome"),
    ],
)
def test_a_move_that_no_table_knows_writes_nothing(store: Store, changes: dict[str, Any], said: str) -> None:
    number, other = begun(store), begun(store, "http://b.test/y")
    good, bad = state(store, other), state(store, number)
    both = [
        EpisodeChange(good, good._replace(stage="ready"), EventKind.RESOLVED, NINE, "me"),
        EpisodeChange(bad, bad._replace(**changes), EventKind.RESOLVED, NINE, "me"),
    ]

    with pytest.raises(RefusedError, match=said), store.db.write() as connection:
        episodes.move(connection, store.ids, both)

    assert (state(store, number), state(store, other)) == (bad, good)
    assert len(events(store, number)) == len(events(store, other)) == 1


def test_content_is_closed_only_when_its_episode_ends(store: Store) -> None:
    number = begun(store)
    for presence in ("absent", "removed"):
        move(store, number, presence=presence)

    with pytest.raises(RefusedError, match="content is closed only when its episode ends"):
        move(store, number, presence="closed")
    move(store, number, presence="closed", stage="ended", outcome="removed_after_notice", ended_at=NINE)

    assert state(store, number).presence == "closed"


def test_what_ended_moves_no_more(store: Store) -> None:
    number = begun(store)
    with store.db.write() as connection:
        ended = endings.end(
            connection,
            store.ids,
            number,
            Outcome.WITHDRAWN,
            Actor.ANALYST,
            at=NINE + hours(1),
            who="lead",
            why=said("wrong"),
        )

    assert (ended.stage, ended.outcome, ended.ended_at) == ("ended", "withdrawn", NINE + hours(1))
    assert state(store, number) == ended
    assert events(store, number)[-1] == ("ended", "ended", "unseen")
    with pytest.raises(RefusedError, match="case_ended"), store.db.write() as connection:
        endings.end(connection, store.ids, number, Outcome.INVALID, Actor.ANALYST, at=NINE, who="lead")
    with pytest.raises(RefusedError, match="has ended does not move"):
        move(store, number, presence="up")


def test_an_end_drops_what_was_due_for_it_and_nothing_else(store: Store) -> None:
    made, other = make_case(store, URL, NINE), make_case(store, "http://a.test/y", NINE)
    with store.db.write() as connection:
        person_tasks.give(connection, made.episode_id, NINE, owner="lead", code=Code.NOBODY_LEFT)
        due.take(connection, due.LOOK, "one", NINE, 9)
        endings.end(
            connection, store.ids, made.episode_id, Outcome.WITHDRAWN, Actor.ANALYST, at=NINE, who="lead"
        )

    with store.db.read() as connection:
        assert set(connection.execute(select(Due.kind, Due.subject)).all()) == {
            (due.RESOLVE, made.host_id),
            (due.LOOK, other.episode_id),
            (due.ESCALATE, other.episode_id),
        }


def test_a_look_that_changes_nothing_leaves_no_event(store: Store) -> None:
    number, other = begun(store), begun(store, "http://b.test/y")
    seen = [
        state(store, n)._replace(looked_at=NINE + hours(1), last_verdict="unknown", last_cause="timeout")
        for n in (number, other)
    ]

    with store.db.write() as connection:
        episodes.looked(connection, seen)
        episodes.looked(connection, [])
        episodes.move(connection, store.ids, [])

    assert [state(store, n) for n in (number, other)] == seen
    assert len(events(store, number)) == 1


def test_open_episodes_of_a_host_are_those_that_have_not_ended(store: Store) -> None:
    first, second = (make_case(store, f"http://a.test/{n}", NINE) for n in range(2))
    elsewhere = make_case(store, "http://b.test/", NINE)
    with store.db.write() as connection:
        endings.end(
            connection, store.ids, first.episode_id, Outcome.EXPIRED, Actor.ANALYST, at=NINE, who="lead"
        )
        found = episodes.open_on_host(connection, second.host_id, lock=True)

    assert [s.id for s in found] == [second.episode_id]
    assert elsewhere.host_id != second.host_id
    assert found[0] == state(store, second.episode_id)


def test_on_postgresql_a_locked_episode_waits_for_the_write_before(
    postgres: Database, keyring: Keyring
) -> None:
    """Both read the state, both move it: the second reads what the first has written."""
    store = Store.open(postgres, keyring, CountingIds())
    number = begun(store)
    held, asked = Signal(), Signal()

    def second() -> EpisodeState:
        held.wait(10)
        with store.db.write() as connection:
            asked.set()
            return episodes.load(connection, [number], lock=True)[number]

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        with store.db.write() as connection:
            before = episodes.load(connection, [number], lock=True)[number]
            held.set()
            asked.wait(10)
            after = before._replace(stage="ready")
            episodes.move(
                connection,
                store.ids,
                [EpisodeChange(before, after, EventKind.RESOLVED, NINE, "one")],
            )
        assert waiting.result(10).stage == "ready"


EVERYWHERE = [(stage, presence) for stage in Stage for presence in Presence]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 99)), min_size=1, max_size=12))
def test_whatever_is_tried_only_what_the_tables_allow_is_written(
    lite: Store, walk: list[tuple[bool, int]]
) -> None:
    """A walk whose steps are now and then any at all, and mostly those that are allowed."""
    number = begun(lite, f"http://a.test/{lite.new_id()}")
    told = 1
    for anywhere, choice in walk:
        before = state(lite, number)
        allowed = [place for place in EVERYWHERE if _may_reach(before, *place)]
        within = EVERYWHERE if anywhere or not allowed else allowed
        stage, presence = within[choice % len(within)]
        ends = stage is Stage.ENDED
        changes = {
            "stage": stage.value,
            "presence": presence.value,
            "outcome": "withdrawn" if ends else None,
            "ended_at": NINE if ends else None,
        }

        refusal = _refusal(lambda changes=changes: move(lite, number, **changes))

        assert (refusal is None) is ((stage, presence) in allowed)
        told += refusal is None
        after = state(lite, number)
        assert after == (before._replace(**changes) if refusal is None else before)
        assert len(events(lite, number)) == told
        assert events(lite, number)[-1][1:] == (after.stage, after.presence)


def _may_reach(before: EpisodeState, stage: Stage, presence: Presence) -> bool:
    return (
        before.ended_at is None
        and _reaches(STAGES, before.stage, stage)
        and _reaches(PRESENCES, before.presence, presence)
        and (presence is not Presence.CLOSED or stage is Stage.ENDED)
    )


def _reaches(table: Any, before: str, after: str) -> bool:
    return after == before or any(at == before and to == after for (at, _), to in table.items())


def _refusal(act: Callable[[], object]) -> str | None:
    try:
        act()
    except RefusedError as refusal:
        return str(refusal)
    return None
