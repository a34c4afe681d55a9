"""Log-ins of the desk: rows that begin, are seen, and end."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from nta.ports import Ids
from nta.store.tables import DeskSession

SHIFT: Final = timedelta(hours=12)
"""How long a log-in lasts: longer than a working day, shorter than two."""

_KEPT: Final = timedelta(days=30)
_SEEN_EVERY: Final = timedelta(minutes=5)


def begin(connection: Connection, ids: Ids, *, user_id: int, token: str, now: datetime) -> None:
    """Write a log-in down; take away what was over a month ago."""
    connection.execute(delete(DeskSession).where(DeskSession.made_at < now - _KEPT))
    connection.execute(
        insert(DeskSession).values(
            id=ids.take(1)[0], user_id=user_id, digest=_digest(token), made_at=now, last_seen_at=now
        )
    )


def lives(connection: Connection, *, user_id: int, token: str, now: datetime) -> bool | None:
    """Tell whether a user's log-in goes on; None: it does, and `seen` has not been told for a while."""
    last = connection.execute(
        select(DeskSession.last_seen_at).where(
            DeskSession.digest == _digest(token), DeskSession.user_id == user_id, _open(now)
        )
    ).scalar()
    if last is None:
        return False
    return True if now - last < _SEEN_EVERY else None


def seen(connection: Connection, token: str, now: datetime) -> None:
    """Keep when a log-in was last used."""
    connection.execute(
        update(DeskSession).where(DeskSession.digest == _digest(token)).values(last_seen_at=now)
    )


def end(connection: Connection, token: str, now: datetime) -> None:
    """End one log-in."""
    connection.execute(
        update(DeskSession)
        .where(DeskSession.digest == _digest(token), DeskSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_all(connection: Connection, user_id: int, now: datetime) -> int:
    """End every log-in of a user; return how many went on until now."""
    ending = update(DeskSession).where(DeskSession.user_id == user_id, _open(now)).values(ended_at=now)
    return connection.execute(ending).rowcount


def going_on(connection: Connection, now: datetime) -> dict[int, list[datetime]]:
    """Return, for each user with log-ins that go on, when each was last used."""
    found: dict[int, list[datetime]] = {}
    for user, last in connection.execute(
        select(DeskSession.user_id, DeskSession.last_seen_at).where(_open(now))
    ):
        found.setdefault(user, []).append(last)
    return found


def _open(now: datetime) -> ColumnElement[bool]:
    return and_(DeskSession.ended_at.is_(None), DeskSession.made_at > now - SHIFT)


def _digest(token: str) -> bytes:
    # A token has 256 random bits: nothing is guessed from its plain digest.
    return sha256(token.encode()).digest()
