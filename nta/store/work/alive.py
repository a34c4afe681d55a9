"""Which processes that run jobs on PostgreSQL are alive: each holds a lock by its number in a session."""

import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from nta.store.db.database import Database
from nta.store.db.dialects import is_sqlite
from nta.store.work import due

GRACE_S = 2.0
"""How long a lock must be seen free: a restarted server frees all, and whoever lives takes its own again."""
RETRY_S = 0.2
BEAT_S = 1.0
REPLACED_S = 10.0
"""After so long without our lock, on a server that answers, another process goes by our number."""

_KEY = 7788
_LIVING = text(
    "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = :key AND objsubid = 2 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# Ours that broke off: a server that has not noticed would keep the lock for hours.
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid AND backend_start = :begun"
)
# The server too is to notice soon when our machine is gone.
_NOTICE = text(
    "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_count', '3', false), "
    "set_config('tcp_keepalives_interval', '5', false)"
)
_WHO = text("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")


def holder_of(node: int) -> str:
    """Return the name by which a process holds leases."""
    return f"node-{node}"


def living(connection: Connection) -> set[str]:
    """Return the holders whose sessions hold their locks."""
    return {holder_of(node) for node in connection.execute(_LIVING, {"key": _KEY}).scalars()}


def somebody_works(connection: Connection) -> bool:
    """Tell whether any process holds its lock (PostgreSQL; an embedded database has a file for that)."""
    return not is_sqlite(connection) and bool(living(connection))


class Alive:
    """Holds the lock of one number for as long as the process runs; retakes it when its session was lost.

    A thread of its own waits for the session's end, so that the lock is
    retaken within moments, also in the midst of a batch.
    """

    def __init__(
        self,
        database: Database,
        node: int,
        *,
        grace_s: float = GRACE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._node = node
        self._grace_s = grace_s
        self._monotonic = monotonic
        self._guard = threading.RLock()
        self._closed = threading.Event()
        self._session: Connection | None = None
        self._was: dict[str, Any] | None = None
        self._refused_since: float | None = None
        self._free_since: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, name="alive", daemon=True)

    @property
    def is_replaced(self) -> bool:
        """Tell whether another process goes by our number: this one has to end, ids too hang on it."""
        since = self._refused_since
        return since is not None and self._monotonic() - since >= REPLACED_S

    def take(self) -> bool:
        """Take the lock and watch over it from now on. False: it is held by another."""
        for _ in range(20):
            if self.holds():
                self._thread.start()
                return True
            self._closed.wait(RETRY_S / 2)  # our number may just be given up by its last holder
        return False

    def holds(self) -> bool:
        """Ask the server whether the lock is ours, and take it again if its session was lost."""
        with self._guard:
            if self._closed.is_set():
                return False
            if self._session is not None:
                try:
                    self._session.exec_driver_sql("SELECT 1")
                except DBAPIError:
                    self._let_go()
            return self._session is not None or self._retake()

    def free_the_dead(self) -> bool:
        """Free the leases of those whose lock was free for a while; tell whether it is too early for some."""
        ours = holder_of(self._node)
        with self._database.read() as connection:
            others = {holder for holder in due.holders(connection) if holder != ours}
            suspected = others - living(connection) if others else set()
        now = self._monotonic()
        with self._guard:
            self._free_since = {holder: self._free_since.get(holder, now) for holder in sorted(suspected)}
            dead = [h for h, since in self._free_since.items() if now - since >= self._grace_s]
        if dead:
            with self._database.write() as connection:
                for holder in sorted(set(dead) - living(connection)):
                    due.release_of(connection, holder)
        return len(dead) < len(suspected)

    def close(self) -> None:
        """Give the lock back: whoever asks next knows at once that this process is gone."""
        self._closed.set()
        with self._guard:
            self._let_go()
        if self._thread.is_alive():
            self._thread.join(2 * BEAT_S)

    def _retake(self) -> bool:
        try:
            session = self._database.engine.connect()
        except DBAPIError:
            return False
        try:
            session = session.execution_options(isolation_level="AUTOCOMMIT")
            session.detach()  # never into the pool: what ends it must end the lock
            session.execute(_NOTICE)
            if self._was is not None:
                session.execute(_END, self._was)
            taken = session.execute(text("SELECT pg_try_advisory_lock(:key, :n)"), self._lock).scalar()
            if taken:
                self._was = dict(zip(("pid", "begun"), session.execute(_WHO).one(), strict=True))
                self._session, self._refused_since = session, None
                self._free_since.clear()  # whoever was lost with us has not had its time yet
                return True
            if self._refused_since is None:
                self._refused_since = self._monotonic()
        except DBAPIError:
            taken = False
        _end(session)
        return False

    @property
    def _lock(self) -> dict[str, int]:
        return {"key": _KEY, "n": self._node}

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            _end(session)

    def _watch(self) -> None:
        """Wait for the session's end, and look now and then whether the server still answers."""
        while not self._closed.is_set():
            with self._guard:
                handle = -1 if self._session is None else _handle(self._session)
            if handle < 0:
                self._closed.wait(RETRY_S)
            else:
                poll = select.poll()
                poll.register(handle, select.POLLIN)
                poll.poll(BEAT_S * 1000)
            self.holds()


def _handle(session: Connection) -> int:
    raw = session.connection.dbapi_connection
    assert raw is not None
    return -1 if raw.closed else raw.fileno()


def _end(session: Connection) -> None:
    with suppress(DBAPIError):
        session.close()
