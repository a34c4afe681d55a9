"""What to ask next about a host, and what the answers together say about who serves it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from nta.domain.hosting.answers_cache import AnswersCache, neighbourhood, system_in
from nta.domain.hosting.facts import (
    AddressFacts,
    FoundContact,
    HostingFacts,
    LookupProblem,
    Network,
)
from nta.domain.hosting.holders import file_of, found_contacts, of_files
from nta.domain.hosting.lookup_answers import (
    AnnouncedRoute,
    HostAddresses,
    RegisteredDomain,
    RegisteredNetwork,
    RegisteredSystem,
)
from nta.domain.hosting.lookups import (
    ABOUT_ADDRESSES,
    Finding,
    Lookup,
    LookupKind,
    Subject,
    said,
)
from nta.domain.hosting.origins import (
    addresses_told,
    origin_lookups,
    told_by,
    with_word,
)
from nta.domain.hosting.registrations import domain_facts
from nta.domain.hosting.upstreams import upstreams
from nta.domain.intake.reserved_names import number_of, unmapped
from nta.domain.kept_reasons import as_text
from nta.domain.parties.organisations import (
    Catalogue,
    PartyId,
    Provider,
    looked_up,
)

Findings = Sequence[Finding] | AnswersCache
"""All that was found, or what is known by it; of many hosts side by side the latter, made once."""

_NO_COUNTRY = frozenset({"EU", "AP", "ZZ", "XX"})  # regions and fillers that registries write into the field


def next_lookups(subject: Subject, findings: Findings, now: datetime) -> frozenset[Lookup]:
    """Return what is still to be asked; empty when nothing is left.

    A question is asked once while its finding is valid, also when it
    failed. Networks and routes are asked for one address of each
    neighbourhood (/24, /48) at a time: its answer mostly covers the others.
    """
    answers = _known(findings, now)
    valid = answers.valid
    wanted = _about_domain(subject, valid)
    addresses: tuple[str, ...] = (subject.address,) if subject.is_ip else ()
    cname: tuple[str, ...] = ()
    if not subject.is_ip:
        names = Lookup(LookupKind.ADDRESSES, subject.host)
        if names in valid:
            addresses = _addresses(valid[names])
            cname = _cname(valid[names])
            if subject.zone and subject.domain and valid[names].problem is None:
                wanted.add(Lookup(LookupKind.ZONE, subject.domain))
        else:
            wanted.add(names)
    proxies = _askable_before(subject, addresses, cname, answers)
    wanted.update(lookup for lookup in origin_lookups(subject) if lookup.whom in proxies)
    origins = subject.origins or addresses_told(told_by(subject, proxies, valid))
    for kind in subject.about_addresses:
        open_ones: dict[tuple[int, int], str] = {}
        for ip in (*addresses, *origins):
            if answers.of(kind, ip) is None:
                open_ones.setdefault(neighbourhood(ip), ip)
        wanted.update(Lookup(kind, ip) for ip in open_ones.values())
    for ip in (*addresses, *origins):
        known = all(answers.of(kind, ip) for kind in subject.about_addresses)
        if known:
            wanted |= answers.raised_by(ip, upstream=subject.upstream)
    wanted |= _about_owner(subject, (origins, addresses), answers)
    return frozenset(lookup for lookup in wanted if lookup not in valid)


def _about_owner(subject: Subject, places: Iterable[Iterable[str]], answers: AnswersCache) -> set[Lookup]:
    """Return the question for the site's own security.txt, where the country that hosts it wants it asked.

    By the networks' registrations alone, of the known origins before the
    addresses, as `conclude` finds it; not before all of them are known.
    """
    if not subject.owner_in or not subject.domain:
        return set()
    found = [[answers.of(LookupKind.NETWORK, ip) for ip in ips] for ips in places]
    if not any(found) or not all(finding for ips in found for finding in ips):
        return set()
    told = [[network for f in ips if (network := said(f, RegisteredNetwork))] for ips in found]
    countries = (_most(map(_country_of, networks)) for networks in told)
    country = next((code for code in countries if code), None)
    return {file_of(subject.domain)} if country in subject.owner_in else set()


def _askable_before(
    subject: Subject, addresses: Iterable[str], cname: Sequence[str], answers: AnswersCache
) -> set[PartyId]:
    """Return the askable proxies that serve the host, of the addresses whose registries have been asked."""
    if subject.askable is None:
        return set()
    asked = [ip for ip in addresses if all(answers.of(kind, ip) for kind in subject.about_addresses)]
    before = (subject.askable.before(ip, answers.asn_of(ip), cname) for ip in asked)
    return {proxy for proxy in before if proxy}


def raised_lookups(
    addresses: Iterable[str], findings: Findings, now: datetime, *, upstream: bool = False
) -> frozenset[Lookup]:
    """Return the questions that what is known of these addresses raises, asked already or not.

    About their AS, and for the security.txt of who holds their network.
    """
    answers = _known(findings, now)
    return frozenset(lookup for ip in addresses for lookup in answers.raised_by(ip, upstream=upstream))


def domain_lookups(subject: Subject) -> tuple[Lookup, ...]:
    """Return the questions about the subject's domain, in the order in which they are asked."""
    name = subject.domain and (subject.registered or subject.domain)
    return _about_registration(name) if name else ()


