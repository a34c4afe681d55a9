"""How long removals took: clocks, spells with both bounds, and the figures a report may show of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from nta.domain.figures.survival import (
    UNKNOWN,
    Floats,
    Ints,
    Spans,
    extremes,
    kaplan_meier,
)

LIMITS: Final = (timedelta(hours=24), timedelta(hours=48), timedelta(days=7), timedelta(days=28))
SMALLEST_PUBLISHED: Final = 20
SMALLEST_RANKED: Final = 50
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR_US: Final = 3_600_000_000


class RemovalClock(StrEnum):
    """Which two events a removal time lies between (design, section 5)."""

    A = "A"  # the case: received by the hotline until gone; the victim's view
    B = "B"  # the addressee: first notice handed over until gone; as it is usually published
    C = "C"  # the addressee: notice accepted, or first sign of having it, until gone; fair when mail bounced

    @property
    def gloss(self) -> str:
        """Return what the clock runs between, in plain words, untranslated."""
        return _GLOSSES[self]


_GLOSSES: Final = {
    RemovalClock.A: "from received by the hotline to gone",
    RemovalClock.B: "from the first notice handed over to gone",
    RemovalClock.C: "from the notice accepted to gone",
}


class End(StrEnum):
    """How a spell ended, as far as is known."""

    GONE = "gone"  # seen gone, by this addressee's doing or nobody else's
    OPEN = "open"  # still there when last seen
    OTHER = "other"  # another party ended it: how long this one would have taken is not known


@dataclass(frozen=True, slots=True)
class RemovalSpell:
    """One addressee's or case's span on one clock.

    Gone after `lower` and not later than `upper`; when not gone, still
    there at `lower`, and watched until `upper` at the latest. `entry` is
    when watching began, zero when it began with the clock.
    """

    entry: timedelta
    lower: timedelta
    upper: timedelta
    end: End


def spell(
    *,
    start: datetime | None,
    last_up: datetime | None,
    first_gone: datetime | None,
    as_of: datetime,
    ended_by_other: bool = False,
    first_up: datetime | None = None,
) -> RemovalSpell | None:
    """Return the span from the clock's start, as it was known at `as_of`.

    `last_up` is the last evidence that it was there, an analyst's word
    included; `first_gone` the first look that found it gone. What is later
    than `as_of` was not known then. Where another party ended it, the span
    is censored. `first_up` is when watching began, for clocks that start
    before it (delayed entry).

    None when there is nothing to time: the clock never started, it was gone
    when it started (an outcome of its own, not a removal in 0 h), or it was
    never seen to be there after all. The caller counts these. A return
    after being gone is the caller's to judge before this is asked.
    """
    if start is None or start > as_of or last_up is None:
        return None
    if first_gone is not None and first_gone <= start:
        return None
    if first_gone is not None and first_gone > as_of:
        first_gone = None
    zero = timedelta()
    last_up = min(last_up, as_of)
    lower = max(zero, last_up - start)
    entry = max(zero, min(first_up, last_up) - start) if first_up is not None else zero
    if first_gone is None:
        return RemovalSpell(entry, lower, max(lower, as_of - start), End.OPEN)
    return RemovalSpell(entry, lower, first_gone - start, End.OTHER if ended_by_other else End.GONE)


def columns(rows: Sequence[tuple[int, RemovalSpell]]) -> Spans:
    """Return the spans of (group, spell) rows. For millions of rows build the columns directly."""
    return Spans.of(
        [
            (
                group,
                each.entry // _MICROSECOND,
                each.lower // _MICROSECOND,
                each.upper // _MICROSECOND,
                each.end is End.GONE,
            )
            for group, each in rows
        ]
    )


@dataclass(frozen=True, slots=True)
class Within:
    """The share gone within a limit: at least `surely`, at most `possibly`."""

    limit: timedelta
    surely: float
    possibly: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one group; hours, None where the curve does not fall so far.

    `censored` counts the rows that are still open or were ended by another
    party. `median_h`, `p75_h` and `p90_h` follow the convention that a
    removal lies in the middle between the looks around it; the median of
    all removals taken early and all taken late stand beside it.
    """

    n: int
    censored: int
    median_h: float | None
    median_low_h: float | None
    median_high_h: float | None
    p75_h: float | None
    p90_h: float | None
    within: tuple[Within, ...]


def figures(spans: Spans, n_groups: int, limits: Sequence[timedelta] = LIMITS) -> list[Figures]:
    """Return the figures of each group, in the groups' order; all by Kaplan-Meier, so that open cases count.

    A quantile is the first time with S <= 1 - q + 1e-9. Never above one
    another: surely and possibly, median_low_h, median_h and median_high_h.
    """
    n = np.bincount(spans.group, minlength=n_groups)
    gone = np.bincount(spans.group[spans.gone], minlength=n_groups)

    found = extremes(spans, [limit // _MICROSECOND for limit in limits], n_groups)
    ends, shares = (found.early.quantile_us(0.5), found.late.quantile_us(0.5)), found.shares
    del found
    middle = kaplan_meier(spans.group, spans.entry_us, spans.middle(), spans.gone, n_groups)
    medians, *tails = (middle.quantile_us(share) for share in (0.5, 0.75, 0.9))
    low, high = _around(ends[0], medians, ends[1])
    p75, p90 = map(_hours, tails)
    return list(
        map(
            Figures,
            n.tolist(),
            (n - gone).tolist(),
            _hours(medians),
            low,
            high,
            p75,
            p90,
            _within(limits, shares),
        )
    )


def may_publish(n: int) -> bool:
    """Return whether figures over n addressees may be shown: below 20 they say nothing."""
    return n >= SMALLEST_PUBLISHED


def may_rank(n: int) -> bool:
    """Return whether n addressees are enough to be compared with others: 50."""
    return n >= SMALLEST_RANKED


def _hours(times_us: Ints) -> list[float | None]:
    return [time / _HOUR_US if time >= 0 else None for time in times_us.tolist()]


def _around(early: Ints, middle: Ints, late: Ints) -> tuple[list[float | None], list[float | None]]:
    """Return the lowest and the highest of the three medians of each group; one not reached is the highest.

    Mostly these are the early and the late one. With censored rows between
    them, the curve of early times can reach a share later than another.
    """
    table = np.stack([np.where(times < 0, UNKNOWN, times) for times in (early, middle, late)])
    low, high = table.min(axis=0), table.max(axis=0)
    return _hours(np.where(low == UNKNOWN, -1, low)), _hours(np.where(high == UNKNOWN, -1, high))


def _within(limits: Sequence[timedelta], found: Sequence[tuple[Floats, Floats]]) -> list[tuple[Within, ...]]:
    columns_ = [
        [Within(limit, *pair) for pair in zip(surely.tolist(), possibly.tolist(), strict=True)]
        for limit, (surely, possibly) in zip(limits, found, strict=True)
    ]
    return list(zip(*columns_, strict=True))
