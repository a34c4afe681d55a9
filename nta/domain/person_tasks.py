"""What persons are asked: which tasks only a decision ends, which end by themselves."""

from typing import Final

from nta.domain.lifecycle import Stage
from nta.domain.reasons import Code

OF_CASES: Final = frozenset(
    {Code.NOBODY_FOUND, Code.NOBODY_REACHABLE, Code.NOBODY_LEFT, Code.NO_LADDER, Code.HELD, Code.OTHER}
)  # `other`: what an earlier release asked in words of which no code is known
OF_NOTICES: Final = frozenset({Code.TWO_LEADS, Code.BURST})
OF_CONTACTS: Final = frozenset({Code.NEW_CONTACT})
"""Tasks that ask for a decision about a case, a notice, a contact, taken on its own page."""

UNTIL_READY: Final = frozenset(
    {Code.NOBODY_FOUND, Code.NOBODY_REACHABLE, Code.NO_LADDER, Code.LOOKUPS_FAILED, Code.NO_ADDRESS_FOUND}
)
"""Tasks that are done once it is known whom to notify."""

_WAITING: Final = frozenset({Stage.UNRESOLVED, Stage.EXHAUSTED, Stage.HELD})
"""Stages in which nothing goes on but by a decision about the case."""


def decided_where(code: Code, stage: str | None) -> Code | None:
    """Return why a task cannot simply be said to be done: it needs a decision elsewhere. None where it can.

    `stage` is that of the case that it is about, where it is about one that is open.
    """
    if code in OF_NOTICES:
        return Code.NOTICE_WANTS_DECISION
    if code in OF_CONTACTS:
        return Code.CONTACT_WANTS_DECISION
    return Code.CASE_WANTS_DECISION if code in OF_CASES and stage in _WAITING else None
