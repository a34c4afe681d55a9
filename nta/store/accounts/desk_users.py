"""Accounts of the desk as rows: what the doors read of them and write."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.orm import Session, object_session, scoped_session, selectinload, sessionmaker

from nta.store.db.handle import Store
from nta.store.tables import DeskRole, DeskUser


def sessions(store: Store) -> scoped_session[Session]:
    """Return what Flask-Security's datastore works on: each statement is a transaction of its own."""
    return scoped_session(sessionmaker(bind=store.db.bare()))


def take_code(user: DeskUser, counter: int) -> bool:
    """Keep the counter of a code that was taken. False: a log-in at the same moment was quicker."""
    accounts = object_session(user)
    assert accounts is not None
    newer = or_(DeskUser.totp_counter.is_(None), DeskUser.totp_counter < counter)
    statement = update(DeskUser).where(DeskUser.id == user.id, newer).values(totp_counter=counter)
    return accounts.connection().execute(statement).rowcount == 1


def exists(connection: Connection, email: str) -> bool:
    """Tell whether there is an account of this name."""
    return connection.execute(select(DeskUser.id).where(DeskUser.email == email)).first() is not None


def add(connection: Connection, role: str, **columns: Any) -> None:
    """Insert an account in a role, which is made where it is not there yet."""
    with Session(bind=connection) as rows:
        found = rows.scalar(select(DeskRole).where(DeskRole.name == role)) or DeskRole(name=role)
        rows.add(DeskUser(**columns, roles=[found]))
        rows.flush()


def listed(connection: Connection) -> Sequence[DeskUser]:
    """Return every account with its roles, by name."""
    query = select(DeskUser).options(selectinload(DeskUser.roles)).order_by(DeskUser.email)
    with Session(bind=connection) as rows:
        return rows.scalars(query).all()


@contextmanager
def changing(connection: Connection, email: str) -> Iterator[DeskUser | None]:
    """Yield the account of this name, or None; what is changed of it is written at the end."""
    with Session(bind=connection) as rows:
        yield rows.scalar(select(DeskUser).where(DeskUser.email == email))
        rows.flush()


def put_language(connection: Connection, user_id: int, language: str) -> None:
    """Write in which language a user reads the desk."""
    connection.execute(update(DeskUser).where(DeskUser.id == user_id).values(language=language))
