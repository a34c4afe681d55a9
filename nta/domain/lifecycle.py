"""Stage and presence of an episode: two tables without memory, the only ones of what follows what."""

from collections.abc import Mapping
from enum import StrEnum

from nta.domain.errors import RefusedError
from nta.domain.reasons import Code, because


class Stage(StrEnum):
    """What we do about an episode."""

    SUBMITTED = "submitted"  # handed in; its host is being looked up
    READY = "ready"  # someone to tell is known; a notice is being made
    NOTIFIED = "notified"  # the first rung was told
    ESCALATED = "escalated"  # a later rung was told
    UNRESOLVED = "unresolved"  # no contact found; a person's
    HELD = "held"  # police first: nothing leaves
    EXHAUSTED = "exhausted"  # nobody left to tell; a person's
    ENDED = "ended"  # has an outcome


class StageStep(StrEnum):
    """What moves an episode to another stage."""

    RESOLVED = "resolved"
    NO_CONTACT = "no_contact"
    TOLD = "told"
    TOLD_NEXT = "told_next"
    NOBODY_LEFT = "nobody_left"
    HOLD = "hold"
    RELEASE = "release"
    RELEASE_NOTIFIED = "release_notified"  # the first rung was told before the hold
    RELEASE_ESCALATED = "release_escalated"  # a later one was
    END = "end"


class Presence(StrEnum):
    """What we know of the content."""

    UNSEEN = "unseen"  # never seen, neither there nor gone
    UP = "up"
    ABSENT = "absent"  # seen gone, not yet proven
    REMOVED = "removed"  # proven gone, watched for a return
    CLOSED = "closed"  # gone for the whole watch


class PresenceSign(StrEnum):
    """What moves an episode to another presence."""

    SEEN_UP = "seen_up"
    SEEN_GONE = "seen_gone"
    PROVEN_GONE = "proven_gone"
    WATCH_OVER = "watch_over"


class EventKind(StrEnum):
    """Past participles: what happened to an episode. Added to, never renamed."""

    SUBMITTED = "submitted"
    SUBMITTED_AGAIN = "submitted_again"  # an open case took another submission in
    REOPENED = "reopened"  # a closed case is back: a new episode
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    TOLD = "told"
    TOLD_HOTLINE = "told_hotline"
    TOLD_REGISTRAR = "told_registrar"
    TOLD_REGISTRY = "told_registry"
    RUNG_PASSED_OVER = "rung_passed_over"
    APPROVAL_ASKED = "approval_asked"  # a notice waits for leads
    APPROVED = "approved"  # one lead lets it go
    EXHAUSTED = "exhausted"
    HELD = "held"
    RELEASED = "released"
    SEEN_UP = "seen_up"
    SEEN_GONE = "seen_gone"
    PROVEN_GONE = "proven_gone"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    OPENED = "opened"
    BOUNCED = "bounced"
    CONTACT_REPLACED = "contact_replaced"
    ANSWERED = "answered"
    ANSWERED_REMOVED = "answered_removed"
    LEFT_NOTICE = "left_notice"  # gone or moved before sending
    PARTY_JOINED = "party_joined"  # the arrangement grew: rotation, a second host
    DOMAIN_DISABLED = "domain_disabled"
    ORIGIN_NAMED = "origin_named"  # an analyst says which address stands behind a proxy
    HOST_NAMED = "host_named"  # an analyst says who serves it
    ENTRY_WITHDRAWN = "entry_withdrawn"  # what an analyst said of either is taken back
    MOVED = "moved"
    FOLLOWED = "followed"  # the episode that begins where the content moved to
    ENDED = "ended"


