"""Reading what came back: bounces, deliveries and automatic answers move clocks, the rest is a person's."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import structlog

from nta.domain.deadlines import TASK
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.notices.contact_choice import Health
from nta.domain.notices.kept_mail import head_kept, text_kept
from nta.domain.notices.mail_parts import (
    UnreadableError,
    header,
    read_head,
    read_mail,
)
from nta.domain.notices.notice_state import NoticeState, SentProof
from nta.domain.notices.returned_mail import MailKind, Meaning, explain
from nta.domain.notices.vouching import (
    MailWriter,
    Ours,
    Tie,
    is_vouched_answer,
    is_vouched_report,
    writer_of,
)
from nta.domain.reasons import Code, Reason
from nta.domain.references import read
from nta.ports import Inbox, Received
from nta.store.db.handle import Connection, Store
from nta.store.db.sealing import digest16
from nta.store.notices import kept_mails, notice_events, notice_rows
from nta.store.notices.notice_rows import MailedNotice
from nta.store.work import due, open_tasks
from nta.store.work.isolation import is_outage

log = structlog.get_logger("nta.inbox")

UNREADABLE = "unreadable"
"""The kind of a mail of which no more was read than its head."""

_REFERENCE = re.compile(r"\bN-\d\d-[0-9A-Z]{4}-[0-9A-Z]{4}\b", re.IGNORECASE | re.ASCII)
_FOR_A_PERSON = {
    MailKind.REPLY: Code.READ_REPLY,
    MailKind.CHALLENGE: Code.READ_CHALLENGE,
    MailKind.FEEDBACK: Code.READ_COMPLAINT,
    MailKind.UNKNOWN: Code.READ_MAIL,
}


@dataclass(frozen=True, slots=True)
class _ReadMail:
    """A mail as it was understood before anything is written."""

    meaning: Meaning
    writer: MailWriter
    kept: kept_mails.Prepared
    return_digest: bytes | None
    named: str | None  # the reference in its subject

    @property
    def is_whole(self) -> bool:
        return self.kept.kind != UNREADABLE


@dataclass(frozen=True, slots=True)
class _Tied:
    """A mail's notice, by what it belongs to it, and the episodes it tells of, locked."""

    notice: MailedNotice
    tie: Tie
    states: Collection[EpisodeState]


