"""What persons are asked: one task for each reason about each subject, until it is done or asks no more."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from nta.domain.reasons import Code, Reason
from nta.store.db.bulk import chunks
from nta.store.db.dialects import upsert
from nta.store.tables import TaskRow


class OpenTask(NamedTuple):
    """What a person's task asks, and of whom."""

    reason: Reason
    owner: str


def ask(connection: Connection, subject: int, reason: Reason, *, owner: str, deadline: datetime) -> None:
    """Give a person a task about a subject, until a deadline. What is asked already stays as it is."""
    given = {"reason": reason, "owner": owner, "due_at": deadline}
    row = upsert(connection, TaskRow).values(subject=subject, code=reason.code.value, **given)
    connection.execute(row.on_conflict_do_nothing(index_elements=["subject", "code"]))


def of(connection: Connection, subject: int, code: Code) -> OpenTask | None:
    """Return the open task about a subject that asks this, or None."""
    query = select(TaskRow.reason, TaskRow.owner)
    row = connection.execute(query.where(TaskRow.subject == subject, TaskRow.code == code.value)).first()
    return OpenTask._make(row) if row else None


def asked_about(connection: Connection, subjects: Collection[int], code: Code) -> set[int]:
    """Return those of the subjects about which this is asked at the moment."""
    found: set[int] = set()
    for part in chunks(subjects):
        query = select(TaskRow.subject).where(TaskRow.code == code.value, TaskRow.subject.in_(part))
        found.update(connection.execute(query).scalars())
    return found


def done(connection: Connection, subjects: Collection[int], codes: Collection[Code]) -> None:
    """End the tasks of these subjects that ask one of these."""
    asked = [code.value for code in codes]
    for part in chunks(subjects):
        connection.execute(delete(TaskRow).where(TaskRow.subject.in_(part), TaskRow.code.in_(asked)))


def drop(connection: Connection, subjects: Collection[int]) -> None:
    """End every task of these subjects, whatever it asks; for what has ended itself."""
    for part in chunks(subjects):
        connection.execute(delete(TaskRow).where(TaskRow.subject.in_(part)))
