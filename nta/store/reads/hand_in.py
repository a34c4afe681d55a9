"""What the page of a hand-in shows: its counts, and what became of each line."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from nta.domain.reasons import Reason
from nta.store.db.handle import Store
from nta.store.tables import Case, HandIn, HandInLine, Submission

PAGE = 200


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line: the case it went to, or why it was refused."""

    line: int
    reference: str | None
    masked: str | None
    known: bool  # the case is older than this hand-in
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class HandInPage:
    """One hand-in with a page of its lines; refused ones come first, for they ask for something."""

    id: int
    who: str
    way: str
    received_at: datetime
    finished: bool
    accepted: int
    refused: int
    page: int
    pages: int
    lines: tuple[LineResult, ...]


def hand_in(connection: Connection, store: Store, hand_in_id: int, page: int) -> HandInPage | None:
    """Return a hand-in with the `page`-th of its pages, counted from 1, or None."""
    head = connection.execute(select(HandIn.__table__).where(HandIn.id == hand_in_id)).first()
    if head is None:
        return None
    rows = connection.execute(
        select(HandInLine.line, HandInLine.reason, Case.reference, Case.id, Case.url_sealed)
        .join(Submission, Submission.id == HandInLine.submission_id, isouter=True)
        .join(Case, Case.id == Submission.case_id, isouter=True)
        .where(HandInLine.hand_in_id == hand_in_id)
        .order_by(HandInLine.submission_id.is_not(None), HandInLine.line)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    lines = tuple(
        LineResult(
            row.line,
            row.reference,
            store.masked("case.url", row.id, row.url_sealed) if row.id else None,
            # Ids rise with time: a case with a smaller one than the hand-in's was there before it.
            row.id is not None and row.id < head.id,
            row.reason,
        )
        for row in rows
    )
    return HandInPage(
        head.id,
        head.who,
        head.way,
        head.received_at,
        head.finished_at is not None,
        head.accepted,
        head.refused,
        page,
        max(1, -(-(head.accepted + head.refused) // PAGE)),
        lines,
    )


def recent(connection: Connection, who: str, limit: int = 8) -> list[tuple[int, datetime, int, int]]:
    """Return somebody's last hand-ins: id, when, accepted, refused."""
    query = (
        select(HandIn.id, HandIn.received_at, HandIn.accepted, HandIn.refused)
        .where(HandIn.who == who)
        .order_by(HandIn.id.desc())
        .limit(limit)
    )
    return [(row.id, row.received_at, row.accepted, row.refused) for row in connection.execute(query)]
