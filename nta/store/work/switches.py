"""Switches that people turn: whether anything may be sent."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from nta.store.db.bulk import rows_of
from nta.store.tables import Switch

SENDING = "sending"
ON, OFF = "on", "off"
_SENDING = "SELECT value FROM switch WHERE name = ?"


def sending_stopped(connection: Connection) -> bool:
    """Tell whether a lead has stopped all sending."""
    return (OFF,) in rows_of(connection, _SENDING, (SENDING,))  # asked before each notice leaves


def set_sending(connection: Connection, value: str, who: str, at: datetime) -> bool:
    """Turn the switch. False: it stood so already."""
    known = connection.execute(select(Switch.value).where(Switch.name == SENDING)).scalar()
    if known == value or (known is None and value == ON):
        return False
    if known is None:
        connection.execute(insert(Switch).values(name=SENDING, value=value, at=at, who=who))
    else:
        connection.execute(update(Switch).where(Switch.name == SENDING).values(value=value, at=at, who=who))
    return True
