"""Tasks of persons, as tests give them and look for them."""

from datetime import datetime

from sqlalchemy import Connection, select

from nta.domain.reasons import Code, Reason
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.tables import TaskRow
from nta.store.work import open_tasks


def give(connection: Connection, subject: int, until: datetime, *, owner: str, code: Code) -> None:
    """Give a person a task."""
    open_tasks.ask(connection, subject, Reason(code), owner=owner, deadline=until)


def asked(store: Store, subject: int) -> list[Code]:
    """Return what persons are asked about a subject, in the order of the deadlines."""
    query = select(TaskRow.code).where(TaskRow.subject == subject).order_by(TaskRow.due_at, TaskRow.code)
    with store.db.read() as connection:
        return [Code(code) for code in connection.execute(query).scalars()]


def in_words(store: Store, subject: int) -> str | None:
    """Return what persons are asked about a subject in English, None where nothing is."""
    query = select(TaskRow.reason).where(TaskRow.subject == subject).order_by(TaskRow.due_at, TaskRow.code)
    with store.db.read() as connection:
        return "; ".join(map(sentence, connection.execute(query).scalars())) or None


def until(store: Store, subject: int) -> datetime | None:
    """Return the deadline of the first task about a subject, None where there is none."""
    with store.db.read() as connection:
        query = select(TaskRow.due_at).where(TaskRow.subject == subject).order_by(TaskRow.due_at)
        return connection.execute(query).scalars().first()


def drop(connection: Connection, subject: int) -> None:
    """End every task about a subject."""
    open_tasks.drop(connection, [subject])
