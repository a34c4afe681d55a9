"""What the page of contacts shows: which wait for a word, which are in doubt or dead, which were refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from nta.domain.notices.contact_choice import Health
from nta.domain.reasons import Reason
from nta.store.tables import Addressee, Case, Contact, Episode, PartyRow, TaskRow

PAGE = 100


@dataclass(frozen=True, slots=True)
class ContactLine:
    """One contact as the page shows it."""

    id: int
    party: str
    party_name: str
    country: str | None
    address: str
    source: str
    health: str
    health_why: str | None
    health_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    refused_by: str | None
    refused_at: datetime | None
    word_why: str | None
    waits_until: datetime | None
    why: Reason | None = None  # why it would be written to
    cases: int = 0  # open cases that wait for it
    case: str | None = None  # the reference of the first of them


def waiting(connection: Connection, limit: int = PAGE) -> list[ContactLine]:
    """Return the contacts that wait for a person's word, by deadline."""
    return [
        _line(row, *_of_cases(connection, row.id))
        for row in _lines(connection, _waits(), Contact.waits_until, limit)
    ]


def troubled(connection: Connection, limit: int = PAGE) -> list[ContactLine]:
    """Return the contacts that are in doubt or dead, the latest first."""
    which = Contact.health != Health.FINE.value
    return [_line(row) for row in _lines(connection, which, Contact.health_at.desc(), limit)]


def refused(connection: Connection, limit: int = PAGE) -> list[ContactLine]:
    """Return the contacts that somebody refused, the latest first."""
    which = Contact.refused_at.is_not(None)
    return [_line(row) for row in _lines(connection, which, Contact.refused_at.desc(), limit)]


def count(connection: Connection) -> int:
    """Return how many contacts wait for a person's word."""
    query = select(func.count()).select_from(Contact).where(_waits())
    return connection.execute(query).scalar() or 0


def _waits() -> ColumnElement[bool]:
    asked = exists().where(TaskRow.subject == Contact.id)
    return and_(Contact.waits_until.is_not(None), asked)


def _lines(connection: Connection, which: ColumnElement[bool], order: Any, limit: int) -> list[Any]:
    names = [name for name in ContactLine.__dataclass_fields__ if name in Contact.__table__.c]
    query = (
        select(*(Contact.__table__.c[name] for name in names), PartyRow.name, PartyRow.country)
        .join(PartyRow, PartyRow.id == Contact.party)
        .where(which)
        .order_by(order, Contact.id)
        .limit(limit)
    )
    return list(connection.execute(query))


def _of_cases(connection: Connection, contact_id: int) -> tuple[Reason | None, int, str | None]:
    """Return why a contact is to be written to, of how many open cases, and the first of these."""
    open_ones = (
        Addressee.contact_id == contact_id,
        or_(Addressee.first_handed_at.is_(None), Addressee.bounced_at.is_not(None)),
        Episode.ended_at.is_(None),
    )
    joined = select(func.count()).join(Episode, Episode.id == Addressee.episode_id).where(*open_ones)
    first = (
        select(Addressee.why, Case.reference)
        .join(Episode, Episode.id == Addressee.episode_id)
        .join(Case, Case.id == Episode.case_id)
        .where(*open_ones)
        .order_by(Addressee.id)
        .limit(1)
    )
    row = connection.execute(first).first()
    number = connection.execute(joined.select_from(Addressee)).scalar() or 0
    return (row.why, number, row.reference) if row else (None, 0, None)


def _line(row: Any, why: Reason | None = None, cases: int = 0, case: str | None = None) -> ContactLine:
    values = dict(row._mapping)
    name = values.pop("name")
    return ContactLine(**values, party_name=name, why=why, cases=cases, case=case)
