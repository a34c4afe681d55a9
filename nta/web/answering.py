"""The answer form: what it offers, what each answer means, what was filled in and what is wrong with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from nta.domain.notices.answers import (
    FIELDS,
    LONGEST_WHOSE,
    LONGEST_WHY,
    AnswerSlip,
    ItemAnswer,
    Says,
    Slipped,
)
from nta.domain.reading import row_id
from nta.usecases.answer import Taken
from nta.web import request_values

SAYS: Final = {
    "removed": _l("It was removed"),
    "disabled": _l("Access to it was disabled"),
    "account_closed": _l("The account was closed"),
    "forwarded": _l("We passed it on to our customer"),
    "not_ours": _l("It is not on our network"),
    "refused": _l("We will not remove it"),
    "need_information": _l("We need more information"),
}
"""What an answer reads as, in the order in which the form offers them."""

MEANS: Final = {
    "removed": _l("We look for ourselves at once. When it is gone, you hear no more about it."),
    "disabled": _l("Nobody can reach it any more, though it is not deleted. We look at once."),
    "account_closed": _l("Nothing of that customer can be reached any more. We look at once."),
    "forwarded": _l(
        "Your customer is to remove it. We wait until the moment you name, at most 24 hours longer than we"
        " would have waited for you."
    ),
    "not_ours": _l("Somebody else serves it. We look up again who that is and stop writing to you about it."),
    "refused": _l(
        "It stays online. An analyst reads your explanation. The deadline keeps running; after it, others "
        "are notified."
    ),
    "need_information": _l(
        "An analyst reads your question and answers it by mail. The deadline keeps running."
    ),
}
"""What follows from each answer, for the one who gives it."""

_SLIPS: Final = {
    AnswerSlip.NOTHING_CHOSEN: _l("Choose at least one location."),
    AnswerSlip.NOT_OF_THIS_NOTICE: _l("One of the locations chosen does not belong to this notice."),
    AnswerSlip.NO_SUCH_ANSWER: _l("Choose one of the answers of the list."),
    AnswerSlip.WHOSE_LINK: _l("Write a name or an address of a machine here, no web address."),
    AnswerSlip.UNTIL_MISSING: _l("Say until when your customer has to remove it."),
    AnswerSlip.UNTIL_UNREADABLE: _l("Write day and time, such as 2026-03-02 17:00."),
    AnswerSlip.UNTIL_PAST: _l("This moment is over. Choose a later one (UTC)."),
    AnswerSlip.UNTIL_FAR: _l("This moment is more than 30 days away. Choose an earlier one."),
    AnswerSlip.WHY_MISSING: _l("Say why you will not remove it, or what you need to know."),
}
_LONGEST: Final = {AnswerSlip.WHOSE_LONG: LONGEST_WHOSE, AnswerSlip.WHY_LONG: LONGEST_WHY}
_USUAL_TERM: Final = timedelta(hours=24)
_OWN: Final = "answer-"
"""Before an item's id: the field with an answer of its own. Empty means the one for all that are chosen."""


@dataclass(slots=True)
class FilledAnswer:
    """The form as it was filled in, or as it is first shown."""

    chosen: frozenset[int]
    own: dict[int, str]
    says: str
    whose: str
    until: str
    why: str
    faults: dict[str, list[str]] = field(default_factory=dict)
    taken: int = 0


def blank(open_items: Collection[int], now: datetime) -> FilledAnswer:
    """Return the form as it is first shown: all that is still open chosen, as removed."""
    return FilledAnswer(frozenset(open_items), {}, "removed", "", _written(now + _USUAL_TERM), "")


def read(form: MultiDict[str, str]) -> tuple[FilledAnswer, list[ItemAnswer], list[Slipped]]:
    """Return the form as filled in, what it says of each item, and what could not be read.

    An item with an answer of its own is taken with that, chosen or not.
    """
    numbers = [row_id(item) for item in form.getlist("item")]
    chosen = {number for number in numbers if number is not None}
    own = {
        number: says
        for name, says in form.items()
        if name.startswith(_OWN) and says and (number := row_id(name.removeprefix(_OWN))) is not None
    }
    filled = FilledAnswer(
        frozenset(chosen),
        own,
        form.get("answer", "removed"),
        form.get("whose", "").strip(),
        form.get("until", "").strip(),
        form.get("why", "").strip(),
    )
    until, is_readable = _moment(filled.until)
    said, wrong = [], [Slipped(None, AnswerSlip.NOT_OF_THIS_NOTICE)] if None in numbers else []
    for item in sorted(chosen | own.keys()):
        says = own.get(item, filled.says)
        if says == Says.FORWARDED and not is_readable:
            wrong.append(Slipped(item, AnswerSlip.UNTIL_UNREADABLE))
        else:
            said.append(ItemAnswer(item, says, filled.whose or None, until, filled.why or None))
    return filled, said, wrong


def after(filled: FilledAnswer, taken: Taken, wrong: Sequence[Slipped]) -> FilledAnswer:
    """Return the form to show again: what was taken is chosen no more, what is wrong stands at its field."""
    found = dict.fromkeys(slip.slip for slip in [*wrong, *taken.slips])
    if wrong:
        found.pop(AnswerSlip.NOTHING_CHOSEN, None)  # something was, but nothing that could be read
    done = {said.item_id for said in taken.said}
    faults: dict[str, list[str]] = {}
    for slip in found:
        faults.setdefault(FIELDS[slip], []).append(_worded(slip))
    return FilledAnswer(
        filled.chosen - done,
        {item: says for item, says in filled.own.items() if item not in done},
        filled.says,
        filled.whose,
        filled.until,
        filled.why,
        faults,
        len(done),
    )


def summed(taken: Taken) -> Mapping[str, int]:
    """Return how many items each answer was given for, in the order of the form."""
    counts = {says: sum(one.says == says for one in taken.said) for says in SAYS}
    return {says: count for says, count in counts.items() if count}


def _worded(slip: AnswerSlip) -> str:
    if slip in _LONGEST:
        return str(_("Write at most %(count)s characters.", count=_LONGEST[slip]))
    return str(_SLIPS[slip])


def _written(moment: datetime) -> str:
    """Return a moment as the field of a form holds it; the page says that it is UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def _moment(text: str) -> tuple[datetime | None, bool]:
    """Return the moment that was written, and whether it could be read. Without an offset it is UTC."""
    if not text:
        return None, True
    found = request_values.moment(text)
    return found, found is not None
