"""Stand-ins for the ports, deterministic, for tests of use cases and doors."""

from collections.abc import Sequence
from datetime import datetime, timedelta


class SetClock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def on(self, **span: float) -> datetime:
        """Move on by a timedelta's arguments and return the new time."""
        self.at += timedelta(**span)
        return self.at


class CountingIds:
    """Ids 1000, 1001, …"""

    def __init__(self, start: int = 1000) -> None:
        self._next = start

    def take(self, count: int) -> Sequence[int]:
        taken = range(self._next, self._next + count)
        self._next += count
        return taken
