"""What a provider can say of an item and what has to be said with it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from nta.domain.reasons import Code


class Says(StrEnum):
    """What a provider can say of an item."""

    REMOVED = "removed"
    DISABLED = "disabled"
    ACCOUNT_CLOSED = "account_closed"
    FORWARDED = "forwarded"
    NOT_OURS = "not_ours"
    REFUSED = "refused"
    NEED_INFORMATION = "need_information"


GONE: Final = frozenset({Says.REMOVED, Says.DISABLED, Says.ACCOUNT_CLOSED})
"""Answers that say it is gone: never proof, but reason to look at once."""

FOR_A_PERSON: Final = {
    Says.REFUSED: Code.WILL_NOT_REMOVE,
    Says.NEED_INFORMATION: Code.WANTS_INFORMATION,
}
"""Answers that an analyst has to read, each with what the task says. No deadline waits for them."""

LONGEST_WHY: Final = 2_000
LONGEST_WHOSE: Final = 200

FARTHEST: Final = timedelta(days=30)
"""A moment beyond the life of the link is a slip of the pen."""


class AnswerSlip(StrEnum):
    """What is wrong with an answer; `FIELDS` says where."""

    NOTHING_CHOSEN = "nothing_chosen"
    NOT_OF_THIS_NOTICE = "not_of_this_notice"
    NO_SUCH_ANSWER = "no_such_answer"
    WHOSE_LONG = "whose_long"
    WHOSE_LINK = "whose_link"
    UNTIL_MISSING = "until_missing"
    UNTIL_UNREADABLE = "until_unreadable"
    UNTIL_PAST = "until_past"
    UNTIL_FAR = "until_far"
    WHY_MISSING = "why_missing"
    WHY_LONG = "why_long"


FIELDS: Final = {
    slip: slip.partition("_")[0] for slip in AnswerSlip if slip.startswith(("whose", "until", "why"))
} | {
    AnswerSlip.NOTHING_CHOSEN: "item",
    AnswerSlip.NOT_OF_THIS_NOTICE: "item",
    AnswerSlip.NO_SUCH_ANSWER: "answer",
}
"""The field of the form beside which each slip is shown."""


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """One item and what is said of it. `until` is aware; `whose` names a party or an address, no page."""

    item_id: int
    says: str
    whose: str | None = None
    until: datetime | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Slipped:
    """One thing that is wrong, with the item it is about."""

    item_id: int | None
    slip: AnswerSlip


_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_LINK = re.compile(r"://|\bh(?:tt|xx)ps?:|\bwww\.|/.*/", re.IGNORECASE)


def slips(said: ItemAnswer, now: datetime) -> tuple[AnswerSlip, ...]:
    """Return what is wrong with an answer; empty when it can be taken."""
    if said.says not in {*Says}:
        return (AnswerSlip.NO_SUCH_ANSWER,)
    return (*_whose(said), *_until(said, now), *_why(said))


def _whose(said: ItemAnswer) -> Iterable[AnswerSlip]:
    if said.whose and len(said.whose) > LONGEST_WHOSE:
        yield AnswerSlip.WHOSE_LONG
    elif said.whose and _LINK.search(said.whose):  # kept in clear, as parties are: it may point at no page
        yield AnswerSlip.WHOSE_LINK


def _until(said: ItemAnswer, now: datetime) -> Iterable[AnswerSlip]:
    if said.says != Says.FORWARDED:
        return
    if said.until is None:
        yield AnswerSlip.UNTIL_MISSING
    elif said.until <= now:
        yield AnswerSlip.UNTIL_PAST
    elif said.until > now + FARTHEST:
        yield AnswerSlip.UNTIL_FAR


def _why(said: ItemAnswer) -> Iterable[AnswerSlip]:
    if said.why and len(said.why) > LONGEST_WHY:
        yield AnswerSlip.WHY_LONG
    elif not said.why and said.says in FOR_A_PERSON:
        yield AnswerSlip.WHY_MISSING


def one_line(text: str | None) -> str | None:
    """Return a text without control characters and outer blanks; None when nothing is left."""
    return " ".join(_CONTROL.sub(" ", text or "").split()) or None


def address_in(whose: str | None) -> str | None:
    """Return the address when that is all that was written: a proxy names the host behind it so."""
    try:
        return str(ip_address((whose or "").strip().strip("[]")))
    except ValueError:
        return None
