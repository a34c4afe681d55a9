"""What a mail that came back to us means: a bounce, a delivery, an automatic answer or a person."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from typing import Final

from nta.domain.mail_parts import Mail, content_type, decoded, first_text, header, ids_in, parts_of, text_of

_LONGEST_REASON: Final = 500


class Kind(StrEnum):
    """What a mail is, as `nta inbox explain` says it."""

    BOUNCE = "bounce"  # could not be delivered
    DELAY = "delay"  # not delivered yet, still being tried
    DELIVERED = "delivered"  # a delivery report: arrived, or passed on to a system that sends none
    AUTO_REPLY = "auto_reply"  # a machine answered for the mailbox
    CHALLENGE = "challenge"  # a machine wants a person to prove itself first
    REPLY = "reply"  # somebody answers
    FEEDBACK = "feedback"  # an abuse report about our mail (RFC 5965)
    UNKNOWN = "unknown"  # none of these can be told


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of our mail to one address. Empty strings where the report does not say."""

    address: str
    action: str  # failed, delayed, delivered, relayed, expanded (RFC 3464, section 2.3.3)
    status: str  # x.y.z (RFC 3463)
    reason: str  # the other server's line, without URLs
    permanent: bool | None  # trying the same address again is useless; None when nothing failed


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one mail says. Ids are with their angle brackets; `token` is that of the return path."""

    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    token: str | None = None
    original_message_id: str | None = None
    envelope_id: str | None = None
    in_reply_to: tuple[str, ...] = ()


def explain(message: Mail, return_path: str = "{local}+{token}@{domain}") -> Meaning:
    """Return what a mail means. Never raises, whatever the mail is made of.

    A delivery status report (RFC 3464) decides before all else, then a
    feedback report (RFC 5965), the flag of automatic mail (RFC 3834), and
    last the look of a report in no standard form. `return_path` is the
    pattern of our envelope sender: only an address of this form gives a
    token; `{local}` and `{domain}` stand for anything.
    """
    recipients, envelope_id = _delivery_status(message)
    replies = tuple(
        dict.fromkeys(ids_in(header(message, "In-Reply-To")) + ids_in(header(message, "References")))
    )
    kind = _kind_of(recipients)
    if kind is Kind.UNKNOWN:
        kind, recipients = _without_report(message, answers=bool(replies))
    return Meaning(
        kind=kind,
        recipients=recipients,
        token=_token(message, return_path),
        original_message_id=_original_message_id(message, kind),
        envelope_id=envelope_id,
        in_reply_to=replies,
    )


# --- RFC 3464

_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY_CODE: Final = re.compile(r"(?<![\d.])([245])\d\d[ -]")
_URL: Final = re.compile(r"\b(?:h(?:tt|xx)ps?://|www\.)\S+", re.IGNORECASE)
# Bounded (RFC 5321, section 4.5.3.1): else a long line without an @ takes minutes.
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"'()\[\]]{1,64}@[^\s<>@,;:\"'()\[\]]{1,255}")
_ARRIVED: Final = frozenset({"delivered", "relayed", "expanded"})


def _delivery_status(message: Mail) -> tuple[tuple[Recipient, ...], str | None]:
    """Return the recipients of all delivery-status parts, and the envelope id of the first that has one."""
    found: list[Recipient] = []
    envelope_id = None
    for part in parts_of(message):
        if content_type(part) not in {"message/delivery-status", "message/global-delivery-status"}:
            continue
        for block in _blocks(part):
            envelope_id = envelope_id or header(block, "Original-Envelope-Id") or None
            recipient = _recipient(block)
            if recipient is not None:
                found.append(recipient)
    return tuple(found), envelope_id


def _blocks(part: Mail) -> Iterator[Mail]:
    """Return a status part's groups of fields, also those the parser did not see."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload if isinstance(block, Message))
        texts = [str(block.get_payload()) for block in payload if isinstance(block, Message)]
    else:
        texts = [text_of(part)]
    for text in texts:
        for lines in re.split(r"\r?\n[ \t]*\r?\n", text):
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
        address=address.strip("<>").strip(),
        action=action,
        status=_first(_STATUS, status_line) or _first(_STATUS, diagnostic),
        reason=_said(reason),
        permanent=_permanent(action, status_line, diagnostic),
    )


