"""What a sign of looks makes of an episode: of many alike at once, or of one read whole."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nta.domain.checks.outcomes import NAME_CAUSES
from nta.domain.checks.verdicts import Judgement, Verdict
from nta.domain.episode_state import EpisodeState
from nta.domain.lifecycle import EventKind, Presence, PresenceSign, next_presence


class PresenceTurn(NamedTuple):
    """A change of presence that looks make of many episodes alike: the columns they learn, and the event."""

    presence: str
    learned: tuple[tuple[str, Any], ...]
    kind: EventKind


def turn_of(
    presence: Presence, signed: PresenceSign, judgement: Judgement, now: datetime
) -> PresenceTurn | None:
    """Return what a sign makes of every episode alike; None where each has to be read whole.

    That is what was there again after an absence, whose length counts, and
    what may end: the outcome says who was told.
    """
    verdict, cause = judgement.verdict.value, judgement.cause.value
    learned: list[tuple[str, Any]] = [("looked_at", now), ("last_verdict", verdict), ("last_cause", cause)]
    if signed is PresenceSign.SEEN_GONE:
        learned += [("first_gone_at", now), ("paused_since", now)]
        kind = EventKind.SEEN_GONE
    elif signed is PresenceSign.SEEN_UP and presence is Presence.UNSEEN:
        learned += [("last_up_at", now)]
        kind = EventKind.SEEN_UP
    elif signed is PresenceSign.PROVEN_GONE and judgement.cause not in NAME_CAUSES:
        learned += [("proven_gone_at", now), ("one_vantage", judgement.one_vantage)]
        kind = EventKind.PROVEN_GONE
    else:
        return None
    return PresenceTurn(next_presence(presence, signed).value, tuple(learned), kind)


def after_round(
    state: EpisodeState, signed: PresenceSign, judgement: Judgement, now: datetime
) -> tuple[EpisodeState, EventKind | PresenceSign]:
    """Return an episode read whole after a sign that `turn_of` says nothing of, and the event it makes.

    WATCH_OVER says that it is to be ended.
    """
    presence = Presence(state.presence)
    learned: dict[str, Any] = {
        "looked_at": now,
        "last_verdict": judgement.verdict._value_,
        "last_cause": judgement.cause._value_,
        "last_up_at": now if judgement.verdict is Verdict.UP else state.last_up_at,
    }
    after = state._replace(**learned, presence=next_presence(presence, signed).value)
    if signed is PresenceSign.SEEN_UP:
        return _up_again(after, presence, now)
    if signed is PresenceSign.PROVEN_GONE:
        return after._replace(proven_gone_at=now, one_vantage=judgement.one_vantage), EventKind.PROVEN_GONE
    return after, PresenceSign.WATCH_OVER


def _up_again(after: EpisodeState, presence: Presence, now: datetime) -> tuple[EpisodeState, EventKind]:
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