STAGES: Mapping[tuple[Stage, StageStep], Stage] = {
    (Stage.SUBMITTED, StageStep.RESOLVED): Stage.READY,
    (Stage.SUBMITTED, StageStep.NO_CONTACT): Stage.UNRESOLVED,
    (Stage.SUBMITTED, StageStep.HOLD): Stage.HELD,
    (Stage.SUBMITTED, StageStep.END): Stage.ENDED,
    (Stage.READY, StageStep.TOLD): Stage.NOTIFIED,
    (Stage.READY, StageStep.TOLD_NEXT): Stage.ESCALATED,
    (Stage.READY, StageStep.NO_CONTACT): Stage.UNRESOLVED,
    (Stage.READY, StageStep.NOBODY_LEFT): Stage.EXHAUSTED,
    (Stage.READY, StageStep.HOLD): Stage.HELD,
    (Stage.READY, StageStep.END): Stage.ENDED,
    (Stage.NOTIFIED, StageStep.TOLD): Stage.NOTIFIED,
    (Stage.NOTIFIED, StageStep.TOLD_NEXT): Stage.ESCALATED,
    (Stage.NOTIFIED, StageStep.NOBODY_LEFT): Stage.EXHAUSTED,
    (Stage.NOTIFIED, StageStep.HOLD): Stage.HELD,
    (Stage.NOTIFIED, StageStep.END): Stage.ENDED,
    (Stage.ESCALATED, StageStep.TOLD): Stage.ESCALATED,
    (Stage.ESCALATED, StageStep.TOLD_NEXT): Stage.ESCALATED,
    (Stage.ESCALATED, StageStep.NOBODY_LEFT): Stage.EXHAUSTED,
    (Stage.ESCALATED, StageStep.HOLD): Stage.HELD,
    (Stage.ESCALATED, StageStep.END): Stage.ENDED,
    (Stage.UNRESOLVED, StageStep.RESOLVED): Stage.READY,
    (Stage.UNRESOLVED, StageStep.HOLD): Stage.HELD,
    (Stage.UNRESOLVED, StageStep.END): Stage.ENDED,
    (Stage.HELD, StageStep.RELEASE): Stage.READY,
    (Stage.HELD, StageStep.RELEASE_NOTIFIED): Stage.NOTIFIED,
    (Stage.HELD, StageStep.RELEASE_ESCALATED): Stage.ESCALATED,
    (Stage.HELD, StageStep.END): Stage.ENDED,
    (Stage.EXHAUSTED, StageStep.RESOLVED): Stage.READY,
    (Stage.EXHAUSTED, StageStep.TOLD_NEXT): Stage.ESCALATED,
    (Stage.EXHAUSTED, StageStep.HOLD): Stage.HELD,
    (Stage.EXHAUSTED, StageStep.END): Stage.ENDED,
}

PRESENCES: Mapping[tuple[Presence, PresenceSign], Presence] = {
    (Presence.UNSEEN, PresenceSign.SEEN_UP): Presence.UP,
    (Presence.UNSEEN, PresenceSign.SEEN_GONE): Presence.ABSENT,
    (Presence.UP, PresenceSign.SEEN_UP): Presence.UP,
    (Presence.UP, PresenceSign.SEEN_GONE): Presence.ABSENT,
    (Presence.ABSENT, PresenceSign.SEEN_UP): Presence.UP,
    (Presence.ABSENT, PresenceSign.SEEN_GONE): Presence.ABSENT,
    (Presence.ABSENT, PresenceSign.PROVEN_GONE): Presence.REMOVED,
    (Presence.REMOVED, PresenceSign.SEEN_UP): Presence.UP,
    (Presence.REMOVED, PresenceSign.SEEN_GONE): Presence.REMOVED,
    (Presence.REMOVED, PresenceSign.WATCH_OVER): Presence.CLOSED,
}


def next_stage(stage: Stage, step: StageStep) -> Stage:
    """Return the stage that follows, or refuse a step that the table does not know."""
    try:
        return STAGES[stage, step]
    except KeyError:
        raise RefusedError(because(Code.STAGE_FORBIDS, stage=stage.value)) from None


def next_presence(presence: Presence, sign: PresenceSign) -> Presence:
    """Return the presence that follows, or refuse a sign that the table does not know."""
    try:
        return PRESENCES[presence, sign]
    except KeyError:
        raise RefusedError(f"content that is {presence} cannot give the sign {sign}") from None


def silence_counts(presence: Presence) -> bool:
    """Tell whether a deadline runs: only while the content is there or was never seen."""
    return presence in (Presence.UNSEEN, Presence.UP)
