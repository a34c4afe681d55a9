"""Which contact to write to in which role, and why this one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from hashlib import sha256

from nta.domain.hosting.facts import AddressFacts, FoundContact, HostingFacts
from nta.domain.languages import FALLBACK, NOTICE_LANGUAGES
from nta.domain.parties.contact_addresses import ContactAddress, NamedContact, mailbox_of
from nta.domain.parties.organisations import Catalogue, Party, PartyId
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import Role


class Health(StrEnum):
    """How a contact has fared with us."""

    FINE = "fine"
    DOUBTFUL = "doubtful"  # failures that may pass, again and again, or one that is not the mailbox's
    DEAD = "dead"  # refused for good: never written to again by itself


DOUBT_AFTER = 2
DOUBT_WITHIN = timedelta(days=7)
"""So many notices that were delayed or failed for now, within so long, make a contact doubtful."""


@dataclass(frozen=True, slots=True)
class KnownContact(NamedContact):
    """An address of a party that we met before: a person's word on it, and how long that is waited for.

    At most one of `approved_at` and `refused_at` is set: the last word
    counts.
    """

    approved_at: datetime | None = None
    refused_at: datetime | None = None
    waits_until: datetime | None = None


KnownContacts = Mapping[PartyId, Collection[KnownContact]]


@dataclass(frozen=True, slots=True)
class Choice:
    """One party to be told in one role, at one address, and why."""

    role: Role
    party: PartyId
    party_name: str
    country: str | None
    address: ContactAddress
    language: str
    format: str
    source: str
    confidence: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A party that ought to be told, with all that is known of how."""

    party: PartyId
    name: str
    country: str | None
    entry: Party | None
    found: tuple[FoundContact, ...] = ()
    note: Reason | None = None  # said with the reason


NOBODY_KNOWN: KnownContacts = {}


_GUESSED = (Code.GUESSED_ABUSE, Code.GUESSED_MAILBOX)
_GUESSED_INSTEAD = (Code.GUESSED_ABUSE_INSTEAD, Code.GUESSED_MAILBOX_INSTEAD)


class _Place(IntEnum):
    """How good a contact is by where it comes from; a better one is never passed over but for trouble."""

    CATALOGUE = 1
    APPROVED = 2
    AGREED = 3
    NAMED = 4
    GUESSED = 5


_PASSED_BY = {
    _Place.CATALOGUE: (Code.CATALOGUES_REFUSED, Code.CATALOGUES_DEAD, Code.CATALOGUES_IN_DOUBT),
    _Place.APPROVED: (Code.APPROVED_REFUSED, Code.APPROVED_DEAD, Code.APPROVED_IN_DOUBT),
    None: (Code.ANOTHER_REFUSED, Code.ANOTHER_DEAD, Code.ANOTHER_IN_DOUBT),
}
"""What is said of a better contact of that place: refused, dead, in doubt."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One address that a party could be written to at. `reason` says where it is from."""

    contact: NamedContact
    place: _Place
    reason: Reason
    worth: float  # within its place: more is better
    health: Health
    refused: bool

    @property
    def merit(self) -> tuple[int, float, bool, bool, str]:
        """Return the order of candidates as long as all are fine.

        Of equals, one that says abuse is first, then one that stands in a
        field of RDAP: port 43 is text, in which a mailbox is easily misread.
        """
        to = self.contact.address.folded.to
        says_so = "abuse" in to.partition("@")[0]
        return (self.place, -self.worth, not says_so, self.contact.source == "whois", to)

    @property
    def rank(self) -> tuple[int, bool, tuple[int, float, bool, bool, str]]:
        """Return the order in which they are chosen: a fine one before a doubtful one of its place."""
        return (self.place, self.health is Health.DOUBTFUL, self.merit)

    @property
    def is_open(self) -> bool:
        """Tell whether it may be written to."""
        return self.health is not Health.DEAD and not self.refused


@dataclass(frozen=True, slots=True)
class _Ground:
    """What choices rest on besides the facts."""

    catalogue: Catalogue
    health: Mapping[ContactAddress, Health]
    languages: frozenset[str]
    known: KnownContacts


