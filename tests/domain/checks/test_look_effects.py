"""What a sign of looks makes of an episode: what comes back is counted, and the time it was away."""

import pytest

from nta.domain.checks.look_effects import after_round, turn_of
from nta.domain.checks.verdicts import Cause, Judgement, Verdict
from nta.domain.lifecycle import EventKind, Presence, PresenceSign
from tests.builders import episode_state
from tests.conftest import NINE, hours

LATER = NINE + hours(2)
GONE = Judgement(Verdict.GONE, Cause.NOT_FOUND, proven=True, one_vantage=True)
SEEN = Judgement(Verdict.UP, Cause.CONTENT_PRESENT, proven=False, one_vantage=False)
HOLD = Judgement(Verdict.GONE, Cause.DOMAIN_HOLD, proven=True, one_vantage=False)
ABSENT = episode_state(
    NINE - hours(1), presence="absent", first_gone_at=NINE, paused_since=NINE, last_up_at=NINE - hours(1)
)


@pytest.mark.parametrize(
    ("before", "signed", "judgement"),
    [
        (Presence.ABSENT, PresenceSign.SEEN_UP, SEEN),
        (Presence.REMOVED, PresenceSign.SEEN_UP, SEEN),
        (Presence.ABSENT, PresenceSign.PROVEN_GONE, HOLD),
        (Presence.REMOVED, PresenceSign.WATCH_OVER, GONE),
    ],
)
def test_what_needs_the_whole_episode_is_not_turned_with_others(before, signed, judgement) -> None:
    assert turn_of(before, signed, judgement, LATER) is None


@pytest.mark.parametrize(
    ("presence", "event", "returns"),
    [(Presence.ABSENT, EventKind.SEEN_UP, 0), (Presence.REMOVED, EventKind.RETURNED, 1)],
)
def test_what_is_there_again_was_away_for_a_while_and_returned_only_after_proof(
    presence: Presence, event: EventKind, returns: int
) -> None:
    state = ABSENT._replace(presence=presence.value)

    after, made = after_round(state, PresenceSign.SEEN_UP, SEEN, LATER)

    assert (made, after.returns, after.paused, after.paused_since) == (event, returns, hours(2), None)
    assert (after.first_gone_at, after.last_up_at, after.presence) == (None, LATER, "up")


def test_a_watch_that_is_over_closes_and_is_left_to_be_ended() -> None:
    after, made = after_round(ABSENT._replace(presence="removed"), PresenceSign.WATCH_OVER, GONE, LATER)

    assert (made, after.presence, after.last_up_at) == (PresenceSign.WATCH_OVER, "closed", NINE - hours(1))