def read_inbox(
    store: Store,
    *,
    inbox: Inbox,
    now: datetime,
    limit: int = 100,
    ours: Ours | None = None,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Read a batch of mail. Return how many messages were dealt with.

    Each is recorded in a write of its own and only then settled: a message
    read twice changes nothing the second time. One that cannot be read or
    recorded is kept aside for a person, and the next is read.
    """
    waiting = inbox.waiting(limit)
    checkpoint("inbox.read")
    for received in waiting:
        _deal_with(store, received, ours or Ours(), now)
        checkpoint("inbox.recorded")
        inbox.settle([received.key])
    if waiting:
        checkpoint("inbox.settled")
    return len(waiting)


def _deal_with(store: Store, received: Received, ours: Ours, now: datetime) -> None:
    try:
        mail = _understood(store, received.content, ours)
        with store.db.write() as connection:
            _record(connection, store, mail, ours, now)
    except Exception as fault:  # no mail may stop the ones behind it, whatever it found wrong in us
        if is_outage(fault):
            raise
        log.exception("a mail was kept aside", mail=received.key)
        _keep_aside(store, received.content, now)


def _keep_aside(store: Store, content: bytes, now: datetime) -> None:
    """Keep a mail that could not be recorded, reading nothing of it but its head."""
    kept = kept_mails.prepare(store, received=content, kept=head_kept(content), kind=UNREADABLE)
    with store.db.write() as connection:
        if kept_mails.keep(connection, kept, None, now):
            _ask_a_person(connection, kept.id, Reason(Code.READ_SPOILT_MAIL), now)


def _understood(store: Store, content: bytes, ours: Ours) -> _ReadMail:
    """Return what a mail is and means; nothing outside is spoken to and nothing written."""
    pattern = ours.return_path
    try:
        message = read_mail(content)
        meaning = explain(message, pattern) if pattern else explain(message)
        kind, kept = meaning.kind.value, text_kept(message, content)
    except UnreadableError:
        message = read_head(content)
        meaning = explain(message, pattern) if pattern else explain(message)
        kind, kept = UNREADABLE, head_kept(content)
    token = meaning.token.lower().encode() if meaning.token else None
    return _ReadMail(
        meaning=meaning,
        writer=writer_of(message, meaning, ours),
        kept=kept_mails.prepare(store, received=content, kept=kept, kind=kind),
        return_digest=digest16(store.keys.derived("return"), token) if token else None,
        named=_reference(header(message, "Subject")),
    )


def _reference(subject: str) -> str | None:
    named = _REFERENCE.search(subject)
    try:
        return read(named[0]) if named else None
    except RefusedError:  # a slip in it: then it is a mail like any other
        return None


def _record(connection: Connection, store: Store, mail: _ReadMail, ours: Ours, now: datetime) -> None:
    found = _notice(connection, mail)
    states = notice_events.lock(connection, found[0].id) if found else {}
    if not kept_mails.keep(connection, mail.kept, found[0].id if found else None, now):
        return
    if found is None:
        kind = mail.meaning.kind
        asked = (
            _FOR_A_PERSON.get(kind, Code.READ_UNFITTING_REPORT) if mail.is_whole else Code.READ_SPOILT_MAIL
        )
        _ask_a_person(connection, mail.kept.id, Reason(asked), now)
        return
    notice, tie = found
    if tie is not Tie.SUBJECT and notice.state == NoticeState.COMPOSED:
        # It came back, so our relay had it; we died before noting so.
        notice_events.handed_over(connection, store, notice, states.values(), SentProof.CAME_BACK, now)
        due.drop(connection, [(due.SEND, notice.id)])
        states = notice_events.lock(connection, notice.id)
    tied = _Tied(notice, tie, states.values())
    if reason := _act(connection, store, mail, tied, ours, now):
        _ask_a_person(connection, mail.kept.id, reason, now)


def _notice(connection: Connection, mail: _ReadMail) -> tuple[MailedNotice, Tie] | None:
    """Return the notice a mail is about: by our return path, else by what it answers, else by reference."""
    meaning = mail.meaning
    ids = [one for one in (meaning.original_message_id, *meaning.in_reply_to) if one]
    found = notice_rows.tied(connection, mail.return_digest, ids)
    if found:
        return found[0], Tie.TOKEN if found[1] else Tie.THREAD
    named = notice_rows.by_reference(connection, mail.named) if mail.named else None
    return (named, Tie.SUBJECT) if named else None


def _act(
    connection: Connection, store: Store, mail: _ReadMail, tied: _Tied, ours: Ours, now: datetime
) -> Reason | None:
    """Do what follows from a mail about a notice.

    Return what a person is to read it for, if anything, and what that person has to know of it.

    A reference is no secret: what names it alone moves nothing. So does
    what could not be read.
    """
    kind = mail.meaning.kind
    if not mail.is_whole:
        return Reason(Code.READ_SPOILT_MAIL)
    if tied.tie is Tie.SUBJECT:
        return _but(_FOR_A_PERSON.get(kind, Code.READ_REPORT), Code.NAMED_IN_SUBJECT_ALONE)
    if kind in (MailKind.BOUNCE, MailKind.DELAY, MailKind.DELIVERED):
        return _report(connection, store, mail, tied, ours, now)
    if kind is MailKind.AUTO_REPLY:  # a machine spoke: no answer, and no sign that anybody has it
        notice_rows.note(connection, store.ids, [tied.notice.id], "acknowledged", now, None)
        return None
    notice_rows.note(connection, store.ids, [tied.notice.id], kind.value, now, None)
    if not is_vouched_answer(mail.writer, _reader(tied.notice), ours):
        return _but(_FOR_A_PERSON[kind], Code.VOUCHED_BY_NOBODY)
    if kind is MailKind.REPLY:
        notice_events.accepted(connection, store, tied.notice, tied.states, now, SentProof.ANSWERED)
    return Reason(_FOR_A_PERSON[kind])


def _report(
    connection: Connection, store: Store, mail: _ReadMail, tied: _Tied, ours: Ours, now: datetime
) -> Reason | None:
    """Do what follows from a delivery report; return what `_act` does.

    What nobody we know stands behind proves no delivery and kills no
    contact. If it came to our return path, a mail system did have the
    message, so that it failed is believed of this notice. If it knows but
    the Message-ID, anybody may have written it whom the notice was passed
    on to.
    """
    notice, kind, line = tied.notice, mail.meaning.kind, _line(mail.meaning)
    vouched = is_vouched_report(mail.writer, _reader(notice), ours)
    if kind is MailKind.DELIVERED and vouched:
        notice_events.accepted(connection, store, notice, tied.states, now, line)
    elif kind is MailKind.DELAY and (vouched or tied.tie is Tie.TOKEN):
        notice_events.delayed(connection, store, notice, line, now)
    elif kind is MailKind.BOUNCE and (vouched or tied.tie is Tie.TOKEN):
        failed = [r for r in mail.meaning.recipients if r.action == "failed"]
        passing = bool(failed) and all(r.permanent is False for r in failed)
        health = None if passing else Health.DEAD if vouched else Health.DOUBTFUL
        notice_events.bounced(connection, store, notice, tied.states, line, health, now)
    else:
        notice_rows.note(connection, store.ids, [notice.id], kind.value, now, line)
        if kind is MailKind.BOUNCE:
            notice_events.doubted(connection, notice, line, now)
            return _but(Code.READ_REPORT, Code.VOUCHED_BY_NOBODY)
    return None


def _but(asked: Code, known: Code) -> Reason:
    return Reason(asked, besides=(Reason(known),))


def _reader(notice: MailedNotice) -> str:
    """Return the address that a notice went to."""
    return notice.sent_to or notice.contact_to


def _ask_a_person(connection: Connection, mail_id: int, reason: Reason, now: datetime) -> None:
    """Give a mail to an analyst: a task of its own, so that no reply hides behind another."""
    open_tasks.ask(connection, mail_id, reason, owner="analyst", deadline=now + TASK)


_MAIL_ADDRESS = re.compile(r"<?[^\s<>@]{1,320}@[^\s<>@]{1,320}>?")


def _line(meaning: Meaning) -> str:
    """Return the other server's line, without addresses."""
    said = [
        r.reason if r.status in r.reason else f"{r.status} {r.reason}".strip()
        for r in meaning.recipients[:10]
    ]
    return _MAIL_ADDRESS.sub("(address)", "; ".join(said))[:200]