def choose(
    role: Role,
    facts: HostingFacts,
    catalogue: Catalogue,
    health: Mapping[ContactAddress, Health],
    languages: frozenset[str] = NOTICE_LANGUAGES,
    *,
    known: KnownContacts = NOBODY_KNOWN,
) -> tuple[Choice, ...]:
    """Return one contact for each party that has the role, in the order of their ids.

    The catalogue's contact comes first, then one that a person approved,
    then one that two sources name, then one that one source names, then a
    guess; of two that are alike in this, a fine one before a doubtful one.
    A party without a contact that is usable, neither dead nor refused, is
    left out. `health` is keyed by address in lower case; an address it does
    not know is fine.
    """
    ground = _Ground(catalogue, health, languages, known)
    chosen = (_best(role, wanted, ground) for wanted in _wanted(role, facts, catalogue))
    return tuple(sorted((c for c in chosen if c), key=lambda c: c.party))


def known_as(choice: Choice, known: KnownContacts) -> KnownContact | None:
    """Return what is known of the address that was chosen."""
    address = choice.address.folded
    return next((one for one in known.get(choice.party, ()) if one.address.folded == address), None)


def waits_until(
    choice: Choice, known: KnownContacts, within: timedelta | None, now: datetime
) -> datetime | None:
    """Return until when a contact waits for a person's word; None where it is used now.

    What the catalogue names or a person approved never waits. Another one,
    to which no notice went yet, waits for `within` (None: not at all); after
    one that was refused the next waits for what was left of that time.
    """
    if within is None or choice.source == "catalogue":
        return None
    theirs = known.get(choice.party, ())
    one = known_as(choice, known)
    if one and one.approved_at:
        return None
    if one and one.waits_until:
        return one.waits_until if now < one.waits_until else None
    left = (k.waits_until for k in theirs if k.refused_at and k.waits_until and now < k.waits_until)
    return min((*left, now + within))


def _wanted(role: Role, facts: HostingFacts, catalogue: Catalogue) -> Iterable[_Wanted]:
    if role is Role.HOST:
        serving = [a for a in (*facts.addresses, *facts.origins) if a.party and not a.proxy]
        return _forced(facts.forced_host, serving, catalogue) or _hosts(serving, catalogue, "party")
    if role is Role.PROXY:
        shown = _hosts([a for a in facts.addresses if a.proxy], catalogue, "proxy")
        return [*shown, *_marked(facts, catalogue)]
    if role is Role.UPSTREAM:
        known = _upstream([a for a in (*facts.addresses, *facts.origins) if not a.proxy], catalogue)
        return [*known, *(_Wanted(one.party, one.name, None, None, one.abuse) for one in facts.upstreams)]
    if role is Role.SITE_OWNER:
        return _site_owner(facts, catalogue)
    if role is Role.REGISTRAR:
        return _registrar(facts, catalogue)
    entries: list[Party] = []
    if role is Role.REGISTRY and facts.domain and not (facts.dead and facts.domain.registered is False):
        registry = catalogue.party(facts.domain.registry or "") or catalogue.registry_of(facts.domain.suffix)
        entries = [registry] if registry else []
    elif role is Role.HOTLINE:
        entries = list(catalogue.hotlines_of(facts.country))
    elif role is Role.AUTHORITY and facts.country:
        own = [a for a in catalogue.authorities.values() if a.country == facts.country]
        entries = [a for a in own if not a.police]
    elif role is Role.POLICE:
        country = catalogue.country(facts.country)
        police = catalogue.authorities.get(country.police or "") if country else None
        entries = [police] if police else []
    return [_Wanted(entry.id, entry.name, entry.country, entry) for entry in entries]


