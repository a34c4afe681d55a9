"""Curves, endings and ranks of a report: worked out by hand, and the same numbers as its shares."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nta.domain.figures.curves import (
    HORIZONS_H,
    READ_AT_H,
    TOGETHER,
    Endings,
    Rank,
    curves,
    endings,
    horizon_h,
    only,
    ranks,
    together,
)
from nta.domain.figures.removal_report import (
    NEVER,
    ONE_VANTAGE,
    Parameters,
    Report,
    Rows,
    Way,
    make,
)
from nta.domain.figures.removal_times import RemovalClock
from tests.conftest import NINE

HOUR = 3_600_000_000
START = int(NINE.timestamp()) * 1_000_000

Spell = tuple[int, int, int, int]
"""Party, last seen up, first found gone (or -1), and way; hours since the start."""


def report(spells: list[Spell], *, as_of_h: int = 1000, before: tuple[int, ...] = (0, 0, 0)) -> Report:
    party, last, gone, way = (np.array(column, np.int64) for column in zip(*spells, strict=True))
    start = np.full(len(spells), START, np.int64)
    rows = Rows(
        parties=["quick", "slow", "deaf"],
        names=["Quick", "Slow", "Deaf"],
        group=party,
        start=start,
        entry=start,
        last_up=start + last * HOUR,
        gone=np.where(gone < 0, NEVER, start + gone * HOUR),
        code=way.astype(np.uint8),
        before=np.array(before, np.int64),
    )
    return make(
        Parameters(RemovalClock.B, "provider", "host", None, None, NINE + timedelta(hours=as_of_h)), rows
    )


def many(party: int, hours: int, n: int) -> list[Spell]:
    return [(party, hours - 1, hours, 0)] * n


def test_a_curve_falls_in_the_middle_and_its_bounds_hold_the_looks() -> None:
    found = curves(report([*many(0, 10, 10), *many(0, 20, 10)]), 48, ["quick"])["quick"]

    assert found.n == 20
    assert set(found.falls_h.tolist()) == {9.5, 19.5}
    assert found.still[9] == pytest.approx(0.5)
    assert found.still[-1] == pytest.approx(0)
    at = {mark.hours: mark for mark in found.marks}
    assert (at[9.0].at_least, at[9.0].at_most, at[9.0].at_risk) == (1, 1, 20)
    assert (at[9.5].at_least, at[9.5].at_most) == pytest.approx((0.5, 1))
    assert (at[10.0].at_least, at[10.0].at_most) == pytest.approx((0.5, 0.5))
    assert at[10.0].at_risk == 10
    assert found.until_h == 20


def test_few_have_no_curve_and_nobody_has_one_unasked() -> None:
    made = report([*many(0, 10, 19), *many(1, 10, 20), *many(2, 10, 20)])

    assert set(curves(made, 48, ["quick", "slow"])) == {"slow"}
    assert curves(made, 48, ["quick"]) == {}


def test_together_is_one_group_of_all() -> None:
    made = report([*many(0, 10, 3), *many(1, 20, 4), (2, 5, -1, 0)], before=(1, 0, 2))

    [whole] = together(made).groups

    assert (whole.party, whole.n, whole.gone, whole.open, whole.gone_before) == (TOGETHER, 8, 7, 1, 3)


def test_only_one_party_has_the_figures_that_it_has_among_others() -> None:
    made = report([*many(0, 10, 30), *many(1, 20, 40), (1, 5, -1, 0)], before=(1, 7, 2))

    [found] = only(made, "slow").groups

    assert found == next(g for g in made.groups if g.party == "slow")
    assert only(made, "nobody").groups == ()


def test_endings_say_how_each_row_ended_and_sum_to_n() -> None:
    ways = [(0, 3, 4, way | ONE_VANTAGE) for way in Way]
    made = report([*ways, (0, 3, -1, 0), (0, 3, -1, 0), (0, 3, -1, Way.WITHDRAWN), *many(1, 10, 2)])

    found = endings(made)

    assert found["quick"] == Endings(
        removed=1,
        unknown_hand=1,
        other=1,
        moved=1,
        restricted=1,
        expired=1,
        withdrawn=2,
        released=1,
        open=2,
    )
    assert found["slow"] == Endings(2, *[0] * 8)
    assert {g.party: g.n for g in made.groups} == {"quick": sum(found["quick"]), "slow": 2}


@pytest.mark.parametrize(
    ("spells", "expected"),
    [
        pytest.param(
            [*many(0, 10, 50), *many(1, 20, 50)], {"quick": Rank(1, 1), "slow": Rank(2, 2)}, id="apart"
        ),
        pytest.param(
            [*[(0, 9, 12, 0)] * 50, *[(1, 10, 11, 0)] * 50],
            {"quick": Rank(1, 2), "slow": Rank(1, 2)},
            id="overlap",
        ),
        pytest.param([*many(0, 10, 49), *many(1, 20, 50)], {"slow": Rank(1, 1)}, id="too-few"),
        pytest.param(
            [*[(0, 500, -1, 0)] * 50, *many(1, 20, 50)],
            {"quick": Rank(2, 2), "slow": Rank(1, 1)},
            id="no-median-is-last",
        ),
    ],
)
def test_ranks_overlap_where_nobody_knows_who_was_quicker(
    spells: list[Spell], expected: dict[str, Rank]
) -> None:
    assert ranks(report(spells).groups) == expected


@pytest.mark.parametrize(
    ("spells", "expected"),
    [
        pytest.param(many(0, 10, 20), 48, id="two-days"),
        pytest.param([*many(0, 10, 20), *many(0, 3000, 1)], 48, id="one-straggler"),
        pytest.param([*many(0, 10, 20), *many(0, 300, 5)], 672, id="four-weeks"),
        pytest.param([(0, 3, -1, 0)], 168, id="nothing-gone"),
        pytest.param(many(0, 20_000, 3), 8760, id="a-year-at-most"),
    ],
)
def test_curves_are_drawn_for_as_long_as_nearly_all_took(spells: list[Spell], expected: int) -> None:
    assert horizon_h(report(spells, as_of_h=30_000)) == expected


spells = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 800), st.integers(-1, 40), st.sampled_from([w.value for w in Way])
    ).map(lambda s: (s[0], s[1], -1 if s[2] < 0 else s[1] + 1 + s[2], s[3])),
    min_size=20,
    max_size=90,
)


@settings(max_examples=30)  # each works out a hundred bounds of three curves
@given(spells)
def test_bounds_never_rise_hold_the_curve_and_are_the_shares(found: list[Spell]) -> None:
    made = report(found)
    horizon = horizon_h(made)

    for party, curve in curves(made, horizon, made.rows.parties).items():
        most = [mark.at_most for mark in curve.marks]
        least = [mark.at_least for mark in curve.marks]
        assert all(low <= high + 1e-9 for low, high in zip(least, most, strict=True))
        assert most == pytest.approx(sorted(most, reverse=True))
        assert least == pytest.approx(sorted(least, reverse=True))
        group = next(g for g in made.groups if g.party == party)
        shares = {w.limit.total_seconds() / 3600: w for w in group.within}
        for mark in curve.marks:
            still = curve.still[curve.falls_h <= mark.hours]
            middle = still[-1] if len(still) else 1.0
            assert mark.at_least - 1e-9 <= middle <= mark.at_most + 1e-9
            if mark.hours in shares:
                assert mark.at_least == pytest.approx(1 - shares[mark.hours].possibly)
                assert mark.at_most == pytest.approx(1 - shares[mark.hours].surely)


def test_every_horizon_is_read_at_hours_within_it() -> None:
    assert list(READ_AT_H) == list(HORIZONS_H)
    assert all(max(hours) == horizon for horizon, hours in READ_AT_H.items())
