"""Notice texts: a letter's values in, the bytes of one mail out."""

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nta.domain.roles import NoticeKind

_LONGEST_LINE: Final = 998
"""Octets of a line without its end (RFC 5322, section 2.1.1)."""

# Controls, line and paragraph separators, and the marks that turn the direction of writing.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_SUBJECTS: Final = {
    "en": {
        NoticeKind.FIRST: "Notice of illegal content",
        NoticeKind.REMINDER: "Reminder: illegal content is still online",
        NoticeKind.ESCALATION: "Second reminder: illegal content is still online",
        NoticeKind.UPSTREAM: "Illegal content in a network you connect",
        NoticeKind.SITE_OWNER: "Notice of illegal content on your site",
        NoticeKind.REGISTRAR: "Illegal content under a domain name you registered",
        NoticeKind.REGISTRY: "Illegal content under a domain name of your zone",
        NoticeKind.HOTLINE: "Referral of illegal content hosted in your country",
        NoticeKind.AUTHORITY: "Illegal content not removed after notice",
        NoticeKind.POLICE: "Illegal content: notification before notice",
        NoticeKind.CLOSING: "Closed: illegal content is gone",
        NoticeKind.CORRECTION: "Correction of a notice",
    },
    "nl": {
        NoticeKind.FIRST: "Melding van illegale inhoud",
        NoticeKind.REMINDER: "Herinnering: illegale inhoud staat nog online",
        NoticeKind.ESCALATION: "Tweede herinnering: illegale inhoud staat nog online",
        NoticeKind.UPSTREAM: "Illegale inhoud in een netwerk dat u verbindt",
        NoticeKind.SITE_OWNER: "Melding van illegale inhoud op uw site",
        NoticeKind.REGISTRAR: "Illegale inhoud onder een door u geregistreerde domeinnaam",
        NoticeKind.REGISTRY: "Illegale inhoud onder een domeinnaam in uw zone",
        NoticeKind.HOTLINE: "Doorverwijzing van illegale inhoud in uw land",
        NoticeKind.AUTHORITY: "Illegale inhoud niet verwijderd na melding",
        NoticeKind.POLICE: "Illegale inhoud: kennisgeving voor de melding",
        NoticeKind.CLOSING: "Gesloten: illegale inhoud is weg",
        NoticeKind.CORRECTION: "Correctie van een melding",
    },
}
_OTHER_SUBJECT: Final = "Notice"  # a language that only an overlay has


@dataclass(frozen=True, slots=True)
class Us:
    """Who we are: what gives a notice its weight, and where we are reached."""

    name: str
    standing: str
    address: str
    contact: str


@dataclass(frozen=True, slots=True)
class Item:
    """One location as it is told. `doubt`: `unknown` or `restricted`, where the last look was not clear."""

    number: int
    url: str
    scope: str
    case: str
    addresses: str | None
    port: int | None
    last_up_at: datetime | None
    doubt: str
    received_at: datetime
    class_scheme: str
    class_value: str
    law: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """One notice about these locations that went out before. `fate`: accepted, unconfirmed or bounced."""

    reference: str
    at: datetime
    kind: NoticeKind
    party: str
    role: str
    fate: str
    accepted_at: datetime | None
    to_you: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that one notice says, and the envelope of its headers."""

    kind: NoticeKind
    language: str
    reference: str
    message_id: str
    sender: str
    recipient: str
    at: datetime
    us: Us
    party: str
    items: tuple[Item, ...]
    earlier: tuple[Earlier, ...]
    link: str
    link_until: datetime
    silence: timedelta  # how long we wait before the next party is told
    meant_for: str | None = None  # whom it would have gone to, where it is redirected


class Texts:
    """The notice texts of `folders`, the first that has a file winning. Templates print values alone."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [folder / "notices" for folder in folders]
        self._env = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in self._folders]),
            autoescape=False,  # plain text; values are stripped of what a reader cannot see
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )

    def has(self, language: str) -> bool:
        """Tell whether there are texts in a language."""
        return any((folder / language / "first.txt").is_file() for folder in self._folders)

    def text(self, letter: Letter) -> str:
        """Return the text of a letter."""
        template = self._env.get_template(f"{letter.language}/{letter.kind.value}.txt")
        return template.render(_values(letter))

    def message(self, letter: Letter) -> bytes:
        """Return the mail: text/plain, its lines ended by CRLF, no URL ever parted in two."""
        return _mail(letter, self.text(letter))


