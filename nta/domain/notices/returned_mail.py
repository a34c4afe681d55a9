"""What a mail that came back to us means: a bounce, a delivery, an automatic answer or a person."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nta.domain.notices.delivery_status import (
    ARRIVED,
    REPLY_CODE,
    STATUS,
    Recipient,
    delivery_status,
    first,
    said,
)
from nta.domain.notices.mail_parts import (
    STATUS_TYPES,
    Mail,
    UnreadableError,
    content_type,
    decoded,
    first_text,
    header,
    headers,
    ids_in,
    parts_of,
    read_head,
    read_mail,
    text_of,
)


class MailKind(StrEnum):
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
class Meaning:
    """What one mail says. Ids are with their angle brackets; `token` is that of the return path."""

    kind: MailKind
    recipients: tuple[Recipient, ...] = ()
    token: str | None = None
    original_message_id: str | None = None
    envelope_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    reporting_mta: str | None = None  # the system that a delivery report says wrote it


def explain(message: Mail, return_path: str = "{local}+{token}@{domain}") -> Meaning:
    """Return what a mail means. Never raises, whatever the mail is made of.

    A delivery status report (RFC 3464) decides before all else, then a
    feedback report (RFC 5965), the flag of automatic mail (RFC 3834), and
    last the look of a report in no standard form. `return_path` is the
    pattern of our envelope sender: only an address of this form gives a
    token; `{local}` and `{domain}` stand for anything.
    """
    status = delivery_status(message)
    recipients = status.recipients
    replies = tuple(
        dict.fromkeys(ids_in(header(message, "In-Reply-To")) + ids_in(header(message, "References")))
    )
    kind = _kind_of(recipients)
    if kind is MailKind.UNKNOWN:
        kind, recipients = _without_report(message, answers=bool(replies))
    return Meaning(
        kind=kind,
        recipients=recipients,
        token=_token(message, return_path),
        original_message_id=_original_message_id(message, kind),
        envelope_id=status.envelope_id,
        in_reply_to=replies,
        reporting_mta=status.reporting_mta,
    )


def explain_bytes(content: bytes, return_path: str = "{local}+{token}@{domain}") -> Meaning:
    """Return what a mail means as `explain` does, by its fields alone where it cannot be read whole."""
    try:
        return explain(read_mail(content), return_path)
    except UnreadableError:
        return explain(read_head(content), return_path)


def _kind_of(recipients: tuple[Recipient, ...]) -> MailKind:
    """Return the worst that became of any recipient."""
    actions = {recipient.action for recipient in recipients}
    if "failed" in actions:
        return MailKind.BOUNCE
    if "delayed" in actions:
        return MailKind.DELAY
    return MailKind.DELIVERED if actions & ARRIVED else MailKind.UNKNOWN


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


def _without_report(message: Mail, *, answers: bool) -> tuple[MailKind, tuple[Recipient, ...]]:
    """Return the kind of a mail that has no delivery status, and whom it names as failed."""
    subject = decoded(header(message, "Subject"))
    if any(content_type(part) == "message/feedback-report" for part in parts_of(message)):
        return MailKind.FEEDBACK, ()
    if _looks_like_a_bounce(message, subject):
        failed = _failed_in_text(message, subject)
        if failed:
            return (MailKind.DELAY if failed[0].action == "delayed" else MailKind.BOUNCE), failed
    if _is_automatic(message, subject, answers=answers):
        asks = _CHALLENGE.search(subject) or _CHALLENGE.search(first_text(message))
        return (MailKind.CHALLENGE if asks else MailKind.AUTO_REPLY), ()
    return (MailKind.REPLY if answers or _ANSWER_SUBJECT.match(subject) else MailKind.UNKNOWN), ()


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
    status = first(STATUS, text)
    digit = status[:1] or first(REPLY_CODE, text)
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
    line = next((line for line in text.splitlines() if STATUS.search(line) or REPLY_CODE.search(line)), "")
    return tuple(
        Recipient(address, action, status, said(line), permanent=not waits and digit != "4")
        for address in (addresses[:20] or [""])
    )


# Bounded (RFC 5321, section 4.5.3.1): else a long line without an @ takes minutes.
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"'()\[\]]{1,64}@[^\s<>@,;:\"'()\[\]]{1,255}")


def _addresses(text: str) -> list[str]:
    return [address.rstrip(".") for address in _ADDRESS.findall(text)]


_SHORTEST_REPORT: Final = 40
_ORIGINAL: Final = re.compile(r"original|copy|returned|message|header|forwarded|text", re.IGNORECASE)


def _before_the_original(text: str) -> str:
    """Cut off the copy of our own mail below a report, so that nothing in it counts as the report's word."""
    place = 0
    for line in text.split("\n"):
        if place > _SHORTEST_REPORT and _begins_the_original(line):
            return text[:place]
        place += len(line) + 1
    return text


def _begins_the_original(line: str) -> bool:
    """Tell whether a line is a rule with a word about the copy below it, or the copy's first field."""
    rule = len(line) - len(line.lstrip("-_=* >"))
    if rule >= 2:  # "-- message --"; marks of quoting alone say nothing
        return _ORIGINAL.search(line, rule) is not None
    return line.lower().startswith(("received: ", "return-path: "))


# --- what ties it to a notice


def _token(message: Mail, return_path: str) -> str | None:
    """Return the token of the first address the mail was sent to that fits our return path."""
    pattern = re.escape(return_path)
    for name, piece in {
        "local": r"[^\s<>@,;:\"+]+",
        "domain": r"[A-Za-z0-9.-]+",
        "token": r"([A-Za-z0-9_=-]{1,64})",
    }.items():
        pattern = pattern.replace(re.escape("{" + name + "}"), piece)
    searched = re.compile(rf"(?<![^\s<,;:\"]){pattern}(?![\w-]|\.\w)", re.IGNORECASE)
    for name in _SENT_TO:
        for value in headers(message, name):
            match = searched.search(value)
            if match:
                return match[1]
    return None


_SENT_TO: Final = (
    "Delivered-To",
    "X-Original-To",
    "Original-Recipient",
    "Envelope-To",
    "X-Envelope-To",
    "To",
    "Cc",
)


def _original_message_id(message: Mail, kind: MailKind) -> str | None:
    """Return the Message-ID of the mail that came back, from its returned copy or headers."""
    for part in parts_of(message):
        if part is message:
            continue
        if content_type(part) in _OF_THE_ORIGINAL:
            ids = _named_in(text_of(part))
        else:
            ids = ids_in(header(part, "Message-ID"))
        if ids:
            return ids[0]
    if kind in {MailKind.BOUNCE, MailKind.DELAY, MailKind.DELIVERED}:
        return next(iter(_named_in(first_text(message))), None)
    return None


_OF_THE_ORIGINAL: Final = STATUS_TYPES | {
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
}
"""Parts whose text may hold fields of the mail that came back; a status part where a boundary is wrong."""


def _named_in(text: str) -> list[str]:
    found = re.search(r"^[> ]*message-id:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
    return ids_in(found[1]) if found else []
