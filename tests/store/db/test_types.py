"""Moments and spans: whole microseconds, the same on both databases, and nothing naive."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from nta.store.db.handle import Store
from nta.store.db.types import from_us, to_us
from nta.store.tables import Episode
from tests.builders import make_case
from tests.conftest import NINE

OFFSETS = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(timezones=OFFSETS).filter(lambda moment: 1 < moment.year < 9999)


@given(MOMENTS, MOMENTS)
def test_moments_come_back_exactly_in_utc_and_in_order(one: datetime, other: datetime) -> None:
    assert from_us(to_us(one)) == one
    assert from_us(to_us(one)).tzinfo is UTC
    assert (to_us(one) < to_us(other)) == (one < other)


def test_a_naive_moment_is_a_fault() -> None:
    with pytest.raises(ValueError, match="a moment needs an offset"):
        to_us(datetime(2026, 3, 2, 9))  # noqa: DTZ001


def test_moments_spans_and_nothing_come_back_from_both_databases(store: Store) -> None:
    case = make_case(store, "http://a.test/", NINE)
    moment = NINE + timedelta(microseconds=1)
    with store.db.write() as connection:
        connection.execute(
            update(Episode).values(last_up_at=moment, paused=timedelta(days=400, microseconds=7))
        )
    with store.db.read() as connection:
        found = connection.execute(
            select(Episode.last_up_at, Episode.paused, Episode.ended_at).where(Episode.id == case.episode_id)
        ).first()

    assert found == (moment, timedelta(days=400, microseconds=7), None)
