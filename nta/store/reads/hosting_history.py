"""How a host was hosted over time, and what was ever asked about it and answered."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import (
    AnnouncedRoute,
    HostAddresses,
    LookupAnswer,
    NamedRegistrar,
    RegisteredDomain,
    RegisteredNetwork,
    RegisteredSystem,
    SecurityFile,
    ToldOrigin,
)
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind, said
from nta.domain.intake.urls import registry_domain
from nta.domain.reasons import Reason
from nta.store.db.handle import Store
from nta.store.hosting import findings, host_arrangements
from nta.store.hosting.host_arrangements import HostRow
from nta.store.tables import Arrangement, ArrangementParty, PartyRow

MOST_ASKED = 60


@dataclass(frozen=True, slots=True)
class At:
    """One address of an arrangement: who answers for it, and when the name last led there."""

    address: str
    party_id: str | None
    party: str | None  # its name
    is_proxy: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ArrangementSpell:
    """One arrangement of the host. Its facts are the last that were found while it was in force."""

    state: str  # in_force, suspected, past
    country: str | None
    began_at: datetime
    ended_at: datetime | None
    facts_at: datetime
    served: tuple[At, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """One finding. `says` is its gist, without any name under notice.

    `dead` is why a name leads nowhere (nxdomain, no_address), `problem` why
    there was no answer.
    """

    kind: str
    source: str
    asked_at: datetime
    valid_until: datetime
    says: str
    dead: str | None
    problem: Reason | None


@dataclass(frozen=True, slots=True)
class History:
    """Arrangements and findings of one host, newest first."""

    spells: tuple[ArrangementSpell, ...]
    answered: tuple[Answered, ...]


def history(connection: Connection, store: Store, host_id: int) -> History:
    """Return how a host was hosted, and the newest `MOST_ASKED` answers about it and its addresses."""
    host = host_arrangements.hosts(connection, store, [host_id])[host_id]
    spells = _spells(connection, host)
    addresses = {at.address for spell in spells for at in spell.served}
    domain = host_arrangements.domain_of(connection, store, host.domain_id)
    subjects = {host.name, *addresses, *(domain or ())[:1], registry_domain(host.name) or host.name}
    lookups = [Lookup(kind, subject) for kind in LookupKind for subject in subjects]
    proxies = {at.party_id for spell in spells for at in spell.served if at.party_id and at.is_proxy}
    lookups += [Lookup(LookupKind.ORIGIN, host.name, proxy) for proxy in sorted(proxies)]
    asked = findings.kept(connection, store, lookups, MOST_ASKED)
    return History(spells, tuple(_answered(finding) for finding in asked))


def _spells(connection: Connection, host: HostRow) -> tuple[ArrangementSpell, ...]:
    columns = (Arrangement.id, Arrangement.country, Arrangement.began_at)
    rows = connection.execute(
        select(*columns, Arrangement.ended_at, Arrangement.facts_at)
        .where(Arrangement.host_id == host.id)
        .order_by(Arrangement.began_at.desc(), Arrangement.id.desc())
    ).all()
    served = _served(connection, [row.id for row in rows])
    states = {host.suspect_id: "suspected", host.arrangement_id: "in_force"}
    return tuple(
        ArrangementSpell(
            states.get(row.id, "past"),
            row.country,
            row.began_at,
            row.ended_at,
            row.facts_at,
            tuple(served.get(row.id, ())),
        )
        for row in rows
    )


def _served(connection: Connection, numbers: Collection[int]) -> dict[int, list[At]]:
    p = ArrangementParty
    rows = connection.execute(
        select(p.arrangement_id, p.address, p.party, p.proxy, p.seen_at)
        .where(p.arrangement_id.in_(numbers))
        .order_by(p.seen_at.desc(), p.address)
    ).all()
    parties = {row.proxy or row.party for row in rows} - {None}
    known = connection.execute(select(PartyRow.id, PartyRow.name).where(PartyRow.id.in_(parties)))
    names: dict[str, str] = {row.id: row.name for row in known}
    found: dict[int, list[At]] = {}
    for row in rows:
        who = row.proxy or row.party
        at = At(row.address, who, names.get(who, who) if who else None, bool(row.proxy), row.seen_at)
        found.setdefault(row.arrangement_id, []).append(at)
    return found


def _answered(finding: Finding) -> Answered:
    leads = said(finding, HostAddresses)
    return Answered(
        finding.lookup.kind.value,
        finding.source,
        finding.asked_at,
        finding.valid_until,
        _gist(finding.value),
        leads.dead if leads else None,
        finding.problem.reason if finding.problem else None,
    )


def _gist(value: LookupAnswer | None) -> str:
    """Return what an answer says in a few words: addresses, their holder, the registrar, the contacts."""
    told: list[str | None] = []
    match value:
        case HostAddresses(addresses):
            told = [*addresses]
        case RegisteredNetwork():
            asn = f"AS{value.asn}" if value.asn else None
            told = [value.holder_name or value.holder, asn, *_mailboxes(value.abuse)]
        case AnnouncedRoute():
            told = [f"AS{value.asn}" if value.asn else None]
        case RegisteredSystem():
            told = [value.holder, *_mailboxes(value.abuse)]
        case SecurityFile(contacts):
            told = [*contacts]
        case RegisteredDomain():
            registrar = value.registrar or NamedRegistrar()
            told = [registrar.name, *value.status, *_mailboxes(registrar.abuse)]
        case ToldOrigin():
            told = [*value.addresses, value.holder_name, *_mailboxes(value.abuse)]
    return ", ".join(one for one in dict.fromkeys(told) if one)


def _mailboxes(contacts: Iterable[FoundContact]) -> Iterator[str]:
    return (contact.email for contact in contacts)
