"""Mail that came back, as people may see it: of which case or notice, and its text when somebody asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from nta.domain.intake.urls import mask
from nta.domain.notices.mail_parts import (
    UnreadableError,
    clean,
    decoded,
    first_text,
    header,
    read_head,
    read_mail,
)
from nta.store.db.handle import Store
from nta.store.notices.kept_mails import PLACE
from nta.store.reads import portal
from nta.store.tables import Case, Episode, Mail, Notice, NoticeItem

_MOST = 100
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class ListedMail:
    """One mail, without anything of what it says."""

    id: int
    kind: str
    received_at: datetime
    notice: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says, as plain text."""

    sender: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class NotifiedLocation:
    """One location of the notice that a mail is about, its URL masked, with the newest answer to it."""

    id: int
    case_reference: str
    masked: str
    says: str | None


@dataclass(frozen=True, slots=True)
class MailPage:
    """One mail with what its notice tells of. Its text is not in it."""

    mail: ListedMail
    notice_id: int | None
    told: tuple[NotifiedLocation, ...]


def of_case(connection: Connection, reference: str) -> list[ListedMail]:
    """Return the mails about a case's notices, newest first."""
    of = (
        select(NoticeItem.notice_id)
        .join(Episode, Episode.id == NoticeItem.episode_id)
        .join(Case, Case.id == Episode.case_id)
        .where(Case.reference == reference)
    )
    return _listed(connection, Mail.notice_id.in_(of))


def of_notice(connection: Connection, reference: str) -> list[ListedMail]:
    """Return the mails about a notice, newest first."""
    return _listed(connection, Notice.reference == reference)


def one(connection: Connection, store: Store, mail_id: int) -> MailPage | None:
    """Return the page of a mail, or None when there is none."""
    found = _listed(connection, Mail.id == mail_id)
    if not found:
        return None
    notice_id = connection.execute(select(Mail.notice_id).where(Mail.id == mail_id)).scalar()
    items = portal.items(connection, store, notice_id) if notice_id else []
    told = tuple(NotifiedLocation(item.id, item.case_reference, mask(item.url), item.says) for item in items)
    return MailPage(found[0], notice_id, told)


def text(connection: Connection, store: Store, mail_id: int) -> Text | None:
    """Return what a mail says. It may quote our notice with its URLs: whoever asks is noted first."""
    sealed = connection.execute(select(Mail.content_sealed).where(Mail.id == mail_id)).scalar()
    if sealed is None:
        return None
    content = store.sealer.open(PLACE, mail_id, sealed)
    try:
        message = read_mail(content)
    except UnreadableError:
        message = read_head(content)
    body = first_text(message).strip() or clean(content.decode("utf-8", "replace")).strip()
    return Text(decoded(header(message, "From")), decoded(header(message, "Subject")), body[:_LONGEST])


def _listed(connection: Connection, which: ColumnElement[bool]) -> list[ListedMail]:
    rows: Any = connection.execute(
        select(Mail.id, Mail.kind, Mail.received_at, Notice.reference)
        .join(Notice, Notice.id == Mail.notice_id, isouter=True)
        .where(which)
        .order_by(Mail.received_at.desc(), Mail.id.desc())
        .limit(_MOST)
    )
    return [ListedMail(*row) for row in rows]
