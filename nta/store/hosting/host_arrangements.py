"""Arrangements: which parties serve a host, believed or suspected, and how one follows another."""

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_network
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update

from nta.domain.checks.targets import Served
from nta.domain.hosting.facts import (
    AddressFacts,
    HostingFacts,
    from_plain,
    to_plain,
)
from nta.domain.intake.reserved_names import number_of
from nta.store.db.bulk import (
    chunks,
    found_by,
    insert_rows,
    table_of,
    update_rows,
)
from nta.store.db.handle import Store
from nta.store.db.types import from_us, to_us
from nta.store.hosting.party_rows import Met, meet
from nta.store.tables import Arrangement, ArrangementParty, Domain, Host

PLACE = "arrangement.facts"
_HOSTS = (
    "SELECT id, name_sealed, port, is_ip, domain_id, arrangement_id, suspect_id, missed_looks, missed_since, "
    "proxy_mark FROM host WHERE id"
)
_encoded = json.JSONEncoder(separators=(",", ":")).encode
_FACTS = "SELECT id, facts_sealed FROM arrangement WHERE id"
_SEEN = "SELECT arrangement_id, address, seen_at FROM arrangement_party WHERE arrangement_id"
_BEGUN = ("id", "host_id", "country", "facts_sealed", "facts_at", "began_at")
_RENEWED = ("country", "facts_sealed", "facts_at")
_PARTY = ("arrangement_id", "address", "party", "proxy", "asn", "network", "country", "seen_at")
_SERVED = (
    "SELECT arrangement_id, address, proxy, party, network, seen_at "
    "FROM arrangement_party WHERE arrangement_id"
)


class HostRow(NamedTuple):
    """A host as the steps need it, its name unsealed."""

    id: int
    name: str
    port: int
    is_ip: bool
    domain_id: int | None
    arrangement_id: int | None
    suspect_id: int | None
    missed_looks: int
    missed_since: datetime | None
    proxy_mark: str | None = None


def hosts(
    connection: Connection, store: Store, ids: Collection[int], *, lock: bool = False
) -> dict[int, HostRow]:
    """Return hosts by id. `lock` keeps others from changing them until this write ends.

    Episodes are locked before hosts and hosts before due rows, by everyone.
    """
    opened = store.sealer.text
    found: dict[int, HostRow] = {}
    for number, sealed, port, is_ip, domain, arrangement, suspect, missed, since, mark in found_by(
        connection, _HOSTS, sorted(ids), lock=lock
    ):
        found[number] = HostRow(
            id=number,
            name=opened("host.name", number, sealed),
            port=port,
            is_ip=bool(is_ip),
            domain_id=domain,
            arrangement_id=arrangement,
            suspect_id=suspect,
            missed_looks=missed,
            missed_since=None if since is None else from_us(since),
            proxy_mark=mark,
        )
    return found


def served(connection: Connection, ids: Collection[int]) -> dict[int, list[Served]]:
    """Return the addresses of arrangements, by arrangement."""
    found: dict[int, list[Served]] = {}
    for number, address, proxy, party, network, seen_at in found_by(connection, _SERVED, sorted(ids)):
        one = Served(address, proxy or party, network, from_us(seen_at))
        found.setdefault(number, []).append(one)
    for many in found.values():
        many.sort(key=itemgetter(0))
    return found


def facts(connection: Connection, store: Store, arrangement_id: int) -> HostingFacts:
    """Return the facts of an arrangement."""
    return facts_of(connection, store, [arrangement_id])[arrangement_id]


def facts_of(connection: Connection, store: Store, ids: Collection[int]) -> dict[int, HostingFacts]:
    """Return the facts of arrangements, by id."""
    seen: dict[int, dict[str, datetime]] = {}
    for number, address, seen_at in found_by(connection, _SEEN, sorted(ids)):
        seen.setdefault(number, {})[address] = from_us(seen_at)
    found: dict[int, HostingFacts] = {}
    for number, sealed in found_by(connection, _FACTS, sorted(ids)):
        told = from_plain(json.loads(store.sealer.open(PLACE, number, sealed)))
        moments = seen.get(number, {})
        addresses = tuple(
            dataclasses.replace(a, seen_at=moments.get(a.ip, a.seen_at)) for a in told.addresses
        )
        found[number] = dataclasses.replace(told, addresses=addresses)
    return found


def seen_here(connection: Connection, places: Collection[tuple[int, str]], now: datetime) -> None:
    """Note that names led to these addresses, each of an arrangement, just now."""
    at = to_us(now)
    update_rows(
        connection,
        table_of(ArrangementParty),
        ("seen_at",),
        ("arrangement_id", "address"),
        [(at, number, address) for number, address in sorted(places)],
    )


def join(connection: Connection, store: Store, host: HostRow) -> None:
    """Take the parties of the suspected arrangement into the one in force: the host serves from both."""
    if host.arrangement_id is None or host.suspect_id is None:
        return
    now_in_force = facts(connection, store, host.arrangement_id)
    suspected = facts(connection, store, host.suspect_id)
    held = {a.ip for a in now_in_force.addresses}
    both = now_in_force.addresses + tuple(a for a in suspected.addresses if a.ip not in held)
    renew(connection, store, host.arrangement_id, dataclasses.replace(now_in_force, addresses=both))


class Begun(NamedTuple):
    """An arrangement that begins, in force or only suspected; `id` is a new one."""

    id: int
    host_id: int
    what: HostingFacts
    suspected: bool = False


