"""The locations of a notice as a CSV list, for those who read lists or cannot be told in XARF."""

import re
from typing import Final

from nta.render.letters import Item, Letter
from nta.render.table_formats import csv_table

CONTENT_TYPE: Final = 'text/csv; charset="utf-8"; header=present'
_SIGN: Final = re.compile(r";([=+@-])")
HEADS: Final = ("reference", "url", "ip_addresses", "port", "last_seen_up_utc", "class", "law", "scope")


def file_name(letter: Letter) -> str:
    """Return the list's file name: the notice's reference, never a host."""
    return f"{letter.reference}.csv"


def attachment(letter: Letter) -> bytes:
    """Return the list, a location a line, in UTF-8 without a byte order mark.

    Without one: a program would find it in the name of the first column.
    A spreadsheet that then guesses another encoding misreads at most a name
    of a law; what is acted on (reference, URL, address, time) is ASCII.
    """
    return csv_table(HEADS, [_row(item) for item in letter.items]).encode()


def _kept_whole(url: str) -> str:
    """Return a URL that is the same to its server, and no formula where somebody splits at semicolons.

    An apostrophe would make it another URL (RFC 3986, section 2.1).
    """
    return _SIGN.sub(lambda found: f";%{ord(found[1]):02X}", url)


def _row(item: Item) -> tuple[str | int, ...]:
    return (
        item.case,
        _kept_whole(item.url),
        item.addresses or "",
        item.port or "",
        f"{item.last_up_at:%Y-%m-%d %H:%M:%S}" if item.last_up_at else "",
        f"{item.class_scheme}:{item.class_value}",
        item.law,
        item.scope,
    )
