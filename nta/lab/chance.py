"""Chance that can be repeated: every draw hangs on the world's seed and on words, never on call order."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def fraction(seed: int, *words: str) -> float:
    """Return a number from 0 up to, not including, 1."""
    drawn = sha256("\0".join((str(seed), *words)).encode()).digest()
    return int.from_bytes(drawn[:7], "big") / (1 << 56)


def pick(choices: Sequence[T], seed: int, *words: str) -> T:
    """Return one of the choices."""
    return choices[int(fraction(seed, *words) * len(choices))]


def minutes(low: timedelta, high: timedelta, seed: int, *words: str) -> timedelta:
    """Return a span of whole minutes, both ends included."""
    least = int(low.total_seconds() // 60)
    most = int(high.total_seconds() // 60)
    return timedelta(minutes=least + int(fraction(seed, *words) * (most - least + 1)))
