"""Notices that wait for leads: how many must agree, who did, letting a notice go or not."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, insert, select

from nta.domain.deadlines import TASK
from nta.domain.notices.notice_state import NoticeState, NoticeStep
from nta.domain.reasons import Reason
from nta.store.db.bulk import chunks, table_of
from nta.store.notices import notice_rows
from nta.store.tables import Approval, Episode, Notice, NoticeItem
from nta.store.work import due, open_tasks

_APPROVAL = table_of(Approval)
_EPISODE = table_of(Episode)
_NOTICE = table_of(Notice)
_NOTICE_ITEM = table_of(NoticeItem)


class AwaitingApproval(NamedTuple):
    """A notice that waits for leads."""

    id: int
    reference: str
    kind: str
    rung: str
    party: str
    leads: int


class Given(NamedTuple):
    """One lead's word that a notice may go."""

    who: str
    at: datetime
    why: str | None


def ask(connection: Connection, notice_id: int, reason: Reason, now: datetime) -> None:
    """Give leads the task of a notice that waits for them."""
    open_tasks.ask(connection, notice_id, reason, owner="lead", deadline=now + TASK)


def waiting(connection: Connection, reference: str) -> AwaitingApproval | None:
    """Return a notice that waits for leads, kept from being decided by another until this write ends."""
    query = select(*(_NOTICE.c[name] for name in AwaitingApproval._fields)).where(
        _NOTICE.c.reference == reference, _NOTICE.c.state == NoticeState.WAITING_LEAD
    )
    query = query.with_for_update()
    row = connection.execute(query).first()
    return AwaitingApproval._make(row)._replace(leads=max(1, row.leads)) if row else None


def waiting_by_id(connection: Connection, notice_id: int) -> AwaitingApproval | None:
    """Return a notice that waits for leads, as it stands."""
    query = select(*(_NOTICE.c[name] for name in AwaitingApproval._fields)).where(
        _NOTICE.c.id == notice_id, _NOTICE.c.state == NoticeState.WAITING_LEAD
    )
    row = connection.execute(query).first()
    return AwaitingApproval._make(row) if row else None


def burst(connection: Connection, party: str, limit: int) -> list[int]:
    """Return notices to a party that wait for one lead alone and that nobody let go, oldest first, held."""
    query = (
        select(_NOTICE.c.id)
        .where(_NOTICE.c.party == party, _NOTICE.c.state == NoticeState.WAITING_LEAD, _NOTICE.c.leads <= 1)
        .order_by(_NOTICE.c.id)
        .limit(limit)
    )
    query = query.with_for_update()
    return list(connection.execute(query).scalars())


def given(connection: Connection, notice_ids: Collection[int]) -> dict[int, list[Given]]:
    """Return which leads let each notice go, in the order in which they did."""
    found: dict[int, list[Given]] = {}
    for part in chunks(notice_ids):
        query = (
            select(_APPROVAL.c.notice_id, _APPROVAL.c.who, _APPROVAL.c.at, _APPROVAL.c.why)
            .where(_APPROVAL.c.notice_id.in_(part))
            .order_by(_APPROVAL.c.at, _APPROVAL.c.who)
        )
        for notice_id, *rest in connection.execute(query):
            found.setdefault(notice_id, []).append(Given(*rest))
    return found


def give(connection: Connection, notice_id: int, who: str, at: datetime, why: str | None) -> None:
    """Write down that a lead lets a notice go."""
    connection.execute(insert(_APPROVAL).values(notice_id=notice_id, who=who, at=at, why=why))


def let_go(connection: Connection, notice_id: int, now: datetime) -> None:
    """Make a notice that waited for leads due to be sent."""
    _settle(connection, notice_id, NoticeStep.APPROVE)
    due.want(connection, due.SEND, [notice_id], now)


def decline(connection: Connection, notice_id: int) -> None:
    """End a notice that is not to be sent."""
    _settle(connection, notice_id, NoticeStep.DECLINE)


def drop_ended(connection: Connection, episode_ids: Collection[int]) -> None:
    """End the notices that waited for leads and tell of ended episodes alone: nobody need decide them."""
    still = exists().where(
        _NOTICE_ITEM.c.notice_id == _NOTICE.c.id,
        _NOTICE_ITEM.c.left_at.is_(None),
        _EPISODE.c.id == _NOTICE_ITEM.c.episode_id,
        _EPISODE.c.ended_at.is_(None),
    )
    for part in chunks(episode_ids):
        told = select(_NOTICE_ITEM.c.notice_id).where(_NOTICE_ITEM.c.episode_id.in_(part))
        query = select(_NOTICE.c.id).where(
            _NOTICE.c.id.in_(told), _NOTICE.c.state == NoticeState.WAITING_LEAD, ~still
        )
        for notice_id in connection.execute(query).scalars().all():
            _settle(connection, notice_id, NoticeStep.DROP)


def _settle(connection: Connection, notice_id: int, step: NoticeStep) -> None:
    notice_rows.move(connection, notice_id, step)
    open_tasks.drop(connection, [notice_id])