@lru_cache(maxsize=4096)
def _about_registration(name: str) -> tuple[Lookup, ...]:
    """Return the questions about a name that a registry holds; many hosts share it."""
    return Lookup(LookupKind.DOMAIN, name), Lookup(LookupKind.WHOIS, name)


def _about_domain(subject: Subject, valid: Mapping[Lookup, Finding]) -> set[Lookup]:
    """Return the next question about the domain: RDAP, then port 43 where RDAP gave no answer."""
    lookups = domain_lookups(subject)
    asked = [valid[lookup] for lookup in lookups if lookup in valid]
    if any(f.problem is None or f.problem.is_short(f.asked_at) for f in asked):
        return set()
    return set([lookup for lookup in lookups if lookup not in valid][:1])


def conclude(subject: Subject, findings: Findings, catalogue: Catalogue, now: datetime) -> HostingFacts:
    """Return what the valid findings say; their order does not matter.

    Of several networks that hold an address the narrowest wins, and what is
    announced wins over what is registered. What could not be asked stands
    in `problems`, and the facts hold what is known.
    """
    answers = _known(findings, now)
    valid = answers.valid
    names = None if subject.is_ip else valid.get(Lookup(LookupKind.ADDRESSES, subject.host))
    leads = said(names, HostAddresses)
    ips = (subject.address,) if subject.is_ip else _addresses(names)
    asked_at = names.asked_at if names else now
    cname = _cname(names)
    alias = catalogue.proxy_of_name(cname)
    pairs = [_address(ip, answers, catalogue, asked_at, alias) for ip in ips]
    told = told_by(subject, {address.proxy for address, _ in pairs}, valid)
    known = subject.origins or addresses_told(told)
    behind = [_address(ip, answers, catalogue, asked_at) for ip in known]
    problems = {problem for _, found in (*pairs, *behind) for problem in found}
    problems |= {finding.problem for finding in told if finding.problem}
    problems |= set(names.problems) if names else set()
    about_domain = [valid[lookup] for lookup in domain_lookups(subject) if lookup in valid]
    answer = next((finding for finding in about_domain if finding.problem is None), None)
    if answer is None:
        problems |= {finding.problem for finding in about_domain if finding.problem}
    shown = leads.seen_from if leads else ()
    addresses = tuple(_with_places(address, shown) for address, _ in pairs)
    origins = tuple(with_word(address, told, is_asked=not found) for address, found in behind)
    country = _hosted_in(origins, addresses, subject.forced_host, catalogue)
    owner = valid.get(file_of(subject.domain)) if subject.domain and country in subject.owner_in else None
    problems |= set(owner.problems) if owner else set()
    return HostingFacts(
        host=subject.host,
        asked_at=asked_at,
        cname=cname,
        addresses=addresses,
        country=country,
        domain=domain_facts(subject.domain, subject.suffix, said(answer, RegisteredDomain), catalogue),
        problems=_each_once(problems),
        dead=leads.dead if leads else None,
        origins=origins,
        forced_host=subject.forced_host,
        origin_from=next((finding.lookup.whom for finding in told if addresses_told([finding])), None),
        upstreams=upstreams((*addresses, *origins), answers, catalogue) if subject.upstream else (),
        owner=of_files([owner] if owner else []),
        mark=None if subject.mark in {address.proxy for address in addresses} else subject.mark,
    )


def _each_once(problems: Iterable[LookupProblem]) -> tuple[LookupProblem, ...]:
    """Return the problems in order; of the same one, met several times, what can be asked again first."""
    ordered = sorted(problems, key=lambda p: (p.step, as_text(p.reason), p.temporary, str(p.again_at or "")))
    return tuple({(p.step, p.reason, p.temporary): p for p in reversed(ordered)}.values())[::-1]


def _known(findings: Findings, now: datetime) -> AnswersCache:
    return findings if isinstance(findings, AnswersCache) else AnswersCache(findings, now)


def _addresses(names: Finding | None) -> tuple[str, ...]:
    """Return the addresses of a name, each once, in numerical order: DNS turns theirs about.

    An AAAA record may hold an IPv4 address; packets go there, and registries know no other form.
    """
    leads = said(names, HostAddresses)
    listed = leads.addresses if leads else ()
    return tuple(sorted({unmapped(ip) for ip in listed}, key=number_of))


