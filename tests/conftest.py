"""Fixtures that every room's tests share."""

import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest

from nta.store.base import Store
from nta.store.database import Database
from nta.store.sealing import Keyring
from tests.databases import Cluster, sqlite_blank
from tests.fakes import CountingIds, SetClock

# Machines are shared: how long one example takes says nothing about the code.
hypothesis.settings.register_profile("nta", deadline=None)
hypothesis.settings.load_profile("nta")

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "nta.sqlite"
        shutil.copy(request.getfixturevalue("blank_sqlite"), path)
        made = Database(f"sqlite:///{path}")
        yield made
        made.dispose()
        return
    with request.getfixturevalue("cluster").lent() as uri:
        made = Database(uri)
        yield made
        made.dispose()


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
