"""What the page of tasks shows: what waits for a person, the longest overdue first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from nta.domain.urls import mask
from nta.store.base import Store
from nta.store.due import TASK
from nta.store.tables import Case, Due, Episode

PAGE = 100


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a person about one case."""

    reference: str
    masked: str
    severity: str
    stage: str
    presence: str
    owner: str | None
    reason: str | None
    due_at: datetime


def tasks(connection: Connection, store: Store, limit: int = PAGE) -> list[Task]:
    """Return the tasks that wait, by deadline."""
    rows = connection.execute(
        select(
            Case.id,
            Case.reference,
            Case.url_sealed,
            Episode.severity,
            Episode.stage,
            Episode.presence,
            Due.owner,
            Due.reason,
            Due.due_at,
        )
        .join(Episode, Episode.id == Due.subject)
        .join(Case, Case.id == Episode.case_id)
        .where(Due.kind == TASK)
        .order_by(Due.due_at, Due.subject)
        .limit(limit)
    )
    return [
        Task(
            row.reference,
            mask(store.sealer.text("case.url", row.id, row.url_sealed)),
            row.severity,
            row.stage,
            row.presence,
            row.owner,
            row.reason,
            row.due_at,
        )
        for row in rows
    ]


def count(connection: Connection) -> int:
    """Return how many tasks wait."""
    return connection.execute(select(func.count()).where(Due.kind == TASK)).scalar() or 0
