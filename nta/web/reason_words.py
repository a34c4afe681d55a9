"""The sentence of a reason in the language of the page, with the words that the page has for codes."""

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import get_locale
from flask_babel.speaklater import LazyString

from nta.domain.errors import RefusedError
from nta.domain.languages import FALLBACK
from nta.domain.reasons import Reason
from nta.render.reason_sentences import plain_word, sentence

Tables = Mapping[str, Mapping[Any, LazyString]]  # keys: words, as such or of an enum
"""What a door calls its codes, by the table that a template of a sentence names."""

_NONE: Final[Tables] = {}


def in_words(reason: Reason | None, tables: Tables = _NONE) -> str:
    """Return a reason as a sentence in the reader's language, nothing for none."""
    if reason is None:
        return ""

    def word(table: str, code: str) -> str:
        known = tables.get(table, {}).get(code)
        return plain_word(table, code) if known is None else str(known)

    return sentence(reason, str(get_locale() or FALLBACK), word)


def refusal(fault: RefusedError) -> str:
    """Return why something was refused, in the reader's language."""
    return in_words(fault.reason)
