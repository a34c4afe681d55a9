"""What the page of a resolution shows: who serves a case's host, how that is known, and whom to tell."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from nta.domain.hosting.answers_cache import AnswersCache
from nta.domain.hosting.covered_names import covered, covered_address
from nta.domain.hosting.facts import (
    AddressFacts,
    DomainFacts,
    HostingFacts,
)
from nta.domain.hosting.lookup_answers import HostAddresses
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind, said
from nta.domain.hosting.overrides import Scope
from nta.domain.intake.urls import registrable_domain, registry_domain
from nta.domain.lifecycle import EventKind
from nta.domain.notices.contact_choice import (
    Choice,
    Health,
    KnownContact,
    choose,
    known_as,
)
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.parties.organisations import Catalogue, PartyId
from nta.domain.reasons import Reason
from nta.domain.roles import Role
from nta.store.db.handle import Store
from nta.store.hosting import findings, host_arrangements, override_rows
from nta.store.hosting.host_arrangements import HostRow
from nta.store.hosting.override_rows import Written
from nta.store.notices import addressees, contact_decisions
from nta.store.reads import hosting_history
from nta.store.reads.hosting_history import History
from nta.store.tables import Case, Contact, Due, Episode, Event, PartyRow
from nta.store.work import due

_REGISTRATION = (LookupKind.DOMAIN, LookupKind.WHOIS)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what came of it: who answered or why nobody did. `about` is an address, or None."""

    kind: str
    about: str | None
    source: str
    at: datetime
    until: datetime
    reason: Reason | None
    temporary: bool


@dataclass(frozen=True, slots=True)
class AddressEvidence:
    """One address, who answers for it by name, and by which answers that is known."""

    known: AddressFacts
    party: str | None
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Registration:
    """What is known of the registrable domain, without its name."""

    known: DomainFacts
    registry: str | None
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Entered:
    """What a person entered. `state`: in_force, over, or behind where the host's own goes first.

    With `has_moved` the host has moved since: what was true of its former
    hosts may be true no more.
    """

    entry: Written
    party: str | None
    state: str
    has_moved: bool


@dataclass(frozen=True, slots=True)
class ToTell:
    """Whom the ladder would tell in a role, and how the contact has fared with us.

    `contact` is its number where it was written to or asked about before;
    `waits_until` is set while it waits for a person's word.
    """

    choice: Choice
    health: Health
    contact: int | None
    waits_until: datetime | None


@dataclass(frozen=True, slots=True)
class ResolutionPage:
    """Everything on the page of a resolution. Names that lead to the location are covered."""

    reference: str
    masked: str
    is_open: bool
    is_ip: bool
    has_domain: bool
    country: str | None
    dead: str | None
    aliases: tuple[str, ...]
    names: Asked | None
    places: tuple[AddressEvidence, ...]
    origins: tuple[AddressEvidence, ...]
    origin_from: str | None
    forced_host: str | None
    domain: Registration | None
    told: tuple[ToTell, ...]
    failed: tuple[Asked, ...]
    entered: tuple[Entered, ...]
    hosts: tuple[PartyId, ...]  # parties outside the catalogue that were found, by id
    last_at: datetime | None
    next_at: datetime | None
    past: History


def resolution(
    connection: Connection, store: Store, catalogue: Catalogue, reference: str, now: datetime
) -> ResolutionPage | None:
    """Return the page about a case's host, or None when there is no such case. Nothing is looked up."""
    query = select(Case.id, Case.url_sealed, Case.host_id).where(Case.reference == reference)
    case = connection.execute(query).first()
    if case is None:
        return None
    row = host_arrangements.hosts(connection, store, [case.host_id])[case.host_id]
    began_at, is_open = _spell(connection, case.id)
    facts = _facts(connection, store, row)
    seen = _Seen(connection, store, row, facts, facts.asked_at if facts else began_at)
    whole = facts or HostingFacts(row.name, now, (), (), None, None, ())
    names = _CatalogueNames(connection, catalogue, whole)
    facts = covered(whole, catalogue)
    return ResolutionPage(
        reference=reference,
        masked=store.masked("case.url", case.id, case.url_sealed),
        is_open=is_open,
        is_ip=row.is_ip,
        has_domain=row.domain_id is not None,
        country=facts.country,
        dead=seen.dead,
        aliases=facts.cname,
        names=seen.names,
        places=tuple(AddressEvidence(a, names.of(a), seen.about(a.ip)) for a in facts.addresses),
        origins=tuple(AddressEvidence(a, names.of(a), seen.about(a.ip)) for a in facts.origins),
        origin_from=names[facts.origin_from] if facts.origin_from else None,
        forced_host=names[facts.forced_host] if facts.forced_host else None,
        domain=_registration(facts, names, seen),
        told=_told(connection, whole, catalogue, now),
        failed=seen.failed(facts),
        entered=_entered(connection, store, row.id, names, now),
        hosts=tuple(sorted({a.party for a in (*facts.addresses, *facts.origins) if a.party} - names.listed)),
        last_at=seen.last_at or (facts.asked_at if facts.addresses else None),
        next_at=_next_at(connection, row.id),
        past=hosting_history.history(connection, store, row.id),
    )


