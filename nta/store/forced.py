"""What a person knows of who stands behind a host: its origin behind a proxy, or the party to tell."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from nta.domain.parties import PartyId
from nta.store.addressees import chunks
from nta.store.base import Store
from nta.store.tables import Arrangement, Host

_PLACE = "host.forced_origin"


@dataclass(frozen=True, slots=True)
class Forced:
    """An origin (an address), a party told as host, or both; in force before `until`, None for ever."""

    origin: str | None
    party: PartyId | None
    until: datetime | None


def of_hosts(
    connection: Connection, store: Store, host_ids: Collection[int], now: datetime
) -> dict[int, Forced]:
    """Return what is in force at `now`, by host; most hosts have nothing."""
    found: dict[int, Forced] = {}
    for part in chunks(host_ids):
        query = select(Host.id, Host.forced_origin_sealed, Host.forced_party, Host.forced_until).where(
            Host.id.in_(part),
            or_(Host.forced_origin_sealed.is_not(None), Host.forced_party.is_not(None)),
            or_(Host.forced_until.is_(None), Host.forced_until > now),
        )
        for number, sealed, party, until in connection.execute(query):
            origin = store.sealer.text(_PLACE, number, sealed) if sealed else None
            found[number] = Forced(origin, party, until)
    return found


def origins(
    connection: Connection, store: Store, arrangement_ids: Collection[int], now: datetime
) -> dict[int, str]:
    """Return the known origin behind each arrangement that has one."""
    hosts: dict[int, int] = {}
    for part in chunks(arrangement_ids):
        query = (
            select(Arrangement.id, Host.id)
            .join(Host, Host.id == Arrangement.host_id)
            .where(Arrangement.id.in_(part), Host.forced_origin_sealed.is_not(None))
        )
        hosts.update((row[0], row[1]) for row in connection.execute(query))
    known = of_hosts(connection, store, hosts.values(), now)
    return {number: one.origin for number, h in hosts.items() if (one := known.get(h)) and one.origin}


def put(
    connection: Connection,
    store: Store,
    host_id: int,
    *,
    reason: str,
    until: datetime | None,
    origin: str | None = None,
    party: PartyId | None = None,
) -> None:
    """Write what a person knows of a host; it takes the place of what was known before."""
    sealed = store.sealer.seal(_PLACE, host_id, origin) if origin else None
    connection.execute(
        update(Host)
        .where(Host.id == host_id)
        .values(forced_origin_sealed=sealed, forced_party=party, forced_reason=reason, forced_until=until)
    )
