"""The bytes of a mail: headers, the text, and what is attached to it."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from nta.render import listing, xarf
from nta.render.letters import Letter
from nta.render.plain import visible

_LONGEST_LINE: Final = 998
"""Octets of a line without its end (RFC 5322, section 2.1.1)."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with the text."""

    name: str
    content_type: str
    content: bytes


def name_of(letter: Letter) -> str:
    """Return the name of the file that is to go with a letter; empty for a letter that is text alone."""
    if letter.form == "text":
        return ""
    return xarf.FILE_NAME if letter.form == "xarf" else listing.file_name(letter)


def attachment(letter: Letter) -> Attachment | None:
    """Return the letter's list or report; None for a letter that is text alone.

    What does not fit into a report goes as a list: that a notice is read
    counts for more than its form.
    """
    if letter.form == "xarf":
        try:
            return Attachment(xarf.FILE_NAME, xarf.CONTENT_TYPE, xarf.attachment(letter))
        except xarf.UnfitError:
            pass
    elif letter.form == "text":
        return None
    return Attachment(listing.file_name(letter), listing.CONTENT_TYPE, listing.attachment(letter))


def mail(letter: Letter, subject: str, text: str, attached: Attachment | None) -> bytes:
    """Return the mail: text/plain, its lines ended by CRLF, no URL ever parted in two.

    With an attachment it is multipart/mixed, the text first: XARF defines
    the JSON and leaves the mail around it open, and a reader without
    tools must find the text.
    """
    head = [
        ("From", _from(letter.us.name, letter.sender)),
        ("To", letter.recipient),
        ("Date", format_datetime(letter.at.astimezone(UTC))),
        ("Message-ID", letter.message_id),
        ("Subject", _subject(subject)),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]
    text_head, body = _text_part(text)
    if attached is None:
        return _part(head + text_head, body)
    # "=_" cannot stand in quoted-printable, and the rest hangs on a Message-ID that nobody could foresee.
    border = f"=_{sha256(letter.message_id.encode()).hexdigest()[:32]}"
    head.append(("Content-Type", f'multipart/mixed; boundary="{border}"'))
    parts = (_part(text_head, body), _part(*_file_part(attached)))
    between = f"--{border}\r\n".encode()
    return _part(head, b"".join(between + part + b"\r\n" for part in parts) + f"--{border}--\r\n".encode())


def _text_part(text: str) -> tuple[list[tuple[str, str]], bytes]:
    body = "\r\n".join(line.rstrip() for line in text.strip().split("\n")).encode() + b"\r\n"
    plain = body.isascii() and max(map(len, body.split(b"\r\n"))) <= _LONGEST_LINE
    head = [
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit" if plain else "quoted-printable"),
    ]
    # Soft line breaks vanish when it is decoded: a long URL is whole again.
    return head, body if plain else binascii.b2a_qp(body, istext=True)


def _file_part(attached: Attachment) -> tuple[list[tuple[str, str]], bytes]:
    head = [
        ("Content-Type", f'{attached.content_type}; name="{attached.name}"'),
        ("Content-Disposition", f'attachment; filename="{attached.name}"'),
        ("Content-Transfer-Encoding", "base64"),
    ]
    return head, base64.encodebytes(attached.content).replace(b"\n", b"\r\n")


def _part(head: list[tuple[str, str]], body: bytes) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in head).encode("ascii") + b"\r\n" + body


def _subject(text: str) -> str:
    """Return a subject, encoded where it is not ASCII (RFC 2047)."""
    return text if text.isascii() else _folded("Subject", text)


@lru_cache(maxsize=64)
def _from(name: str, sender: str) -> str:
    """Return our address with our name before it, encoded where it is not ASCII (RFC 2047)."""
    return _folded("From", str(Address(display_name=visible(name), addr_spec=sender)))


def _folded(name: str, value: str) -> str:
    """Return the value of a header as it stands in a mail, over several lines where it is long."""
    folded = SMTP.header_factory(name, value).fold(policy=SMTP)
    return str(folded).partition(": ")[2].rstrip("\r\n")
