"""State of a notice: one table without memory, the only one of what follows what."""

from collections.abc import Mapping
from enum import StrEnum


class NoticeState(StrEnum):
    """Where a notice stands on its way out."""

    QUEUED = "queued"  # to be composed and sent
    WAITING_LEAD = "waiting_lead"  # leads have to approve it first
    COMPOSED = "composed"  # its bytes are kept, and never change again
    HANDED_OVER = "handed_over"  # our relay took it
    REFUSED = "refused"  # our relay refused it for good
    NOT_SENT = "not_sent"  # composed while sending was off; never leaves by itself
    EMPTY = "empty"  # no location was left to report
    DECLINED = "declined"  # a lead declined it


class SentProof(StrEnum):
    """What shows that the other side had a notice, where no server's line does."""

    CAME_BACK = "came_back"  # a mail that belongs to it: our relay had it
    ANSWERED = "answered"


class NoticeStep(StrEnum):
    """What moves a notice to another state."""

    APPROVE = "approve"
    DECLINE = "decline"
    COMPOSE = "compose"
    HAND_OVER = "hand_over"
    REFUSE = "refuse"
    KEEP_BACK = "keep_back"
    DROP = "drop"


NOTICE_STATES: Mapping[tuple[NoticeState, NoticeStep], NoticeState] = {
    (NoticeState.WAITING_LEAD, NoticeStep.APPROVE): NoticeState.QUEUED,
    (NoticeState.WAITING_LEAD, NoticeStep.DECLINE): NoticeState.DECLINED,
    (NoticeState.WAITING_LEAD, NoticeStep.DROP): NoticeState.EMPTY,
    (NoticeState.QUEUED, NoticeStep.COMPOSE): NoticeState.COMPOSED,
    (NoticeState.QUEUED, NoticeStep.DROP): NoticeState.EMPTY,
    (NoticeState.COMPOSED, NoticeStep.HAND_OVER): NoticeState.HANDED_OVER,
    (NoticeState.COMPOSED, NoticeStep.REFUSE): NoticeState.REFUSED,
    (NoticeState.COMPOSED, NoticeStep.KEEP_BACK): NoticeState.NOT_SENT,
}

BEGINNINGS = (NoticeState.QUEUED, NoticeState.WAITING_LEAD)
"""States in which a notice is made."""

ENDINGS = tuple(state for state in NoticeState if state not in {before for before, _ in NOTICE_STATES})
"""States that nothing follows."""

UNWRITTEN = BEGINNINGS
"""States in which a location can still be taken out."""

UNDER_WAY = (*UNWRITTEN, NoticeState.COMPOSED)
"""States in which a notice may still go out."""

NEVER_LEFT = (NoticeState.NOT_SENT, NoticeState.DECLINED)
"""States in which a notice with locations never left, and will not by itself."""


def led_to(step: NoticeStep) -> NoticeState:
    """Return the state that a step leads to: the same from wherever it is taken."""
    return next(after for (_, taken), after in NOTICE_STATES.items() if taken is step)


def states_before(step: NoticeStep) -> tuple[NoticeState, ...]:
    """Return the states in which a step can be taken."""
    return tuple(before for before, taken in NOTICE_STATES if taken is step)
