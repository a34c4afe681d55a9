"""A report of removal times: the rows that it is made from, and the figures of each party made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nta.domain.figures.removal_times import (
    LIMITS,
    Figures,
    RemovalClock,
    Within,
    figures,
    may_publish,
    may_rank,
)
from nta.domain.figures.survival import Bools, Ints, Spans

Codes = NDArray[np.uint8]

NEVER: Final = -1
"""Stands in a column of moments for one that is not known, or not at all."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR_US: Final = 3_600_000_000


class Way(IntEnum):
    """How a row's content came to be gone. Stored in frozen reports: added to, never renumbered."""

    GONE = 0  # by the party, or for all that is known; of an open row, nothing yet
    UNKNOWN = 1  # gone as well, but by an unknown hand
    OTHER = 2  # another party ended it: registrar, registry, the proxy for a host
    MOVED = 3  # somebody else serves it now
    RESTRICTED = 4  # kept from some by law
    EXPIRED = 5  # the host deletes everything after a fixed time
    WITHDRAWN = 6  # the notice was taken back
    RELEASED = 7  # the party said that it is not its own, and was let go


_BLOCK: Final = 200_000
WAY_BITS: Final = 15
ONE_VANTAGE: Final = 16
PRESUMED: Final = 32


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was asked for. The period is that of the clock's start, up to but not including `until`."""

    clock: RemovalClock
    by: str
    role: str
    since: datetime | None
    until: datetime | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Rows:
    """One row per addressee (clock A: per episode and party) as columns; moments in microseconds since 1970.

    `group` numbers `parties`. `entry` is when watching began (today always
    with the clock; a later clock may begin before it), `last_up` the
    last evidence that it was there, the analyst's word included; `gone` the
    first look of a proven absence. Each is NEVER where there is none, also
    where it was not known at the report's `as_of`. `code` holds the Way and
    two marks. `before` counts per party the episodes that were gone before
    any notice, so that they have no row.
    """

    parties: Sequence[str]
    names: Sequence[str]
    group: Ints
    start: Ints
    entry: Ints
    last_up: Ints
    gone: Ints
    code: Codes
    before: Ints
    episode: Ints | None = None  # where asked for; never frozen


