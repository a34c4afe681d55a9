"""How to read the fields and texts of a mail that may be broken in any way, or built to do harm.

The parser behind email.policy.default raises on some broken headers, so
fields are read raw here. What a mail is made of is bounded where it is
read: how many parts, how deep, how many fields, how long.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from itertools import takewhile
from typing import Any, Final, TypeAlias

Mail: TypeAlias = "Message[Any, Any]"

LONGEST_READ: Final = 1 << 20
"""Bytes of one mail that are looked at: what tells a bounce stands in the first lines, the rest quotes us."""

LONGEST_HEAD: Final = 64 * 1024
_MOST_PARTS: Final = 300
_DEEPEST: Final = 30
_MOST_FIELDS: Final = 500  # of one part
_LONGEST_FIELD: Final = 32 * 1024
_LONGEST_TEXT: Final = 64 * 1024
_LONGEST_WORDS: Final = 2_000  # of a field with encoded words: the library looks for them in quadratic time
_LONGEST_ID: Final = 128  # ours are shorter; longer ones can be none of ours
_FIRST_IDS: Final = 10
_LAST_IDS: Final = 40
STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})

# Only what mails are written in: other codecs of Python raise, give half characters, or take quadratic time.
_CHARSET: Final = re.compile(
    r"(?:us-)?ascii|utf-?8|utf-7|iso-8859-\d\d?|latin-?\d|windows-(?:125\d|874)|cp125\d|koi8-[ru]|tis-620"
    r"|gb2312|gbk|gb18030|big5|euc-(?:kr|jp)|ks_c_5601-1987|shift_jis|iso-2022-(?:jp|kr)",
    re.IGNORECASE,
)
_NAMED_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]{1,32})", re.IGNORECASE)
_CONTROLS: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160)), "\ufffd")


_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]+[^ \t]|From ")


class UnreadableError(ValueError):
    """A mail is built so that it cannot be read whole. The message says why, and quotes nothing of it."""


def read_mail(content: bytes) -> Mail:
    """Return a mail, read as far as `LONGEST_READ`.

    A delivery status (RFC 3464) is left as one text, whatever its encoding.

    Raises: UnreadableError when it has too many parts, parts too deep, or
    no part where it promises some.
    """
    try:
        message: Mail = BytesParser(_Part, policy=compat32).parsebytes(content[:LONGEST_READ])
    except UnreadableError:
        raise
    except Exception as fault:  # noqa: BLE001 (the library raises nearly anything on the worst of mails)
        raise UnreadableError(f"the library cannot read it ({type(fault).__name__})") from None
    if message.get_content_maintype() == "multipart" and not message.is_multipart():
        raise UnreadableError("it promises parts and has none")
    return message


def read_head(content: bytes) -> Mail:
    """Return the fields alone of a mail that cannot be read whole. Never raises."""
    message: Mail = _Part()
    for line in re.split(r"\n(?![ \t])", head_of(content).decode("ascii", "surrogateescape")):
        name, colon, value = line.partition(":")
        if colon and name.strip():
            message.set_raw(name.strip(), value.strip())
    message.set_payload("")
    return message


def head_of(content: bytes) -> bytes:
    """Return the lines at the top that are fields, with plain line ends; what follows may be anything."""
    lines = content[:LONGEST_HEAD].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"\n".join(takewhile(_FIELD.match, lines))


class _Part(Message):
    """A part that counts itself with its siblings, and reads of its own fields nothing that raises."""

    def __init__(self, policy: Any = compat32) -> None:
        super().__init__(policy)
        self._depth = 0
        self._counted = [0]  # one count for the whole mail
        self._fields = 0

    def attach(self, payload: Any) -> None:
        payload._depth, payload._counted = self._depth + 1, self._counted
        self._counted[0] += 1
        if self._counted[0] > _MOST_PARTS:
            raise UnreadableError(f"it has more than {_MOST_PARTS} parts")
        if payload._depth > _DEEPEST:
            raise UnreadableError(f"its parts are more than {_DEEPEST} deep")
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        self._fields += 1
        if self._fields <= _MOST_FIELDS:
            super().set_raw(name, _shortened(value))

    # Any: as the library types it, in five overloads.
    def get_payload(self, i: Any = None, decode: Any = False) -> Any:
        """Return the payload as it was read; the library's own decodes it by whatever charset is named."""
        return vars(self)["_payload"] if i is None and not decode else super().get_payload(i, decode)

    def get_content_type(self) -> str:
        found = content_type(self)
        if found in STATUS_TYPES:
            return "text/plain"
        return found if found.count("/") == 1 else self.get_default_type()

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: Any = None) -> Any:
        try:
            return super().get_boundary(failobj)
        except (LookupError, ValueError, TypeError, AttributeError):  # RFC 2231 lets it name a charset
            return failobj