def _with_places(address: AddressFacts, shown: Sequence[tuple[str, Collection[str]]]) -> AddressFacts:
    """Return the address with the vantage points that are shown it, where not all are."""
    places = tuple(vantage for vantage, listed in shown if address.ip in map(unmapped, listed))
    return replace(address, seen_from=places) if len(places) < len(shown) else address


def _cname(names: Finding | None) -> tuple[str, ...]:
    """Return the names that a name led over, in order."""
    leads = said(names, HostAddresses)
    return leads.cname if leads else ()


def _address(
    ip: str,
    answers: AnswersCache,
    catalogue: Catalogue,
    seen_at: datetime,
    alias: Provider | None = None,
) -> tuple[AddressFacts, list[LookupProblem]]:
    """Return what is known of one address, and the problems of what could not be asked.

    `alias` is the proxy that the name's CNAMEs lead to: its customers'
    addresses may be anybody's.
    """
    told = answers.shared(_told, ip)
    proxy, entry = catalogue.proxy_of(ip, told.asn) or alias, catalogue.host_of(ip, told.asn)
    party, name = (entry.id, entry.name) if entry else told.party
    facts = AddressFacts(
        ip=ip,
        asn=told.asn,
        as_name=told.as_name,
        network=told.network,
        party=None if proxy else party,
        party_name=proxy.name if proxy else name,
        proxy=proxy.id if proxy else None,
        abuse=told.abuse,
        seen_at=seen_at,
    )
    return facts, told.problems


class _Told(NamedTuple):
    """What registries say of an address, the same for all that share the answers."""

    asn: int | None
    as_name: str | None
    network: Network | None
    party: tuple[PartyId | None, str | None]  # outside the catalogue: id and name
    abuse: tuple[FoundContact, ...]
    problems: list[LookupProblem]


def _told(answers: AnswersCache, ip: str) -> _Told:
    registered, routed = (answers.of(kind, ip) for kind in ABOUT_ADDRESSES)
    network = said(registered, RegisteredNetwork)
    asn, as_name = system_in(said(routed, AnnouncedRoute), network)
    about_system = answers.system_of(ip)
    system = said(about_system, RegisteredSystem)
    as_name = as_name or (system.as_name if system else None)
    files = [answers.valid[lookup] for lookup in answers.files_to_ask(ip) if lookup in answers.valid]
    party = _found_party(network)
    if party[0] is None and registered and registered.problem is None and asn:
        party = f"as:{asn}", as_name or f"AS{asn}"
    return _Told(
        asn,
        as_name,
        _network(network) if network else None,
        party,
        found_contacts(network, system, files, answers.dead),
        [problem for f in (registered, routed, about_system, *files) if f for problem in f.problems],
    )


def _network(told: RegisteredNetwork) -> Network:
    country = _country_of(told)
    return Network(told.handle, told.name, told.cidr, country, told.holder, told.holder_name)


def _country_of(told: RegisteredNetwork) -> str | None:
    """Return the country that a registration names, None where what it names is none."""
    country = (told.country or "").upper()
    return country if len(country) == 2 and country not in _NO_COUNTRY else None


def _found_party(network: RegisteredNetwork | None) -> tuple[PartyId | None, str | None]:
    """Return id and name of a party outside the catalogue: the network's holder, else the network."""
    if network and network.holder:
        return looked_up("rdap", network.holder), network.holder_name or network.holder
    if network and network.handle:
        return looked_up("net", network.handle), network.holder_name or network.name or network.handle
    return None, None


def _hosted_in(
    origins: Iterable[AddressFacts],
    addresses: Sequence[AddressFacts],
    forced_host: PartyId | None,
    catalogue: Catalogue,
) -> str | None:
    """Return the country in which it is hosted, by the nearest to the machine of which one is known.

    Known origins, then addresses that no proxy stands before, then the host
    that a person named; a proxy's own country where nothing else is known.
    """
    for nearer in (origins, [a for a in addresses if not a.proxy]):
        countries = [country for a in nearer if (country := _country(a, catalogue))]
        if countries:
            return _most(countries)
    named = catalogue.party(forced_host or "")
    return (named.country if named else None) or _most(_country(a, catalogue) for a in addresses)


def _most(countries: Iterable[str | None]) -> str | None:
    """Return the country of more than half of those that are known."""
    known = [country for country in countries if country]
    if len(set(known)) < 2:
        return known[0] if known else None
    counts = Counter(known)
    country, most = counts.most_common(1)[0]
    return country if 2 * most > counts.total() else None


def _country(address: AddressFacts, catalogue: Catalogue) -> str | None:
    """Return where an address is registered, else where its party of the catalogue is at home."""
    if address.network and address.network.country:
        return address.network.country
    entry = catalogue.party(address.proxy or address.party or "")
    return entry.country if entry else None
