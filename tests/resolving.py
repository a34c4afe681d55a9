"""What tests of resolving share: an asker who knows names and networks, and a look at what was written."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import func, select

from nta.domain.episode_state import EpisodeState
from nta.domain.escalation.ladders import When
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import other
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import ArrangementParty, Due, Event
from nta.usecases.resolve import resolve_due
from tests.builders import MadeCase, make_case
from tests.builders_notices import LADDER, catalogue
from tests.conftest import NINE, hours
from tests.lookup_plain import a_finding

LATER = NINE + hours(13)
"""After every finding of NINE has run out."""

EVERYWHERE = catalogue(ladders=(replace(LADDER, when=When()),))

Said = tuple[str, ...] | str | LookupProblem
"""Addresses, "dead", or why nobody answers."""


@dataclass
class FakeAsker:
    """Knows names and networks; counts what it is asked."""

    names: dict[str, Said] = field(default_factory=dict)
    networks: dict[str, Mapping[str, Any] | LookupProblem] = field(default_factory=dict)  # by range
    domains: dict[str, Mapping[str, Any] | LookupProblem] = field(default_factory=dict)
    routes: dict[str, int | LookupProblem | None] = field(default_factory=dict)  # by range
    systems: dict[str, Mapping[str, Any] | LookupProblem] = field(default_factory=dict)  # by AS number
    files: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by domain
    asked: list[str] = field(default_factory=list)
    asked_domains: list[str] = field(default_factory=list)  # kind and name
    asked_routes: list[str] = field(default_factory=list)
    asked_systems: list[str] = field(default_factory=list)
    asked_files: list[str] = field(default_factory=list)
    rounds: int = 0
    before: Any = None

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterable[Finding]:
        self.rounds += 1
        if self.before is not None:
            self.before()
        for lookup in sorted(lookups, key=lambda x: (x.kind, x.subject)):
            if lookup.kind in (LookupKind.DOMAIN, LookupKind.WHOIS):
                self.asked_domains.append(f"{lookup.kind} {lookup.subject}")
                yield self._domain(lookup, now)
                continue
            if lookup.kind is LookupKind.ZONE:
                yield a_finding(lookup, None, "dns", now, now + hours(1), None)
                continue
            if lookup.kind is LookupKind.SYSTEM:
                self.asked_systems.append(lookup.subject)
                yield self._system(lookup, now)
                continue
            if lookup.kind is LookupKind.SECURITY_TXT:
                self.asked_files.append(lookup.subject)
                yield a_finding(
                    lookup, self.files.get(lookup.subject), "security_txt", now, now + hours(1), None
                )
                continue
            if lookup.kind is LookupKind.ROUTE:
                self.asked_routes.append(lookup.subject)
                yield self._route(lookup, now)
                continue
            self.asked.append(lookup.subject)
            yield (
                self._name(lookup, now) if lookup.kind is LookupKind.ADDRESSES else self._network(lookup, now)
            )

    def _domain(self, lookup: Lookup, now: datetime) -> Finding:
        said = self.domains.get(lookup.subject, {})
        if isinstance(said, LookupProblem) and said.step == lookup.kind:
            return a_finding(lookup, None, "rdap", now, now + timedelta(minutes=2), said)
        source = "whois" if lookup.kind is LookupKind.WHOIS else "rdap"
        value = {"registered": True, "registrar": None, "status": ["active"], "source": source}
        if not isinstance(said, LookupProblem):
            value |= said
        return a_finding(lookup, value, source, now, now + hours(12), None)

    def _system(self, lookup: Lookup, now: datetime) -> Finding:
        said = self.systems.get(lookup.subject)
        if isinstance(said, LookupProblem):
            return a_finding(lookup, None, "rdap", now, now + timedelta(minutes=2), said)
        return a_finding(lookup, said, "rdap", now, now + hours(12), None)

    def _name(self, lookup: Lookup, now: datetime) -> Finding:
        said = self.names[lookup.subject]
        until = now + hours(1)
        if isinstance(said, LookupProblem):
            return a_finding(lookup, None, "dns", now, now + timedelta(minutes=2), said)
        dead = "nxdomain" if said == "dead" else None
        value = {"addresses": [] if dead else list(said), "cname": [], "dead": dead}
        return a_finding(lookup, value, "dns", now, until, None)

    def _network(self, lookup: Lookup, now: datetime) -> Finding:
        covers, said = self._range(lookup.subject)
        if isinstance(said, LookupProblem):
            return a_finding(lookup, None, "rdap", now, now + timedelta(minutes=2), said)
        value = {
            "handle": f"NET-{covers}",
            "cidr": [covers],
            "abuse": [],
            "country": "NL",
            "asn": 64500,
        } | dict(said)
        return a_finding(lookup, value, "rdap", now, now + hours(12), None, (covers,))

    def _route(self, lookup: Lookup, now: datetime) -> Finding:
        covers, said = next(
            (c, s) for c, s in self.routes.items() if ip_address(lookup.subject) in ip_network(c)
        )
        if isinstance(said, LookupProblem):
            return a_finding(lookup, None, "routing table", now, now + timedelta(minutes=2), said)
        value = {"asn": said, "as_name": None, "prefix": covers}
        return a_finding(lookup, value, "routing table", now, now + hours(12), None, (covers,))

    def _range(self, address: str) -> tuple[str, Mapping[str, Any] | LookupProblem]:
        return next(
            (c, s)
            for c, s in self.networks.items()
            if address.startswith(c.rpartition(".")[0] + ".") or c.startswith(address)
        )


DOWN = LookupProblem("rdap_ip", other("the server does not answer"), True)
NO_DNS = LookupProblem("dns", other("no answer"), True)
REFUSED = LookupProblem("dns", other("the name cannot be asked for"), False)
ONE, TWO = {"holder": "ORG-1", "holder_name": "One"}, {"holder": "ORG-2", "holder_name": "Two"}


def an_asker() -> FakeAsker:
    """Return one who knows two names in two networks."""
    return FakeAsker(
        {"a.test": ("192.0.2.1",), "b.test": ("198.51.100.1",)},
        {"192.0.2.0/24": {**ONE}, "198.51.100.0/24": {**TWO}},
    )


def made(store: Store, url: str, **more: Any) -> MadeCase:
    return make_case(store, url, NINE, resolved=False, **more)


def resolve(
    store: Store, asker: FakeAsker, now: datetime = NINE, known: Catalogue | None = None, **more: Any
) -> int:
    return resolve_due(
        store, asker=asker, catalogue=known or catalogue(), holder=more.pop("holder", "one"), now=now, **more
    )


def state(store: Store, case: MadeCase) -> EpisodeState:
    with store.db.read() as connection:
        return episodes.load(connection, [case.episode_id])[case.episode_id]


def host(store: Store, case: MadeCase) -> host_arrangements.HostRow:
    with store.db.read() as connection:
        return host_arrangements.hosts(connection, store, [case.host_id])[case.host_id]


def due_at(store: Store, kind: str, subject: int) -> datetime | None:
    with store.db.read() as connection:
        return connection.execute(select(Due.due_at).where(Due.kind == kind, Due.subject == subject)).scalar()


def events(store: Store, case: MadeCase) -> list[str]:
    with store.db.read() as connection:
        return list(
            connection.execute(
                select(Event.kind).where(Event.episode_id == case.episode_id).order_by(Event.id)
            ).scalars()
        )


def parties(store: Store, arrangement: int | None) -> dict[str, str | None]:
    with store.db.read() as connection:
        rows = connection.execute(
            select(ArrangementParty.address, ArrangementParty.party).where(
                ArrangementParty.arrangement_id == arrangement
            )
        )
        return dict(tuple(row) for row in rows)


def count(store: Store, table: Any) -> int:
    with store.db.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()
