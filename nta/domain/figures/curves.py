"""What a report shows beside its figures: curves with their bounds, how spans ended, ranks, the whole."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from nta.domain.figures.removal_report import (
    Group,
    Report,
    Way,
    make,
    sorted_out,
    spans_of,
    to_us,
)
from nta.domain.figures.removal_times import LIMITS
from nta.domain.figures.survival import (
    Floats,
    Spans,
    extremes,
    kaplan_meier,
)

HORIZONS_H: Final = (48, 168, 672, 2160, 8760)
"""How far curves are drawn: the first of these that nearly all removals lie within."""

READ_AT_H: Final = {
    48: (6, 12, 24, 36, 48),
    168: (24, 48, 72, 120, 168),
    672: (24, 48, 168, 336, 672),
    2160: (24, 168, 672, 1440, 2160),
    8760: (168, 672, 2160, 4320, 8760),
}
"""By horizon: the hours at which a table beside the curve reads it."""

TOGETHER: Final = "*"
"""Stands for the party of a report of all parties as one."""

_NEARLY_ALL: Final = 0.95
_HOUR_US: Final = 3_600_000_000
_AT_ONCE: Final = 13
"""How many limits one pass of `extremes` can tell apart."""

_MANY: Final = 100_000


class Mark(NamedTuple):
    """At a time since the start: the least and the most that can still be there, and how many are at risk."""

    hours: float
    at_least: float
    at_most: float
    at_risk: int


@dataclass(frozen=True, slots=True)
class Curve:
    """How much of a party's content is still there as time goes on.

    `falls_h` and `still` are the curve by the convention of the middle;
    `marks` what the looks leave open around it, at times close to one
    another, the limits of the shares among them. All end at the mark
    `until_h`: what comes later nobody has seen, or nobody draws.
    """

    party: str
    name: str
    n: int
    until_h: float
    falls_h: Floats
    still: Floats
    marks: tuple[Mark, ...]


class Endings(NamedTuple):
    """How the timed rows of a party ended; the sum is its n."""

    removed: int
    unknown_hand: int
    other: int
    moved: int
    restricted: int
    expired: int
    withdrawn: int
    released: int
    open: int


class Rank(NamedTuple):
    """The best and the worst place that a party's median leaves it; 1 is the quickest."""

    best: int
    worst: int


def together(report: Report) -> Report:
    """Return the report of all parties as one group. A row counts once for each party it stands for."""
    rows = report.rows
    whole = replace(
        rows,
        parties=[TOGETHER],
        names=[TOGETHER],
        group=np.zeros_like(rows.group),
        before=np.array([rows.before.sum()], np.int64),
    )
    return make(report.parameters, whole)


def only(report: Report, party: str) -> Report:
    """Return the report of one of its parties; without any group when there is none of this name."""
    rows = report.rows
    place = list(rows.parties).index(party) if party in rows.parties else -1
    which = np.flatnonzero(rows.group == place)
    start = rows.start[which]
    cut = replace(
        rows,
        parties=rows.parties[place : place + 1] if place >= 0 else [],
        names=rows.names[place : place + 1] if place >= 0 else [],
        group=np.zeros(len(which), np.int64),
        start=start,
        entry=start if rows.entry is rows.start else rows.entry[which],
        last_up=rows.last_up[which],
        gone=rows.gone[which],
        code=rows.code[which],
        before=rows.before[place : place + 1] if place >= 0 else rows.before[:0],
        episode=None if rows.episode is None else rows.episode[which],
    )
    return make(report.parameters, cut)


def endings(report: Report) -> dict[str, Endings]:
    """Return per party how its timed rows ended."""
    rows, many = report.rows, len(report.rows.parties)
    timed, _, _ = sorted_out(rows)
    spans, ways = spans_of(rows, timed, to_us(report.parameters.as_of))
    is_open = ~spans.gone & (ways < Way.OTHER)
    # One count of all pairs of party and way; what is open has a way of its own, past the last.
    way = np.where(is_open, len(Way), ways.astype(np.int64))
    counts = np.bincount(spans.group * (len(Way) + 1) + way, minlength=many * (len(Way) + 1))
    table = counts.reshape(many, len(Way) + 1).tolist()
    return {party: Endings(*line) for party, line in zip(rows.parties, table, strict=True)}


