"""Registrable domains: what registries said of them last, and whether they serve such content alone."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, update

from nta.domain.hosting.facts import DomainFacts
from nta.store.db.bulk import found_by, table_of, update_rows
from nta.store.tables import Domain

_LONGEST = 200
_COLUMNS = ("registrar_party", "registry_party", "status")
_ASKED = f"SELECT id, {', '.join(_COLUMNS)} FROM domain WHERE id"  # noqa: S608  # names of our own table


def learned(connection: Connection, said: Mapping[int, DomainFacts]) -> int:
    """Write registrar, registry and status of domains, by id, where they differ; return how many did.

    Nothing that was known is forgotten because nobody could be asked. A
    domain that is not registered has the status "not registered".
    """
    held = {row[0]: tuple(row[1:]) for row in found_by(connection, _ASKED, sorted(said))}
    rows = [
        (*after, number)
        for number, before in sorted(held.items())
        if (after := _after(before, said[number])) != before
    ]
    update_rows(connection, table_of(Domain), _COLUMNS, ("id",), rows)
    return len(rows)


def _after(before: tuple[str | None, ...], facts: DomainFacts) -> tuple[str | None, ...]:
    registrar, _, status = before
    if facts.source is not None:
        words = ", ".join(facts.status) if facts.registered else "not registered"
        status = words[:_LONGEST] or None
        if facts.registered:
            registrar = facts.registrar.party if facts.registrar else None
    return registrar, facts.registry, status


def mark_dedicated(
    connection: Connection, domain_id: int, value: str, *, who: str, why: str | None, at: datetime
) -> None:
    """Write who says whether a domain serves nothing but such content: yes, no or unknown."""
    said = {"dedicated": value, "dedicated_by": who, "dedicated_at": at, "dedicated_why": why}
    connection.execute(update(Domain).where(Domain.id == domain_id).values(**said))
