"""What a person knows of who stands behind a host: its origin behind a proxy, or the party to tell."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, or_, select, update

from nta.domain.hosting.overrides import Scope
from nta.domain.parties.organisations import PartyId
from nta.store.db.bulk import found_by
from nta.store.db.handle import Store
from nta.store.db.types import from_us
from nta.store.tables import Domain, Episode, Host

_Table = type[Host] | type[Domain]
_BEHIND: Final = (
    "SELECT host.id, host.forced_origin_sealed, host.forced_party, host.forced_until, "
    "domain.id, domain.forced_origin_sealed, domain.forced_party, domain.forced_until "
    "FROM host LEFT JOIN domain ON domain.id = host.domain_id "
    "WHERE (host.forced_origin_sealed IS NOT NULL OR host.forced_party IS NOT NULL "
    "OR domain.forced_origin_sealed IS NOT NULL OR domain.forced_party IS NOT NULL) AND host.id"
)
_TABLES: Final[Mapping[Scope, _Table]] = {Scope.HOST: Host, Scope.DOMAIN: Domain}


@dataclass(frozen=True, slots=True)
class Forced:
    """An origin (an address), a party told as host, or both; in force before `until`, None for ever."""

    origin: str | None
    party: PartyId | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as somebody made it; `by` and `at` are None of what an older release wrote."""

    scope: Scope
    forced: Forced
    why: str | None
    by: str | None
    at: datetime | None


def of_hosts(
    connection: Connection, store: Store, host_ids: Collection[int], now: datetime
) -> dict[int, Forced]:
    """Return what is in force at `now`, by host; most hosts have nothing.

    A host's own entry goes before its domain's, whole: an origin of the one
    and a party of the other are never mixed.
    """
    found: dict[int, Forced] = {}
    for number, *own, domain, origin, party, until in found_by(connection, _BEHIND, sorted(host_ids)):
        known = _read(store, Scope.HOST, number, *own)
        if not _counts(known, now) and domain is not None:
            known = _read(store, Scope.DOMAIN, domain, origin, party, until)
        if _counts(known, now):
            found[number] = known
    return found


def written(connection: Connection, store: Store, host_id: int) -> tuple[Written, ...]:
    """Return what stands entered for a host and for its domain, in force or over; the host's first."""
    domain_id = connection.execute(select(Host.domain_id).where(Host.id == host_id)).scalar()
    found = []
    for scope, number in ((Scope.HOST, host_id), (Scope.DOMAIN, domain_id)):
        table = _TABLES[scope]
        query = select(*_columns(table), table.forced_reason, table.forced_by, table.forced_at)
        row = connection.execute(query.where(table.id == number, _is_set(table))).first()
        if row is not None and number is not None:
            sealed, party, until, *_ = row
            origin = _origin(store, scope, number, sealed)
            forced = Forced(origin, party, until)
            found.append(Written(scope, forced, row.forced_reason, row.forced_by, row.forced_at))
    return tuple(found)


def put(
    connection: Connection,
    store: Store,
    number: int,
    *,
    reason: str | None,
    until: datetime | None,
    origin: str | None = None,
    party: PartyId | None = None,
    scope: Scope = Scope.HOST,
    by: str | None = None,
    at: datetime | None = None,
) -> None:
    """Write what a person knows of a host or domain; it takes the place of what was known before."""
    table = _TABLES[scope]
    sealed = store.sealer.seal(_place(scope), number, origin) if origin else None
    connection.execute(
        update(table)
        .where(table.id == number)
        .values(
            forced_origin_sealed=sealed,
            forced_party=party,
            forced_reason=reason,
            forced_until=until,
            forced_by=by,
            forced_at=at,
        )
    )


def clear(connection: Connection, scope: Scope, number: int) -> bool:
    """Take an entry back; return whether there was one."""
    table = _TABLES[scope]
    names = ("origin_sealed", "party", "reason", "until", "by", "at")
    values = {f"forced_{name}": None for name in names}
    gone = connection.execute(update(table).where(table.id == number, _is_set(table)).values(**values))
    return bool(gone.rowcount)


def open_hosts(connection: Connection, scope: Scope, number: int) -> list[int]:
    """Return the hosts that an entry is about and of which a case is open, in the order of their ids."""
    about = Host.id == number if scope is Scope.HOST else Host.domain_id == number
    query = (
        select(Host.id)
        .join(Episode, Episode.host_id == Host.id)
        .where(about, Episode.ended_at.is_(None))
        .distinct()
        .order_by(Host.id)
    )
    return list(connection.execute(query).scalars())


def _columns(table: _Table) -> Iterable[Any]:
    return table.forced_origin_sealed, table.forced_party, table.forced_until


def _is_set(table: _Table) -> ColumnElement[bool]:
    return or_(table.forced_origin_sealed.is_not(None), table.forced_party.is_not(None))


def _counts(forced: Forced, now: datetime) -> bool:
    says_something = forced.origin is not None or forced.party is not None
    return says_something and (forced.until is None or forced.until > now)


def _read(
    store: Store, scope: Scope, number: int, sealed: bytes | None, party: str | None, until: int | None
) -> Forced:
    """Return an entry of the driver's own values."""
    origin = _origin(store, scope, number, sealed)
    return Forced(origin, party, None if until is None else from_us(until))


def _origin(store: Store, scope: Scope, number: int, sealed: bytes | None) -> str | None:
    return store.sealer.text(_place(scope), number, sealed) if sealed else None


def _place(scope: Scope) -> str:
    return f"{scope.value}.forced_origin"
