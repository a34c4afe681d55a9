"""Organisations that can take content away, and the catalogue that knows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from nta.domain.ladders import Ladder

PartyId = str
"""`hosting:example`, `registry:nl`, … for an entry of the catalogue; `rdap:ORG-EX1` for one found by look-up."""


@dataclass(frozen=True, slots=True)
class NoticeRoute:
    """Where and how a party of the catalogue wants its notices."""

    to: str
    language: str = "en"
    format: str = "text"


@dataclass(frozen=True, slots=True)
class Party:
    """One organisation of the catalogue, with where the entry comes from and when a person last checked it."""

    id: PartyId
    name: str
    country: str | None
    notices: NoticeRoute | None
    source: str
    checked: date


@dataclass(frozen=True, slots=True)
class Provider(Party):
    """A hosting company, known by its AS numbers and address ranges."""

    asns: tuple[int, ...] = ()
    ranges: tuple[str, ...] = ()


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
    """A hotline, ours or abroad. `standing` is what gives its notices weight, said in each of them."""

    standing: str = ""
    languages: tuple[str, ...] = ("en",)
    address: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Authority(Party):
    """A public authority that may order removal, or the police."""


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

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "_by_asn", {a: p for p in self.hosting.values() for a in p.asns})
        put(self, "_proxy_by_asn", {a: p for p in self.proxies.values() for a in p.asns})
        put(self, "_ranges", _by_length(self.hosting.values()))
        put(self, "_proxy_ranges", _by_length(self.proxies.values()))
        put(self, "_by_suffix", {s: r for r in self.registries.values() for s in r.suffixes})

    _by_asn: Mapping[int, Provider] = field(init=False, repr=False, compare=False)
    _proxy_by_asn: Mapping[int, Provider] = field(init=False, repr=False, compare=False)
    _ranges: tuple[tuple[IPv4Network | IPv6Network, Provider], ...] = field(
        init=False, repr=False, compare=False
    )
    _proxy_ranges: tuple[tuple[IPv4Network | IPv6Network, Provider], ...] = field(
        init=False, repr=False, compare=False
    )
    _by_suffix: Mapping[str, Registry] = field(init=False, repr=False, compare=False)

    def host_of(self, ip: str, asn: int | None) -> Provider | None:
        """Return the hosting company of an address: the narrowest range that holds it, else its AS number."""
        return _in_ranges(ip, self._ranges) or (self._by_asn.get(asn) if asn is not None else None)

    def proxy_of(self, ip: str, asn: int | None) -> Provider | None:
        """Return the proxy whose published range or AS number holds the address."""
        return _in_ranges(ip, self._proxy_ranges) or (
            self._proxy_by_asn.get(asn) if asn is not None else None
        )

    def registry_of(self, suffix: str) -> Registry | None:
        """Return the registry of a public suffix: its own entry, else that of the top-level domain."""
        return self._by_suffix.get(suffix) or self._by_suffix.get(suffix.rpartition(".")[2])

    def country(self, code: str | None) -> Country | None:
        """Return the country's entry; the entry `default` where it has none of its own."""
        return self.countries.get(code or "") or self.countries.get("default")

    def party(self, party_id: PartyId) -> Party | None:
        """Return any organisation of the catalogue by its id."""
        shelf = party_id.partition(":")[0]
        shelves: Mapping[str, Mapping[PartyId, Party]] = {
            "hosting": self.hosting,
            "proxy": self.proxies,
            "registrar": self.registrars,
            "registry": self.registries,
            "hotline": self.hotlines,
            "authority": self.authorities,
        }
        return shelves.get(shelf, {}).get(party_id)


def _by_length(
    providers: Iterable[Provider],
) -> tuple[tuple[IPv4Network | IPv6Network, Provider], ...]:
    ranges = [(ip_network(r), p) for p in providers for r in p.ranges]
    return tuple(sorted(ranges, key=lambda pair: -pair[0].prefixlen))


def _in_ranges(
    ip: str, ranges: tuple[tuple[IPv4Network | IPv6Network, Provider], ...]
) -> Provider | None:
    if not ranges:
        return None
    address = ip_address(ip)
    return next((p for net, p in ranges if address.version == net.version and address in net), None)
