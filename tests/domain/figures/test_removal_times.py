from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.figures.removal_times import (
    End,
    RemovalClock,
    RemovalSpell,
    columns,
    figures,
    may_publish,
    may_rank,
    spell,
)
from nta.domain.figures.survival import UNKNOWN, Spans

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = 3_600_000_000
MOMENTS = st.integers(0, 400).map(lambda hours: NINE + timedelta(hours=hours))


def after(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)


def span(lower: float, upper: float, end: End, entry: float = 0) -> RemovalSpell:
    return RemovalSpell(timedelta(hours=entry), timedelta(hours=lower), timedelta(hours=upper), end)


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        pytest.param({"last_up": 5, "first_gone": 6}, span(5, 6, End.GONE), id="gone-between-two-looks"),
        pytest.param({"last_up": -1, "first_gone": 2}, span(0, 2, End.GONE), id="last-seen-before-the-start"),
        pytest.param({"last_up": 30}, span(30, 100, End.OPEN), id="still-open-is-censored-at-the-last-sight"),
        pytest.param({"last_up": -3}, span(0, 100, End.OPEN), id="not-seen-since-the-start"),
        pytest.param(
            {"last_up": 5, "first_gone": 6, "ended_by_other": True},
            span(5, 6, End.OTHER),
            id="ended-by-another",
        ),
        pytest.param({"last_up": -2, "first_gone": 0}, None, id="gone-before-notice-is-no-removal"),
        pytest.param({"last_up": None, "first_gone": 4}, None, id="never-seen-there"),
        pytest.param({"start": None, "last_up": 4}, None, id="the-clock-never-started"),
        pytest.param({"start": 101, "last_up": 4}, None, id="the-clock-started-later"),
        pytest.param(
            {"last_up": 98, "first_gone": 102}, span(98, 100, End.OPEN), id="gone-after-the-date-of-the-data"
        ),
        pytest.param(
            {"last_up": 110, "first_gone": 112},
            span(100, 100, End.OPEN),
            id="seen-after-the-date-of-the-data",
        ),
        pytest.param(
            {"last_up": 5, "first_gone": 6, "first_up": 2},
            span(5, 6, End.GONE, entry=2),
            id="watched-from-later-on",
        ),
        pytest.param(
            {"last_up": 5, "first_gone": 6, "first_up": -2},
            span(5, 6, End.GONE),
            id="watched-before-the-start",
        ),
    ],
)
def test_spells(moments, expected):
    given_ = {"start": 0, "last_up": None, "first_gone": None, "first_up": None} | moments
    other = given_.pop("ended_by_other", False)
    times = {name: None if hours is None else after(hours) for name, hours in given_.items()}

    assert spell(**times, as_of=after(100), ended_by_other=other) == expected


@given(MOMENTS, MOMENTS, MOMENTS | st.none(), MOMENTS, st.booleans(), MOMENTS | st.none())
def test_every_spell_is_a_possible_row(start, last_up, first_gone, as_of, other, first_up):
    if first_gone is not None and first_gone <= last_up:
        first_gone = last_up + timedelta(minutes=5)

    made = spell(
        start=start,
        last_up=last_up,
        first_gone=first_gone,
        as_of=as_of,
        ended_by_other=other,
        first_up=first_up,
    )

    if made is not None:
        assert timedelta() <= made.entry <= made.lower <= made.upper
        assert len(columns([(0, made)]).gone) == 1


def test_figures_worked_out_by_hand():
    table = [
        (0, 0, 0 * HOUR, 2 * HOUR, True),
        (0, 0, 20 * HOUR, 30 * HOUR, True),
        (0, 0, 36 * HOUR, UNKNOWN, False),
        (0, 0, 40 * HOUR, 44 * HOUR, True),
        (1, 0, 5 * HOUR, UNKNOWN, False),
    ]

    first, second, third = figures(Spans.of(table), 3, (timedelta(hours=24), timedelta(hours=48)))

    assert (first.n, first.censored) == (4, 1)
    assert (first.median_low_h, first.median_h, first.median_high_h) == pytest.approx((20, 25, 30))
    assert (first.p75_h, first.p90_h) == (42, 42)
    assert [(each.surely, each.possibly) for each in first.within] == [(0.25, 0.5), (1, 1)]
    assert (second.n, second.censored, second.median_h, second.p90_h) == (1, 1, None, None)
    assert [(each.surely, each.possibly) for each in second.within] == [(0, 0), (0, 0)]
    assert (third.n, third.median_high_h) == (0, None)


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[int, int, int, int, bool]]:
    made = []
    for _ in range(draw(st.integers(1, 20))):
        lower = draw(st.integers(0, 20)) * HOUR
        gone = draw(st.booleans())
        made.append((0, 0, lower, lower + draw(st.integers(1, 9)) * HOUR if gone else UNKNOWN, gone))
    return made


@given(tables(), st.integers(0, 30))
def test_an_open_case_never_makes_the_median_shorter(table, hours):
    [without] = figures(Spans.of(table), 1)
    [with_one] = figures(Spans.of([*table, (0, 0, hours * HOUR, UNKNOWN, False)]), 1)

    for name in ("median_low_h", "median_h", "median_high_h", "p75_h", "p90_h"):
        before, now = getattr(without, name), getattr(with_one, name)
        assert now is None or (before is not None and now >= before)


@given(tables(), st.integers(0, 3))
def test_figures_stay_in_order(table, late):
    table = [
        (g, min(late * HOUR * (row % 2), low), low, up, gone)
        for row, (g, _, low, up, gone) in enumerate(table)
    ]
    [found] = figures(Spans.of(table), 1)

    for rising in (
        [found.median_low_h, found.median_h, found.median_high_h],
        [found.median_h, found.p75_h, found.p90_h],
    ):
        reached = [hours for hours in rising if hours is not None]
        assert reached == sorted(reached)
        assert rising == reached + [None] * (3 - len(reached))
    assert all(0 <= each.surely <= each.possibly <= 1 for each in found.within)
    shares = [(each.surely, each.possibly) for each in found.within]
    assert shares == sorted(shares)


def test_one_early_entry_does_not_pull_the_low_median_to_nothing():
    table = [(0, row * HOUR // 60, row * HOUR // 60, row * HOUR // 60 + 6 * HOUR, True) for row in range(40)]

    [found] = figures(Spans.of(table), 1)

    assert found.median_low_h is not None
    assert found.median_low_h > 0.3


@pytest.mark.parametrize(
    ("n", "shown", "ranked"), [(19, False, False), (20, True, False), (49, True, False), (50, True, True)]
)
def test_small_numbers_are_neither_shown_nor_ranked(n, shown, ranked):
    assert (may_publish(n), may_rank(n)) == (shown, ranked)


def test_every_clock_says_what_it_runs_between():
    assert len({clock.gloss for clock in RemovalClock}) == 3
