"""How to estimate spans of which some are still running: Kaplan-Meier for many groups at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kinds = NDArray[np.uint8]

UNKNOWN: Final = np.iinfo(np.int64).max
"""The upper bound of a span that nothing bounds."""

TOUCHES: Final = 1e-9
"""Where the curve touches a share exactly, rounding must not decide."""

_ZERO: Final = 1e-30  # stands for a factor of 0: it can be multiplied and divided away again
_EVENT, _WATCHED, _ENTERS = np.uint8(0), np.uint8(14), np.uint8(15)
_KIND_BITS: Final = 4


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans from a starting event, one row each, as columns of equal length; times in microseconds.

    A span that ended (`gone`) did so after `lower_us` and not later than
    `upper_us`. One that was only watched (not `gone`) was still running at
    `lower_us`; `upper_us` is the latest it may have been watched, or UNKNOWN.
    `entry_us` is when watching began, counted from the start: 0 for most. A
    row that would have ended before its entry could not have been seen, so
    it counts among those at risk only after it (delayed entry). `group`
    numbers the rows' groups from 0.
    """

    group: Ints
    entry_us: Ints
    lower_us: Ints
    upper_us: Ints
    gone: Bools

    def __post_init__(self) -> None:
        columns = (self.group, self.entry_us, self.lower_us, self.upper_us, self.gone)
        if len({len(column) for column in columns}) > 1:
            raise ValueError("the columns differ in length")
        if len(self.group) and (self.group.min() < 0 or self.entry_us.min() < 0 or self.lower_us.min() < 0):
            raise ValueError("a group, entry or lower bound is negative")
        if bool(np.any(self.gone & (self.upper_us <= np.maximum(self.lower_us, self.entry_us)))):
            raise ValueError("a span ended before it was last seen running or before it was watched")

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int, bool]]) -> Self:
        """Return the spans of rows of (group, entry, lower, upper, gone)."""
        table = np.array([row[:4] for row in rows], dtype=np.int64).reshape(len(rows), 4)
        gone = np.array([row[4] for row in rows], dtype=np.bool_)
        return cls(table[:, 0], table[:, 1], table[:, 2], table[:, 3], gone)

    def earliest(self) -> Ints:
        """Return when each row may first have left: just after it was last seen."""
        seen = np.maximum(self.lower_us, self.entry_us)
        return np.where(self.gone, seen + 1, seen)

    def latest(self) -> Ints:
        """Return when each row had left at the latest; a watched row leaves at its lower bound."""
        return np.where(self.gone, self.upper_us, np.maximum(self.lower_us, self.entry_us))

    def middle(self) -> Ints:
        """Return the middle of each ended row's bounds, the convention for one figure."""
        seen = np.maximum(self.lower_us, self.entry_us)
        return np.where(self.gone, seen + (self.upper_us - seen + 1) // 2, seen)

    def longest_watched(self) -> Ints:
        """Return `earliest`, but the watched rows leave as late as their upper bound allows."""
        seen = np.maximum(self.lower_us, self.entry_us)
        known = np.where(self.upper_us == UNKNOWN, seen, np.maximum(self.upper_us, seen))
        return np.where(self.gone, seen + 1, known)


@dataclass(frozen=True, slots=True)
class Curves:
    """One survival curve per group: the times at which it falls, and to what."""

    begins: Ints  # group g has the falls begins[g] to begins[g + 1] - 1
    times_us: Ints
    survival: Floats

    def quantile_us(self, share: float) -> Ints:
        """Return per group the first time at which at least `share` has left, or -1 where it never is.

        That is the first time with S <= 1 - share + 1e-9.
        """
        first = _first(self.begins, lambda places: self.survival[places] <= 1 - share + TOUCHES)
        reached = first < self.begins[1:]
        times = np.full(len(first), -1, dtype=np.int64)
        times[reached] = self.times_us[first[reached]]
        return times

    def count_until(self, limit_us: int) -> Ints:
        """Return per group how many events lie at or before the limit."""
        past = _first(self.begins, lambda places: self.times_us[places] > limit_us)
        return np.asarray(past - self.begins[:-1], dtype=np.int64)

    def survival_after(self, events: Ints) -> Floats:
        """Return S per group after its first so many events."""
        values = np.ones(len(events))
        fallen = np.flatnonzero(events)
        values[fallen] = self.survival[(self.begins[:-1] + events - 1)[fallen]]
        return values


def kaplan_meier(group: Ints, entry: Ints, exit_: Ints, event: Bools, n_groups: int) -> Curves:
    """Return the Kaplan-Meier curve of each group.

    S(t) is the product over the events at or before t of (n - 1) / n, n
    being the rows with entry < event time <= exit that have not left yet.
    Events at one time are taken one after the other, which gives the same
    product as (n - d) / n. Rows watched until a time are at risk at that
    time. Once n is 1 at an event, S is 0 and stays 0. No exit lies before
    its entry.
    """
    kinds = np.where(event, _EVENT, _WATCHED)
    begins, time, kinds = _in_order(group, entry, exit_, kinds, n_groups)
    falls, starts, at_risk = _at_risk(begins, kinds, _present_at_start(group, entry, n_groups))
    return Curves(starts, time[falls], _product(starts, at_risk))


@dataclass(frozen=True, slots=True)
class Extremes:
    """What the bounds leave open: the curves of the earliest and latest times, and the shares within limits.

    `shares` has for each limit the smallest and the largest share per group.
    """

    early: Curves
    late: Curves
    shares: list[tuple[Floats, Floats]]


def extremes(spans: Spans, limits_us: Sequence[int], n_groups: int) -> Extremes:
    """Return the curves of all events early and all late, and the extreme shares that can have left.

    The shares are those of Kaplan-Meier curves that the bounds allow. Mass
    that watched rows hand on goes to the rows that leave after them
    (redistribution to the right); so simply moving all events early or late
    would not give the extremes. No curve that the bounds allow lies outside.

    In a group with delayed entry no such proof holds, and a row seen once, taken early,
    would leave as it enters and meet hardly anybody at risk: there, rows
    surely count at their upper bound, and the early curve takes all rows as
    watched from the start. The shares are in order all the same.
    """
    late = kaplan_meier(spans.group, spans.entry_us, spans.latest(), spans.gone, n_groups)
    # Group by group: who entered late in one decides nothing of another.
    delayed = np.bincount(spans.group[spans.entry_us > 0], minlength=n_groups) > 0
    early, smallest = _early_and_smallest(spans, delayed, limits_us, n_groups)
    if delayed.any():
        at_upper = [1 - late.survival_after(late.count_until(limit)) for limit in limits_us]
        smallest = [np.where(delayed, *pair) for pair in zip(at_upper, smallest, strict=True)]
    largest = _largest(spans, early, late, limits_us, n_groups)
    # The two meet where nothing straddles the limit; there rounding must not part them.
    return Extremes(
        early, late, [(np.minimum(*pair), np.maximum(*pair)) for pair in zip(smallest, largest, strict=True)]
    )


def _largest(
    spans: Spans, early: Curves, late: Curves, limits_us: Sequence[int], n_groups: int
) -> list[Floats]:
    """Return for each limit the largest share: who was last seen before the limit counts.

    They leave as late as they can, at their upper bound or at the limit
    itself, so that most is handed on to them. Until the limit that is the
    curve `late`.
    """
    watched = np.flatnonzero(~spans.gone)
    watched_group = spans.group[watched]
    watched_until = np.maximum(spans.lower_us[watched], spans.entry_us[watched])
    late_entry = np.flatnonzero(spans.entry_us)
    entry_group, entry = spans.group[late_entry], spans.entry_us[late_entry]
    at_start = _present_at_start(spans.group, spans.entry_us, n_groups)
    found = []
    for limit in limits_us:
        left = late.count_until(limit - 1)
        n = at_start + np.bincount(entry_group[entry < limit], minlength=n_groups) - left
        n -= np.bincount(watched_group[watched_until < limit], minlength=n_groups)
        leaving = early.count_until(limit) - left
        stays = np.divide(n - leaving, n, out=np.ones(n_groups), where=n > 0)
        found.append(1 - late.survival_after(left) * stays)
    return found


def _early_and_smallest(
    spans: Spans, delayed: Bools, limits_us: Sequence[int], n_groups: int
) -> tuple[Curves, list[Floats]]:
    """Return the early curve, and for each limit the smallest share, from one sort.

    Only rows whose upper bound is within the limit count. They leave as
    early, and watched rows are watched as long, as the bounds allow, so that
    least is handed on to them. All others stay at risk. Groups with delayed
    entry have an early curve, of rows watched from the start, and no share
    that counts.
    """
    leaves = spans.longest_watched()
    if delayed.any():
        leaves = np.where(delayed[spans.group], spans.earliest(), leaves)
    limits = sorted(limits_us)
    # An event's kind says how many limits its upper bound has passed.
    kinds = np.zeros(len(spans.group), dtype=np.uint8)
    for limit in limits:
        kinds += spans.upper_us > limit
    kinds[~spans.gone] = _WATCHED
    begins, time, kinds = _in_order(spans.group, np.zeros_like(leaves), leaves, kinds, n_groups)
    at_start = np.diff(begins)
    found = {}
    for place, limit in enumerate(limits):
        chosen = np.flatnonzero((time <= limit) & ((kinds <= place) | (kinds == _WATCHED)))
        some = kinds[chosen]
        some[some <= place] = _EVENT
        _, starts, at_risk = _at_risk(np.searchsorted(chosen, begins), some, at_start)
        filled = np.flatnonzero(np.diff(starts))
        left = np.ones(n_groups)
        if len(filled):
            left[filled] = np.multiply.reduceat(_factors(at_risk), starts[filled])
        found[limit] = 1 - left
    kinds[kinds != _WATCHED] = _EVENT
    falls, starts, at_risk = _at_risk(begins, kinds, at_start)
    return Curves(starts, time[falls], _product(starts, at_risk)), [found[limit] for limit in limits_us]


def _in_order(group: Ints, entry: Ints, exit_: Ints, kinds: Kinds, n_groups: int) -> tuple[Ints, Ints, Kinds]:
    """Return all exits and all late entries by group, time and kind: where groups begin, times, kinds.

    At one time events come before the watched, and both before who enters.
    """
    late = np.flatnonzero(entry)
    if len(late):
        group = np.concatenate((group, group[late]))
        exit_ = np.concatenate((exit_, entry[late]))
        kinds = np.concatenate((kinds, np.full(len(late), _ENTERS)))
    begins = np.concatenate(([0], np.cumsum(np.bincount(group, minlength=n_groups))))
    bits = int(exit_.max(initial=0)).bit_length()
    if bits + _KIND_BITS + n_groups.bit_length() > 63:
        order = np.lexsort((kinds, exit_, group))
        return begins, exit_[order], kinds[order]
    # One sort of one packed number is several times faster than sorting places.
    key = np.left_shift(group, bits, dtype=np.int64)
    key |= exit_
    key <<= _KIND_BITS
    key |= kinds
    key.sort()
    kinds = key.astype(np.uint8)
    kinds &= (1 << _KIND_BITS) - 1
    key >>= _KIND_BITS
    key &= (1 << bits) - 1
    return begins, key, kinds


def _present_at_start(group: Ints, entry: Ints, n_groups: int) -> Ints:
    return np.bincount(group[entry == 0] if entry.any() else group, minlength=n_groups)


def _at_risk(begins: Ints, kinds: Kinds, at_start: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the events' places, where each group's events begin, and how many rows each finds present."""
    falls = np.flatnonzero(kinds == _EVENT)
    starts = np.searchsorted(falls, begins)
    per_group = np.diff(starts)
    entering = kinds == _ENTERS
    if not entering.any():
        return falls, starts, np.repeat(at_start + begins[:-1], per_group) - falls
    # Each row before took one away, but an entry added one.
    entered = np.concatenate(([0], np.cumsum(entering)))
    present = np.repeat(at_start + begins[:-1] - 2 * entered[begins[:-1]], per_group)
    return falls, starts, present - falls + 2 * entered[falls]


def _factors(at_risk: Ints) -> Floats:
    """Return (n - 1) / n, and next to nothing for n = 1."""
    factors = -1.0 / at_risk
    factors += 1.0
    return np.maximum(factors, _ZERO, out=factors)


def _product(starts: Ints, at_risk: Ints) -> Floats:
    """Multiply the falls of each group, one after the other."""
    survival = _factors(at_risk)
    filled = np.flatnonzero(np.diff(starts))
    if not len(filled):
        return survival
    # One running product over all groups: each begins by dividing by the last one's total, so that
    # it stays near 1 at every beginning and its rounding far below TOUCHES.
    first = survival[starts[filled]]
    survival[starts[filled[1:]]] /= np.multiply.reduceat(survival, starts[filled])[:-1]
    np.multiply.accumulate(survival, out=survival)
    begun = np.ones(len(starts) - 1)
    begun[filled] = first / survival[starts[filled]]
    survival *= np.repeat(begun, np.diff(starts))
    return survival


def _first(begins: Ints, holds: Callable[[Ints], Bools]) -> Ints:
    """Return per group the first place at which `holds`, or the group's end.

    Within a group, what holds goes on holding, so that halving finds it.
    """
    low, high = begins[:-1].copy(), begins[1:].copy()
    while len(open_ := np.flatnonzero(low < high)):
        middle = (low[open_] + high[open_]) // 2
        held = holds(middle)
        high[open_[held]] = middle[held]
        low[open_[~held]] = middle[~held] + 1
    return high