def begin(
    connection: Connection,
    store: Store,
    host_id: int,
    what: HostingFacts,
    now: datetime,
    *,
    suspected: bool = False,
) -> int:
    """Begin an arrangement of a host, in force or only suspected; return its id."""
    begun = Begun(store.new_id(), host_id, what, suspected)
    begin_many(connection, store, [begun], now)
    return begun.id


def meet_parties(connection: Connection, found: Iterable[HostingFacts], now: datetime) -> None:
    """Make rows of the parties that serve hosts, so that they have names before anybody is told."""
    served = ((a.proxy or a.party, a) for what in found for a in what.addresses)
    met = (
        Met(party, a.party_name or party, a.network.country if a.network else None, "hosting")
        for party, a in served
        if party
    )
    meet(connection, met, now)


def begin_many(connection: Connection, store: Store, begun: Sequence[Begun], now: datetime) -> None:
    """Begin arrangements, at most one of a host."""
    at = to_us(now)
    rows = [
        (b.id, b.host_id, b.what.country, _sealed(store, b.id, b.what), to_us(b.what.asked_at), at)
        for b in begun
    ]
    insert_rows(connection, table_of(Arrangement), _BEGUN, rows)
    _write_parties(connection, {b.id: b.what for b in begun})
    for column, is_suspected in (("arrangement_id", False), ("suspect_id", True)):
        named = [(b.id, b.host_id) for b in begun if b.suspected is is_suspected]
        update_rows(connection, table_of(Host), (column,), ("id",), named)


def renew(connection: Connection, store: Store, arrangement_id: int, what: HostingFacts) -> None:
    """Write newer facts of the same arrangement."""
    renew_many(connection, store, {arrangement_id: what})


def renew_many(connection: Connection, store: Store, newer: Mapping[int, HostingFacts]) -> None:
    """Write newer facts of the same arrangements, by id."""
    rows = [
        (what.country, _sealed(store, number, what), to_us(what.asked_at), number)
        for number, what in sorted(newer.items())
    ]
    update_rows(connection, table_of(Arrangement), _RENEWED, ("id",), rows)
    for part in chunks(newer):
        connection.execute(delete(ArrangementParty).where(ArrangementParty.arrangement_id.in_(part)))
    _write_parties(connection, newer)


def missed(connection: Connection, host: HostRow, now: datetime) -> None:
    """Note a look that saw none of the host's parties."""
    since = host.missed_since if host.missed_looks else now
    connection.execute(
        update(Host).where(Host.id == host.id).values(missed_looks=host.missed_looks + 1, missed_since=since)
    )


def seen_again(connection: Connection, host: HostRow, now: datetime) -> None:
    """Forget missed looks and drop a suspected arrangement: it has joined, or was a passing thing."""
    if host.suspect_id is not None:
        connection.execute(update(Arrangement).where(Arrangement.id == host.suspect_id).values(ended_at=now))
    connection.execute(
        update(Host).where(Host.id == host.id).values(missed_looks=0, missed_since=None, suspect_id=None)
    )


def supersede(connection: Connection, host: HostRow, now: datetime) -> int | None:
    """End the arrangement in force; the suspected one, if looked up already, takes its place."""
    if host.arrangement_id is not None:
        connection.execute(
            update(Arrangement).where(Arrangement.id == host.arrangement_id).values(ended_at=now)
        )
    connection.execute(
        update(Host)
        .where(Host.id == host.id)
        .values(
            arrangement_id=host.suspect_id,
            suspect_id=None,
            missed_looks=0,
            missed_since=None,
            proxy_mark=None,
        )
    )
    return host.suspect_id


def domain_of(connection: Connection, store: Store, domain_id: int | None) -> tuple[str, str] | None:
    """Return a registrable domain's name and suffix."""
    row = connection.execute(
        select(Domain.id, Domain.name_sealed, Domain.suffix).where(Domain.id == domain_id)
    ).first()
    return (store.sealer.text("domain.name", row[0], row[1]), row[2]) if row else None


def country_of(connection: Connection, arrangement_id: int | None) -> str | None:
    """Return the hosting country of an arrangement, or None."""
    query = select(Arrangement.country).where(Arrangement.id == arrangement_id)
    return connection.execute(query).scalar()


def _sealed(store: Store, number: int, what: HostingFacts) -> bytes:
    return store.sealer.seal(PLACE, number, _encoded(to_plain(what)))


def _write_parties(connection: Connection, facts_by_id: Mapping[int, HostingFacts]) -> None:
    rows = [
        (
            number,
            a.ip,
            a.party,
            a.proxy,
            a.asn,
            _around(a),
            a.network.country if a.network else None,
            to_us(a.seen_at or what.asked_at),
        )
        for number, what in facts_by_id.items()
        for a in what.addresses
    ]
    insert_rows(connection, table_of(ArrangementParty), _PARTY, rows)


def _around(address: AddressFacts) -> str | None:
    """Return that range of its network that the address lies in."""
    version, number = number_of(address.ip)
    for cidr in address.network.cidr if address.network else ():
        other, first, last = _span(cidr)
        if other == version and first <= number <= last:
            return cidr
    return None


@lru_cache(maxsize=4096)
def _span(cidr: str) -> tuple[int, int, int]:
    """Return IP version, first and last address as numbers."""
    network = ip_network(cidr, strict=False)
    return network.version, int(network[0]), int(network[-1])
