"""The sentence of a reason in a reader's language."""

import tomllib
from collections.abc import Callable
from functools import cache
from string import Formatter
from typing import Any

from nta.domain.languages import FALLBACK, PAGE_LANGUAGES
from nta.domain.reasons import Param, Reason
from nta.shipped import shipped

FOLDER = shipped("templates") / "reasons"

Words = Callable[[str, str], str]
"""What a door calls a word of one of its tables: of a table such as `role`, and the word."""


def plain_word(table: str, word: str) -> str:
    """Return a word as the code has it, its underscores as blanks."""
    return word.replace("_", " ")


def sentence(reason: Reason, language: str = FALLBACK, words: Words = plain_word) -> str:
    """Return the reason as a sentence; nothing that stands in a parameter is read as a template.

    A template's `{roles:role|or}` is filled with several words of the
    door's table `role`, the last two joined by the language's "or";
    `{all:| }` with several reasons, a blank between; `{most:,}` with a
    number whose thousands are parted. `!c` makes the first
    letter a capital. Words of a table that the file has itself need no door.
    """
    texts = sentences(language)
    filled = _Filling(language, words).vformat(texts[reason.code], (), reason.params)
    return "; ".join([filled, *(sentence(one, language, words) for one in reason.besides)])


@cache
def sentences(language: str) -> dict[str, str]:
    """Return the template of each code, and the words that join others: `and`, `or`."""
    return {code: text for code, text in _file(language).items() if isinstance(text, str)}


@cache
def _file(language: str) -> dict[str, Any]:  # templates, and tables of words
    path = FOLDER / f"{language if language in PAGE_LANGUAGES else FALLBACK}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


class _Filling(Formatter):
    """Fills one template, reasons within it in the same language."""

    def __init__(self, language: str, words: Words) -> None:
        self._language = language
        self._words = words

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        """Return the parameter of that name: a template reaches into nothing."""
        value = kwargs[field_name]
        return (self._said(value, "") if isinstance(value, Reason) else value), field_name

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        """Return the value, with `!c` its first letter as a capital."""
        if conversion != "c":
            return super().convert_field(value, conversion)
        text = str(value)
        return text[:1].upper() + text[1:]

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return the value in words of the table that the template names; several joined as it says."""
        if isinstance(value, int) and format_spec == ",":
            return f"{value:,}".replace(",", sentences(self._language)["thousands"])
        table, _, joint = format_spec.partition("|")
        if not isinstance(value, tuple):
            return self._said(value, table)
        parts = [self._said(one, table) for one in value]
        between = sentences(self._language).get(joint, joint)
        return between.join(parts)

    def _said(self, value: Param, table: str) -> str:
        if isinstance(value, Reason):
            return sentence(value, self._language, self._words)
        if not table:
            return str(value)
        word = _file(self._language).get(table, {}).get(str(value))
        return str(word) if word is not None else self._words(table, str(value))
