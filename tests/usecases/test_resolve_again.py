"""Resolving a host again: the same parties, one that joined, strangers, and looks at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from nta.domain.episode_state import EpisodeChange
from nta.domain.hosting.facts import LookupProblem
from nta.domain.reasons import Code, other
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import Arrangement
from nta.store.work import due
from tests import person_tasks
from tests.builders import MadeCase
from tests.conftest import NINE, hours
from tests.resolving import (
    DOWN,
    EVERYWHERE,
    LATER,
    ONE,
    TWO,
    FakeAsker,
    an_asker,
    due_at,
    events,
    host,
    made,
    parties,
    resolve,
    state,
)


@pytest.fixture
def asker() -> FakeAsker:
    return an_asker()


@pytest.fixture
def case(store: Store) -> MadeCase:
    return made(store, "http://a.test/x")


def test_facts_of_the_same_parties_are_renewed(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    resolve(store, asker)
    before = host(store, case).arrangement_id
    asker.names["a.test"] = ("192.0.2.2", "192.0.2.3")

    resolve(store, asker, LATER)

    assert host(store, case).arrangement_id == before
    assert parties(store, before) == {"192.0.2.2": "rdap:ORG-1", "192.0.2.3": "rdap:ORG-1"}
    with store.db.read() as connection:
        assert connection.execute(select(Arrangement.facts_at)).scalars().all() == [LATER]
    assert events(store, case) == ["submitted", "resolved"]


def test_an_address_whose_network_cannot_be_asked_this_time_is_still_its_partys(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker)
    asker.networks["192.0.2.0/24"] = DOWN

    resolve(store, asker, LATER)
    asker.names["a.test"] = ("192.0.2.1", "198.51.100.1")
    resolve(store, asker, LATER + hours(1))

    assert parties(store, host(store, case).arrangement_id) == {
        "192.0.2.1": "rdap:ORG-1",
        "198.51.100.1": "rdap:ORG-2",
    }
    assert due_at(store, due.RESOLVE, case.host_id) == LATER + hours(1.5)


def test_a_party_that_joins_belongs_to_the_same_episode_and_is_told(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker)
    with store.db.write() as connection:
        due.drop(connection, [(due.ESCALATE, case.episode_id)])
    asker.names["a.test"] = ("192.0.2.1", "198.51.100.1")

    resolve(store, asker, LATER)

    assert parties(store, host(store, case).arrangement_id) == {
        "192.0.2.1": "rdap:ORG-1",
        "198.51.100.1": "rdap:ORG-2",
    }
    assert events(store, case) == ["submitted", "resolved", "party_joined"]
    assert due_at(store, due.ESCALATE, case.episode_id) == LATER


def test_strangers_alone_are_only_suspected(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    resolve(store, asker)
    before = host(store, case).arrangement_id
    asker.names["a.test"] = ("198.51.100.1",)

    resolve(store, asker, LATER)
    suspected = host(store, case).suspect_id
    asker.names["a.test"] = ("198.51.100.2",)
    resolve(store, asker, LATER + hours(13))

    found = host(store, case)
    assert (found.arrangement_id, found.suspect_id) == (before, suspected)
    assert parties(store, before) == {"192.0.2.1": "rdap:ORG-1"}
    assert parties(store, suspected) == {"198.51.100.2": "rdap:ORG-2"}
    assert events(store, case) == ["submitted", "resolved"]


def test_a_suspected_party_is_not_forgotten_because_the_first_is_seen_again(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    """A host that rotates over two parties shows one at a time; the next look joins them."""
    resolve(store, asker)
    asker.names["a.test"] = ("198.51.100.1",)
    with store.db.write() as connection:
        host_arrangements.missed(connection, host(store, case), LATER)
    resolve(store, asker, LATER)
    suspected = host(store, case).suspect_id
    asker.names["a.test"] = ("192.0.2.1",)

    resolve(store, asker, LATER + hours(13))

    assert suspected is not None
    assert (host(store, case).suspect_id, host(store, case).missed_looks) == (suspected, 1)


def test_a_better_answer_about_the_same_machine_is_no_move(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker)
    before = host(store, case).arrangement_id
    asker.networks["192.0.2.0/24"] = TWO

    resolve(store, asker, LATER)

    found = host(store, case)
    assert (found.arrangement_id, found.suspect_id) == (before, None)
    assert parties(store, before) == {"192.0.2.1": "rdap:ORG-2"}
    assert events(store, case) == ["submitted", "resolved", "party_joined"]
    assert due_at(store, due.ESCALATE, case.episode_id) == NINE


def test_an_episode_that_found_nobody_has_a_new_chance_with_a_new_party(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.networks["192.0.2.0/24"] = LookupProblem(
        "rdap_ip", other("no registry answers for this address"), False
    )
    resolve(store, asker, known=EVERYWHERE)
    ready = state(store, case)
    with store.db.write() as connection:
        gave_up = ready._replace(stage="unresolved")
        episodes.move(
            connection,
            store.ids,
            [EpisodeChange(ready, gave_up, episodes.EventKind.UNRESOLVED, NINE, "x")],
        )
        person_tasks.give(connection, case.episode_id, NINE, owner="analyst", code=Code.NOBODY_REACHABLE)
        due.drop(connection, [(due.ESCALATE, case.episode_id)])

    resolve(store, asker, known=EVERYWHERE, now=LATER)
    assert state(store, case).stage == "unresolved"
    asker.networks["192.0.2.0/24"] = ONE
    resolve(store, asker, known=EVERYWHERE, now=LATER + hours(13))

    assert state(store, case).stage == "ready"
    assert person_tasks.until(store, case.episode_id) is None
    assert due_at(store, due.ESCALATE, case.episode_id) == LATER + hours(13)


def test_a_look_that_suspects_a_move_and_a_resolve_do_not_wait_for_each_other(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    """Both write the host and its due row; whoever comes second waits, and then goes on."""
    with ThreadPoolExecutor(1) as pool:
        with store.db.write() as connection:
            row = host_arrangements.hosts(connection, store, [case.host_id], lock=True)[case.host_id]
            if store.db.is_sqlite:
                resolving = None
            else:
                resolving = pool.submit(resolve, store, asker)
                assert _someone_waits(store)
            host_arrangements.missed(connection, row, NINE)
            due.want(connection, due.RESOLVE, [case.host_id], NINE)
        assert (resolving.result(30) if resolving else resolve(store, asker)) == 1
    resolve(store, asker)  # what was asked before the look wanted it anew does not count

    assert state(store, case).stage == "ready"
    assert host(store, case).missed_looks == 1


def _someone_waits(store: Store) -> bool:
    """Ask the server until a session waits for a lock; each question takes a moment."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(3000):
        with store.db.read() as connection:
            if connection.execute(waiting).scalar_one():
                return True
    return False
