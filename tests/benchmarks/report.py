"""A report over 1,000,000 addressees, beside a bare cursor over the same columns and numpy on them."""

import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.dialects import sqlite

from nta.domain.figures.removal_report import Parameters
from nta.domain.figures.removal_times import RemovalClock, figures
from nta.domain.figures.survival import Spans
from nta.store.db.types import to_us
from nta.store.reads.removal_rows import by_addressee
from nta.usecases.report import removal_times
from tests.benchmarks.running import Result, beside, child
from tests.benchmarks.stores import blank, open_store

ADDRESSEES = 1_000_000
PARTIES = 3_000
GOAL = 0.67
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
AS_OF = BEGAN + timedelta(days=120)
_CHUNK = 20_000
_PARAMETERS = Parameters(RemovalClock.B, "provider", "host", None, None, AS_OF)


def fill(file: Path) -> None:
    """Write parties of very different sizes, and one told host for each episode; an eighth is still up."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO party (id, name, source, seen_at) VALUES (?, ?, 'catalogue', 0)",
        [(f"hosting:bench{n}", f"Bench {n}") for n in range(PARTIES)],
    )
    connection.executemany(
        "INSERT INTO episode (id, case_id, host_id, number, severity, stage, presence, outcome, actor,"
        " began_at, ended_at, received_at, last_up_at, first_gone_at, proven_gone_at, first_handed_at)"
        " VALUES (?, ?, 1, 1, 'normal', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _episodes(),
    )
    connection.executemany(
        "INSERT INTO addressee (id, episode_id, party, role, why, rung, kind, first_handed_at)"
        " VALUES (?, ?, ?, 'host', 'bench', 'first', 'first', ?)",
        _addressees(),
    )
    connection.execute("COMMIT")
    connection.close()


def _times() -> Iterator[tuple[int, int, int]]:
    """Yield number, moment told and microseconds until gone; most are quick, some take months."""
    rng = random.Random(3)
    start, day = to_us(BEGAN), 86_400_000_000
    for number in range(ADDRESSEES):
        yield number, start + rng.randrange(90 * day), int(rng.lognormvariate(25.2, 2.0))


def _episodes() -> Iterator[tuple[Any, ...]]:
    hour, end = 3_600_000_000, to_us(AS_OF)
    for number, told, span in _times():
        is_gone = told + span < end
        seen_gone = told + (span // hour + 1) * hour if is_gone else None
        last_up = told + span // hour * hour if is_gone else end - hour
        ended = (
            ("ended", "closed", "removed_after_notice", "host") if is_gone else ("notified", "up", None, None)
        )
        proven = seen_gone + hour if seen_gone else None
        yield (number, number, *ended, told - hour, proven, told - 2 * hour, last_up, seen_gone, proven, told)


def _addressees() -> Iterator[tuple[Any, ...]]:
    rng = random.Random(4)
    for number, told, _ in _times():
        yield number, number, f"hosting:bench{int(PARTIES * rng.random() ** 3)}", told


def ours(file: str) -> dict[str, Any]:
    """Make the report as the command does."""
    store = open_store(f"sqlite:///{file}")
    begun = time.perf_counter()
    report = removal_times(store, clock=RemovalClock.B, as_of=AS_OF)
    seconds = time.perf_counter() - begun
    assert sum(group.n for group in report.groups) == ADDRESSEES
    assert len(report.groups) == PARTIES
    return {"seconds": seconds, "median_h": report.groups[0].median_h}


def raw(file: str) -> dict[str, Any]:
    """Read the same columns with a bare cursor and compute the same curves."""
    asked = by_addressee(_PARAMETERS).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA cache_size=-16000")
    begun = time.perf_counter()
    cursor = connection.execute(str(asked))
    codes: defaultdict[str, int] = defaultdict(count().__next__)
    groups, spans = [], []
    while rows := cursor.fetchmany(_CHUNK):
        party, *columns = zip(*rows, strict=True)
        groups.append(np.fromiter(map(codes.__getitem__, party), np.int64, len(party)))
        _, start, last_up, gone = (np.array(column, np.int64) for column in columns)
        lower = np.maximum(np.minimum(last_up, to_us(AS_OF)) - start, 0)
        upper = np.maximum(np.where(gone >= 0, gone, to_us(AS_OF)) - start, lower)
        spans.append((lower, upper, gone >= 0))
    lower, upper, gone = (np.concatenate(column) for column in zip(*spans, strict=True))
    found = figures(Spans(np.concatenate(groups), np.zeros_like(lower), lower, upper, gone), len(codes))
    seconds = time.perf_counter() - begun
    assert sum(one.n for one in found) == ADDRESSEES
    return {"seconds": seconds, "median_h": found[codes["hosting:bench0"]].median_h}


def run(folder: Path) -> list[Result]:
    """Measure in a folder of its own."""
    file = blank(folder)
    fill(file)
    medians = set()

    def one(side: str) -> dict[str, Any]:
        measured = child("report", side, {"file": str(file)})
        medians.add(measured["median_h"])
        return measured

    result = beside("report", "addressees/s", ADDRESSEES, lambda: one("ours"), lambda: one("raw"))
    assert len(medians) == 1, medians
    return [result]
