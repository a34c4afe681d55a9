"""Whether a step has anything to do: plain reads, so that idle steps write nothing."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, text

from nta.store.database import Database
from nta.store.types import to_us

Waits = Callable[[Connection, datetime], bool]

_DUE = text("SELECT 1 FROM due WHERE kind = :kind AND due_at <= :now LIMIT 1")
_OPEN_ANSWERS = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM answer WHERE settled = false) "
    "OR EXISTS (SELECT 1 FROM notice_event WHERE settled = false)"
)


def due(kind: str) -> Waits:
    """Return what tells whether a due row of a kind has come, taken or not."""

    def waits(connection: Connection, now: datetime) -> bool:
        return connection.execute(_DUE, {"kind": kind, "now": to_us(now)}).first() is not None

    return waits


def answers(connection: Connection, now: datetime) -> bool:
    """Tell whether the portal recorded something that is not settled."""
    return connection.exec_driver_sql(_OPEN_ANSWERS).first() is not None


def addressees(connection: Connection, now: datetime) -> bool:
    """Tell whether somebody waits to be told."""
    asked = "SELECT 1 FROM addressee WHERE waiting_since IS NOT NULL LIMIT 1"
    return connection.exec_driver_sql(asked).first() is not None


def entries(connection: Connection, now: datetime) -> bool:
    """Tell whether audit entries wait to be sealed."""
    return (
        connection.exec_driver_sql("SELECT 1 FROM audit_entry WHERE batch IS NULL LIMIT 1").first()
        is not None
    )


def only_when(db: Database, waits: Waits, step: Callable[[datetime], int]) -> Callable[[datetime], int]:
    """Return the step, asked to run only when something waits for it."""

    def run(now: datetime) -> int:
        with db.read() as connection:
            if not waits(connection, now):
                return 0
        return step(now)

    return run
