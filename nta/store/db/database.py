"""The database: how it is opened, and how reads and short writes begin on SQLite and PostgreSQL."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from nta.domain.errors import OutsideError, RefusedError
from nta.store.db.bulk import execute_plain

WRITE = "nta_write"
LAZY = "nta_lazy"
BARE = "nta_bare"
_SYNCHRONOUS = "nta_synchronous"  # what a connection was last set to; `_prepare` begins with FULL

StoreFault = OperationalError
"""What any statement raises while the database is full, locked or away: nothing in the data can help it."""

_BUSY_S = 30
_GOING_DOWN = ("57P01", "57P02", "57P03")

_PATIENCE = {
    "connect_timeout": 10,  # seconds until the first word
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
"""When a server counts as gone (PostgreSQL manual, 34.1.2); the driver alone waits for hours."""


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
        """Yield a connection that reads one state of the database.

        Raises: OutsideError when the server cannot be reached, here and in `write`.
        """
        with self._reached(), self.engine.connect() as connection, connection.begin():
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
            with self._reached(), self.engine.connect() as connection, connection.begin():
                if lazy:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection
            return
        with self._turn, self.engine.connect() as plain:
            connection = plain.execution_options(**{WRITE: True, LAZY: lazy})
            with connection.begin():
                yield connection

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn the loss of the server, or of the line to it, into what the world does to us."""
        try:
            yield
        except DatabaseError as fault:
            if self.is_sqlite or not _is_loss(fault):
                raise
            raise OutsideError(f"the database cannot be reached: {line_of(fault)}", temporary=True) from None

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
                url,
                pool_size=pool_size,
                max_overflow=8,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={key: value for key, value in _PATIENCE.items() if key not in url.query},
            )
        memory = self.url.database in (None, "", ":memory:")
        engine = create_engine(self.url, poolclass=NullPool if memory else QueuePool, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine


def _is_loss(fault: DatabaseError) -> bool:
    """Tell whether a fault is the connection's and not a statement's (PostgreSQL manual, appendix A)."""
    state = getattr(fault.orig, "sqlstate", None) or ""
    lost = fault.connection_invalidated or state.startswith("08") or state in _GOING_DOWN
    return lost or (not state and isinstance(fault, OperationalError))


def line_of(fault: DatabaseError) -> str:
    """Return what the database said, in one line, with no value of a statement in it."""
    return next(iter(str(fault.orig or "").strip().splitlines()), "no answer")


def _prepare(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    raw.execute(f"PRAGMA busy_timeout={_BUSY_S * 1000}")
    _write_ahead(raw)
    for pragma in (
        "foreign_keys=ON",
        "synchronous=FULL",
        "cache_size=-16000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _write_ahead(raw: Any) -> None:
    """Turn to the write-ahead log; of several processes on a new file one does, while the others try again.

    Turning to it takes the whole file, and SQLite says at once that another
    has it: the busy time-out does not count there.
    """
    until, patience = time.monotonic() + _BUSY_S, threading.Event()
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            patience.wait(0.01)
        else:
            return


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
            execute_plain(connection, f"PRAGMA synchronous={wanted}", ())
            connection.info[_SYNCHRONOUS] = wanted
        execute_plain(connection, "BEGIN IMMEDIATE", ())
    else:
        execute_plain(connection, "BEGIN", ())


def reachable(database: Database) -> None:
    """Make sure that the database answers, in one clear line if not.

    Raises: OutsideError for a server, RefusedError for a file.
    """
    try:
        with database.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT count(*) FROM sqlite_master" if database.is_sqlite else "SELECT 1"
            )
    except DatabaseError as fault:
        where = database.url.render_as_string(hide_password=True)
        line = line_of(fault)
        if database.is_sqlite:
            raise RefusedError(f"database {where}: {line}") from None
        raise OutsideError(f"database {where}: {line}", temporary=True) from None
