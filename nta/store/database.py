"""The database: how it is opened, and how reads and short writes begin on SQLite and PostgreSQL."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool, QueuePool

from nta.domain.errors import OutsideError, RefusedError

WRITE = "nta_write"
LAZY = "nta_lazy"
BARE = "nta_bare"
_SYNCHRONOUS = "nta_synchronous"  # what a connection was last set to; `_prepare` begins with FULL

CONNECT_S = 10
"""How long a server may take to answer the first word; the driver alone waits for minutes."""


class FairLock:
    """A lock that is given in the order in which it was asked for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._held = False


class Database:
    """One database. `read` never blocks a writer; `write` is one short transaction."""

    def __init__(self, url: str | URL, *, pool_size: int = 8) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._engine(pool_size)
        self._turn = FairLock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that reads one state of the database."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the database for as long as it reads; writers go on."""
        options: dict[str, Any] = {}
        if not self.is_sqlite:  # SQLite's readers never see what is written after they began
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect() as plain:
            connection = plain.execution_options(**options)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, *, lazy: bool = False) -> Iterator[Connection]:
        """Yield a connection for one short write; it commits at the end, or not at all on an error.

        `lazy` lets the last commits be lost on a power cut (looks are made
        again); without it a commit is on disk before this returns.
        """
        if not self.is_sqlite:
            with self.engine.connect() as connection, connection.begin():
                if lazy:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection
            return
        with self._turn, self.engine.connect() as plain:
            connection = plain.execution_options(**{WRITE: True, LAZY: lazy})
            with connection.begin():
                yield connection

    def bare(self) -> Engine:
        """Return an engine on which each statement is a transaction of its own.

        For the desk's accounts: their session lives as long as a request,
        and a use case writes in the middle of it.
        """
        if self.is_sqlite:
            return self.engine.execution_options(**{BARE: True})
        return self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _engine(self, pool_size: int) -> Engine:
        if not self.is_sqlite:
            url = self.url.set(drivername="postgresql+psycopg")
            return create_engine(
                url, pool_size=pool_size, max_overflow=8, pool_pre_ping=True, hide_parameters=True
            )
        memory = self.url.database in (None, "", ":memory:")
        engine = create_engine(self.url, poolclass=NullPool if memory else QueuePool, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine


def _prepare(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    for pragma in (
        "busy_timeout=30000",
        "journal_mode=WAL",
        "foreign_keys=ON",
        "synchronous=FULL",
        "cache_size=-16000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin: readers plainly, writers IMMEDIATE from the start.

    A transaction that begins as a reader and then writes fails at once with
    SQLITE_BUSY_SNAPSHOT when anyone wrote in between; waiting does not help.
    """
    options = connection.get_execution_options()
    if options.get(BARE):
        return
    if options.get(WRITE):
        wanted = "NORMAL" if options.get(LAZY) else "FULL"
        if connection.info.get(_SYNCHRONOUS, "FULL") != wanted:
            connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
            connection.info[_SYNCHRONOUS] = wanted
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


def reachable(database: Database) -> None:
    """Make sure that the database answers, in one clear line if not.

    Raises: OutsideError for a server, RefusedError for a file.
    """
    try:
        with database.read() as connection:
            connection.exec_driver_sql(
                "SELECT count(*) FROM sqlite_master" if database.is_sqlite else "SELECT 1"
            )
    except DatabaseError as fault:
        where = database.url.render_as_string(hide_password=True)
        line = str(fault.orig).strip().splitlines()[0] if fault.orig else "no answer"
        if database.is_sqlite:
            raise RefusedError(f"database {where}: {line}") from None
        raise OutsideError(f"database {where}: {line}", temporary=True) from None
