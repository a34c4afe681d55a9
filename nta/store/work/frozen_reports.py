"""Reports kept with the rows they were made from, so that they can be computed again."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from nta.store.tables import FrozenReport


class Frozen(NamedTuple):
    """A kept report: parameters as JSON, its rows packed, the figures that were shown."""

    parameters: str
    data: bytes
    figures: bytes


def keep(
    connection: Connection, number: int, kind: str, report: Frozen, *, who: str, made_at: datetime
) -> None:
    """Keep a report under its number."""
    values = {"id": number, "kind": kind, "made_at": made_at, "who": who, **report._asdict()}
    connection.execute(insert(FrozenReport).values(**values))


def read(connection: Connection, number: int, kind: str) -> Frozen | None:
    """Return the report of a number, or None."""
    columns = (FrozenReport.parameters, FrozenReport.data, FrozenReport.figures)
    query = select(*columns).where(FrozenReport.id == number, FrozenReport.kind == kind)
    row = connection.execute(query).first()
    return Frozen._make(row) if row else None
