from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain import deadlines
from nta.domain.deadlines import (
    FACTS_KEPT,
    MOST_STRETCH,
    back_off,
    facts_until,
    next_look_at,
    pause,
    stretched,
)
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import Presence
from nta.domain.roles import Severity

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
N, H, U = Severity.NORMAL, Severity.HIGH, Severity.URGENT


@pytest.mark.parametrize(
    ("presence", "age", "severity", "expected"),
    [
        pytest.param(Presence.UNSEEN, 0 * HOUR, N, HOUR, id="new"),
        pytest.param(Presence.UP, 47.9 * HOUR, N, HOUR, id="hourly-for-two-days"),
        pytest.param(Presence.UP, 48 * HOUR, N, 6 * HOUR, id="then-every-six-hours"),
        pytest.param(Presence.UP, 7 * DAY - MINUTE, H, 6 * HOUR, id="for-a-week"),
        pytest.param(Presence.UP, 7 * DAY, N, 12 * HOUR, id="then-twice-a-day"),
        pytest.param(Presence.UP, 5.9 * HOUR, U, 15 * MINUTE, id="urgent-at-first"),
        pytest.param(Presence.UP, 6 * HOUR, U, HOUR, id="urgent-later-as-others"),
        pytest.param(Presence.UP, HOUR, H, HOUR, id="high-is-not-urgent"),
        pytest.param(Presence.ABSENT, 30 * DAY, N, HOUR, id="the-proof-comes-soon-at-any-age"),
        pytest.param(Presence.REMOVED, HOUR, U, DAY, id="watched-daily"),
    ],
)
def test_pause_between_looks(presence, age, severity, expected):
    assert pause(presence, age, severity) == expected
    assert next_look_at(presence, NINE - age, severity, NINE) == NINE + expected


def test_closed_content_is_not_looked_at():
    with pytest.raises(RefusedError, match="closed is not looked at"):
        pause(Presence.CLOSED, DAY, N)


@given(
    st.sampled_from([Presence.UNSEEN, Presence.UP]),
    st.timedeltas(timedelta(0), 60 * DAY),
    st.timedeltas(timedelta(0), 60 * DAY),
    st.sampled_from(Severity),
)
def test_looks_only_thin_out_and_urgency_never_slows_them(presence, age, later, severity):
    assert pause(presence, age, severity) <= pause(presence, age + later, severity)
    assert pause(presence, age, severity) <= pause(presence, age, N)


@given(st.timedeltas(timedelta(0), 60 * DAY), st.sampled_from(list(Severity)))
def test_no_interval_between_looks_is_longer_than_the_pause_for_its_age(age, severity):
    until_next = pause(Presence.UP, age, severity)

    assert until_next <= pause(Presence.UP, age + until_next, severity)


def test_failures_in_a_row_wait_ever_longer_up_to_an_hour():
    waits = [back_off(tries) for tries in range(8)]

    assert waits[0] == waits[1] == MINUTE
    assert waits == sorted(waits)
    assert waits[-1] == HOUR


def test_a_portal_link_outlives_every_silence_and_the_watch():
    assert deadlines.LINK_LIFE > deadlines.WATCH + DAY + 72 * HOUR


@given(st.integers(0, 86_400 * 1_000_000))
def test_hosts_are_asked_about_again_on_the_hour_and_never_before_answers_run_out(microseconds: int) -> None:
    now = NINE + timedelta(microseconds=microseconds)

    at = facts_until(now)

    assert (at.minute, at.second, at.microsecond) == (0, 0, 0)
    assert FACTS_KEPT <= at - now < FACTS_KEPT + HOUR


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        pytest.param(None, NINE, id="not-asked"),
        pytest.param(NINE - 2 * HOUR, NINE, id="never-earlier"),
        pytest.param(NINE + 5 * HOUR, NINE + 5 * HOUR, id="as-asked"),
        pytest.param(NINE + 24 * HOUR, NINE + 24 * HOUR, id="at-most"),
        pytest.param(NINE + 25 * HOUR, NINE + 24 * HOUR, id="no-more-than-that"),
    ],
)
def test_stretched(until: datetime | None, expected: datetime) -> None:
    assert stretched(NINE, until) == expected


@given(st.none() | st.datetimes().map(lambda d: d.replace(tzinfo=NINE.tzinfo)))
def test_a_silence_is_never_cut_short_and_never_stretched_by_more(until: datetime | None) -> None:
    assert NINE <= stretched(NINE, until) <= NINE + MOST_STRETCH
