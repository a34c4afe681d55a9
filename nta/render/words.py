"""One word for the state of an episode, made from its stage and presence, and who has to act on it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from nta.domain.lifecycle import Presence, Stage


class Word(StrEnum):
    """What a page calls the state of an episode, in the order in which people should see them."""

    NO_CONTACT = "no_contact"  # nobody found to tell: a person's
    NOBODY_LEFT = "nobody_left"  # everyone was told and it is still there: a person's
    HELD = "held"  # the police asked us to wait
    ESCALATED = "escalated"
    TOLD = "told"
    PREPARING = "preparing"  # a notice is being made
    LOOKING_UP = "looking_up"  # who hosts it is being found out
    SEEMS_GONE = "seems_gone"  # seen gone, not yet proven
    REMOVED = "removed"  # proven gone, watched for a return
    ENDED = "ended"


NEEDS_A_PERSON: Final = frozenset({Word.NO_CONTACT, Word.NOBODY_LEFT, Word.HELD})

RANK: Final[Mapping[Word, int]] = {word: place for place, word in enumerate(Word)}
"""Where a state stands in a list that begins with what needs a person."""

_BY_STAGE: Final = {
    Stage.SUBMITTED: Word.LOOKING_UP,
    Stage.READY: Word.PREPARING,
    Stage.NOTIFIED: Word.TOLD,
    Stage.ESCALATED: Word.ESCALATED,
    Stage.UNRESOLVED: Word.NO_CONTACT,
    Stage.EXHAUSTED: Word.NOBODY_LEFT,
}


def state_word(stage: str, presence: str) -> Word:
    """Return the word for an episode. What is gone needs nobody, whatever was being done about it."""
    if stage == Stage.ENDED or presence == Presence.CLOSED:
        return Word.ENDED
    if stage == Stage.HELD:
        return Word.HELD
    if presence == Presence.REMOVED:
        return Word.REMOVED
    if presence == Presence.ABSENT:
        return Word.SEEMS_GONE
    return _BY_STAGE[Stage(stage)]


def pairs(word: Word) -> frozenset[tuple[str, str]]:
    """Return every stage and presence that a word stands for."""
    return frozenset(
        (stage.value, presence.value)
        for stage in Stage
        for presence in Presence
        if state_word(stage, presence) is word
    )


def ranks() -> dict[tuple[str, str], int]:
    """Return the rank of every stage and presence."""
    return {pair: RANK[word] for word in Word for pair in pairs(word)}


def tally(counts: Mapping[tuple[str, str], int]) -> dict[Word, int]:
    """Return the counts of stages and presences as counts of words, without those that ended."""
    total: dict[Word, int] = {word: 0 for word in Word if word is not Word.ENDED}
    for (stage, presence), count in counts.items():
        word = state_word(stage, presence)
        if word is not Word.ENDED:
            total[word] += count
    return total


_SURE: Final = ((1.0, "certain"), (0.8, "very likely"), (0.6, "likely"), (0.4, "uncertain"))


def how_sure(confidence: float) -> str:
    """Return a confidence between 0 and 1 in words; below 0.4 it is a guess."""
    return next((word for least, word in _SURE if confidence >= least), "a guess")