def _spell(connection: Connection, case_id: int) -> tuple[datetime, bool]:
    """Return when the newest episode of a case began, and whether it is still open."""
    query = select(Episode.began_at, Episode.ended_at).where(Episode.case_id == case_id)
    newest = connection.execute(query.order_by(Episode.number.desc()).limit(1)).one()
    return newest.began_at, newest.ended_at is None


def _facts(connection: Connection, store: Store, row: HostRow) -> HostingFacts | None:
    if row.arrangement_id is None:
        return None
    return host_arrangements.facts(connection, store, row.arrangement_id)


def _next_at(connection: Connection, host_id: int) -> datetime | None:
    query = select(Due.due_at).where(Due.kind == due.RESOLVE, Due.subject == host_id)
    return connection.execute(query).scalar()


class _Seen:
    """The answers that the facts rest on, and what has been asked since."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        row: HostRow,
        facts: HostingFacts | None,
        since: datetime,
    ) -> None:
        held = (*facts.addresses, *facts.origins) if facts else ()
        ips = [a.ip for a in held]
        self._host = row.name
        domains = {registrable_domain(row.name), registry_domain(row.name)}
        subjects = {name for name in (row.name, *domains, *ips) if name}
        own = [Lookup(kind, subject) for kind in LookupKind for subject in subjects]
        found = findings.of_questions(connection, store, own, since)
        found += findings.of_networks(connection, store, ips, since)
        raised = {lookup for ip in ips for lookup in AnswersCache(found, since).raised_by(ip, upstream=True)}
        found += findings.of_questions(connection, store, raised, since)
        self._found = found
        self._known = AnswersCache(found, since)
        self._about = {lookup: ip for ip in ips for lookup in self._known.raised_by(ip, upstream=True)}
        self._about |= {Lookup(kind, ip): ip for kind in LookupKind for ip in ips}
        self._newest = {f.lookup: f for f in sorted(found, key=lambda f: (f.asked_at, f.valid_until))}

    @property
    def names(self) -> Asked | None:
        """Return when the name was last asked where it leads."""
        found = self._newest.get(Lookup(LookupKind.ADDRESSES, self._host))
        return self._asked(found) if found else None

    @property
    def dead(self) -> str | None:
        """Return why the name leads nowhere, where that was the last answer."""
        found = self._newest.get(Lookup(LookupKind.ADDRESSES, self._host))
        leads = said(found, HostAddresses)
        return leads.dead if leads else None

    @property
    def last_at(self) -> datetime | None:
        """Return when anything was last asked about the host."""
        return max((f.asked_at for f in self._found), default=None)

    def about(self, ip: str) -> tuple[Asked, ...]:
        """Return the answers that tell of an address: of its network, who announces it, its holder."""
        kinds = (LookupKind.NETWORK, LookupKind.ROUTE)
        found = [self._known.of(kind, ip) for kind in kinds]
        found += [self._known.valid.get(lookup) for lookup in sorted(self._raised(ip), key=str)]
        return tuple(self._asked(f) for f in found if f and f.problem is None)

    def registration(self) -> tuple[Asked, ...]:
        """Return the answers about the domain's registration."""
        found = (f for f in self._newest.values() if f.lookup.kind in _REGISTRATION and f.problem is None)
        return tuple(self._asked(f) for f in found)

    def failed(self, facts: HostingFacts) -> tuple[Asked, ...]:
        """Return what could not be asked and has not been answered since, newest first."""
        is_registered = facts.domain is not None and facts.domain.source is not None
        open_ones = [
            self._asked(f, problem.reason, temporary=problem.temporary)
            for f in self._newest.values()
            for problem in f.problems
            if not (is_registered and f.lookup.kind in _REGISTRATION) and not self._is_answered(f)
        ]
        return tuple(sorted(open_ones, key=lambda a: (a.at, a.kind, a.about or ""), reverse=True))

    def _is_answered(self, failed: Finding) -> bool:
        """Tell whether an answer about a whole range speaks for the address that could not be asked for."""
        if failed.lookup.kind not in (LookupKind.NETWORK, LookupKind.ROUTE) or failed.problem is None:
            return False
        answer = self._known.of(failed.lookup.kind, failed.lookup.subject)
        return answer is not None and answer.problem is None and answer.asked_at >= failed.asked_at

    def _raised(self, ip: str) -> Iterable[Lookup]:
        return self._known.raised_by(ip, upstream=True)

    def _asked(self, f: Finding, reason: Reason | None = None, *, temporary: bool = False) -> Asked:
        about = self._about.get(f.lookup)
        return Asked(f.lookup.kind.value, about, f.source, f.asked_at, f.valid_until, reason, temporary)


