"""Text into values that Python and both databases can hold: moments, whole numbers, ids."""

from datetime import UTC, datetime, tzinfo
from typing import Final

LARGEST_ID: Final = 2**63 - 1
"""The ids of the database are 64-bit, with a sign."""

_YEARS: Final = range(2, 9999)
"""A year from either end of Python's: such a moment can be shown in any zone, and a length of time added."""


def instant(text: str, zone: tzinfo | None = None) -> datetime | None:
    """Return the moment of a text in ISO 8601, in UTC; None where it is none that can be kept.

    `zone` is meant where the text names no offset; without one such a text
    is no moment. An offset can lead out of the years that there are:
    `0001-01-01T00:00+23:59`. Python itself reads over a NUL.
    """
    if not text.isprintable():
        return None
    try:
        read = datetime.fromisoformat(text)
        aware = read if read.tzinfo is not None else read.replace(tzinfo=zone)
        moment = aware.astimezone(UTC) if aware.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
    return moment if moment is not None and moment.year in _YEARS else None


def whole(text: str, most: int = LARGEST_ID) -> int | None:
    """Return the whole number that a text of decimal digits is, up to `most`; None for any other text.

    Its length is looked at first: Python refuses to read one of more than
    4,300 digits, and takes digits of any script.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


def row_id(text: str) -> int | None:
    """Return the id of a row that a text names; None where no row can have it."""
    return whole(text) or None
