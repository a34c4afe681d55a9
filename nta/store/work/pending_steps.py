"""Which steps have anything to do: one plain read, so that idle steps cost and write nothing."""

from datetime import datetime

from sqlalchemy import Connection, text

from nta.store.db.types import to_us
from nta.store.work.due import (
    ESCALATE,
    LOOK,
    RESOLVE,
    SEND,
)

STEP_OF = {RESOLVE: "resolve", LOOK: "recheck", ESCALATE: "escalate", SEND: "dispatch"}
"""The step that does each kind of due row."""

_PENDING = text(
    "SELECT kind FROM due WHERE due_at <= :now AND kind IN ('resolve', 'look', 'escalate', 'send') "
    "GROUP BY kind "
    "UNION ALL SELECT 'answers' WHERE EXISTS (SELECT 1 FROM answer WHERE settled = false) "
    "OR EXISTS (SELECT 1 FROM notice_event WHERE settled = false) "
    "UNION ALL SELECT 'notify' WHERE EXISTS (SELECT 1 FROM addressee WHERE waiting_since IS NOT NULL) "
    "UNION ALL SELECT 'seal' WHERE EXISTS (SELECT 1 FROM audit_entry WHERE batch IS NULL)"
)


def pending(connection: Connection, now: datetime) -> set[str]:
    """Return the names of the steps for which something waits in the database, taken or not."""
    return {STEP_OF.get(name, name) for name in connection.execute(_PENDING, {"now": to_us(now)}).scalars()}