def _permanent(action: str, status: str, diagnostic: str) -> bool | None:
    """Return whether a failure is for good: by status, else the server's reply, else the action."""
    if action in _ARRIVED:
        return None
    if action == "delayed":
        return False
    named = _first(_STATUS, status) or _first(_STATUS, diagnostic) or _first(_REPLY_CODE, diagnostic)
    return not named.startswith("4")


def _typed(value: str) -> str:
    """Return the value of a field of the form "type; value"."""
    kind, mark, rest = value.partition(";")
    return rest.strip() if mark and " " not in kind.strip() else value


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _said(text: str) -> str:
    return _URL.sub("(URL)", " ".join(text.split()))[:_LONGEST_REASON]


def _kind_of(recipients: tuple[Recipient, ...]) -> Kind:
    """Return the worst that became of any recipient."""
    actions = {recipient.action for recipient in recipients}
    if "failed" in actions:
        return Kind.BOUNCE
    if "delayed" in actions:
        return Kind.DELAY
    return Kind.DELIVERED if actions & _ARRIVED else Kind.UNKNOWN


# --- what is not RFC 3464

_DAEMON: Final = re.compile(
    r"(?:mailer[-_]?daemon|postmaster|mail[-_ ]?delivery|"
    r"(?:mail|delivery)[-_ ]?(?:sub)?system|mail ?administrator)",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT: Final = re.compile(
    r"undeliver|undelivered|delivery (?:status|failure|has failed|error|problem|report)|"
    r"returned (?:mail|to sender)|"
    r"mail (?:delivery|system error|could not)|failure notice|non.?deliver|not (?:be )?delivered|"
    r"message (?:status|not)|returning message|user unknown|"
    r"nicht zustellbar|unzustellbar|onbestelbaar|non remis",
    re.IGNORECASE,
)
_DELAY_TEXT: Final = re.compile(
    r"(?:will|still) (?:be |being )?(?:keep |retr|try)|delayed|delivery temporarily suspended|"
    r"do not need to resend|has not yet been delivered|THIS IS A WARNING MESSAGE ONLY",
    re.IGNORECASE,
)
_AWAY_SUBJECT: Final = re.compile(
    r"^(?:auto(?:matic|mated)?[- _:]*(?:reply|response|matisch)?\b|out of (?:the )?office|away from|vacation|"
    r"abwesen|automatische|afwezig|absence|r\u00e9ponse automatique|autoreply|autosvar|risposta automatica)",
    re.IGNORECASE,
)
_CHALLENGE: Final = re.compile(
    r"(?:confirm|verify|approve|release) (?:your|that|this)[^.]{0,40}"
    r"(?:e-?mail|message|address|human|sender|delivery)|"
    r"sender (?:verification|confirmation|address verification)|anti-?spam (?:verification|confirmation)",
    re.IGNORECASE,
)
_ANSWER_SUBJECT: Final = re.compile(r"^(?:re|aw|antw|sv|vs|r\u00e9f|rif|odp)\s*(?:\[\d+\])?:", re.IGNORECASE)


def _without_report(message: Mail, *, answers: bool) -> tuple[Kind, tuple[Recipient, ...]]:
    """Return the kind of a mail that has no delivery status, and whom it names as failed."""
    subject = decoded(header(message, "Subject"))
    if any(content_type(part) == "message/feedback-report" for part in parts_of(message)):
        return Kind.FEEDBACK, ()
    if _looks_like_a_bounce(message, subject):
        failed = _failed_in_text(message, subject)
        if failed:
            return (Kind.DELAY if failed[0].action == "delayed" else Kind.BOUNCE), failed
    if _is_automatic(message, subject, answers=answers):
        asks = _CHALLENGE.search(subject) or _CHALLENGE.search(first_text(message))
        return (Kind.CHALLENGE if asks else Kind.AUTO_REPLY), ()
    return (Kind.REPLY if answers or _ANSWER_SUBJECT.match(subject) else Kind.UNKNOWN), ()


def _is_automatic(message: Mail, subject: str, *, answers: bool) -> bool:
    """Return whether a machine answered by itself: it says so (RFC 3834, section 5) or it looks so.

    "auto-generated" alone is a mail that answers nothing, like an alarm.
    """
    submitted = header(message, "Auto-Submitted").lower().partition(";")[0].strip()
    if submitted == "auto-replied" or (submitted not in {"", "no"} and answers):
        return True
    precedence = header(message, "Precedence").lower()
    flags = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply-From")
    return (
        precedence == "auto_reply"
        or any(header(message, flag) for flag in flags)
        or bool(_AWAY_SUBJECT.match(subject))
    )


def _looks_like_a_bounce(message: Mail, subject: str) -> bool:
    if header(message, "X-Failed-Recipients"):
        return True
    if _AWAY_SUBJECT.match(subject):
        return False
    is_report = content_type(message) == "multipart/report"
    from_daemon = bool(_DAEMON.search(header(message, "From"))) or header(message, "Return-Path") == "<>"
    return is_report or from_daemon or bool(_BOUNCE_SUBJECT.search(subject))


def _failed_in_text(message: Mail, subject: str) -> tuple[Recipient, ...]:
    """Return whom a report in plain words says it failed for, and why; nobody when it says no such thing."""
    text = _before_the_original(first_text(message))
    status = _first(_STATUS, text)
    digit = status[:1] or _first(_REPLY_CODE, text)
    if not digit and not _BOUNCE_SUBJECT.search(subject) and not header(message, "X-Failed-Recipients"):
        return ()
    if digit == "2":
        return ()
    waits = digit != "5" and bool(_DELAY_TEXT.search(text) or _DELAY_TEXT.search(subject))
    named = header(message, "X-Failed-Recipients") or text
    own = {
        address.lower()
        for name in ("To", "From", "Delivered-To")
        for address in _addresses(header(message, name))
    }
    addresses = [address for address in dict.fromkeys(_addresses(named)) if address.lower() not in own]
    action = "delayed" if waits else "failed"
    line = next((line for line in text.splitlines() if _STATUS.search(line) or _REPLY_CODE.search(line)), "")
    return tuple(
        Recipient(address, action, status, _said(line), permanent=not waits and digit != "4")
        for address in (addresses[:20] or [""])
    )


def _addresses(text: str) -> list[str]:
    return [address.rstrip(".") for address in _ADDRESS.findall(text)]


_ORIGINAL_BEGINS: Final = re.compile(
    r"^(?:[-_=* >]{2,}.*(?:original|copy|returned|message|header|forwarded|text).*|"
    r"Received: .*|Return-Path: .*)$",
    re.IGNORECASE | re.MULTILINE,
)


def _before_the_original(text: str) -> str:
    """Cut off the copy of our own mail below a report, so that nothing in it counts as the report's word."""
    begins = _ORIGINAL_BEGINS.search(text, 1) if text else None
    return text[: begins.start()] if begins and begins.start() > 40 else text


# --- what ties it to a notice


def _token(message: Mail, return_path: str) -> str | None:
    """Return the token of the first address the mail was sent to that fits our return path."""
    pattern = re.escape(return_path)
    for name, piece in {
        "local": r"[^\s<>@,;:\"+]+",
        "domain": r"[A-Za-z0-9.-]+",
        "token": r"([A-Za-z0-9_=-]+)",
    }.items():
        pattern = pattern.replace(re.escape("{" + name + "}"), piece)
    searched = re.compile(rf"(?<![^\s<,;:\"]){pattern}(?![\w-]|\.\w)", re.IGNORECASE)
    for name in (
        "Delivered-To",
        "X-Original-To",
        "Original-Recipient",
        "Envelope-To",
        "X-Envelope-To",
        "To",
        "Cc",
    ):
        for key, value in message.raw_items():
            match = searched.search(str(value)) if key.lower() == name.lower() else None
            if match:
                return match[1]
    return None


def _original_message_id(message: Mail, kind: Kind) -> str | None:
    """Return the Message-ID of the mail that came back, from its returned copy or headers."""
    for part in parts_of(message):
        if part is message:
            continue
        if content_type(part) in {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}:
            ids = re.findall(r"^message-id:\s*(<[^<>\s]+>)", text_of(part), re.IGNORECASE | re.MULTILINE)
        else:
            ids = ids_in(header(part, "Message-ID"))
        if ids:
            return str(ids[0])
    if kind in {Kind.BOUNCE, Kind.DELAY, Kind.DELIVERED}:
        ids = re.findall(
            r"^[> ]*message-id:\s*(<[^<>\s]+>)", first_text(message), re.IGNORECASE | re.MULTILINE
        )
        return str(ids[0]) if ids else None
    return None
