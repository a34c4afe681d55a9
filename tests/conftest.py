"""Fixtures that every room's tests share."""

import gc
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest

from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from tests.databases import Cluster, LentFile, sqlite_blank
from tests.fakes import CountingIds, SetClock
from tests.recorded.records import MISSING, folder

# Machines are shared: how long one example takes says nothing about the code.
hypothesis.settings.register_profile("nta", deadline=None)
hypothesis.settings.load_profile("nta")

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def pytest_collection_finish() -> None:
    """Keep what was imported out of every later collection: it stays for the whole run."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that the tests of recorded data are left out."""
    if folder() is None:
        terminalreporter.write_line(MISSING)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with warnings.catch_warnings():
        # The package warns of a missing XDG_RUNTIME_DIR, which it does not need.
        warnings.simplefilter("ignore")
        made = Cluster()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def blank_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_blank(tmp_path_factory.mktemp("blank"))


@pytest.fixture(scope="session")
def file(blank_sqlite: Path) -> Iterator[LentFile]:
    lender = LentFile(blank_sqlite)
    yield lender
    lender.end()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated, empty database, once on SQLite and once on PostgreSQL."""
    lender: LentFile | Cluster = request.getfixturevalue("file" if request.param == "sqlite" else "cluster")
    with lender.lent() as made:
        yield made


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(sealing=(b"s" * 32,), digest=b"d" * 32, portal=(b"p" * 32,))


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NINE)


@pytest.fixture
def store(database: Database, keyring: Keyring) -> Store:
    return Store.open(database, keyring, CountingIds())


def hours(count: float) -> timedelta:
    return timedelta(hours=count)