def clean(text: str) -> str:
    """Return a text that every database, page and terminal takes: no half characters, no controls."""
    return text.encode("utf-8", "replace").decode().translate(_CONTROLS)


def header(message: Mail, name: str) -> str:
    """Return the first field of a name, raw, on one line, without controls; else an empty string."""
    return next(headers(message, name), "")


def headers(message: Mail, name: str) -> Iterator[str]:
    """Yield all fields of a name as `header` returns one, topmost first."""
    wanted = name.lower()
    for key, value in message.raw_items():
        if key.lower() == wanted:
            yield " ".join(clean(_bytes(_shortened(str(value))).decode("utf-8", "replace")).split())


def _shortened(value: str) -> str:
    """Return a field no longer than any that is read: of one that is, how it begins and how it ends."""
    half = _LONGEST_FIELD // 2
    return value if len(value) <= _LONGEST_FIELD else f"{value[:half]} {value[-half:]}"


def _bytes(read: str) -> bytes:
    """Return the bytes that the parser read as ASCII with escapes."""
    try:
        return read.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half characters that no byte stands for
        return read.encode("utf-8", "replace")


def decoded(text: str) -> str:
    """Return a header with its encoded words (RFC 2047) decoded as far as they can be."""
    try:
        parts = decode_header(text[:_LONGEST_WORDS])
    except (HeaderParseError, ValueError):
        return clean(text[:_LONGEST_WORDS])
    return clean("".join(part if isinstance(part, str) else _word(part, charset) for part, charset in parts))


def _word(part: bytes, charset: str | None) -> str:
    known = charset if charset and _CHARSET.fullmatch(charset) else "utf-8"
    try:
        return part.decode(known, "replace")
    except (LookupError, ValueError):
        return part.decode("utf-8", "replace")


def content_type(part: Mail) -> str:
    """Return a part's type as it is written, in lower case, without parameters."""
    return header(part, "Content-Type").partition(";")[0].strip().lower()


def text_of(part: Mail) -> str:
    """Return the text of a part that holds no parts."""
    payload = payload_of(part)
    if not isinstance(payload, str):
        return ""
    raw = _bytes(payload[: _LONGEST_TEXT * 2])
    encoding = header(part, "Content-Transfer-Encoding").lower()
    if encoding == "quoted-printable":
        raw = quopri.decodestring(raw)
    elif encoding == "base64":
        try:
            raw = binascii.a2b_base64(raw)
        except binascii.Error:
            return ""
    named = _NAMED_CHARSET.search(header(part, "Content-Type"))
    return clean(_text(raw[:_LONGEST_TEXT], named[1] if named else None))


def payload_of(part: Mail) -> Any:
    """Return the parts within a part, or its text undecoded."""
    try:
        return part.get_payload()
    except (
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ):  # the library decodes by what charset is named
        return ""


def _text(raw: bytes, charset: str | None) -> str:
    """Return what bytes say: UTF-8 if they can be, else by their charset if mails are written in it."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _word(raw, charset)


def parts_of(message: Mail) -> Iterator[Mail]:
    """Yield a mail and the parts in it, outermost and first ones first, however deep they are."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        payload = payload_of(part)
        if isinstance(payload, list):
            waiting += [inner for inner in reversed(payload) if isinstance(inner, Message)]


def ids_in(text: str) -> list[str]:
    """Return the ids in a field, in angle brackets, that could be ours: not too many, not too long.

    Of many the first and the last remain: they name the mail that began a
    thread and the one that is answered (RFC 5322, section 3.6.4).
    """
    found = [one for one in re.findall(r"<[!-;=?-~]+>", text) if len(one) <= _LONGEST_ID]
    return found if len(found) <= _FIRST_IDS + _LAST_IDS else found[:_FIRST_IDS] + found[-_LAST_IDS:]


def first_text(message: Mail) -> str:
    """Return the first text of a mail, which is where a report in words says what happened."""
    for part in parts_of(message):
        kind = content_type(part)
        if (not kind or kind.startswith("text/")) and not part.is_multipart():
            text = text_of(part)
            if text.strip():
                return text
    return ""
