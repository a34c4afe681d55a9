"""What leads see of notices: which wait for them, and one with its locations and all the evidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from nta.domain.notices.notice_state import NoticeState
from nta.domain.reasons import Reason
from nta.store.db.bulk import chunks
from nta.store.db.handle import Store
from nta.store.notices import approval_rows, notice_rows
from nta.store.notices.approval_rows import Given
from nta.store.tables import (
    Addressee,
    Arrangement,
    Case,
    Contact,
    Episode,
    Notice,
    NoticeItem,
    PartyRow,
    SightingSpan,
    TaskRow,
)


@dataclass(frozen=True, slots=True)
class ListedApproval:
    """One notice that waits for leads."""

    reference: str
    party: str
    role: str
    kind: str
    severity: str
    queued_at: datetime
    leads: int
    items: int
    deadline: datetime | None
    given: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class LastSighting:
    """What one vantage point last saw of a location."""

    vantage: str
    verdict: str
    cause: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ToldBefore:
    """One notice about the same location that went out before, and what its reader said."""

    reference: str
    kind: str
    party: str
    role: str
    at: datetime
    accepted_at: datetime | None
    bounced_at: datetime | None
    says: str | None
    said_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvidencedLocation:
    """One location of a notice, its URL masked, with the evidence."""

    id: int
    case_reference: str
    masked: str
    scope: str
    class_scheme: str
    class_value: str
    law: str | None
    addresses: str | None
    port: int | None
    country: str | None
    ladder: str | None
    received_at: datetime
    last_up_at: datetime | None
    stage: str
    presence: str
    outcome: str | None
    left_why: str | None
    seen: tuple[LastSighting, ...]
    told: tuple[ToldBefore, ...]


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Everything on the page of one notice. Nothing in it holds a URL in clear."""

    id: int
    reference: str
    party: str
    party_name: str
    role: str
    kind: str
    rung: str
    language: str
    format: str
    state: str
    severity: str
    contact: str
    why: Reason | None
    queued_at: datetime
    handed_at: datetime | None
    leads: int
    deadline: datetime | None
    given: tuple[Given, ...]
    locations: tuple[EvidencedLocation, ...]


def waiting(connection: Connection, limit: int = 200) -> list[ListedApproval]:
    """Return the notices that wait for leads, the longest waiting first."""
    items = select(func.count()).where(NoticeItem.notice_id == Notice.id, NoticeItem.left_at.is_(None))
    deadline = select(func.min(TaskRow.due_at)).where(TaskRow.subject == Notice.id)
    rows = connection.execute(
        select(
            Notice.id,
            Notice.reference,
            PartyRow.name,
            Notice.role,
            Notice.kind,
            Notice.severity,
            Notice.queued_at,
            Notice.leads,
            items.scalar_subquery().label("items_listed"),
            deadline.scalar_subquery().label("deadline"),
        )
        .join(PartyRow, PartyRow.id == Notice.party)
        .where(Notice.state == NoticeState.WAITING_LEAD)
        .order_by(Notice.queued_at, Notice.id)
        .limit(limit)
    ).all()
    given = approval_rows.given(connection, [row.id for row in rows])
    return [
        ListedApproval(
            reference=row.reference,
            party=row.name,
            role=row.role,
            kind=row.kind,
            severity=row.severity,
            queued_at=row.queued_at,
            leads=max(1, row.leads),
            items=row.items_listed,
            deadline=row.deadline,
            given=tuple(given.get(row.id, ())),
        )
        for row in rows
    ]


def count(connection: Connection) -> int:
    """Return how many notices wait for leads."""
    query = select(func.count()).where(Notice.state == NoticeState.WAITING_LEAD)
    return connection.execute(query).scalar() or 0


