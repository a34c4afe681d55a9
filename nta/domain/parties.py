"""Organisations that can take content away, and the catalogue that knows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from ipaddress import ip_address, ip_network

from nta.domain.ladders import Ladder, choose_ladder
from nta.domain.roles import Severity

PartyId = str
"""`hosting:example`, `registry:nl`, … for an entry of the catalogue; `rdap:ORG-EX1` for one looked up."""


@dataclass(frozen=True, slots=True)
class NoticeRoute:
    """Where and how a party of the catalogue wants its notices."""

    to: str
    language: str = "en"
    format: str = "text"


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


@dataclass(frozen=True, slots=True)
class Provider(Party):
    """A hosting company or a proxy, known by its AS numbers and address ranges, a proxy also by its names."""

    asns: tuple[int, ...] = ()
    ranges: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()  # domains under which a customer's name points to it


@dataclass(frozen=True, slots=True)
class Registry(Party):
    """Who runs one or more public suffixes."""

    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registrar(Party):
    """Who sells domain names; known by its IANA id (1 to 5 digits)."""

    iana_id: str | None = None


@dataclass(frozen=True, slots=True)
class Hotline(Party):
    """A hotline, ours or abroad. `standing` is what gives its notices weight, said in each of them.

    `standing_in` says it in further languages, by their codes;
    `trusted_flagger` names who awarded it the status of Article 22 of
    Regulation (EU) 2022/2065.
    """

    standing: str = ""
    languages: tuple[str, ...] = ("en",)
    address: str = ""
    enabled: bool = True
    standing_in: Mapping[str, str] = field(default_factory=dict)
    trusted_flagger: str = ""

    @property
    def can_be_ours(self) -> bool:
        """Tell whether the entry says all that a notice says of its sender."""
        return bool(self.standing and self.address and self.notices)


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
        address = ip_address(ip)
        number = int(address)
        return next(
            (found for shift, nets in shelves[address.version] if (found := nets.get(number >> shift))),
            None,
        )

    def _sort(self) -> dict[int, list[tuple[int, dict[int, Provider]]]]:
        shelves: dict[int, dict[int, dict[int, Provider]]] = {4: {}, 6: {}}
        for provider in self._providers:
            for text in provider.ranges:
                net = ip_network(text)
                shift = net.max_prefixlen - net.prefixlen
                shelves[net.version].setdefault(shift, {})[int(net.network_address) >> shift] = provider
        return {version: sorted(shelf.items()) for version, shelf in shelves.items()}


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

    _by_asn: Mapping[int, Provider] = field(init=False, repr=False, compare=False)
    _proxy_by_asn: Mapping[int, Provider] = field(init=False, repr=False, compare=False)
    _ranges: Ranges = field(init=False, repr=False, compare=False)
    _proxy_ranges: Ranges = field(init=False, repr=False, compare=False)
    _proxy_by_name: Mapping[str, Provider] = field(init=False, repr=False, compare=False)
    _by_iana_id: Mapping[str, Registrar] = field(init=False, repr=False, compare=False)
    _by_suffix: Mapping[str, Registry] = field(init=False, repr=False, compare=False)
    _shelves: Mapping[str, Mapping[PartyId, Party]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the look-up tables once."""
        put = object.__setattr__
        put(self, "_by_asn", {a: p for p in self.hosting.values() for a in p.asns})
        put(self, "_proxy_by_asn", {a: p for p in self.proxies.values() for a in p.asns})
        put(self, "_ranges", Ranges(self.hosting.values()))
        put(self, "_proxy_ranges", Ranges(self.proxies.values()))
        put(self, "_proxy_by_name", {c: p for p in self.proxies.values() for c in p.cnames})
        put(self, "_by_iana_id", {r.iana_id: r for r in self.registrars.values() if r.iana_id})
        put(self, "_by_suffix", {s: r for r in self.registries.values() for s in r.suffixes})
        shelves: dict[str, Mapping[PartyId, Party]] = {
            "hosting": self.hosting,
            "proxy": self.proxies,
            "registrar": self.registrars,
            "registry": self.registries,
            "hotline": self.hotlines,
            "authority": self.authorities,
        }
        put(self, "_shelves", shelves)

    def host_of(self, ip: str, asn: int | None) -> Provider | None:
        """Return the hosting company of an address: the narrowest range that holds it, else its AS number."""
        return self._ranges.holder(ip) or (self._by_asn.get(asn) if asn is not None else None)

    def network_of(self, asn: int | None) -> Provider | None:
        """Return the hosting company whose AS number this is: it connects whoever serves from there."""
        return self._by_asn.get(asn) if asn is not None else None

    def proxy_of(self, ip: str, asn: int | None) -> Provider | None:
        """Return the proxy whose published range or AS number holds the address."""
        return self._proxy_ranges.holder(ip) or (self._proxy_by_asn.get(asn) if asn is not None else None)

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
        """Return the registry of a public suffix: its own entry, else that of the top-level domain."""
        return self._by_suffix.get(suffix) or self._by_suffix.get(suffix.rpartition(".")[2])

    def hotlines_of(self, code: str | None) -> tuple[Hotline, ...]:
        """Return the hotlines that take over what is hosted in a country; those that are not enabled never.

        A country with an entry of its own names them; any other has those
        that are entered for it.
        """
        own = self.countries.get(code or "")
        if own is not None:
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
