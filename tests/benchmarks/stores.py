"""Databases for benchmarks: migrated once, copied for each run."""

import shutil
from pathlib import Path

from nta.adapters.ids import SnowflakeIds
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from tests.databases import sqlite_blank

KEYS = Keyring(sealing=(b"s" * 32,), digest=b"d" * 32, portal=(b"p" * 32,))


def open_store(url: str) -> Store:
    """Return a store as a process opens it, with the real ids and sealing."""
    return Store.open(Database(url), KEYS, SnowflakeIds(1))


def blank(folder: Path) -> Path:
    """Return an empty database file at the newest version."""
    made = folder / "blank"
    made.mkdir()
    return sqlite_blank(made)


def copied(file: Path, to: Path) -> str:
    """Copy a database file; return the copy's URL."""
    for ending in ("", "-wal", "-shm"):
        to.with_name(to.name + ending).unlink(missing_ok=True)
    shutil.copy(file, to)
    return f"sqlite:///{to}"
