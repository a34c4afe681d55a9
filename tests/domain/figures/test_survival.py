import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from nta.domain.figures.survival import (
    TOUCHES,
    UNKNOWN,
    Spans,
    extremes,
    kaplan_meier,
)

Row = tuple[int, int, int, int, bool]


def rows(*, entries: bool = False, groups: int = 3) -> st.SearchStrategy[list[Row]]:
    """Small times, so that ties, straddled limits and censoring inside bounds are common."""

    @st.composite
    def row(draw: st.DrawFn) -> Row:
        entry = draw(st.integers(0, 8)) if entries else 0
        lower = entry + draw(st.integers(0, 12))
        gone = draw(st.booleans())
        upper = lower + draw(st.integers(1, 10))
        if not gone and draw(st.booleans()):
            upper = UNKNOWN
        return draw(st.integers(0, groups - 1)), entry, lower, upper, gone

    return st.lists(row(), min_size=1, max_size=25)


def curve(table, column="latest", n_groups=3):
    spans = Spans.of(table)
    return kaplan_meier(spans.group, spans.entry_us, getattr(spans, column)(), spans.gone, n_groups)


def within(table, limits, n_groups=3):
    return extremes(Spans.of(table), limits, n_groups).shares


def left_by(table, group, limit):
    """The share of one group that has left at the limit, by the book, in plain Python."""
    mine = [(entry, upper if gone else lower, gone) for g, entry, lower, upper, gone in table if g == group]
    survival = 1.0
    for time in sorted({exit_ for _, exit_, gone in mine if gone and exit_ <= limit}):
        at_risk = sum(entry < time <= exit_ for entry, exit_, _ in mine)
        events = sum(gone and exit_ == time for _, exit_, gone in mine)
        survival *= 1 - events / at_risk
    return 1 - survival


@pytest.mark.parametrize(
    ("table", "falls"),
    [
        pytest.param([(0, 0, 0, 1, True), (0, 0, 1, 2, True)], {1: 0.5, 2: 0.0}, id="nothing-censored"),
        pytest.param(
            [(0, 0, 0, 6, True)] * 3
            + [(0, 0, 6, UNKNOWN, False), (0, 0, 6, 7, True), (0, 0, 9, UNKNOWN, False), (0, 0, 9, 10, True)],
            {6: 4 / 7, 7: 8 / 21, 10: 0.0},
            id="three-at-six-and-two-watched",
        ),
        pytest.param(
            [(0, 0, 2, 3, True), (0, 2, 4, 5, True), (0, 4, 5, 6, True)],
            {3: 0.5, 5: 0.25, 6: 0.0},
            id="late-entries-count-from-their-entry",
        ),
        pytest.param(
            [(0, 0, 2, 3, True), (0, 3, 4, 5, True), (0, 0, 8, UNKNOWN, False)],
            {3: 0.5, 5: 0.25},
            id="who-enters-at-an-event-is-not-yet-at-risk",
        ),
    ],
)
def test_curves_worked_out_by_hand(table, falls):
    found = curve(table, n_groups=1)

    last = dict(zip(found.times_us.tolist(), found.survival.tolist(), strict=True))
    assert last == pytest.approx(falls, abs=1e-12)


@given(rows())
def test_curves_agree_with_scipy(table):
    found = curve(table)

    for group in range(3):
        mine = [row for row in table if row[0] == group]
        if not mine:
            continue
        oracle = ecdf(
            CensoredData(
                uncensored=[row[3] for row in mine if row[4]], right=[row[2] for row in mine if not row[4]]
            )
        ).sf
        for limit in range(25):
            falls = found.count_until(limit)
            assert found.survival_after(falls)[group] == pytest.approx(
                float(oracle.evaluate(limit)), abs=1e-9
            )


@given(rows())
def test_quantiles_agree_with_scipy(table):
    found = curve(table)

    for group, share in [(group, share) for group in range(3) for share in (0.25, 0.5, 0.75, 0.9)]:
        mine = [row for row in table if row[0] == group]
        if not mine:
            assert found.quantile_us(share)[group] == -1
            continue
        oracle = ecdf(
            CensoredData(
                uncensored=[row[3] for row in mine if row[4]], right=[row[2] for row in mine if not row[4]]
            )
        ).sf
        reached = oracle.quantiles[oracle.probabilities <= 1 - share + TOUCHES]
        # scipy lists the watched times too; at one of these the curve does not fall.
        assert found.quantile_us(share)[group] == (int(reached[0]) if len(reached) else -1)


