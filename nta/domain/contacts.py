"""Which contact to write to in which role, and why this one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from nta.domain.hosting import AddressFacts, FoundContact, HostingFacts
from nta.domain.parties import Catalogue, Party, PartyId
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
class Choice:
    """One party to be told in one role, at one address, with the reason in one sentence."""

    role: Role
    party: PartyId
    party_name: str
    country: str | None
    email: str
    language: str
    format: str
    source: str
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A party that ought to be told, with all that is known of how."""

    party: PartyId
    name: str
    country: str | None
    entry: Party | None
    found: tuple[FoundContact, ...] = ()


LANGUAGES = frozenset({"de", "en", "nl"})
"""The languages in which there are notice texts."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(
    rf"[a-z0-9!#$&'*+/=?^_`{{|}}~.-]{{1,64}}@(?:{_LABEL}\.)+(?=[a-z])[a-z0-9-]*[a-z0-9]", re.I
)
_PLACEHOLDERS = frozenset(
    {
        "removed@lacnic.net",
        "unread@ripe.net",
        "search-apnic-not-arin@apnic.net",
        "hm-changed@apnic.net",
        "apnic-ftp@nic.ad.jp",
    }
)
_NOBODY = frozenset({"nobody", "noone", "noemail", "no-email", "no.email", "none", "null", "devnull"})
_NOWHERE = frozenset({"unknown", "none", "local", "localdomain", "lan", "internal", "onion"})
_WITHHELD = re.compile(
    r"redacted|not[-_.]?disclosed|data[-_.]?protected|statutory[-_.]?masking|(?<![a-z])no[-_.]?reply"
    r"|do[-_.]?not[-_.]?reply|(?<![a-z])(?:withheld|not[-_.]?(?:applicable|available|provided|valid))(?![a-z])",
    re.IGNORECASE,
)
_LONGEST = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets


def is_usable(email: str) -> bool:
    """Tell whether this is one plain address that somebody may read.

    Refused are placeholders of registries, names that stand for nobody,
    domains that lead nowhere, addresses that say not to answer, several
    addresses in one, control characters, and anything that a relay could
    read as a route. Addresses outside ASCII need a relay that
    takes them (RFC 6531) and are refused too.
    """
    return (
        len(email) <= _LONGEST
        and _ADDRESS.fullmatch(email) is not None
        and email.lower() not in _PLACEHOLDERS
        and email.lower().partition("@")[0] not in _NOBODY
        and email.lower().rpartition(".")[2] not in _NOWHERE
        and _WITHHELD.search(email) is None
    )


def choose(
    role: Role,
    facts: HostingFacts,
    catalogue: Catalogue,
    health: Mapping[str, Health],
    languages: frozenset[str] = LANGUAGES,
) -> tuple[Choice, ...]:
    """Return one contact for each party that has the role, in the order of their ids.

    The catalogue's contact comes first, then one that two sources name, then
    one that one source names, then a guess. A party without a contact that
    is usable and not dead is left out. `health` is keyed by address in
    lower case; an address it does not know is fine.
    """
    chosen = (_best(role, wanted, catalogue, health, languages) for wanted in _wanted(role, facts, catalogue))
    return tuple(sorted((c for c in chosen if c), key=lambda c: c.party))


def _wanted(role: Role, facts: HostingFacts, catalogue: Catalogue) -> Iterable[_Wanted]:
    if role is Role.HOST:
        serving = [a for a in (*facts.addresses, *facts.origins) if a.party and not a.proxy]
        return _forced(facts.forced_host, serving, catalogue) or _hosts(serving, catalogue, "party")
    if role is Role.PROXY:
        return _hosts([a for a in facts.addresses if a.proxy], catalogue, "proxy")
    if role is Role.UPSTREAM:
        return _upstream([a for a in (*facts.addresses, *facts.origins) if not a.proxy], catalogue)
    if role is Role.REGISTRAR:
        return _registrar(facts, catalogue)
    entries: list[Party] = []
    if role is Role.REGISTRY and facts.domain:
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


def _registrar(facts: HostingFacts, catalogue: Catalogue) -> Iterable[_Wanted]:
    found = facts.domain.registrar if facts.domain else None
    if found is None:
        return
    entry = catalogue.party(found.party or "") or catalogue.registrar_of(found.iana_id)
    party = entry.id if entry else found.party
    if party:
        name = entry.name if entry else found.name or party
        yield _Wanted(party, name, entry.country if entry else None, entry, found.abuse)


def _best(
    role: Role,
    wanted: _Wanted,
    catalogue: Catalogue,
    health: Mapping[str, Health],
    languages: frozenset[str],
) -> Choice | None:
    route = wanted.entry.notices if wanted.entry else None
    if wanted.entry and route and _is_alive(route.to, health):
        language = route.language if route.language in languages else "en"
        reason = f"The catalogue's contact, last checked on {wanted.entry.checked.isoformat()}."
        found = FoundContact(route.to, "catalogue", 1.0)
        return _choice(role, wanted, found, (language, route.format), reason)
    ranked = _ranked([c for c in wanted.found if _is_alive(c.email, health)])
    if not ranked:
        return None
    best, reason = ranked[0]
    if route:
        reason += " The catalogue's contact cannot be reached."
    return _choice(role, wanted, best, (_language(wanted.country, catalogue, languages), "text"), reason)


def _choice(
    role: Role, wanted: _Wanted, contact: FoundContact, manner: tuple[str, str], reason: str
) -> Choice:
    language, notice_format = manner
    return Choice(
        role=role,
        party=wanted.party,
        party_name=wanted.name,
        country=wanted.country,
        email=contact.email,
        language=language,
        format=notice_format,
        source=contact.source,
        confidence=contact.confidence,
        reason=reason,
    )


_NAMES = {
    "rdap": "RDAP",
    "whois": "WHOIS",
    "catalogue": "the catalogue",
    "remark": "a remark",
    "upstream": "RDAP of the network that announces the address",
}


def _ranked(found: Iterable[FoundContact]) -> list[tuple[FoundContact, str]]:
    """Return each address once, best first, with the reason: agreement before confidence, a guess last.

    Of equals, one that says abuse in its name comes before a general mailbox.
    """
    by_email: dict[str, list[FoundContact]] = {}
    for contact in found:
        by_email.setdefault(contact.email.lower(), []).append(contact)
    rows: list[tuple[tuple[int, float, bool, str], FoundContact, str]] = []
    for email, contacts in by_email.items():
        sources = sorted({c.source for c in contacts if c.source != "guess"})
        best = min(contacts, key=lambda c: (c.source == "guess", -c.confidence, c.source, c.email))
        names = [_NAMES.get(source, source) for source in sources]
        if len(sources) > 1:
            reason = f"{' and '.join(names)} name the same abuse contact."
        elif sources:
            reason = f"{names[0]} names it as the abuse contact."
        else:
            reason = "No source names a contact; this address is a guess."
        says_so = "abuse" in email.partition("@")[0]
        rank = (-min(len(sources), 2), -best.confidence, not says_so, email)
        rows.append((rank, best, reason[0].upper() + reason[1:]))
    return [(contact, reason) for _, contact, reason in sorted(rows, key=lambda row: row[0])]


def _is_alive(email: str, health: Mapping[str, Health]) -> bool:
    return is_usable(email) and health.get(email.lower()) is not Health.DEAD


def _language(code: str | None, catalogue: Catalogue, languages: frozenset[str]) -> str:
    """Return the first language of the party's country if there are texts in it, else English.

    A table lists a country's languages in no order that says which of them a
    host there reads; there only a country with one language has its own.
    """
    country = catalogue.country(code)
    known = country.languages if country else ()
    first = known[0] if country and known and (len(known) == 1 or not country.imported) else "en"
    return first if first in languages else "en"
