"""One language outside any request: its translated texts, its numbers and its moments."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from math import ceil, floor
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

FOLDER: Final = Path(str(files("nta"))) / "web" / "translations"
"""What the doors speak; reports on paper say the same in the same words."""


@lru_cache
def translations(language: str) -> NullTranslations:
    """Return the texts of a language; English ones are the texts themselves."""
    return Translations.load(FOLDER, [language])


def filters(language: str) -> dict[str, Callable[..., str]]:
    """Return how values are written in a language, by the names that templates use."""

    def decimal(value: float | None, digits: int = 1) -> str:
        return "–" if value is None else str(format_decimal(value, f"0.{'0' * digits}", locale=language))

    def moment(at: datetime) -> str:
        return str(format_datetime(at.astimezone(UTC), "d MMMM y, HH:mm", locale=language))

    def number(count: int) -> str:
        return f"{count:,}".replace(",", "\u202f")

    return {"decimal": decimal, "moment": moment, "number": number, "share": share, "between": between}


def share(value: float | None) -> str:
    """Return a share in whole percents. What is not all is never 100 %, and what is something never 0 %."""
    if value is None:
        return "–"
    whole = round(value * 100)
    if whole == 100 and value < 1 - _EXACT:
        return "> 99 %"
    if whole == 0 and value > _EXACT:
        return "< 1 %"
    return f"{whole} %"


def between(bounds: Any) -> str:
    """Return the bounds of a share, the lower rounded down and the upper up, so that they remain bounds."""
    low, high = bounds
    if high - low <= _EXACT:
        return share(low)
    return f"{floor(low * 100 + _EXACT)}–{ceil(high * 100 - _EXACT)} %"


_EXACT: Final = 1e-9
"""Rounding in the last digits is no difference."""
