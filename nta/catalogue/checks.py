"""What no single entry shows: things claimed twice, parties that are not there, entries that grew old."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from ipaddress import ip_network
from typing import TypeVar

from nta.catalogue.catalogue_errors import EntryFile, Fault, Level
from nta.domain.escalation.ladders import ties
from nta.domain.parties.organisations import Catalogue, Party, Provider
from nta.domain.roles import Role

OLD = timedelta(days=365)
"""An entry that nobody looked at for longer may name a contact that is no more."""

P = TypeVar("P", bound=Party)
Places = Mapping[str, EntryFile]

_FOLDERS = {
    "hosting": "hosting",
    "proxy": "proxies",
    "registrar": "registrars",
    "registry": "registries",
    "hotline": "hotlines",
    "authority": "authorities",
}
_PARTIES = frozenset(_FOLDERS.values())


def contradictions(catalogue: Catalogue, places: Places) -> list[Fault]:
    """Return what stands in the way of using the catalogue."""
    faults = [
        *_claimed_twice(catalogue.hosting.values(), "asns", places, lambda p: [f"AS{a}" for a in p.asns]),
        *_claimed_twice(catalogue.proxies.values(), "asns", places, lambda p: [f"AS{a}" for a in p.asns]),
        *_claimed_twice(catalogue.hosting.values(), "ranges", places, lambda p: p.ranges),
        *_claimed_twice(catalogue.proxies.values(), "ranges", places, lambda p: p.ranges),
        *_claimed_twice(catalogue.proxies.values(), "cnames", places, lambda p: p.cnames),
        *_claimed_twice(catalogue.proxies.values(), "headers", places, lambda p: p.headers),
        *_claimed_twice(
            catalogue.registries.values(), "suffixes", places, lambda r: [f".{s}" for s in r.suffixes]
        ),
        *_claimed_twice(
            catalogue.registrars.values(),
            "iana_id",
            places,
            lambda r: [f"IANA id {r.iana_id}"] if r.iana_id else [],
        ),
    ]
    return [*faults, *_lost_references(catalogue, places), *_ladder_faults(catalogue, places)]


def doubts(catalogue: Catalogue, places: Places, today: date) -> list[Fault]:
    """Return what a person should look at; the catalogue is used all the same."""
    return [
        *_entries(catalogue, places, today),
        *_both_claim(catalogue, places),
        *_hasty_registries(catalogue, places),
        *_owners_nowhere(catalogue, places),
    ]


def _at(party: Party, places: Places) -> EntryFile:
    shelf, _, stem = party.id.partition(":")
    return places[f"{_FOLDERS[shelf]}/{stem}"]


def _claimed_twice(
    parties: Iterable[P], key: str, places: Places, claims: Callable[[P], Iterable[str]]
) -> Iterator[Fault]:
    """Return a fault for each claim of two parties of one shelf, at the later of them, and of one twice."""
    owners: dict[str, P] = {}
    for party in parties:
        for claim in claims(party):
            first = owners.setdefault(claim, party)
            if first.id != party.id:
                yield _at(party, places).fault(key, f"{first.id} and {party.id} both claim {claim}")


def _lost_references(catalogue: Catalogue, places: Places) -> Iterator[Fault]:
    for country in catalogue.countries.values():
        place = places[f"countries/{country.code}"]
        for one in country.hotlines:
            if one not in catalogue.hotlines:
                yield place.fault("hotlines", f"there is no {one}")
        police = catalogue.authorities.get(country.police or "")
        if country.police and (police is None or not police.police):
            yield place.fault("police", f"there is no {country.police} that is the police (police: true)")
    for ladder in catalogue.ladders:
        for rung in ladder.rungs:
            if rung.party and not catalogue.party(rung.party):
                yield places[f"ladders/{ladder.id}"].fault(
                    "rungs", f"rung {rung.id}: party: there is no {rung.party}"
                )


def _ladder_faults(catalogue: Catalogue, places: Places) -> Iterator[Fault]:
    if catalogue.ladders and all(ladder.when.weight for ladder in catalogue.ladders):
        last = places[f"ladders/{catalogue.ladders[-1].id}"]
        yield Fault(str(last.file.parent), None, "one ladder must be for all cases (when: {})")
    for one, other in ties(catalogue.ladders):
        yield places[f"ladders/{other}"].fault(
            "when", f"ladders {one} and {other} fit the same cases and neither is more specific"
        )


def _entries(catalogue: Catalogue, places: Places, today: date) -> Iterator[Fault]:
    """Return what is doubtful about single entries: their age, a contact that is left open, police first."""
    for name, place in places.items():
        shelf = name.partition("/")[0]
        checked = place.mapping.get("checked")
        if isinstance(checked, date) and checked - today > OLD:
            yield place.fault("checked", "more than a year ahead", Level.WARNING)
        elif isinstance(checked, date) and today - checked > OLD:
            yield place.fault("checked", "more than a year ago", Level.WARNING)
        if shelf in _PARTIES and "notices" not in place.mapping:
            yield place.fault("notices", "is missing: say null where no contact is known", Level.WARNING)
    for country in catalogue.countries.values():
        if country.police_first and country.police_hold is None:
            place = places[f"countries/{country.code}"]
            yield place.fault("police_hold", "nothing ends a hold but a person", Level.WARNING)


def _both_claim(catalogue: Catalogue, places: Places) -> Iterator[Fault]:
    """Return what a host and a proxy both claim, and a party's ranges within its own.

    Two ranges either are one within the other, where the narrower counts,
    or have nothing in common; only the same range twice leaves a choice.
    """
    ranges = {one: host for host in catalogue.hosting.values() for one in host.ranges}
    asns = {one: host for host in catalogue.hosting.values() for one in host.asns}
    for proxy in catalogue.proxies.values():
        for number in proxy.asns:
            if number in asns:
                what = f"{asns[number].id} and {proxy.id} both claim AS{number}"
                yield _at(proxy, places).fault("asns", what, Level.WARNING)
        for one in proxy.ranges:
            if one in ranges:
                what = f"{ranges[one].id} and {proxy.id} both claim {one}"
                yield _at(proxy, places).fault("ranges", what, Level.WARNING)
    for provider in (*catalogue.hosting.values(), *catalogue.proxies.values()):
        for within in _within_its_own(provider):
            yield _at(provider, places).fault("ranges", f"{within} lies in another of them", Level.WARNING)


def _within_its_own(provider: Provider) -> Iterator[str]:
    """Return a party's ranges that say nothing new: each lies in another of its own."""
    nets = sorted(map(ip_network, provider.ranges), key=lambda net: (net.version, net))
    until = (0, -1)
    for net in nets:
        end = (net.version, int(net[-1]))
        if end <= until:
            yield str(net)
        until = max(until, end)


def _hasty_registries(catalogue: Catalogue, places: Places) -> Iterator[Fault]:
    """Return the rungs that take a whole domain away on one person's word or on old evidence."""
    for ladder in catalogue.ladders:
        for rung in ladder.rungs:
            if Role.REGISTRY in rung.tell and (rung.approval is None or rung.seen_up_within is None):
                yield places[f"ladders/{ladder.id}"].fault(
                    "rungs",
                    f"rung {rung.id}: tells a registry without approval: four-eyes and needs: seen_up_within",
                    Level.WARNING,
                )


def _owners_nowhere(catalogue: Catalogue, places: Places) -> Iterator[Fault]:
    """Return the rungs that tell the site's owner where no country that the ladder is for lets it."""
    for ladder in catalogue.ladders:
        countries = ladder.when.hosted_in
        allowed = catalogue.owners_told_in.intersection(countries) if countries else catalogue.owners_told_in
        for rung in ladder.rungs:
            if Role.SITE_OWNER in rung.tell and not allowed:
                yield places[f"ladders/{ladder.id}"].fault(
                    "rungs",
                    f"rung {rung.id}: tells a site's owner, and no country it is for says site_owner: true",
                    Level.WARNING,
                )