def notice(connection: Connection, store: Store, reference: str) -> NoticePage | None:
    """Return the page of a notice, or None when there is no such notice."""
    deadline = select(func.min(TaskRow.due_at)).where(TaskRow.subject == Notice.id).scalar_subquery()
    row = connection.execute(
        select(Notice.__table__, PartyRow.name, Contact.address, deadline.label("deadline"))
        .join(PartyRow, PartyRow.id == Notice.party)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(Notice.reference == reference)
    ).first()
    if row is None:
        return None
    items = _items(connection, row.id)
    return NoticePage(
        id=row.id,
        reference=row.reference,
        party=row.party,
        party_name=row.name,
        role=row.role,
        kind=row.kind,
        rung=row.rung,
        language=row.language,
        format=row.format,
        state=row.state,
        severity=row.severity,
        contact=row.address,
        why=items[0].why if items else None,
        queued_at=row.queued_at,
        handed_at=row.handed_at,
        leads=max(1, row.leads),
        deadline=row.deadline,
        given=tuple(approval_rows.given(connection, [row.id]).get(row.id, ())),
        locations=_locations(connection, store, items, row.id),
    )


def _items(connection: Connection, notice_id: int) -> Sequence[Any]:
    return connection.execute(
        select(
            NoticeItem.__table__,
            Case.class_scheme,
            Case.class_value,
            Episode.stage,
            Episode.presence,
            Episode.outcome,
            Episode.ladder,
            Episode.last_up_at.label("up_at"),
            Arrangement.country,
            Addressee.why,
        )
        .join(Episode, Episode.id == NoticeItem.episode_id)
        .join(Case, Case.id == Episode.case_id)
        .join(Addressee, Addressee.id == NoticeItem.addressee_id)
        .join(Arrangement, Arrangement.id == Episode.arrangement_id, isouter=True)
        .where(NoticeItem.notice_id == notice_id)
        .order_by(NoticeItem.position)
    ).all()


def _locations(
    connection: Connection, store: Store, items: Sequence[Any], notice_id: int
) -> tuple[EvidencedLocation, ...]:
    about = [item.episode_id for item in items]
    seen, told = _seen(connection, about), _told(connection, about, notice_id)
    return tuple(
        EvidencedLocation(
            id=item.id,
            case_reference=item.case_reference,
            masked=store.masked("notice_item.location", item.id, item.location_sealed),
            scope=item.scope,
            class_scheme=item.class_scheme,
            class_value=item.class_value,
            law=item.law,
            addresses=item.addresses,
            port=item.port,
            country=item.country,
            ladder=item.ladder,
            received_at=item.received_at,
            last_up_at=item.up_at,
            stage=item.stage,
            presence=item.presence,
            outcome=item.outcome,
            left_why=item.left_why,
            seen=tuple(seen.get(item.episode_id, ())),
            told=tuple(told.get(item.episode_id, ())),
        )
        for item in items
    )


def _seen(connection: Connection, episodes: Collection[int]) -> Mapping[int, list[LastSighting]]:
    found: dict[int, list[LastSighting]] = {}
    columns = [SightingSpan.__table__.c[name] for name in LastSighting.__dataclass_fields__]
    for part in chunks(episodes):
        query = (
            select(SightingSpan.episode_id, *columns)
            .where(SightingSpan.episode_id.in_(part), SightingSpan.current)
            .order_by(SightingSpan.vantage)
        )
        for episode_id, *rest in connection.execute(query):
            found.setdefault(episode_id, []).append(LastSighting(*rest))
    return found


def _told(connection: Connection, episodes: Collection[int], this: int) -> Mapping[int, list[ToldBefore]]:
    """Return the notices that went out before about each episode, with what their readers said."""
    said: dict[tuple[int, str, str], tuple[str | None, datetime | None]] = {}
    for part in chunks(episodes):
        query = select(
            Addressee.episode_id,
            Addressee.party,
            Addressee.role,
            Addressee.answer,
            Addressee.first_answer_at,
        ).where(Addressee.episode_id.in_(part))
        said |= {(row[0], row[1], row[2]): (row[3], row[4]) for row in connection.execute(query)}
    found: dict[int, list[ToldBefore]] = {}
    for past in notice_rows.past(connection, episodes):
        if past.handed_at is None or past.notice_id == this:
            continue
        words = said.get((past.episode_id, past.party, past.role), (None, None))
        found.setdefault(past.episode_id, []).append(
            ToldBefore(
                past.reference,
                past.kind,
                past.party_name,
                past.role,
                past.handed_at,
                past.accepted_at,
                past.bounced_at,
                *words,
            )
        )
    return found