def _hosts(addresses: Iterable[AddressFacts], catalogue: Catalogue, which: str) -> Iterable[_Wanted]:
    """Return the parties of these addresses, each with the contacts of all its addresses."""
    shelf: dict[PartyId, list[AddressFacts]] = {}
    for address in addresses:
        shelf.setdefault(getattr(address, which), []).append(address)
    for party, theirs in shelf.items():
        entry = catalogue.party(party)
        names = [a.party_name for a in theirs if a.party_name]
        countries = [a.network.country for a in theirs if a.network and a.network.country]
        yield _Wanted(
            party,
            entry.name if entry else next(iter(names), party),
            (entry.country if entry else None) or next(iter(countries), None),
            entry,
            tuple(c for a in theirs for c in a.abuse),
        )


def _marked(facts: HostingFacts, catalogue: Catalogue) -> Iterable[_Wanted]:
    """Return the proxy that only a header field tells of; whoever serves a page writes those."""
    entry = catalogue.proxies.get(facts.mark or "")
    if entry:
        yield _Wanted(entry.id, entry.name, entry.country, entry, note=Reason(Code.BY_HEADER_ALONE))


def _forced(party: PartyId | None, serving: Iterable[AddressFacts], catalogue: Catalogue) -> list[_Wanted]:
    """Return the party that a person named as the host; its name and contacts are the catalogue's, if any."""
    if party is None:
        return []
    theirs = list(_hosts([a for a in serving if a.party == party], catalogue, "party"))
    entry = catalogue.party(party)
    return theirs or ([_Wanted(party, entry.name, entry.country, entry)] if entry else [])


def _upstream(addresses: Iterable[AddressFacts], catalogue: Catalogue) -> Iterable[_Wanted]:
    """Return who announces the addresses that others serve from, by the catalogue's AS numbers."""
    pairs = [(a, catalogue.network_of(a.asn)) for a in addresses]
    found = {entry.id: entry for a, entry in pairs if entry and a.party and a.party != entry.id}
    return [_Wanted(entry.id, entry.name, entry.country, entry) for entry in found.values()]


def _site_owner(facts: HostingFacts, catalogue: Catalogue) -> list[_Wanted]:
    """Return who runs the site, where the hosting country's policy lets them be told; never a registrant.

    Parties are stored in clear and sites are not: the id is a digest.
    """
    if facts.country not in catalogue.owners_told_in or not facts.owner or not facts.domain:
        return []
    party = f"site:{sha256(facts.domain.name.encode()).hexdigest()[:16]}"
    return [_Wanted(party, "the site's owner", None, None, facts.owner)]


def _registrar(facts: HostingFacts, catalogue: Catalogue) -> Iterable[_Wanted]:
    found = facts.domain.registrar if facts.domain else None
    if found is None:
        return
    entry = catalogue.party(found.party or "") or catalogue.registrar_of(found.iana_id)
    party = entry.id if entry else found.party
    if party:
        name = entry.name if entry else found.name or party
        yield _Wanted(party, name, entry.country if entry else None, entry, found.abuse)


def _best(role: Role, wanted: _Wanted, ground: _Ground) -> Choice | None:
    candidates = sorted(_candidates(wanted, ground), key=lambda one: one.rank)
    best = next((one for one in candidates if one.is_open), None)
    if best is None:
        return None
    route = wanted.entry.notices if wanted.entry else None
    manner = (_language(wanted.country, ground.catalogue, ground.languages), "text")
    if route and best.place is _Place.CATALOGUE:
        manner = (route.language if route.language in ground.languages else FALLBACK, route.format)
    return _choice(role, wanted, best.contact, manner, _reason(best, candidates, wanted.note))


def _reason(best: _Candidate, candidates: Collection[_Candidate], note: Reason | None) -> Reason:
    """Return why this one: where it is from, how it fares, and what stood before it."""
    besides = [note] if note else []
    if best.health is Health.DOUBTFUL:
        besides.append(Reason(Code.MAIL_FAILED_LATELY))
    better = min(candidates, key=lambda one: one.merit)
    if better is not best:
        if best.place is _Place.GUESSED and better.place is not _Place.GUESSED:
            return because(Code.CHOSEN, why=_guess(best.contact.address.to, instead=True))
        besides.append(Reason(_passed_by(best, better)))
    return because(Code.CHOSEN, why=replace(best.reason, besides=tuple(besides)))


