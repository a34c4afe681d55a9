"""Reading what came back: bounces, deliveries and automatic answers move clocks, the rest is a person's."""

import re
from collections.abc import Callable, Collection
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from nta.domain.contacts import Health
from nta.domain.deadlines import TASK
from nta.domain.errors import RefusedError
from nta.domain.mail_parts import Mail, content_type, header, parts_of, text_of
from nta.domain.references import read
from nta.domain.returned_mail import Kind, Meaning, explain
from nta.ports import Inbox, Received
from nta.store import due, fates, mails, notices
from nta.store.base import Connection, Store
from nta.store.episodes import State
from nta.store.notices import Sent
from nta.store.sealing import digest16

LONGEST_KEPT = 256 * 1024
"""Bytes of one mail that are kept; a report holds a copy of our own list, and little else."""

_TEXTS = frozenset({"", "text/plain", "text/rfc822-headers", "message/delivery-status", "message/rfc822"})
_REFERENCE = re.compile(r"\bN-\d\d-[0-9A-Z]{4}-[0-9A-Z]{4}\b", re.IGNORECASE)
_INLINE = re.compile(r"data:[^\s\"'<>)]*", re.IGNORECASE)
_FOR_A_PERSON = {
    Kind.REPLY: "a reply to read",
    Kind.CHALLENGE: "a mail filter wants a person to answer",
    Kind.FEEDBACK: "a complaint about our mail",
    Kind.UNKNOWN: "a mail to read",
}


def read_inbox(
    store: Store,
    *,
    inbox: Inbox,
    now: datetime,
    limit: int = 100,
    return_path: str | None = None,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Read a batch of mail. Return how many messages were dealt with.

    Each is recorded in a write of its own and only then settled: a message
    read twice changes nothing the second time.
    """
    waiting = inbox.waiting(limit)
    checkpoint("inbox.read")
    for received in waiting:
        _deal_with(store, received, return_path, now)
        checkpoint("inbox.recorded")
        inbox.settle([received.key])
    if waiting:
        checkpoint("inbox.settled")
    return len(waiting)


def _deal_with(store: Store, received: Received, return_path: str | None, now: datetime) -> None:
    message = _parsed(received.content)
    meaning = explain(message, return_path) if return_path else explain(message)
    with store.db.write() as connection:
        notice = _notice(connection, store, message, meaning)
        states = fates.lock(connection, notice.id) if notice else {}
        number = mails.keep(
            connection,
            store,
            received=received.content,
            kept=_kept(message, received.content),
            kind=meaning.kind.value,
            notice_id=notice.id if notice else None,
            at=now,
        )
        if number is None:
            return
        if notice is None:
            reason = _FOR_A_PERSON.get(meaning.kind, "a report that fits no notice")
            due.task(connection, number, now + TASK, owner="analyst", reason=reason)
            return
        if notice.state == notices.COMPOSED:  # it came back, so our relay had it; we died before noting so
            fates.handed_over(connection, store, notice, states.values(), "known from what came back", now)
            due.drop(connection, [(due.SEND, notice.id)])
            states = fates.lock(connection, notice.id)
        _record(connection, store, notice, meaning, states.values(), number, now)


def _record(
    connection: Connection,
    store: Store,
    notice: Sent,
    meaning: Meaning,
    states: Collection[State],
    mail_id: int,
    now: datetime,
) -> None:
    line = _line(meaning)
    if meaning.kind is Kind.BOUNCE:
        failed = [r for r in meaning.recipients if r.action == "failed"]
        passing = bool(failed) and all(r.permanent is False for r in failed)
        health = None if passing else Health.DEAD
        fates.bounced(connection, store, notice, states, line, health, now)
    elif meaning.kind is Kind.DELAY:
        fates.delayed(connection, store, notice, line, now)
    elif meaning.kind is Kind.DELIVERED:
        fates.accepted(connection, store, notice, states, now, line)
    elif meaning.kind is Kind.AUTO_REPLY:  # a machine spoke: no answer, and no sign that anybody has it
        notices.note(connection, store.ids, [notice.id], "acknowledged", now, None)
    else:
        notices.note(connection, store.ids, [notice.id], meaning.kind.value, now, None)
        if meaning.kind is Kind.REPLY:
            fates.accepted(connection, store, notice, states, now, "an answer came")
        reason = f"{_FOR_A_PERSON[meaning.kind]} ({notice.reference})"
        _ask_a_person(connection, states, mail_id, reason, now)


def _ask_a_person(
    connection: Connection, states: Collection[State], mail_id: int, reason: str, now: datetime
) -> None:
    """Give the mail to an analyst, by an episode of its notice that has no task yet, an open one first.

    Where all have one, the task is the mail's own: no reply hides behind
    another.
    """
    asked = mails.with_task(connection, [s.id for s in states])
    free = [s for s in states if s.id not in asked]
    chosen = min(free, key=lambda s: (s.ended_at is not None, s.id), default=None)
    subject = chosen.id if chosen else mail_id
    due.task(connection, subject, now + TASK, owner="analyst", reason=reason)


def _notice(connection: Connection, store: Store, message: Mail, meaning: Meaning) -> Sent | None:
    """Return the notice a mail is about: by our return path, else by what it answers, else by reference.

    A reference is no secret: what names it alone may be read, but moves no clock.
    """
    if meaning.token:
        token = meaning.token.lower().encode()
        found = notices.by_return_digest(connection, digest16(store.keys.derived("return"), token))
        if found:
            return found
    for message_id in (meaning.original_message_id, *meaning.in_reply_to):
        found = notices.by_message_id(connection, message_id) if message_id else None
        if found:
            return found
    named = _REFERENCE.search(header(message, "Subject"))
    if named and meaning.kind in _FOR_A_PERSON:
        try:
            return notices.by_reference(connection, read(named[0]))
        except RefusedError:  # a slip in it: then it is a mail like any other
            return None
    return None


def _line(meaning: Meaning) -> str:
    """Return the other server's line, without addresses."""
    said = [f"{r.status} {r.reason}".strip() for r in meaning.recipients]
    return re.sub(r"<?[^\s<>@]+@[^\s<>@]+>?", "(address)", "; ".join(said))[:200]


def _parsed(content: bytes) -> Mail:
    return BytesParser(Message, policy=compat32).parsebytes(content)


def _kept(message: Mail, content: bytes) -> bytes:
    """Return what of a mail may be kept: text alone, for an attachment may be what no one may hold."""
    leaves = [part for part in parts_of(message) if not part.is_multipart()]
    if all(content_type(part) in _TEXTS for part in leaves):
        return content[:LONGEST_KEPT]
    lines = [f"{name}: {value}" for name, value in message.raw_items()]
    plain = any(content_type(part) == "text/plain" for part in leaves)
    for part in leaves:
        kind = content_type(part)
        if kind in _TEXTS:
            lines += ["", text_of(part)]
        elif kind.startswith("text/") and not plain:
            lines += ["", _INLINE.sub("(left out)", text_of(part))]
        else:
            lines += ["", f"(a part of type {kind} was left out)"]
    return "\n".join(lines).encode("utf-8", "surrogateescape")[:LONGEST_KEPT]
