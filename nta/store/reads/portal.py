"""What the portal reads: one notice by its link, its items, and what was said of them.

Touches no table but those that `nta.store.db.grants` lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from nta.store.db.handle import Store
from nta.store.tables import AnswerRow, Notice, NoticeEvent, NoticeItem, PortalLink

PLACE = "notice_item.portal"
"""Where `NoticeItem.portal_sealed` is sealed for: the URL as text, under the portal's key."""


@dataclass(frozen=True, slots=True)
class LinkedNotice:
    """The notice that a link that works belongs to."""

    id: int
    reference: str
    language: str
    queued_at: datetime
    handed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PortalItem:
    """One location told, with the newest answer to it."""

    id: int
    case_reference: str
    url: str
    last_up_at: datetime | None
    received_at: datetime
    says: str | None
    said_at: datetime | None
    whose: str | None
    until: datetime | None


def by_link(connection: Connection, digests: Sequence[bytes], now: datetime) -> LinkedNotice | None:
    """Return the notice of a link, or None when it is unknown, expired or revoked."""
    row = connection.execute(
        select(Notice.id, Notice.reference, Notice.language, Notice.queued_at, Notice.handed_at)
        .join(PortalLink, PortalLink.notice_id == Notice.id)
        .where(
            PortalLink.digest.in_(digests),
            PortalLink.expires_at > now,
            PortalLink.revoked_at.is_(None),
        )
    ).first()
    return LinkedNotice(*row) if row else None


def told(connection: Connection, notice_id: int) -> tuple[int, datetime | None]:
    """Return how many items the notice told of, and when the oldest of them was received."""
    count, oldest = connection.execute(
        select(func.count(), func.min(NoticeItem.received_at)).where(
            NoticeItem.notice_id == notice_id, NoticeItem.left_at.is_(None)
        )
    ).one()
    return count, oldest


def items(connection: Connection, store: Store, notice_id: int) -> list[PortalItem]:
    """Return the items of a notice as the portal may show them, in the order of the mail."""
    said: dict[int, tuple[Any, ...]] = {}
    for row in connection.execute(
        select(AnswerRow.item_id, AnswerRow.says, AnswerRow.at, AnswerRow.whose, AnswerRow.until)
        .join(NoticeItem, NoticeItem.id == AnswerRow.item_id)
        .where(NoticeItem.notice_id == notice_id)
        .order_by(AnswerRow.id)
    ):
        said[row.item_id] = (row.says, row.at, row.whose, row.until)
    rows = connection.execute(
        select(
            NoticeItem.id,
            NoticeItem.case_reference,
            NoticeItem.portal_sealed,
            NoticeItem.last_up_at,
            NoticeItem.received_at,
        )
        .where(NoticeItem.notice_id == notice_id, NoticeItem.left_at.is_(None))
        .order_by(NoticeItem.position)
    )
    return [
        PortalItem(
            row.id,
            row.case_reference,
            store.portal_sealer.text(PLACE, row.id, row.portal_sealed),
            row.last_up_at,
            row.received_at,
            *said.get(row.id, (None, None, None, None)),
        )
        for row in rows
    ]


def was_opened(connection: Connection, notice_id: int) -> bool:
    """Tell whether the list of a notice was opened before."""
    known = select(NoticeEvent.notice_id).where(
        NoticeEvent.notice_id == notice_id, NoticeEvent.kind == "opened"
    )
    return connection.execute(known.limit(1)).first() is not None
