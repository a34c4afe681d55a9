"""What the page of sending shows: whether it was stopped and by whom, and what waits for a lead."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from nta.domain.notices.notice_state import NEVER_LEFT, NoticeState
from nta.store.tables import Episode, Notice, NoticeItem, PartyRow, Switch


@dataclass(frozen=True, slots=True)
class Stopped:
    """That sending was stopped, when and by whom."""

    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """One notice that a lead has to let go."""

    id: int
    reference: str
    party: str
    kind: str
    severity: str
    items: int
    queued_at: datetime
    leads: int


def stopped(connection: Connection) -> Stopped | None:
    """Return by whom sending was stopped, or None when it was not."""
    row = connection.execute(
        select(Switch.value, Switch.at, Switch.who).where(Switch.name == "sending")
    ).first()
    return Stopped(row.at, row.who) if row and row.value == "off" else None


def waiting(connection: Connection, limit: int = 200) -> list[HeldNotice]:
    """Return the notices that wait for a lead, oldest first."""
    items = select(func.count()).where(NoticeItem.notice_id == Notice.id).scalar_subquery()
    rows = connection.execute(
        select(
            Notice.id,
            Notice.reference,
            PartyRow.name,
            Notice.kind,
            Notice.severity,
            items.label("items"),
            Notice.queued_at,
            Notice.leads,
        )
        .join(PartyRow, PartyRow.id == Notice.party)
        .where(Notice.state == NoticeState.WAITING_LEAD)
        .order_by(Notice.id)
        .limit(limit)
    )
    return [HeldNotice(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Burst:
    """Several notices to one party that one lead can let go together."""

    party: str
    name: str
    notices: int


def bursts(connection: Connection) -> list[Burst]:
    """Return the parties to whom more than one notice waits for one lead alone, the most first."""
    count = func.count()
    rows = connection.execute(
        select(Notice.party, PartyRow.name, count)
        .join(PartyRow, PartyRow.id == Notice.party)
        .where(Notice.state == NoticeState.WAITING_LEAD, Notice.leads <= 1)
        .group_by(Notice.party, PartyRow.name)
        .having(count > 1)
        .order_by(count.desc(), Notice.party)
    )
    return [Burst(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Kept:
    """One notice that never left: sending was off, or leads declined it."""

    reference: str
    party: str
    kind: str
    severity: str
    state: str
    items: int
    queued_at: datetime


def kept(connection: Connection, limit: int = 200) -> list[Kept]:
    """Return the notices that never left and tell of open cases, newest first."""
    items = (
        select(func.count())
        .select_from(NoticeItem)
        .join(Episode, Episode.id == NoticeItem.episode_id)
        .where(NoticeItem.notice_id == Notice.id, NoticeItem.left_at.is_(None), Episode.ended_at.is_(None))
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            Notice.reference,
            PartyRow.name,
            Notice.kind,
            Notice.severity,
            Notice.state,
            items.label("items"),
            Notice.queued_at,
        )
        .join(PartyRow, PartyRow.id == Notice.party)
        .where(Notice.state.in_(NEVER_LEFT), items > 0)
        .order_by(Notice.id.desc())
        .limit(limit)
    )
    return [Kept(*row) for row in rows]


def queued(connection: Connection) -> int:
    """Return how many notices are on their way out."""
    query = select(func.count()).where(Notice.state.in_((NoticeState.QUEUED, NoticeState.COMPOSED)))
    return connection.execute(query).scalar() or 0
