"""A mail taken by the lab: who it is for, what its text names, and what its sender asked to be told."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

from nta.lab.world import WorldPage

URL = re.compile(r"https?://[^\s<>\"']+")
PORTAL_LINK = re.compile(r"https?://[^\s<>\"']+/n/([A-Za-z0-9_~.\-]+)")
COMMON_TAIL = ".,;:!?)]}"


@dataclass(frozen=True, slots=True)
class EnvelopeRecipient:
    """One RCPT TO with its delivery report parameters (RFC 3461 section 4)."""

    address: str
    notify: tuple[str, ...]
    original: str

    def wants(self, event: str) -> bool:
        """Return whether SUCCESS or FAILURE is to be told; failures are, unless something else was asked."""
        return event in self.notify if self.notify else event == "FAILURE"


@dataclass(slots=True)
class RelayedMail:
    """One Message-ID, however often it came."""

    number: int
    message_id: str
    at: datetime
    return_path: str
    recipients: tuple[EnvelopeRecipient, ...]
    envelope_id: str
    digest: str
    head: str
    pages: tuple[str, ...]
    token: str
    copies: int = 1
    differs: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the mail as one journal entry."""
        return {
            "number": self.number,
            "message_id": self.message_id,
            "at": self.at.isoformat(),
            "from": self.return_path,
            "to": [[one.address, list(one.notify), one.original] for one in self.recipients],
            "envelope_id": self.envelope_id,
            "sha256": self.digest,
            "head": self.head,
            "pages": list(self.pages),
            "token": self.token,
        }


def mail_from_json(entry: Mapping[str, Any]) -> RelayedMail:
    """Return the mail of a journal entry."""
    recipients = tuple(
        EnvelopeRecipient(address, tuple(notify), original) for address, notify, original in entry["to"]
    )
    return RelayedMail(
        number=entry["number"],
        message_id=entry["message_id"],
        at=datetime.fromisoformat(entry["at"]),
        return_path=entry["from"],
        recipients=recipients,
        envelope_id=entry["envelope_id"],
        digest=entry["sha256"],
        head=entry["head"],
        pages=tuple(entry["pages"]),
        token=entry["token"],
    )


def read_mail(
    content: bytes,
    *,
    number: int,
    at: datetime,
    return_path: str,
    envelope_id: str,
    recipients: tuple[EnvelopeRecipient, ...],
    by_url: Mapping[str, WorldPage],
) -> RelayedMail:
    """Return what a mail says to those who play its recipients."""
    message = message_from_bytes(content, policy=policy.default)
    text = "\n".join(_texts(message))
    links = PORTAL_LINK.findall(text)
    return RelayedMail(
        number=number,
        message_id=str(message["Message-ID"] or "").strip(),
        at=at,
        return_path=return_path,
        recipients=recipients,
        envelope_id=envelope_id,
        digest=sha256(content).hexdigest(),
        head="".join(
            f"{name}: {message[name]}\n" for name in ("Subject", "Message-ID", "Date") if message[name]
        ),
        pages=tuple(dict.fromkeys(page.id for page in _pages(text, by_url))),
        token=links[0].rstrip(COMMON_TAIL) if links else "",
    )


def plain_text(content: bytes) -> str:
    """Return the text part of a mail, as its recipient reads it."""
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def _texts(message: EmailMessage) -> Iterator[str]:
    """Yield what a reader, or a reader's program, finds in a mail: texts, tables, reports as JSON."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html"):
            yield str(part.get_content())
        elif kind == "text/csv":
            rows = csv.reader(io.StringIO(_decoded(part)), delimiter=",")
            yield "\n".join(cell for row in rows for cell in row)
        elif kind == "application/json":
            yield from _words(json.loads(_decoded(part)))


def _decoded(part: EmailMessage) -> str:
    content = part.get_content()
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)


def _words(value: Any) -> Iterator[str]:
    """Yield every text within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)


def _pages(text: str, by_url: Mapping[str, WorldPage]) -> list[WorldPage]:
    found = []
    for written in URL.findall(text):
        page = by_url.get(written) or by_url.get(written.rstrip(COMMON_TAIL))
        if page is not None:
            found.append(page)
    return found