@given(rows(entries=True), st.integers(0, 32))
def test_delayed_entry_agrees_with_the_book(table, limit):
    found = curve(table)

    left = 1 - found.survival_after(found.count_until(limit))
    assert left.tolist() == pytest.approx([left_by(table, group, limit) for group in range(3)], abs=1e-9)


@settings(max_examples=300)
@given(rows(groups=1), st.integers(1, 25), st.data())
@example([(0, 0, 0, 20, True), (0, 0, 10, UNKNOWN, False), (0, 0, 100, 101, True)], 20, None)
def test_the_shares_hold_for_every_truth_within_the_bounds(table, limit, data):
    [(surely, possibly)] = within(table, [limit], 1)
    truth = []
    for _, _, lower, upper, gone in table:
        last = lower + 1 if data is None and gone else upper if gone or upper != UNKNOWN else lower
        moment = last if data is None else data.draw(st.integers(lower + gone, last))
        truth.append((0, 0, max(moment - 1, 0) if gone else moment, moment if gone else UNKNOWN, gone))

    assert surely[0] - 1e-9 <= left_by(truth, 0, limit) <= possibly[0] + 1e-9


@given(rows(groups=1), st.integers(1, 25))
def test_without_censoring_the_shares_are_plain_counts(table, limit):
    table = [(g, e, low, up if up != UNKNOWN else low + 1, True) for g, e, low, up, _ in table]

    [(surely, possibly)] = within(table, [limit], 1)

    assert surely[0] == pytest.approx(sum(up <= limit for _, _, _, up, _ in table) / len(table))
    assert possibly[0] == pytest.approx(sum(low < limit for _, _, low, _, _ in table) / len(table))


@given(rows(entries=True), st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_surely_is_never_more_than_possibly_and_both_are_shares(table, limits):
    for surely, possibly in within(table, limits):
        assert (surely <= possibly).all()
        assert (surely >= 0).all()
        assert (possibly <= 1).all()


@given(rows(entries=True), st.randoms(use_true_random=False), st.integers(1, 30))
def test_the_order_of_rows_does_not_matter(table, chance, limit):
    mixed = chance.sample(table, len(table))

    assert curve(mixed).survival.tolist() == curve(table).survival.tolist()
    assert [pair[0].tolist() for pair in within(mixed, [limit])] == [
        pair[0].tolist() for pair in within(table, [limit])
    ]


@given(rows(entries=True), st.integers(1, 30))
@example([(1, 0, 0, 1, False), (1, 0, 0, 1, True), (0, 1, 1, 2, True)], 1)  # one is watched from later on
def test_groups_do_not_touch_each_other(table, limit):
    together = within(table, [limit])[0]

    for group in range(3):
        alone = within([(0, *row[1:]) for row in table if row[0] == group], [limit], 1)[0]
        assert [float(each[group]) for each in together] == pytest.approx([float(each[0]) for each in alone])


def test_the_first_to_enter_and_leave_do_not_decide_the_shares():
    """Seen once and gone at the next look: taken early, they would meet nobody else at risk."""
    table = [
        (0, 10 * row, 10 * row + row % 2 * 200, 10 * row + row % 2 * 200 + 60, True) for row in range(1, 40)
    ]

    [(surely, possibly)] = within(table, [100], 1)

    assert 0 < surely[0] < possibly[0] < 1


@given(rows())
def test_times_too_long_to_pack_are_sorted_the_long_way(table):
    far = 2**58
    long_ = [(g, e, low + far, up if up == UNKNOWN else up + far, gone) for g, e, low, up, gone in table]

    assert curve(long_).survival.tolist() == curve(table).survival.tolist()
    assert (curve(long_).times_us - far).tolist() == curve(table).times_us.tolist()


def test_rounding_does_not_decide_where_the_curve_touches_the_half():
    size = 20_000
    table = [(g, 0, time, time + 1, True) for g in range(3) for time in range(size)]

    assert curve(table).quantile_us(0.5).tolist() == [size // 2] * 3


def test_no_rows_give_curves_that_never_fall():
    found = curve([])

    assert found.quantile_us(0.5).tolist() == [-1, -1, -1]
    assert [pair[1].tolist() for pair in within([], [10])] == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    "row",
    [(0, 0, 5, 5, True), (0, 7, 5, 6, True), (-1, 0, 0, 1, True), (0, 0, -1, 1, True), (0, -1, 0, 1, True)],
)
def test_impossible_rows_are_refused(row):
    with pytest.raises(ValueError, match=r"ended before|negative"):
        Spans.of([row])


def test_columns_of_different_length_are_refused():
    column = np.zeros(1, dtype=np.int64)

    with pytest.raises(ValueError, match="length"):
        Spans(column, column, column, column, np.zeros(2, dtype=np.bool_))
