"""Two workers in a world where relay, registry, names, mailbox and database are slow, lie, stop, vanish."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nta.store.work import due
from tests.databases import SystemCluster
from tests.world.faults import EVERY, HOSTS, START, Stage, Worker, hold
from tests.world.lines import CUT, LYING, SLOW, STALLED

SEED = 20261130
POINTS = 20
LONGER_THAN_A_LEASE_S = 6.5
SOAK_S = float(os.environ.get("NTA_SOAK_SECONDS", "0"))

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("faults")]

Fault = Callable[[Stage, Worker, random.Random], Iterator[int]]
"""Prepares; yields in how many workers it may catch a message in the midst; then does its worst."""


def paused(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    kind = chance.choice((due.SEND, due.RESOLVE))
    for one in stage.workers:
        (one.relay if kind == due.SEND else one.registry).become(SLOW)
    yield 1
    stage.await_lease(worker, kind)
    worker.tell(signal.SIGSTOP)
    hold(LONGER_THAN_A_LEASE_S)
    worker.tell(signal.SIGCONT)


def killed(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 1
    stage.await_lease(worker, chance.choice((due.SEND, due.RESOLVE, due.LOOK)))
    worker.kill()


def database_restarted(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    for one in stage.workers:
        one.relay.become(SLOW)
    yield 2
    stage.await_lease(worker, due.SEND)
    stage.restart_database(chance.choice(("fast", "immediate")))
    hold(4)


def database_cut(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 1
    stage.await_lease(worker, chance.choice((due.SEND, due.RESOLVE, due.LOOK)))
    worker.db.become(CUT)
    hold(2)


def database_stalled(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 1
    stage.await_lease(worker, chance.choice((due.SEND, due.RESOLVE, due.LOOK)))
    worker.db.become(STALLED)
    hold(LONGER_THAN_A_LEASE_S)


def database_slow(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 1
    worker.db.become(SLOW)
    hold(4)


def relay_slow(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    for one in stage.workers:
        one.relay.become(SLOW)
    yield 0
    stage.await_lease(worker, due.SEND)
    hold(LONGER_THAN_A_LEASE_S)


def relay_vanished(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 2
    stage.await_lease(worker, due.SEND)
    for one in stage.workers:
        one.relay.become(CUT)
    hold(1)


def relay_lying(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 1
    stage.await_lease(worker, due.SEND)
    worker.relay.become(LYING)
    hold(2)


def registry_wrong(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    for one in stage.workers:
        one.registry.become(chance.choice((SLOW, STALLED, CUT, LYING)))
    yield 0
    hold(3)


def names_lost(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    worker.names.become(CUT)
    yield 0
    hold(3)


def mailbox_gone(stage: Stage, worker: Worker, chance: random.Random) -> Iterator[int]:
    yield 0
    box = Path(stage.lab.at["maildir"])
    away = box.with_name("away")
    box.rename(away)
    hold(1.5)
    away.rename(box)


FAULTS: tuple[Fault, ...] = (
    paused,
    database_restarted,
    relay_slow,
    killed,
    database_stalled,
    registry_wrong,
    relay_vanished,
    database_cut,
    mailbox_gone,
    relay_lying,
    database_slow,
    names_lost,
)
ANY_TIME = (killed, database_cut, database_slow, mailbox_gone)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SystemCluster]:
    made = SystemCluster()
    made.make_blank()
    yield made
    made.stop()


def test_through_faults_nothing_is_lost_doubled_or_done_without_a_lease(
    cluster: SystemCluster, tmp_path: Path
) -> None:
    """With `NTA_SOAK_SECONDS` world after world is played, each with faults of its own."""
    until, seed = time.monotonic() + SOAK_S, SEED
    while seed == SEED or time.monotonic() < until:
        folder = tmp_path / str(seed)
        folder.mkdir()
        played(cluster, folder, seed, POINTS)
        seed += 1


def played(cluster: SystemCluster, folder: Path, seed: int, points: int) -> None:
    """Let a world go through so many points of time, a fault at each, and hold the ledger against it."""
    chance = random.Random(seed)
    with cluster.fresh() as uri:
        stage = Stage(folder, cluster, uri.partition("?")[0].rpartition("/")[2], points)
        try:
            stage.open()
            for point in range(points):
                one_point(stage, point, chance, seed)
            stage.go_on_to(START + (points + 10) * EVERY)  # who serves a host is asked again after 12 h
            gone = stage.presences()  # the first were watched for seven days by then
            assert gone.keys() <= {"removed", "closed"}, gone
            assert sum(gone.values()) == points * HOSTS
            assert stage.ledger() == []
        finally:
            stage.close()


def one_point(stage: Stage, point: int, chance: random.Random, seed: int) -> None:
    """Hand pages in, do the point's worst while they are dealt with, and let the world go on."""
    begin = START + point * EVERY
    fault = FAULTS[point] if point < len(FAULTS) else chance.choice(FAULTS)
    worker = chance.choice(stage.workers)
    work = fault(stage, worker, chance)
    stage.repeats += next(work)
    stage.act_until(begin)
    if fault in ANY_TIME and chance.random() < 0.5:
        stage.settle()
        stage.act_until(begin + EVERY / 6)  # among looks, answers and what comes next
    next(work, None)
    stage.heal()
    stage.settle()
    stage.go_on_to(begin + EVERY / 2)

    assert stage.ledger() == [], f"seed {seed}, point {point}: {fault.__name__} of {worker.name}"
