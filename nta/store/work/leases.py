"""The leases of one batch while it is under way: lengthened in time, and what another took is known."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection

from nta.store.db.database import Database
from nta.store.work import due

_EARLY = due.LEASE / 3


class Leases:
    """What was taken at once, and is to be given back part by part.

    `keep` may be called as often as the outside is spoken to: it asks the
    database when a third of the lease is over, as when a process was
    stopped for long and resumed. Recording asks for itself (`due.still_mine`).
    """

    def __init__(
        self,
        database: Database,
        kind: str,
        holder: str,
        taken: Collection[int],
        machine: Callable[[], datetime] = due.machine_now,
    ) -> None:
        self._database = database
        self._kind = kind
        self.holder = holder
        self._open = set(taken)
        self._machine = machine
        self._asked_at = machine()
        self.lost: set[int] = set()
        """What another may be at work at by now."""

    def are_due(self) -> bool:
        """Tell whether it is time to lengthen them; asks the clock alone."""
        return self._machine() - self._asked_at >= _EARLY

    def keep(self) -> None:
        """Lengthen the leases of what is still to be done, where it is time to."""
        now = self._machine()
        if now - self._asked_at < _EARLY:
            return
        with self._database.write(lazy=True) as connection:
            ours = due.keep(connection, self._kind, sorted(self._open), self.holder, machine=self._machine)
        self._asked_at = now
        self.lost |= self._open - ours
        self._open = ours

    def held(self, connection: Connection) -> bool:
        """Tell whether anything of the batch is still ours, locking it for the rest of the write."""
        return bool(due.still_mine(connection, self._kind, sorted(self._open), self.holder))

    def given_back(self, subjects: Iterable[int]) -> None:
        """Note what is done: its leases are not ours to lengthen."""
        self._open.difference_update(subjects)
