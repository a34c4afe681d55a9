"""How to read the headers and texts of a mail that may be broken in any way.

The parser behind email.policy.default raises on some broken headers, so
headers are read raw here.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from typing import Any, Final, TypeAlias

Mail: TypeAlias = "Message[Any, Any]"

_LONGEST_TEXT: Final = 64 * 1024


def header(message: Mail, name: str) -> str:
    """Return a header's raw value on one line, or an empty string."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return " ".join(str(value).split())
    return ""


def decoded(text: str) -> str:
    """Return a header with its encoded words (RFC 2047) decoded as far as they can be."""
    try:
        parts = decode_header(text)
        return "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii", "replace")
            for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        return text


def content_type(part: Mail) -> str:
    return header(part, "Content-Type").partition(";")[0].strip().lower()


def text_of(part: Mail) -> str:
    """Return the text of a part that holds no parts."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return ""
    raw = payload[: _LONGEST_TEXT * 2].encode("utf-8", "surrogateescape")
    encoding = header(part, "Content-Transfer-Encoding").lower()
    if encoding == "quoted-printable":
        raw = quopri.decodestring(raw)
    elif encoding == "base64":
        try:
            raw = binascii.a2b_base64(raw)
        except binascii.Error:
            return ""
    return raw[:_LONGEST_TEXT].decode("utf-8", "replace")


def parts_of(message: Mail) -> Iterator[Mail]:
    for part in message.walk():
        if isinstance(part, Message):
            yield part


def ids_in(text: str) -> list[str]:
    return re.findall(r"<[^<>\s]+>", text)


def first_text(message: Mail) -> str:
    """Return the first text of a mail, which is where a report in words says what happened."""
    for part in parts_of(message):
        kind = content_type(part)
        if (not kind or kind.startswith("text/")) and not part.is_multipart():
            text = text_of(part)
            if text.strip():
                return text
    return ""
