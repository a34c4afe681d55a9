"""The lab's time, which only moves forward: by leaps, or walking at so many seconds per machine second."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class Clock:
    """Service time. It stands still between leaps; with a rate, `walked` says how far it may have come."""

    def __init__(
        self, now: datetime, rate: int | None, machine: Callable[[], float] = time.monotonic
    ) -> None:
        self.now = now
        self._rate = rate
        self._machine = machine
        self._since = machine()

    @property
    def walks(self) -> bool:
        return self._rate is not None

    def move(self, to: datetime) -> None:
        """Set the time; never back."""
        if to > self.now:
            self.now = to
            self._since = self._machine()

    def restart(self) -> None:
        """Count walking from here and now, so that a time spent waiting is not caught up with."""
        self._since = self._machine()

    def walked(self) -> datetime:
        """Return where walking has brought the time since the last move."""
        if self._rate is None:
            return self.now
        return self.now + timedelta(seconds=(self._machine() - self._since) * self._rate)

    def seconds_until(self, moment: datetime) -> float:
        """Return how many machine seconds walking there takes from here; none where time leaps."""
        if self._rate is None:
            return 0.0
        return max(0.0, (moment - self.walked()).total_seconds() / self._rate)
