"""Real workers, paused, slowed and stopped, before a relay that counts what it took."""

import os
import signal
from datetime import timedelta

import pytest

from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import Due
from nta.store.work import due
from tests.builders_notices import World, served_by
from tests.conftest import NINE
from tests.telling import Service
from tests.usecases.senders import MOST_S, Ledger, is_stopped, worker

NOW = NINE + timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


def queued(store: Store, count: int) -> World:
    """Queue notices, each to a party of its own."""
    world, service = World(store), Service(store)
    for party in range(count):
        own = served_by(f"rdap:ORG-{party}", abuse=[f"abuse@host{party}.example"], name=f"Host {party}")
        world.ready(addresses=(own,))
    service.escalate(NINE)
    service.notify(NOW)
    return world


def all_recorded(world: World) -> set[str]:
    """Return the Message-IDs of all notices, each recorded as handed over and told once."""
    notices = world.notices()
    assert {n.state for n in notices} == {"handed_over"}
    assert sorted(world.notice_events()) == ["handed_over"] * len(notices) + ["queued"] * len(notices)
    assert [world.events(e) for e in world.urls] == [["told"]] * len(notices)
    return {n.message_id for n in notices}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("moment", "doubled"), [("DATA", 0), ("content", 1)])
def test_a_worker_paused_over_its_lease_repeats_at_most_the_message_in_flight(
    store: Store, database: Database, keyring: Keyring, moment: str, doubled: int
) -> None:
    world = queued(store, 12)
    lease = timedelta(milliseconds=500)

    with Ledger(moment, 3, lambda: os.kill(paused.pid, signal.SIGSTOP)) as relay:
        paused = worker(database, keyring, relay, 1, NOW, lease)
        paused.start()
        other = worker(database, keyring, relay, 2, NOW, lease)
        try:
            while not is_stopped(paused.pid):
                pass
            other.start()
            other.join(MOST_S)
            os.kill(paused.pid, signal.SIGCONT)
            paused.join(MOST_S)
        finally:
            paused.kill()
            other.kill()
        counts = relay.counts()

    assert (paused.exitcode, other.exitcode) == (0, 0)
    assert counts.keys() == all_recorded(world)
    assert counts.total() - len(counts) == doubled


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_workers_before_a_relay_slower_than_their_leases_double_nothing(
    store: Store, database: Database, keyring: Keyring
) -> None:
    world = queued(store, 14)
    lease = timedelta(seconds=2)

    with Ledger(takes_s=0.2) as relay:
        workers = [worker(database, keyring, relay, node, NOW, lease) for node in (1, 2)]
        try:
            for one in workers:
                one.start()
            for one in workers:
                one.join(MOST_S)
        finally:
            for one in workers:
                one.kill()
        counts = relay.counts()

    assert [one.exitcode for one in workers] == [0, 0]
    assert counts.keys() == all_recorded(world)
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("moment", "thinks_s", "taken"),
    [
        pytest.param("content", 0.0, 5, id="content-on-its-way"),
        pytest.param("DATA", 0.5, 4, id="relay-thinks-before-content"),
    ],
)
def test_a_stop_during_a_batch_lets_only_the_message_in_flight_leave(
    store: Store, database: Database, keyring: Keyring, moment: str, thinks_s: float, taken: int
) -> None:
    world = queued(store, 12)

    def stop() -> None:
        world.switch("off", NOW)
        relay.stopped.wait(thinks_s)

    with Ledger(moment, 5, stop) as relay:
        one = worker(database, keyring, relay, 1, NOW, 5 * MINUTE, until_none_waits=False)
        one.start()
        one.join(MOST_S)
        one.kill()
        counts = relay.counts()

    states = sorted(n.state for n in world.notices())
    assert one.exitcode == 0
    assert (len(counts), counts.total()) == (taken, taken)
    assert states == ["composed"] * (12 - taken) + ["handed_over"] * taken
    assert world.count(Due, Due.kind == due.SEND, Due.due_at == NOW, Due.taken_by.is_(None)) == 12 - taken
