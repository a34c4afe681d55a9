"""An episode as it stands, its changes, and what happened to it: values that rules look at."""

from datetime import datetime, timedelta
from typing import NamedTuple

from nta.domain.lifecycle import EventKind
from nta.domain.reasons import Reason

WHO = "service"
"""Who is named for what no person did."""


class EpisodeState(NamedTuple):
    """One episode as it stands; `_replace` makes the next state, the store writes it."""

    id: int
    case_id: int
    host_id: int
    number: int
    arrangement_id: int | None
    ladder: str | None
    ladder_version: str | None
    severity: str
    stage: str
    presence: str
    outcome: str | None
    actor: str | None
    began_at: datetime
    ended_at: datetime | None
    received_at: datetime
    looked_at: datetime | None
    last_verdict: str | None
    last_cause: str | None
    last_up_at: datetime | None
    first_gone_at: datetime | None
    proven_gone_at: datetime | None
    paused_since: datetime | None
    paused: timedelta
    one_vantage: bool
    returns: int
    first_handed_at: datetime | None
    held_until: datetime | None = None


class EpisodeChange(NamedTuple):
    """A step from one state to the next, and the event that says why."""

    before: EpisodeState
    after: EpisodeState
    kind: EventKind
    at: datetime
    who: str
    why: Reason | None = None
    subject: int | None = None


class PastEvent(NamedTuple):
    """One event of an episode."""

    episode_id: int
    at: datetime
    kind: str
    presence: str
    why: Reason | None
