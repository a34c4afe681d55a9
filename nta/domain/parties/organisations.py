"""Organisations that can take content away, and the catalogue that knows them."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from ipaddress import IPv6Address
from typing import Final, TypeVar

from nta.domain.escalation.ladders import Ladder, choose_ladder
from nta.domain.intake.reserved_names import number_of
from nta.domain.languages import FALLBACK
from nta.domain.parties.contact_addresses import MAIL, ContactAddress
from nta.domain.roles import Severity

PartyId = str
"""`hosting:example`, `registry:nl`, … for an entry of the catalogue; `rdap:ORG-EX1` for one looked up."""

_LONGEST_NAME: Final = 88  # with a kind before it as much as the columns hold


def looked_up(kind: str, name: str) -> PartyId:
    """Return the id of a party that a look-up named: `rdap:ORG-EX1`.

    A name longer than any registry gives is cut, and told from others that
    begin alike by its digest.
    """
    if len(name) > _LONGEST_NAME:
        digest = sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
        name = f"{name[: _LONGEST_NAME - 17]}~{digest}"
    return f"{kind}:{name}"


@dataclass(frozen=True, slots=True)
class NoticeRoute:
    """Where and how a party of the catalogue wants its notices."""

    to: str
    language: str = FALLBACK
    format: str = "text"
    channel: str = MAIL

    @property
    def address(self) -> ContactAddress:
        """Return the address that its notices go to."""
        return ContactAddress(self.channel, self.to)


@dataclass(frozen=True, slots=True)
class Party:
    """One organisation of the catalogue, where its entry comes from and when a person last checked it."""

    id: PartyId
    name: str
    country: str | None
    notices: NoticeRoute | None
    source: str
    checked: date
    form: str | None = field(default=None, kw_only=True)  # where it takes reports on the web, by hand
    imported: bool = field(
        default=False, kw_only=True
    )  # a row of a table; an entry of its own goes before it


P = TypeVar("P", bound=Party)


@dataclass(frozen=True, slots=True)
class Provider(Party):
    """A hosting company or a proxy, known by its AS numbers and address ranges, a proxy also by its names."""

    asns: tuple[int, ...] = ()
    ranges: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()  # domains under which a customer's name points to it
    headers: tuple[str, ...] = ()  # header fields that it alone adds to answers, in lower case


@dataclass(frozen=True, slots=True)
class Registry(Party):
    """Who runs one or more public suffixes."""

    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registrar(Party):
    """Who sells domain names; known by its IANA id (1 to 5 digits). `rdap` is where it answers itself."""

    iana_id: str | None = None
    rdap: str | None = None


@dataclass(frozen=True, slots=True)
class Hotline(Party):
    """A hotline, ours or abroad. `standing` is what gives its notices weight, said in each of them.

    `standing_in` says it in further languages, by their codes;
    `trusted_flagger` names who awarded it the status of Article 22 of
    Regulation (EU) 2022/2065.
    """

    standing: str = ""
    languages: tuple[str, ...] = (FALLBACK,)
    address: str = ""
    enabled: bool = True
    standing_in: Mapping[str, str] = field(default_factory=dict)
    trusted_flagger: str = ""

    @property
    def can_be_ours(self) -> bool:
        """Tell whether the entry says all that a notice says of its sender."""
        return bool(self.standing and self.address and self.notices and self.notices.channel == MAIL)


@dataclass(frozen=True, slots=True)
class Authority(Party):
    """A public authority that may order removal, or the police."""

    police: bool = False


@dataclass(frozen=True, slots=True)
class Country:
    """What the law and the habits of a hosting country ask of us."""

    code: str  # ISO 3166-1 alpha-2
    name: str
    police_first: bool
    police_hold: timedelta | None
    direct: bool  # hosts there may be told directly by a hotline from abroad
    languages: tuple[str, ...]
    law: str
    hotlines: tuple[PartyId, ...]
    source: str
    checked: date
    police: PartyId | None = None
    law_in: Mapping[str, str] = field(default_factory=dict)  # the law as further languages name it
    eu: bool | None = None  # a member state of the European Union; None: the catalogue does not say
    imported: bool = False  # a row of a table: law and manners are those of the entry `default`
    new_contacts_wait: timedelta | None = None  # how long for a person's word; None: used at once
    site_owner: bool = False  # who runs a site hosted there may be told


class Ranges:
    """Address ranges and who they belong to; the narrowest that holds an address counts."""

    __slots__ = ("_providers", "_sorted")

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = tuple(provider for provider in providers if provider.ranges)
        self._sorted: dict[int, list[tuple[int, dict[int, Provider]]]] | None = None

    def holder(self, ip: str) -> Provider | None:
        """Return whose range holds the address, or None."""
        if not self._providers:
            return None
        # There are thousands of ranges, and most commands ask for none of them.
        shelves = self._sorted = self._sorted or self._sort()
        version, number = number_of(ip)
        for shift, nets in shelves[version]:
            if found := nets.get(number >> shift):
                return found
        return None

    def _sort(self) -> dict[int, list[tuple[int, dict[int, Provider]]]]:
        shelves: dict[int, dict[int, dict[int, Provider]]] = {4: {}, 6: {}}
        for provider in self._providers:
            parted = [text.partition("/") for text in provider.ranges]
            for version, bits, numbers in ((4, 32, _numbers), (6, 128, lambda found: map(_number, found))):
                mine = [(a, length) for a, _, length in parted if (":" in a) == (version == 6)]
                shelf = shelves[version]
                for number, (_, length) in zip(numbers([a for a, _ in mine]), mine, strict=True):
                    shift = bits - int(length or bits)
                    if shift not in shelf:
                        shelf[shift] = {}
                    shelf[shift][number >> shift] = provider
        return {version: sorted(shelf.items()) for version, shelf in shelves.items()}


def _numbers(addresses: Sequence[str]) -> Sequence[int]:
    """Return the numbers that IPv4 addresses are: thousands at once, as the class takes ten times as long."""
    octets = bytes(map(int, ".".join(addresses).split("."))) if addresses else b""
    return struct.unpack(f">{len(addresses)}I", octets)


def _number(address: str) -> int:
    """Return the number that an IPv6 address is; by hand, as the class takes five times as long."""
    if "." in address:
        return int(IPv6Address(address))
    head, _, tail = address.partition("::")
    front, back = (part.split(":") if part else [] for part in (head, tail))
    number = 0
    for group in (*front, *["0"] * (8 - len(front) - len(back)), *back):
        number = number << 16 | int(group, 16)
    return number


class Networks:
    """Who is known by address ranges and AS numbers; within each kind the entries go before the tables."""

    __slots__ = ("_asns", "_ranges")

    def __init__(self, providers: Iterable[Provider]) -> None:
        shelves: tuple[list[Provider], list[Provider]] = ([], [])
        for provider in providers:
            shelves[provider.imported].append(provider)
        self._ranges = tuple(Ranges(shelf) for shelf in shelves)
        self._asns = tuple({asn: p for p in shelf for asn in p.asns} for shelf in shelves)

    def holder(self, ip: str, asn: int | None) -> Provider | None:
        """Return whose address it is: by the narrowest range that holds it, else by its AS number."""
        for ranges, asns in zip(self._ranges, self._asns, strict=True):
            if found := ranges.holder(ip) or (asns.get(asn) if asn is not None else None):
                return found
        return None

    def numbered(self, asn: int | None) -> Provider | None:
        """Return whose AS number it is."""
        return next((p for asns in self._asns if asn is not None and (p := asns.get(asn))), None)


def _entries_last(parties: Iterable[P]) -> list[P]:
    """Return them so that in a mapping made of them an entry of its own stands, and not a table's row."""
    return sorted(parties, key=lambda party: not party.imported)