class _CatalogueNames:
    """Parties by name: as the catalogue calls them, else as they were written down or found."""

    def __init__(self, connection: Connection, catalogue: Catalogue, facts: HostingFacts) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self.listed = frozenset(catalogue.hosting)
        held = (*facts.addresses, *facts.origins)
        self._found = {a.proxy or a.party: a.party_name for a in held if a.party_name}

    def __getitem__(self, party: PartyId) -> str:
        entry = self._catalogue.party(party)
        if entry or self._found.get(party):
            return entry.name if entry else self._found[party] or party
        written = self._connection.execute(select(PartyRow.name).where(PartyRow.id == party)).scalar()
        return written or party

    def of(self, address: AddressFacts) -> str | None:
        """Return who answers for an address."""
        who = address.proxy or address.party
        return self[who] if who else None


def _registration(facts: HostingFacts, names: _CatalogueNames, seen: _Seen) -> Registration | None:
    if facts.domain is None:
        return None
    registry = names[facts.domain.registry] if facts.domain.registry else None
    return Registration(facts.domain, registry, seen.registration())


def _told(
    connection: Connection, facts: HostingFacts, catalogue: Catalogue, now: datetime
) -> tuple[ToTell, ...]:
    health, met = addressees.troubled(connection), contact_decisions.known(connection)
    choices = [choice for role in Role for choice in choose(role, facts, catalogue, health, known=met)]
    query = select(Contact.party, Contact.way, Contact.address, Contact.id).where(
        Contact.party.in_({choice.party for choice in choices})
    )
    numbers = {
        (party, ContactAddress(way, to)): number for party, way, to, number in connection.execute(query)
    }
    own = registry_domain(facts.host)
    return tuple(
        ToTell(
            replace(choice, address=covered_address(choice.address, own)),
            health.get(choice.address.folded, Health.FINE),
            numbers.get((choice.party, choice.address)),
            _waits_until(known_as(choice, met), now),
        )
        for choice in choices
    )


def _waits_until(one: KnownContact | None, now: datetime) -> datetime | None:
    if one is None or one.approved_at or one.waits_until is None or one.waits_until <= now:
        return None
    return one.waits_until


def _entered(
    connection: Connection, store: Store, host_id: int, names: _CatalogueNames, now: datetime
) -> tuple[Entered, ...]:
    found: list[Entered] = []
    is_taken = False
    for entry in override_rows.written(connection, store, host_id):
        until = entry.forced.until
        is_over = until is not None and until <= now
        state = "over" if is_over else "behind" if is_taken else "in_force"
        is_taken = is_taken or (entry.scope is Scope.HOST and not is_over)
        party = names[entry.forced.party] if entry.forced.party else None
        found.append(Entered(entry, party, state, _has_moved(connection, host_id, entry.at)))
    return tuple(found)


def _has_moved(connection: Connection, host_id: int, since: datetime | None) -> bool:
    if since is None:
        return False
    moves = (Event.kind == EventKind.MOVED.value, Event.at > since)
    query = select(Event.id).join(Episode, Episode.id == Event.episode_id).where(Episode.host_id == host_id)
    return connection.execute(query.where(*moves).limit(1)).first() is not None
