"""Row ids: 41 bits of machine milliseconds since 2025, 10 bits of node, 12 bits of sequence."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

_EPOCH_MS: Final = 1_735_689_600_000  # 2025-01-01T00:00:00Z; 41 bits last until 2094
_NODE_BITS: Final = 10
_SEQUENCE_BITS: Final = 12
_PER_MS: Final = 1 << _SEQUENCE_BITS


def _machine_ms() -> int:
    return time.time_ns() // 1_000_000


class SnowflakeIds:
    """Ids in rising order from one process; `node` (0 to 1023) tells processes apart.

    A clock that steps back is waited out by counting on from the last id;
    more than 4,096 ids in a millisecond borrow from the next ones.
    """

    def __init__(self, node: int, machine_ms: Callable[[], int] = _machine_ms) -> None:
        if not 0 <= node < 1 << _NODE_BITS:
            raise ValueError("a node is 0 to 1023")
        self._node = node << _SEQUENCE_BITS
        self._machine_ms = machine_ms
        self._lock = threading.Lock()
        self._ms = 0
        self._sequence = 0

    def take(self, count: int) -> Sequence[int]:
        """Return `count` new ids in rising order."""
        ids: list[int] = []
        with self._lock:
            now = self._machine_ms() - _EPOCH_MS
            if now > self._ms:
                self._ms, self._sequence = now, 0
            while len(ids) < count:
                if self._sequence == _PER_MS:
                    self._ms, self._sequence = self._ms + 1, 0
                end = min(_PER_MS, self._sequence + count - len(ids))
                base = (self._ms << _NODE_BITS + _SEQUENCE_BITS) | self._node
                ids.extend(range(base + self._sequence, base + end))
                self._sequence = end
        return ids
