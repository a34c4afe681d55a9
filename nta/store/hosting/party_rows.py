"""Parties as they were met: a row each, made once."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from nta.store.db.bulk import table_of
from nta.store.db.dialects import upsert
from nta.store.tables import PartyRow

_PARTY_ROW = table_of(PartyRow)


class Met(NamedTuple):
    """A party as it was found: `source` says by what."""

    party: str
    name: str
    country: str | None
    source: str


def meet(connection: Connection, parties: Iterable[Met], now: datetime) -> None:
    """Make the rows of parties that have none yet; who is known stays as it is."""
    first = {met.party: met for met in parties}
    rows = [
        {
            "id": met.party,
            "name": met.name[:200],
            "country": met.country,
            "source": met.source[:32],
            "seen_at": now,
        }
        for _, met in sorted(first.items())  # one order for every writer: no deadlock
    ]
    if rows:
        connection.execute(upsert(connection, _PARTY_ROW).on_conflict_do_nothing(), rows)
