"""Arrangements: which parties serve a host, believed or suspected, and how one follows another."""

import dataclasses
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from nta.domain.aiming import Served
from nta.domain.hosting import AddressFacts, HostingFacts, from_plain, to_plain
from nta.store.base import Store
from nta.store.bulk import found_by, table_of, update_rows
from nta.store.tables import Arrangement, ArrangementParty, Domain, Host
from nta.store.types import from_us, to_us

PLACE = "arrangement.facts"
_HOSTS = (
    "SELECT id, name_sealed, port, is_ip, domain_id, arrangement_id, suspect_id, missed_looks, missed_since "
    "FROM host WHERE id"
)
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


def hosts(
    connection: Connection, store: Store, ids: Collection[int], *, lock: bool = False
) -> dict[int, HostRow]:
    """Return hosts by id. `lock` keeps others from changing them until this write ends.

    Episodes are locked before hosts and hosts before due rows, by everyone.
    """
    opened = store.sealer.text
    found: dict[int, HostRow] = {}
    for number, sealed, port, is_ip, domain, arrangement, suspect, missed, since in found_by(
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
    sealed = connection.execute(
        select(Arrangement.facts_sealed).where(Arrangement.id == arrangement_id)
    ).scalar_one()
    found = from_plain(json.loads(store.sealer.open(PLACE, arrangement_id, sealed)))
    seen: dict[str, datetime] = dict(
        connection.execute(
            select(ArrangementParty.address, ArrangementParty.seen_at).where(
                ArrangementParty.arrangement_id == arrangement_id
            )
        ).all()
    )
    addresses = tuple(dataclasses.replace(a, seen_at=seen.get(a.ip, a.seen_at)) for a in found.addresses)
    return dataclasses.replace(found, addresses=addresses)


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
    number = store.new_id()
    connection.execute(
        insert(Arrangement).values(
            id=number,
            host_id=host_id,
            country=what.country,
            facts_sealed=_sealed(store, number, what),
            facts_at=what.asked_at,
            began_at=now,
        )
    )
    _write_parties(connection, number, what)
    column = {"suspect_id": number} if suspected else {"arrangement_id": number}
    connection.execute(update(Host).where(Host.id == host_id).values(**column))
    return number


def renew(connection: Connection, store: Store, arrangement_id: int, what: HostingFacts) -> None:
    """Write newer facts of the same arrangement."""
    connection.execute(
        update(Arrangement)
        .where(Arrangement.id == arrangement_id)
        .values(
            country=what.country, facts_sealed=_sealed(store, arrangement_id, what), facts_at=what.asked_at
        )
    )
    connection.execute(delete(ArrangementParty).where(ArrangementParty.arrangement_id == arrangement_id))
    _write_parties(connection, arrangement_id, what)


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
        .values(arrangement_id=host.suspect_id, suspect_id=None, missed_looks=0, missed_since=None)
    )
    return host.suspect_id


def domain_of(connection: Connection, store: Store, domain_id: int | None) -> tuple[str, str] | None:
    """Return a registrable domain's name and suffix."""
    row = connection.execute(
        select(Domain.id, Domain.name_sealed, Domain.suffix).where(Domain.id == domain_id)
    ).first()
    return (store.sealer.text("domain.name", row[0], row[1]), row[2]) if row else None


def _sealed(store: Store, number: int, what: HostingFacts) -> bytes:
    return store.sealer.seal(PLACE, number, json.dumps(to_plain(what), separators=(",", ":")))


def _write_parties(connection: Connection, number: int, what: HostingFacts) -> None:
    rows: Sequence[dict[str, object]] = [
        {
            "arrangement_id": number,
            "address": a.ip,
            "party": a.party,
            "proxy": a.proxy,
            "asn": a.asn,
            "network": _around(a),
            "country": a.network.country if a.network else None,
            "seen_at": a.seen_at or what.asked_at,
        }
        for a in what.addresses
    ]
    if rows:
        connection.execute(insert(ArrangementParty), rows)


def _around(address: AddressFacts) -> str | None:
    """Return that range of its network that the address lies in."""
    ip = ip_address(address.ip)
    ranges = address.network.cidr if address.network else ()
    return next((cidr for cidr in ranges if ip in ip_network(cidr, strict=False)), None)