@dataclass(frozen=True)
class Catalogue:
    """All that `providers/` says, frozen; made by `nta.catalogue` and by tests."""

    hosting: Mapping[PartyId, Provider] = field(default_factory=dict)
    proxies: Mapping[PartyId, Provider] = field(default_factory=dict)
    registrars: Mapping[PartyId, Registrar] = field(default_factory=dict)
    registries: Mapping[PartyId, Registry] = field(default_factory=dict)
    hotlines: Mapping[PartyId, Hotline] = field(default_factory=dict)
    authorities: Mapping[PartyId, Authority] = field(default_factory=dict)
    countries: Mapping[str, Country] = field(default_factory=dict)
    ladders: tuple[Ladder, ...] = ()
    home: str | None = None  # our own hotline's country; None while it is not known which is ours

    # The look-up tables are made when first asked for: most commands ask for few of them.

    @cached_property
    def _hosts(self) -> Networks:
        return Networks(self.hosting.values())

    @cached_property
    def _proxies(self) -> Networks:
        return Networks(self.proxies.values())

    @cached_property
    def _proxy_by_name(self) -> Mapping[str, Provider]:
        return {c: p for p in _entries_last(self.proxies.values()) for c in p.cnames}

    @cached_property
    def marks(self) -> Mapping[str, PartyId]:
        """Return which proxy a header field of an answer is the mark of, by its name in lower case."""
        return {name: p.id for p in _entries_last(self.proxies.values()) for name in p.headers}

    @cached_property
    def _by_iana_id(self) -> Mapping[str, Registrar]:
        return {r.iana_id: r for r in _entries_last(self.registrars.values()) if r.iana_id}

    @cached_property
    def _by_suffix(self) -> Mapping[str, Registry]:
        return {s: r for r in _entries_last(self.registries.values()) for s in r.suffixes}

    @cached_property
    def _shelves(self) -> Mapping[str, Mapping[PartyId, Party]]:
        return {
            "hosting": self.hosting,
            "proxy": self.proxies,
            "registrar": self.registrars,
            "registry": self.registries,
            "hotline": self.hotlines,
            "authority": self.authorities,
        }

    def host_of(self, ip: str, asn: int | None) -> Provider | None:
        """Return the hosting company of an address: the narrowest range that holds it, else its AS number."""
        return self._hosts.holder(ip, asn)

    def network_of(self, asn: int | None) -> Provider | None:
        """Return the hosting company whose AS number this is: it connects whoever serves from there."""
        return self._hosts.numbered(asn)

    def proxy_of(self, ip: str, asn: int | None) -> Provider | None:
        """Return the proxy whose published range or AS number holds the address."""
        return self._proxies.holder(ip, asn)

    def proxy_of_name(self, names: Iterable[str]) -> Provider | None:
        """Return the proxy that the first of these names (a host's CNAMEs, as followed) leads to."""
        for name in names:
            rest = name.rstrip(".").lower()
            while rest:
                if proxy := self._proxy_by_name.get(rest):
                    return proxy
                rest = rest.partition(".")[2]
        return None

    def registry_of(self, suffix: str) -> Registry | None:
        """Return the registry of a public suffix: its own entry, else that of the nearest level above it."""
        while suffix:
            if registry := self._by_suffix.get(suffix):
                return registry
            suffix = suffix.partition(".")[2]
        return None

    def hotlines_of(self, code: str | None) -> tuple[Hotline, ...]:
        """Return the hotlines that take over what is hosted in a country; those that are not enabled never.

        A country with an entry of its own names them; any other has those
        that are entered for it.
        """
        own = self.countries.get(code or "")
        if own is not None and not own.imported:
            named = [h for one in own.hotlines if (h := self.hotlines.get(one))]
        else:
            named = [h for h in self.hotlines.values() if code and h.country == code]
        return tuple(h for h in named if h.enabled)

    def registrar_of(self, iana_id: str | None) -> Registrar | None:
        """Return the registrar with this IANA id."""
        return self._by_iana_id.get(iana_id) if iana_id else None

    def country(self, code: str | None) -> Country | None:
        """Return the country's entry; the entry `default` where it has none of its own."""
        return self.countries.get(code or "") or self.countries.get("default")

    @cached_property
    def owners_told_in(self) -> frozenset[str]:
        """Return the hosting countries in which the owner of a site may be told."""
        return frozenset(code for code, country in self.countries.items() if country.site_owner) - {"default"}

    def ours(self, name: str | None) -> Hotline | None:
        """Return the hotline that NTA_HOTLINE names, with or without `hotline:` before its id."""
        return self.hotlines.get(name or "") or self.hotlines.get(f"hotline:{name}")

    def ladder_for(self, country: str | None, severity: Severity) -> Ladder:
        """Return the ladder for a case hosted in `country`, seen from home.

        Raises:
            RefusedError: no ladder is meant for such a case.
        """
        return choose_ladder(self.ladders, country, severity, self.home)

    def party(self, party_id: PartyId) -> Party | None:
        """Return any organisation of the catalogue by its id."""
        return self._shelves.get(party_id.partition(":")[0], {}).get(party_id)


@dataclass(frozen=True)
class AskableProxies:
    """The proxies of a catalogue that tell us, when asked, what stands behind a host."""

    catalogue: Catalogue
    ids: frozenset[PartyId]

    def before(self, ip: str, asn: int | None, cname: Iterable[str]) -> PartyId | None:
        """Return the one of them that an address belongs to, or that the host's names lead to."""
        proxy = self.catalogue.proxy_of(ip, asn) or self.catalogue.proxy_of_name(cname)
        return proxy.id if proxy and proxy.id in self.ids else None
