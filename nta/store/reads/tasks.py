"""What the page of tasks shows: what waits for a person, the longest overdue first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from nta.domain.person_tasks import decided_where
from nta.domain.reasons import Reason
from nta.store.db.handle import Store
from nta.store.tables import Case, Contact, Episode, Mail, Notice, PartyRow, TaskRow

PAGE = 100


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a person: about a case, a notice, a contact, or a mail that came in."""

    subject: int
    about: str  # case, notice, contact, mail
    reference: str | None  # the case's, or the notice's
    masked: str | None
    party: str | None  # whose notice or contact
    mail_kind: str | None
    received_at: datetime | None
    severity: str | None
    stage: str | None
    presence: str | None
    owner: str
    reason: Reason
    due_at: datetime

    @property
    def is_decided(self) -> bool:
        """Tell whether only a decision on its own page ends it."""
        return decided_where(self.reason.code, self.stage) is not None


def tasks(connection: Connection, store: Store, limit: int = PAGE) -> list[Task]:
    """Return the tasks that wait, by deadline."""
    of_mail = Notice.__table__.alias("of_mail")
    whose = PartyRow.__table__.alias("whose")
    rows = connection.execute(
        select(
            TaskRow.subject,
            TaskRow.owner,
            TaskRow.reason,
            TaskRow.due_at,
            Case.id,
            Case.reference,
            Case.url_sealed,
            Episode.severity,
            Episode.stage,
            Episode.presence,
            Notice.reference.label("notice"),
            Notice.severity.label("notice_severity"),
            PartyRow.name.label("party"),
            whose.c.name.label("contact_of"),
            Mail.kind.label("mail_kind"),
            Mail.received_at.label("mail_at"),
            of_mail.c.reference.label("mail_notice"),
        )
        .join(Episode, Episode.id == TaskRow.subject, isouter=True)
        .join(Case, Case.id == Episode.case_id, isouter=True)
        .join(Notice, Notice.id == TaskRow.subject, isouter=True)
        .join(PartyRow, PartyRow.id == Notice.party, isouter=True)
        .join(Contact, Contact.id == TaskRow.subject, isouter=True)
        .join(whose, whose.c.id == Contact.party, isouter=True)
        .join(Mail, Mail.id == TaskRow.subject, isouter=True)
        .join(of_mail, of_mail.c.id == Mail.notice_id, isouter=True)
        .order_by(TaskRow.due_at, TaskRow.subject, TaskRow.code)
        .limit(limit)
    )
    return [_task(store, row) for row in rows]


def _task(store: Store, row: Any) -> Task:
    case = row.id is not None
    return Task(
        subject=row.subject,
        about="case" if case else "notice" if row.notice else "contact" if row.contact_of else "mail",
        reference=row.reference or row.notice or row.mail_notice,
        masked=store.masked("case.url", row.id, row.url_sealed) if case else None,
        party=row.party or row.contact_of,
        mail_kind=row.mail_kind,
        received_at=row.mail_at,
        severity=row.severity or row.notice_severity,
        stage=row.stage,
        presence=row.presence,
        owner=row.owner,
        reason=row.reason,
        due_at=row.due_at,
    )


def count(connection: Connection) -> int:
    """Return how many tasks wait."""
    return connection.execute(select(func.count()).select_from(TaskRow)).scalar() or 0
