"""What a round of looks makes of an episode."""

from datetime import datetime, timedelta
from typing import Any

from nta.domain.availability import Judgement, Verdict, sign
from nta.domain.lifecycle import EventKind, Presence, Sign, next_presence
from nta.store.episodes import State

_PRESENCES = {presence.value: presence for presence in Presence}


def after_round(state: State, judgement: Judgement, now: datetime) -> tuple[State, EventKind | Sign | None]:
    """Return the episode after a round, and the event it makes; WATCH_OVER says that it is to be ended."""
    presence = _PRESENCES[state.presence]
    signed = sign(presence, judgement, state.first_gone_at, now)
    learned: dict[str, Any] = {
        "looked_at": now,
        "last_verdict": judgement.verdict._value_,
        "last_cause": judgement.cause._value_,
        "last_up_at": now if judgement.verdict is Verdict.UP else state.last_up_at,
    }
    if signed is None:
        return state._replace(**learned), None
    learned["presence"] = next_presence(presence, signed).value
    if signed is Sign.SEEN_GONE:
        return state._replace(**learned, first_gone_at=now, paused_since=now), EventKind.SEEN_GONE
    after = state._replace(**learned)
    if signed is Sign.SEEN_UP:
        return _up(after, presence, now)
    if signed is Sign.PROVEN_GONE:
        return after._replace(proven_gone_at=now, one_vantage=judgement.one_vantage), EventKind.PROVEN_GONE
    return after, Sign.WATCH_OVER


def _up(after: State, presence: Presence, now: datetime) -> tuple[State, EventKind]:
    if presence is Presence.UNSEEN:
        return after, EventKind.SEEN_UP
    stood_still = now - after.paused_since if after.paused_since else timedelta(0)
    back = after._replace(
        first_gone_at=None,
        proven_gone_at=None,
        one_vantage=False,
        paused_since=None,
        paused=after.paused + stood_still,
        returns=after.returns + (presence is Presence.REMOVED),
    )
    return back, EventKind.RETURNED if presence is Presence.REMOVED else EventKind.SEEN_UP
