"""Handing in 100,000 URLs, beside executemany of exactly the rows that this writes."""

import random
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nta.usecases.submit import CHUNK, Examined, Terms, hand_in, read_lines
from tests.benchmarks.running import Result, beside, child
from tests.benchmarks.stores import blank, copied, open_store

LINES = 100_000
SITES = 20_000
GOAL = 0.45
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)

# In the order in which foreign keys want them.
_TABLES = ("hand_in", "domain", "host", "case", "episode", "event", "submission", "due", "hand_in_line")
_NAMES = ("site", "forum", "bücher", "фото", "img", "café")


def lines() -> bytes:
    """Return the file: a tenth twice, two schemes, default ports, dot segments, names in other scripts."""
    rng = random.Random(7)
    urls = []
    for number in range(LINES * 9 // 10):
        site = number % SITES
        scheme = rng.choice(("http", "https"))
        port = {"http": ":80", "https": ":443"}[scheme] if rng.random() < 0.1 else ""
        host = f"{_NAMES[site % len(_NAMES)]}{site}.{('test', 'example', 'co.uk', 'nl')[site % 4]}"
        path = (
            f"a/../b/./{number}"
            if rng.random() < 0.1
            else f"gallery/{number:x}/{rng.getrandbits(32):08x}.html"
        )
        urls.append(f"{scheme}://{host}{port}/{path}")
    urls += rng.sample(urls, LINES - len(urls))
    rng.shuffle(urls)
    return "\n".join(urls).encode()


def ours(file: str, data: str) -> dict[str, Any]:
    """Hand the file in, each line with its own result."""
    store = open_store(f"sqlite:///{file}")
    text = Path(data).read_bytes()
    told: list[tuple[int, str | None]] = []

    def each(examined: Examined) -> None:
        told.append((examined.line, examined.reason))

    begun = time.perf_counter()
    terms = Terms(source="bench")
    found = hand_in(store, read_lines(text), terms, who="bench", key="1", way="file", now=NINE, each=each)
    seconds = time.perf_counter() - begun
    assert (found.accepted, found.refused, len(told)) == (LINES, 0, LINES)
    with store.db.read() as connection:
        count = connection.exec_driver_sql('SELECT count(*) FROM "case"').scalar_one()
        assert count == LINES * 9 // 10, count
    store.db.dispose()
    return {"seconds": seconds}


def raw(file: str, written: str) -> dict[str, Any]:
    """Insert the rows of a finished database into an empty one, in as many transactions, each on disk."""
    source = sqlite3.connect(written)
    parts = -(-LINES // CHUNK)
    work: list[list[tuple[str, list[Any]]]] = [[] for _ in range(parts)]
    for table in _TABLES:
        rows = _rows(source, table)
        marks = ",".join("?" * len(rows[0]))
        for part in range(parts):
            share = rows[part * len(rows) // parts : (part + 1) * len(rows) // parts]
            if share:
                work[part].append((f'INSERT INTO "{table}" VALUES ({marks})', share))
    source.close()
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "foreign_keys=OFF", "synchronous=FULL", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")
    begun = time.perf_counter()
    for part in work:
        connection.execute("BEGIN IMMEDIATE")
        for statement, share in part:
            connection.executemany(statement, share)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    assert connection.execute("SELECT count(*) FROM submission").fetchone() == (LINES,)
    return {"seconds": seconds}


def _rows(source: sqlite3.Connection, table: str) -> list[Any]:
    """Return a table's rows in the order in which they were written."""
    order = {"hand_in_line": "line", "due": "subject"}.get(table, "id")
    return source.execute(f'SELECT * FROM "{table}" ORDER BY {order}').fetchall()


def run(folder: Path) -> list[Result]:
    """Measure in a folder of its own."""
    empty = blank(folder)
    data = folder / "urls.txt"
    data.write_bytes(lines())
    ours_file, raw_file = folder / "ours.sqlite", folder / "raw.sqlite"

    def run_ours() -> dict[str, Any]:
        copied(empty, ours_file)
        return child("hand_in", "ours", {"file": str(ours_file), "data": str(data)})

    def run_raw() -> dict[str, Any]:
        copied(empty, raw_file)
        return child("hand_in", "raw", {"file": str(raw_file), "written": str(ours_file)})

    return [beside("hand-in", "URLs/s", LINES, run_ours, run_raw)]
