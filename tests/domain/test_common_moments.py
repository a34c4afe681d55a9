"""Looks meet on common moments without ever coming too late."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nta.domain.deadlines import next_look_at, pause
from nta.domain.lifecycle import Presence
from nta.domain.roles import Severity

MOMENTS = st.integers(0, 525_600 * 60).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
AGES = st.timedeltas(timedelta(0), timedelta(days=40))


@given(MOMENTS, AGES, st.sampled_from(Severity), st.sampled_from([Presence.UNSEEN, Presence.UP]))
def test_a_look_at_content_that_may_be_there_is_never_later_than_its_pause(now, age, severity, presence):
    at = next_look_at(presence, now - age, severity, now)

    assert now < at <= now + pause(presence, age, severity)
    assert (at.minute % 5, at.second, at.microsecond) == (0, 0, 0)


@given(MOMENTS, AGES)
def test_the_second_round_of_a_proof_is_an_hour_away_and_little_more(now, age):
    at = next_look_at(Presence.ABSENT, now - age, Severity.NORMAL, now)

    assert timedelta(hours=1) <= at - now < timedelta(hours=1, minutes=5)


@given(MOMENTS)
def test_watched_absences_of_one_hour_are_looked_at_together(one):
    looks = {next_look_at(Presence.REMOVED, one, Severity.NORMAL, one.replace(minute=m)) for m in (0, 29, 59)}

    assert len(looks) == 1