def subject(kind: NoticeKind, language: str, reference: str) -> str:
    """Return the subject: what it is and its reference, never a URL, a host or a party."""
    return f"[{reference}] {_SUBJECTS.get(language, {}).get(kind, _OTHER_SUBJECT)}"


def visible(text: str) -> str:
    """Return a value without anything that breaks a line or hides what stands there."""
    return _UNSEEN.sub("", text)


def _values(letter: Letter) -> dict[str, Any]:
    items = [_item(item) for item in letter.items]
    return {
        "us": {
            "name": visible(letter.us.name),
            "standing": visible(letter.us.standing),
            "address": visible(letter.us.address),
            "contact": visible(letter.us.contact),
        },
        "reference": letter.reference,
        "party": visible(letter.party),
        "items": items,
        "count": len(items),
        "reasons": _reasons(letter.items),
        "earlier": [_earlier(e) for e in letter.earlier],
        "yours": [_earlier(e) for e in letter.earlier if e.to_you],
        "link": letter.link,
        "link_until": _day(letter.link_until),
        "hours": _hours(letter.silence),
        "sent_at": _moment(letter.at),
        "meant_for": visible(letter.meant_for or ""),
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "url": visible(item.url).replace(" ", "%20"),
        "scope": item.scope,
        "case": item.case,
        "addresses": visible(item.addresses or ""),
        "port": item.port or 0,
        "last_up": _moment(item.last_up_at) if item.last_up_at else "",
        "doubt": item.doubt,
        "received": _moment(item.received_at),
    }


def _earlier(earlier: Earlier) -> dict[str, Any]:
    return {
        "reference": earlier.reference,
        "at": _moment(earlier.at),
        "kind": earlier.kind.value,
        "party": visible(earlier.party),
        "role": earlier.role,
        "fate": earlier.fate,
        "accepted": _moment(earlier.accepted_at) if earlier.accepted_at else "",
    }


def _reasons(items: Sequence[Item]) -> list[dict[str, str]]:
    """Return each class and law that items share, with the numbers of those items."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for item in items:
        groups.setdefault((item.class_scheme, item.class_value, item.law), []).append(item.number)
    return [
        {
            "numbers": _spans(numbers),
            "scheme": visible(scheme).upper(),
            "value": visible(value),
            "law": visible(law),
        }
        for (scheme, value, law), numbers in groups.items()
    ]


def _spans(numbers: Sequence[int]) -> str:
    """Return rising numbers as people list them: 1-3, 5."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def _hours(silence: timedelta) -> str:
    hours = silence / timedelta(hours=1)
    return f"{hours:g}"


def _mail(letter: Letter, text: str) -> bytes:
    body = "\r\n".join(line.rstrip() for line in text.strip().split("\n")).encode() + b"\r\n"
    plain = body.isascii() and max(map(len, body.split(b"\r\n"))) <= _LONGEST_LINE
    headers = (
        ("From", _from(letter.us.name, letter.sender)),
        ("To", letter.recipient),
        ("Date", format_datetime(letter.at.astimezone(UTC))),
        ("Message-ID", letter.message_id),
        ("Subject", subject(letter.kind, letter.language, letter.reference)),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit" if plain else "quoted-printable"),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")
    if not plain:  # soft line breaks vanish when it is decoded: a long URL is whole again
        body = binascii.b2a_qp(body, istext=True)
    return head + b"\r\n" + body


def _from(name: str, sender: str) -> str:
    """Return our address with our name before it, encoded where it is not ASCII (RFC 2047)."""
    folded = SMTP.header_factory("From", str(Address(display_name=visible(name), addr_spec=sender)))
    return str(folded.fold(policy=SMTP)).partition(": ")[2].rstrip("\r\n")
