"""What is to happen when: events in one fixed order, each with a key that is never used twice."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# What happens first where several things fall on one moment. Facts of the world come before what people do.
ORDER = {
    "suspend": 0,
    "move": 1,
    "vanish": 2,
    "return": 3,
    "down": 4,
    "read": 5,
    "report": 6,
    "hand_in": 7,
    "act": 8,
    "approve": 9,
    "answer": 10,
}

# Nobody has to be told of these: time passes them without stopping.
FACTS = frozenset({"suspend", "move", "vanish", "return", "down"})


@dataclass(frozen=True, slots=True, order=True)
class WorldEvent:
    """One thing that will happen. `key` says which, `data` what is needed for it, as JSON values."""

    at: datetime
    rank: int
    key: str
    kind: str = field(compare=False)
    data: dict[str, Any] = field(compare=False)

    @property
    def is_fact(self) -> bool:
        return self.kind in FACTS


def event(at: datetime, kind: str, name: str, **data: Any) -> WorldEvent:
    """Return an event; its key is its kind and name."""
    return WorldEvent(at=at, rank=ORDER[kind], key=f"{kind} {name}", kind=kind, data=data)


class Agenda:
    """The events to come. One whose key was ever there is not taken in again."""

    def __init__(self) -> None:
        self._heap: list[WorldEvent] = []
        self._known: dict[str, WorldEvent] = {}
        self._open: set[str] = set()

    def add(self, new: WorldEvent) -> bool:
        """Take an event in. Return whether it was new."""
        if new.key in self._known:
            return False
        self._known[new.key] = new
        self._open.add(new.key)
        heapq.heappush(self._heap, new)
        return True

    def known(self, key: str) -> WorldEvent | None:
        return self._known.get(key)

    def first(self) -> WorldEvent | None:
        """Return the next event that has not been done."""
        while self._heap and self._heap[0].key not in self._open:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def done(self, key: str) -> None:
        self._open.discard(key)

    def waiting(self, until: datetime) -> int:
        """Return how many events should have happened by a moment."""
        return sum(1 for one in self._heap if one.key in self._open and one.at <= until)

    def __len__(self) -> int:
        return len(self._open)
