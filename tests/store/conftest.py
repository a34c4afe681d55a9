"""A database on SQLite alone, for rules that do not hang on the database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from tests.databases import Cluster
from tests.fakes import CountingIds


@pytest.fixture
def lite(blank_sqlite: Path, tmp_path: Path, keyring: Keyring) -> Iterator[Store]:
    path = tmp_path / "lite.sqlite"
    shutil.copy(blank_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield Store.open(database, keyring, CountingIds())
    database.dispose()


@pytest.fixture
def postgres(cluster: Cluster) -> Iterator[Database]:
    with cluster.fresh() as uri:
        made = Database(uri)
        yield made
        made.dispose()
