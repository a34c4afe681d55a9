"""What a delivery status report (RFC 3464) says: of whom, by which system, in which words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from itertools import islice
from typing import Final

from nta.domain.notices.mail_parts import (
    STATUS_TYPES,
    Mail,
    content_type,
    header,
    parts_of,
    payload_of,
    text_of,
)

_LONGEST_REASON: Final = 500
_LONGEST_ADDRESS: Final = 320
_LONGEST_WORD: Final = 64
_MOST_GROUPS: Final = 200  # a report on a message of ours has two

STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
REPLY_CODE: Final = re.compile(r"(?<![\d.])([245])\d\d[ -]", re.ASCII)
ARRIVED: Final = frozenset({"delivered", "relayed", "expanded"})
_URL: Final = re.compile(r"\b(?:h(?:tt|xx)ps?://|www\.)\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of our mail to one address. Empty strings where the report does not say."""

    address: str
    action: str  # failed, delayed, delivered, relayed, expanded (RFC 3464, section 2.3.3)
    status: str  # x.y.z (RFC 3463)
    reason: str  # the other server's line, without URLs
    permanent: bool | None  # trying the same address again is useless; None when nothing failed


@dataclass(frozen=True, slots=True)
class Status:
    """What the status parts of a mail say together; the first system and envelope id that are named."""

    recipients: tuple[Recipient, ...] = ()
    envelope_id: str | None = None
    reporting_mta: str | None = None


def delivery_status(message: Mail) -> Status:
    """Return what a mail's status parts say, as far as there are any."""
    found: list[Recipient] = []
    envelope_id = reporting_mta = None
    parts = (part for part in parts_of(message) if content_type(part) in STATUS_TYPES)
    for block in islice((block for part in parts for block in _blocks(part)), _MOST_GROUPS):
        envelope_id = envelope_id or header(block, "Original-Envelope-Id")[:_LONGEST_ADDRESS] or None
        reporting_mta = reporting_mta or _typed(header(block, "Reporting-MTA")) or None
        recipient = _recipient(block)
        if recipient is not None:
            found.append(recipient)
    return Status(tuple(found), envelope_id, reporting_mta)


def _blocks(part: Mail) -> Iterator[Mail]:
    """Yield a status part's groups of fields, also those the parser did not see."""
    payload = payload_of(part)
    if isinstance(payload, list):
        inner = [block for block in payload[:_MOST_GROUPS] if isinstance(block, Message)]
        yield from inner
        texts = [str(payload_of(block)) for block in inner]
    else:
        texts = [text_of(part)]
    for text in texts:
        for lines in re.split(r"\r?\n[ \t]*\r?\n", text, maxsplit=_MOST_GROUPS):
            block: Mail = Message()
            for name, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\r?\n[ \t]+.*)*)", lines, re.MULTILINE):
                block.add_header(name, value.replace("\r", " ").replace("\n", " "))
            yield block


def _recipient(block: Mail) -> Recipient | None:
    address = _typed(header(block, "Final-Recipient")) or _typed(header(block, "Original-Recipient"))
    action = header(block, "Action").lower().partition(" ")[0].strip(";.,()")
    status_line, diagnostic = header(block, "Status"), header(block, "Diagnostic-Code")
    if not action or not (address or status_line or diagnostic):
        return None
    reason = _typed(diagnostic) or status_line
    return Recipient(
        address=address.strip("<>").strip()[:_LONGEST_ADDRESS],
        action=action[:_LONGEST_WORD],
        status=first(STATUS, status_line) or first(STATUS, diagnostic),
        reason=said(reason),
        permanent=_permanent(action, status_line, diagnostic),
    )


def _permanent(action: str, status: str, diagnostic: str) -> bool | None:
    """Return whether a failure is for good: by status, else the server's reply, else the action."""
    if action in ARRIVED:
        return None
    if action == "delayed":
        return False
    named = first(STATUS, status) or first(STATUS, diagnostic) or first(REPLY_CODE, diagnostic)
    return not named.startswith("4")


def _typed(value: str) -> str:
    """Return the value of a field of the form "type; value"."""
    kind, mark, rest = value.partition(";")
    return rest.strip() if mark and " " not in kind.strip() else value


def first(pattern: re.Pattern[str], text: str) -> str:
    """Return the first group of the first match, or an empty string."""
    match = pattern.search(text)
    return match[1] if match else ""


def said(text: str) -> str:
    """Return another server's words on one line, without URLs, not too long."""
    return _URL.sub("(URL)", " ".join(text.split()))[:_LONGEST_REASON]