class Group(NamedTuple):
    """The figures of one party. Shares are of the rows timed, but `gone_before_share` of those and the gone.

    `other`, `moved` and `set_apart` (restricted, expired, withdrawn,
    released) are censored where that happened; with the `open` ones they are all that is
    censored. `unknown_hand` counts the gone of which nobody knows who did
    it. `check_h` is the median of the interval widths.
    """

    party: str
    name: str
    n: int
    open: int
    gone: int
    unknown_hand: int
    other: int
    moved: int
    set_apart: int
    gone_before: int
    gone_before_share: float | None
    unseen: int
    one_vantage_share: float | None
    presumed_share: float | None
    check_h: float | None
    median_h: float | None
    median_low_h: float | None
    median_high_h: float | None
    p75_h: float | None
    p90_h: float | None
    within: tuple[Within, ...]
    is_published: bool
    is_ranked: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Figures by party, in the order of the parties, and the rows they were made from."""

    parameters: Parameters
    groups: tuple[Group, ...]
    rows: Rows


def make(parameters: Parameters, rows: Rows) -> Report:
    """Return the report of these rows. Figures for few rows are there, but marked as not to be published."""
    groups: list[Group] = []
    for first, end in _blocks(rows):
        groups += _figured(_cut(rows, first, end), to_us(parameters.as_of))
    order = sorted(groups, key=lambda group: group.party)
    return Report(parameters, tuple(g for g in order if g.n or g.gone_before or g.unseen), rows)


def _blocks(rows: Rows) -> list[tuple[int, int]]:
    """Return ranges of parties that are worked on one after the other, so that curves take little space."""
    sizes = np.bincount(rows.group, minlength=len(rows.parties))
    found, first, held = [], 0, 0
    for place, size in enumerate(sizes.tolist()):
        if held and held + size > _BLOCK:
            found.append((first, place))
            first, held = place, 0
        held += size
    return [*found, (first, len(sizes))] if len(sizes) else []


def _cut(rows: Rows, first: int, end: int) -> Rows:
    """Return the rows of some of the parties."""
    if (first, end) == (0, len(rows.parties)):
        return rows
    which = np.flatnonzero((rows.group >= first) & (rows.group < end))
    start = rows.start[which]
    return Rows(
        parties=rows.parties[first:end],
        names=rows.names[first:end],
        group=rows.group[which] - first,
        start=start,
        entry=start if rows.entry is rows.start else rows.entry[which],
        last_up=rows.last_up[which],
        gone=rows.gone[which],
        code=rows.code[which],
        before=rows.before[first:end],
    )


def _figured(rows: Rows, as_of: int) -> list[Group]:
    """Return the figures of each party of the rows."""
    many = len(rows.parties)
    timed, before, unseen = sorted_out(rows)
    spans, ways = spans_of(rows, timed, as_of)
    found = figures(spans, many)
    columns = {
        "open": _count(spans, ~spans.gone & (rows.gone[timed] < 0) & (ways < Way.OTHER), many),
        "gone": _count(spans, spans.gone, many),
        "unknown_hand": _count(spans, spans.gone & (ways == Way.UNKNOWN), many),
        "other": _count(spans, ways == Way.OTHER, many),
        "moved": _count(spans, ways == Way.MOVED, many),
        "set_apart": _count(spans, ways > Way.MOVED, many),
        "gone_before": np.bincount(rows.group[before], minlength=many) + rows.before,
        "unseen": np.bincount(rows.group[unseen], minlength=many),
        "one_vantage": _count(spans, spans.gone & (rows.code[timed] & ONE_VANTAGE > 0), many),
        "presumed": _count(spans, rows.code[timed] & PRESUMED > 0, many),
    }
    checks = _median_widths(spans, many)
    return [
        _group(rows, place, found[place], {k: int(v[place]) for k, v in columns.items()}, checks[place])
        for place in range(many)
    ]


def sorted_out(rows: Rows) -> tuple[Bools, Bools, Bools]:
    """Return which rows are timed, which were gone when the clock started, and which were never seen."""
    before = (rows.gone >= 0) & (rows.gone <= np.maximum(rows.start, rows.entry))
    before &= rows.code & WAY_BITS <= Way.OTHER  # what moved was not gone
    unseen = ~before & (rows.last_up < 0)
    return ~(before | unseen), before, unseen


def spans_of(rows: Rows, timed: Bools, as_of: int) -> tuple[Spans, Codes]:
    """Return the timed rows as spans, and how each came to be gone; as `removal_times.spell`, for columns."""
    if timed.all():
        group, start, entry, gone, code = rows.group, rows.start, rows.entry, rows.gone, rows.code
        lower = np.minimum(rows.last_up, as_of)
    else:
        group, start, entry = rows.group[timed], rows.start[timed], rows.entry[timed]
        gone, code = rows.gone[timed], rows.code[timed]
        lower = np.minimum(rows.last_up[timed], as_of)
    lower -= start
    np.maximum(lower, 0, out=lower)
    ways = (code & WAY_BITS).astype(np.uint8)
    removed = (gone >= 0) & (ways < Way.OTHER)
    upper = np.where(gone >= 0, gone, as_of)
    upper -= start
    np.maximum(upper, lower, out=upper)
    entered = np.maximum(entry - start, 0)
    return Spans(group, entered, lower, upper, removed), ways


def _count(spans: Spans, which: Bools, many: int) -> Ints:
    return np.bincount(spans.group[which], minlength=many)


def _median_widths(spans: Spans, many: int) -> list[float | None]:
    """Return per group the median width in hours of the intervals in which content went; the lower of two."""
    group = spans.group[spans.gone]
    width = spans.upper_us[spans.gone] - spans.lower_us[spans.gone]
    order = np.lexsort((width, group))
    ends = np.cumsum(np.bincount(group, minlength=many)).tolist()
    begins = [0, *ends][:many]
    return [
        float(width[order[(begin + end - 1) // 2]]) / _HOUR_US if end > begin else None
        for begin, end in zip(begins, ends, strict=True)
    ]


def _group(rows: Rows, place: int, f: Figures, counts: dict[str, int], check_h: float | None) -> Group:
    n, gone_before = f.n, counts["gone_before"]
    return Group(
        party=rows.parties[place],
        name=rows.names[place],
        n=n,
        open=counts["open"],
        gone=counts["gone"],
        unknown_hand=counts["unknown_hand"],
        other=counts["other"],
        moved=counts["moved"],
        set_apart=counts["set_apart"],
        gone_before=gone_before,
        gone_before_share=_share(gone_before, n + gone_before),
        unseen=counts["unseen"],
        one_vantage_share=_share(counts["one_vantage"], counts["gone"]),
        presumed_share=_share(counts["presumed"], n),
        check_h=check_h,
        median_h=f.median_h,
        median_low_h=f.median_low_h,
        median_high_h=f.median_high_h,
        p75_h=f.p75_h,
        p90_h=f.p90_h,
        within=f.within or tuple(Within(limit, 0.0, 0.0) for limit in LIMITS),
        is_published=may_publish(n),
        is_ranked=may_rank(n),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def to_us(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND
