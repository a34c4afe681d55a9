"""What a round of looks reads, makes and writes of episodes: mostly many alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from nta.domain.checks.outcomes import NAME_CAUSES
from nta.domain.checks.verdicts import Judgement, Verdict
from nta.domain.lifecycle import EventKind, Presence, PresenceSign, next_presence
from nta.store.cases.bulk_transitions import Turn
from nta.store.cases.episodes import State
from nta.store.db.bulk import found_by, set_rows, table_of
from nta.store.db.types import from_us, to_us
from nta.store.tables import Episode

_MINE = (
    "SELECT d.taken_by, e.ended_at, e.id, e.stage, e.presence, e.severity, e.began_at, e.first_gone_at "
    "FROM episode e JOIN due d ON d.kind = 'look' AND d.subject = e.id WHERE e.id"
)


class Brief(NamedTuple):
    """What most rounds need of an episode, as the driver gave it: moments in microseconds."""

    stage: str
    presence: str
    severity: str
    began_us: int
    first_gone_us: int | None

    @property
    def began_at(self) -> datetime:
        """Return when the episode began."""
        return from_us(self.began_us)

    @property
    def first_gone_at(self) -> datetime | None:
        """Return the first look of the present absence."""
        return None if self.first_gone_us is None else from_us(self.first_gone_us)


def mine(connection: Connection, ids: Sequence[int], holder: str) -> dict[int, Brief | None]:
    """Return those episodes whose look this holder still holds, None for what has ended meanwhile.

    Both rows are locked for the rest of the write.
    """
    return {
        number: Brief._make(brief) if ended is None else None
        for by, ended, number, *brief in found_by(connection, _MINE, ids, lock=True)
        if by == holder
    }


def looked_alike(connection: Connection, ids: Sequence[int], verdict: str, cause: str, at: datetime) -> None:
    """Write one look that changed nothing for many episodes; no event."""
    moment = to_us(at)
    learned: dict[str, Any] = {"looked_at": moment, "last_verdict": verdict, "last_cause": cause}
    if verdict == Verdict.UP.value:
        learned["last_up_at"] = moment
    set_rows(connection, table_of(Episode), learned, "id", ids)


def turn(presence: Presence, signed: PresenceSign, judgement: Judgement, now: datetime) -> Turn | None:
    """Return what a sign makes of every episode alike; None where each has to be read whole.

    That is what was there again after an absence, whose length counts, and
    what may end: the outcome says who was told.
    """
    us, verdict, cause = to_us(now), judgement.verdict.value, judgement.cause.value
    learned: list[tuple[str, Any]] = [("looked_at", us), ("last_verdict", verdict), ("last_cause", cause)]
    if signed is PresenceSign.SEEN_GONE:
        learned += [("first_gone_at", us), ("paused_since", us)]
        kind = EventKind.SEEN_GONE
    elif signed is PresenceSign.SEEN_UP and presence is Presence.UNSEEN:
        learned += [("last_up_at", us)]
        kind = EventKind.SEEN_UP
    elif signed is PresenceSign.PROVEN_GONE and judgement.cause not in NAME_CAUSES:
        learned += [("proven_gone_at", us), ("one_vantage", judgement.one_vantage)]
        kind = EventKind.PROVEN_GONE
    else:
        return None
    return Turn(next_presence(presence, signed).value, tuple(learned), kind)


def after_round(
    state: State, signed: PresenceSign, judgement: Judgement, now: datetime
) -> tuple[State, EventKind | PresenceSign]:
    """Return an episode read whole after a sign that `turn` says nothing of, and the event it makes.

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


def _up_again(after: State, presence: Presence, now: datetime) -> tuple[State, EventKind]:
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
