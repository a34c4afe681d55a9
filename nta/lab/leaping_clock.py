"""The lab's time, which only moves forward: by leaps, or walking at so many seconds per machine second."""

import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class WorldClock:
    """Service time. It stands still between leaps; with a rate, `walked` says how far it may have come.

    A rate of nought is a pause. Who walks or pauses may be sent to a moment
    at once, and goes on from there as before.

    `face` is a file that always shows the time: eight bytes, little-endian,
    microseconds since 1970 in UTC. Reading it costs a hundredth of asking.
    """

    def __init__(
        self,
        now: datetime,
        rate: int | None,
        machine: Callable[[], float] = time.monotonic,
        face: Path | None = None,
    ) -> None:
        self.now = now
        self._face = os.open(face, os.O_WRONLY | os.O_CREAT, 0o600) if face else None
        self._rate = rate
        self._goal: datetime | None = None
        self._machine = machine
        self._since = machine()
        self._show()

    @property
    def walks(self) -> bool:
        return self._rate is not None

    @property
    def rate(self) -> int | None:
        return self._rate

    def go_at(self, rate: int | None) -> None:
        """Walk at a rate from now on, leap with none, stand still with nought."""
        self._rate = rate
        self._goal = None
        self.restart()

    def go_to(self, moment: datetime) -> None:
        """Let time reach a moment without walking the way."""
        self._goal = moment

    def move(self, to: datetime) -> None:
        """Set the time; never back."""
        if to > self.now:
            self.now = to
            self._since = self._machine()
            self._show()

    def restart(self) -> None:
        """Count walking from here and now, so that a time spent waiting is not caught up with."""
        self._since = self._machine()

    def walked(self) -> datetime:
        """Return where walking has brought the time since the last move."""
        if self._rate is None:
            return self.now
        if self._goal is not None and self._goal > self.now:
            return self._goal
        return self.now + timedelta(seconds=(self._machine() - self._since) * self._rate)

    def seconds_until(self, moment: datetime) -> float:
        """Return how many machine seconds walking there takes from here; none where time leaps."""
        if self._rate is None:
            return 0.0
        way = (moment - self.walked()).total_seconds()
        if way <= 0 or (self._goal is not None and self._goal > self.now):
            return 0.0
        return way / self._rate if self._rate else math.inf

    def close(self) -> None:
        """Let the face go; it goes on showing the last time."""
        if self._face is not None:
            os.close(self._face)
            self._face = None

    def _show(self) -> None:
        if self._face is not None:
            os.pwrite(self._face, ((self.now - EPOCH) // MICROSECOND).to_bytes(8, "little"), 0)
