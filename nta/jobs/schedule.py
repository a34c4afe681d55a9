"""The steps that run by themselves: in which order, and how often the metronome asks for each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobStep:
    """One step: `run(now)` does one batch and returns how much it did; 0 means nothing is due."""

    name: str
    every_s: float  # machine seconds between two askings
    run: Callable[[datetime], int]


EVERY_S = {
    "inbox": 10.0,
    "answers": 1.0,
    "resolve": 2.0,
    "recheck": 2.0,
    "escalate": 5.0,
    "notify": 5.0,
    "dispatch": 2.0,
    "seal": 60.0,
}
"""In this order within a turn: what came in first, then facts, looks, who is next, and what goes out."""


def schedule(runs: dict[str, Callable[[datetime], int]]) -> tuple[JobStep, ...]:
    """Return the steps in the order of a turn; each name of the schedule must be given."""
    return tuple(JobStep(name, every, runs[name]) for name, every in EVERY_S.items())