def _passed_by(best: _Candidate, better: _Candidate) -> Code:
    """Return what is said of a contact that stands before the chosen one, and was passed by."""
    place = better.place if better.place < best.place else None
    refused, dead, in_doubt = _PASSED_BY.get(place, _PASSED_BY[None])
    return refused if better.refused else dead if better.health is Health.DEAD else in_doubt


def _candidates(wanted: _Wanted, ground: _Ground) -> Iterator[_Candidate]:
    """Yield every usable address of a party once, in its best place."""
    theirs = ground.known.get(wanted.party, ())
    refused = {one.address.folded for one in theirs if one.refused_at}
    seen: set[ContactAddress] = set()
    for contact, place, reason, worth in _placed(wanted, theirs):
        address = contact.address.folded
        if address not in seen and address.can_be_used:
            seen.add(address)
            health = ground.health.get(address, Health.FINE)
            yield _Candidate(contact, place, reason, worth, health, address in refused)


def _placed(
    wanted: _Wanted, known: Iterable[KnownContact]
) -> Iterator[tuple[NamedContact, _Place, Reason, float]]:
    """Yield the addresses of a party by their place, each with the reason; one may come several times."""
    entry = wanted.entry
    if entry and entry.notices:
        reason = because(Code.OF_CATALOGUE, day=entry.checked.isoformat())
        yield NamedContact(entry.notices.address, "catalogue", 1.0), _Place.CATALOGUE, reason, 0.0
    approved = ((one.approved_at, one) for one in known if one.approved_at)
    for at, one in sorted(approved, key=lambda pair: (pair[0], pair[1].address.to), reverse=True):
        reason = because(Code.APPROVED_BY_PERSON, day=at.date().isoformat())
        yield one, _Place.APPROVED, reason, at.timestamp()
    by_email: dict[str, list[FoundContact]] = {}
    for contact in wanted.found:
        by_email.setdefault(contact.email.lower(), []).append(contact)
    for contacts in by_email.values():
        best = min(contacts, key=lambda c: (c.source == "guess", -c.confidence, c.source, c.email))
        sources = sorted({c.source for c in contacts if c.source != "guess"})
        place = (_Place.GUESSED, _Place.NAMED, _Place.AGREED)[min(len(sources), 2)]
        reason = _said_by(sources) if sources else _guess(best.email)
        named = NamedContact(mailbox_of(best.email), best.source, best.confidence)
        yield named, place, reason, best.confidence


def _guess(email: str, *, instead: bool = False) -> Reason:
    """Return what a guess is: mostly abuse@, else a general mailbox that a registry lists."""
    abuse, other = _GUESSED_INSTEAD if instead else _GUESSED
    return Reason(abuse if email.lower().startswith("abuse@") else other)


def _said_by(sources: Sequence[str]) -> Reason:
    if len(sources) > 1:
        return because(Code.NAMED_BY_SEVERAL, sources=tuple(sources))
    if sources[0] == "security_txt":
        return Reason(Code.NAMED_BY_SECURITY_TXT)
    return because(Code.NAMED_BY_ONE, source=sources[0])


def _choice(
    role: Role, wanted: _Wanted, contact: NamedContact, manner: tuple[str, str], reason: Reason
) -> Choice:
    language, notice_format = manner
    return Choice(
        role=role,
        party=wanted.party,
        party_name=wanted.name,
        country=wanted.country,
        address=contact.address,
        language=language,
        format=notice_format,
        source=contact.source,
        confidence=contact.confidence,
        reason=reason,
    )


def _language(code: str | None, catalogue: Catalogue, languages: frozenset[str]) -> str:
    """Return the first language of the party's country if there are texts in it, else the fallback.

    A table lists a country's languages in no order that says which of them a
    host there reads; there only a country with one language has its own.
    """
    country = catalogue.country(code)
    known = country.languages if country else ()
    first = known[0] if country and known and (len(known) == 1 or not country.imported) else FALLBACK
    return first if first in languages else FALLBACK
