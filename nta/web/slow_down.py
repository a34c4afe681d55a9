"""How long whoever guesses at an account waits; docs/decisions/2026-11-30-… says why so."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LONGEST_S: Final = 60.0
"""The longest wait: what somebody at a new device endures while others hammer at their account."""

FREE_TRIES: Final = 10
_FREE_CLIENT: Final = 20
_FREE_ACCOUNT: Final = 30
_FORGET_S: Final = 3600.0
_DOUBTS: Final = 200
"""Wrong codes after the right password, of unknown devices, in a day: more can only be a stolen password."""

_DAY_S: Final = 86_400.0
_ROOM: Final = 20_000
"""Entries of one kind that are kept; the ones unused for longest go first."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who tries: a device that has been let in to this account before, or a client that has not."""

    name: str
    is_known: bool


@dataclass(slots=True)
class _Tried:
    count: int = 0
    last: float = 0.0
    put_off: float | None = None
    """When a try was first refused since the last one that was looked at."""

    goes_on: bool = False
    """The last try was right: the code that follows a password does not wait once more."""


class _Counted:
    def __init__(self) -> None:
        self._held: OrderedDict[object, _Tried] = OrderedDict()

    def of(self, key: object, now: float, forget_s: float = _FORGET_S) -> _Tried:
        found = self._held.get(key)
        # A machine's clock may be set back: then nobody waits for it to come round again.
        if found is None or not 0 <= now - found.last < forget_s:
            found = self._held[key] = _Tried(last=now)
        self._held.move_to_end(key)
        while len(self._held) > _ROOM:
            self._held.popitem(last=False)
        return found

    def forget(self, key: object) -> None:
        self._held.pop(key, None)


class Slowing:
    """Counts wrong tries at accounts, in this process's memory.

    A try counts as wrong from when it is let through until it is said to be
    right: tries at the same moment are each counted.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._guard = threading.Lock()
        self._pairs, self._clients, self._accounts, self._doubts = (
            _Counted(),
            _Counted(),
            _Counted(),
            _Counted(),
        )

    def wait(self, account: str, who: Who) -> float:
        """Return how many seconds to wait; none: the try is counted and may be looked at."""
        with self._guard:
            now = self._now()
            pair = self._pairs.of((account, who), now)
            pair_s = pair.last + _growing(pair.count, FREE_TRIES) - now
            counted = [pair]
            if not who.is_known:
                client, everybody = self._clients.of(who.name, now), self._accounts.of(account, now)
                pair_s = max(
                    pair_s,
                    client.last + _growing(client.count, _FREE_CLIENT) - now,
                    # By the newcomer's own clock: no try of somebody else begins the wait anew.
                    (now if pair.put_off is None else pair.put_off)
                    + _growing(everybody.count, _FREE_ACCOUNT)
                    - now,
                )
                counted += [client, everybody]
            if pair_s > 0 and not pair.goes_on:
                pair.put_off = now if pair.put_off is None else pair.put_off
                return pair_s
            for tried in counted:
                tried.count, tried.last, tried.put_off, tried.goes_on = tried.count + 1, now, None, False
            return 0.0

    def was_right(self, account: str, who: Who) -> None:
        """Take back that a try counts as wrong."""
        with self._guard:
            now = self._now()
            counted = [self._pairs.of((account, who), now)]
            if not who.is_known:
                counted += [self._clients.of(who.name, now), self._accounts.of(account, now)]
            for tried in counted:
                tried.count = max(0, tried.count - 1)
            counted[0].goes_on = True

    def is_in(self, account: str, who: Who) -> None:
        """Forget what somebody tried who knew both secrets in the end."""
        with self._guard:
            self._pairs.forget((account, who))

    def doubt(self, name: str) -> float:
        """Count a code that is about to be looked at; return how long none is, after too many wrong ones."""
        with self._guard:
            now = self._now()
            doubted = self._doubts.of(name, now, _DAY_S)
            if doubted.count >= _DOUBTS:
                return doubted.last + _DAY_S - now
            doubted.count += 1  # `last` stays: it is when the day began
            return 0.0

    def no_doubt(self, name: str) -> None:
        """Take back the count of a code that was right."""
        with self._guard:
            doubted = self._doubts.of(name, self._now(), _DAY_S)
            doubted.count = max(0, doubted.count - 1)


def _growing(count: int, free: int) -> float:
    return 0.0 if count < free else min(LONGEST_S, 2.0 ** min(count - free, 10))