def ranks(groups: Sequence[Group]) -> dict[str, Rank]:
    """Return the ranks of the parties that may be ranked, by their medians.

    Where the bounds of two medians overlap, nobody knows which is the
    quicker, so that their ranks overlap too. A median that the curve never
    reaches is later than every one that it does.
    """
    compared = [g for g in groups if g.is_ranked]
    lows = {g.party: _or_never(g.median_low_h) for g in compared}
    highs = {g.party: _or_never(g.median_high_h) for g in compared}
    return {
        g.party: Rank(
            1 + sum(high < lows[g.party] for high in highs.values()),
            sum(low <= highs[g.party] for low in lows.values()),
        )
        for g in compared
    }


def horizon_h(report: Report) -> int:
    """Return how many hours the curves of a report should be drawn for."""
    spans = _spans(report)
    ended = np.sort(spans.latest()[spans.gone])
    if not len(ended):
        return HORIZONS_H[1]
    late = ended[int((len(ended) - 1) * _NEARLY_ALL)]
    return next((h for h in HORIZONS_H if late <= h * _HOUR_US), HORIZONS_H[-1])


def curves(report: Report, horizon: int, parties: Collection[str]) -> dict[str, Curve]:
    """Return the curves of those of the parties that may be published, as far as `horizon` hours.

    The bounds at a mark are the extremes that also the shares within a
    limit are: at the same hours, the same numbers.
    """
    spans = _spans(report)
    shown = {g.party for g in report.groups if g.is_published}.intersection(parties)
    places = [place for place, party in enumerate(report.rows.parties) if party in shown]
    if not places:
        return {}
    spans = _cut(spans, places, len(report.rows.parties))
    limits = [int(h * _HOUR_US) for h in _marks_h(horizon, len(spans.group))]
    shares: list[tuple[Floats, Floats]] = []
    for first in range(0, len(limits), _AT_ONCE):
        shares += extremes(spans, limits[first : first + _AT_ONCE], len(places)).shares
    exits = spans.middle()
    middle = kaplan_meier(spans.group, spans.entry_us, exits, spans.gone, len(places))
    latest = spans.latest()
    found = {}
    for number, place in enumerate(places):
        mine = spans.group == number
        seen = int(latest[mine].max())
        until = next((limit for limit in limits if limit >= seen), limits[-1])
        falls = slice(int(middle.begins[number]), int(middle.begins[number + 1]))
        drawn = middle.times_us[falls] <= until
        left = np.sort(exits[mine])
        found[report.rows.parties[place]] = Curve(
            party=report.rows.parties[place],
            name=report.rows.names[place],
            n=len(left),
            until_h=until / _HOUR_US,
            falls_h=middle.times_us[falls][drawn] / _HOUR_US,
            still=middle.survival[falls][drawn],
            marks=tuple(
                Mark(
                    limit / _HOUR_US,
                    1 - float(possibly[number]),
                    1 - float(surely[number]),
                    len(left) - int(np.searchsorted(left, limit, side="left")),
                )
                for limit, (surely, possibly) in zip(limits, shares, strict=True)
                if limit <= until
            ),
        )
    return found


def _spans(report: Report) -> Spans:
    timed, _, _ = sorted_out(report.rows)
    return spans_of(report.rows, timed, to_us(report.parameters.as_of))[0]


def _cut(spans: Spans, places: Sequence[int], many: int) -> Spans:
    """Return the spans of some groups, numbered anew."""
    numbers = np.full(many, -1, np.int64)
    numbers[list(places)] = np.arange(len(places))
    group = numbers[spans.group]
    kept = group >= 0
    return Spans(
        group[kept], spans.entry_us[kept], spans.lower_us[kept], spans.upper_us[kept], spans.gone[kept]
    )


def _marks_h(horizon: int, rows: int) -> list[float]:
    """Return the hours of the marks: evenly, and the limits of the shares; fewer where each costs much."""
    steps = 36 if rows > _MANY else 96
    even = {horizon * step / steps for step in range(1, steps + 1)}
    read = {float(hours) for hours in READ_AT_H[horizon]}
    limits = {limit.total_seconds() / 3600 for limit in LIMITS}
    return sorted(even | read | {limit for limit in limits if limit <= horizon})


def _or_never(hours: float | None) -> float:
    return float("inf") if hours is None else hours
