"""What is known of who serves a host: addresses, networks, AS, proxy, registrar, registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any

from nta.domain.kept_reasons import as_text, loaded
from nta.domain.parties.organisations import PartyId
from nta.domain.reasons import Reason

SHORT_WAIT = timedelta(minutes=5)
"""A notice's facts may wait so long for the registry's own word."""


@dataclass(frozen=True, slots=True)
class FoundContact:
    """A contact that a look-up gave.

    `source` says where: `rdap`, `whois`, `remark`, `upstream` (of who
    announces the address), `origin_lookup` (a proxy), `security_txt`, `guess`, `catalogue`.
    """

    email: str
    source: str
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Network:
    """The registered range an address lies in. `holder` is the registry's handle of the organisation."""

    handle: str | None
    name: str | None
    cidr: tuple[str, ...]
    country: str | None
    holder: str | None
    holder_name: str | None


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """One address of a host, and the party that answers for it.

    `seen_from` has the vantage points that were shown it, where not all were.
    """

    ip: str
    asn: int | None
    as_name: str | None
    network: Network | None
    party: PartyId | None  # None: nobody found yet
    party_name: str | None
    proxy: PartyId | None
    abuse: tuple[FoundContact, ...]
    seen_at: datetime | None = None  # when the name last led here
    seen_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upstream:
    """Who announces an address that another holds, where the catalogue does not know them."""

    party: PartyId
    name: str
    abuse: tuple[FoundContact, ...]


@dataclass(frozen=True, slots=True)
class RegistrarFacts:
    """The registrar as the registry names it."""

    name: str | None
    iana_id: str | None
    party: PartyId | None
    abuse: tuple[FoundContact, ...]


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """The registrable domain. `registered` None: not asked or not known."""

    name: str
    suffix: str
    registered: bool | None
    registrar: RegistrarFacts | None
    registry: PartyId | None
    status: tuple[str, ...]
    nameservers: tuple[str, ...]
    source: str | None


@dataclass(frozen=True, slots=True)
class LookupProblem:
    """A look-up that gave no answer: `step` as in `Lookup.kind`, `reason` without any name or address.

    `again_at` is set where it was said when to ask again, by the server or
    by our own rate for it: not before, and no need to wait longer.
    """

    step: str
    reason: Reason
    temporary: bool
    again_at: datetime | None = None

    def is_short(self, now: datetime) -> bool:
        """Tell whether waiting is better than asking somebody else, who knows less."""
        return self.again_at is not None and self.again_at - now <= SHORT_WAIT


@dataclass(frozen=True, slots=True)
class HostingFacts:
    """Everything concluded about one host.

    `asked_at` is when the name was last asked where it leads. Registrations
    change slowly and their findings have a validity of their own, so they
    do not make the facts old. `origins` are addresses that are known to lie
    behind a proxy: their networks' parties are told as hosts, but nobody
    looks there, and they are no part of the arrangement. `forced_host` is
    told as the host instead of whom the addresses name. `origin_from` is the
    proxy that named the origins when asked; None: a person knows them.
    `owner` is how the site's owner is reached, asked only where the hosting
    country's policy says so. `mark` is a proxy that only a header field
    of the host's answers tells of: told beside those who were found.
    """

    host: str
    asked_at: datetime
    cname: tuple[str, ...]
    addresses: tuple[AddressFacts, ...]
    country: str | None  # where it is hosted; None: unknown or addresses disagree with no majority
    domain: DomainFacts | None
    problems: tuple[LookupProblem, ...]
    dead: str | None = None  # "nxdomain" or "no_address": the name leads nowhere
    origins: tuple[AddressFacts, ...] = ()
    forced_host: PartyId | None = None
    origin_from: PartyId | None = None
    upstreams: tuple[Upstream, ...] = ()
    owner: tuple[FoundContact, ...] = ()
    mark: PartyId | None = None

    @property
    def parties(self) -> frozenset[PartyId]:
        """Return the parties that serve the host at the same time: its arrangement."""
        return frozenset(a.proxy or a.party for a in self.addresses if a.proxy or a.party)  # type: ignore[misc]

    @property
    def hidden_hosts(self) -> frozenset[PartyId]:
        """Return the hosts that no address of the name shows: of known origins, and the forced one."""
        found = {a.party for a in self.origins if a.party and not a.proxy}
        return frozenset(found | ({self.forced_host} if self.forced_host else set()))

    def pins(self) -> Mapping[PartyId, tuple[str, ...]]:
        """Return the known addresses of each party of the arrangement, in the order found."""
        found: dict[PartyId, tuple[str, ...]] = {}
        for a in self.addresses:
            party = a.proxy or a.party
            if party:
                found[party] = (*found.get(party, ()), a.ip)
        return found


def to_plain(facts: HostingFacts) -> dict[str, Any]:
    """Return the facts as JSON values; `from_plain` gives them back."""
    plain: dict[str, Any] = _plain(facts)
    plain["asked_at"] = facts.asked_at.isoformat()
    # Without `again_at`, which is for the next round alone: a finding keeps it.
    plain["problems"] = [
        {"step": p.step, "reason": as_text(p.reason), "temporary": p.temporary} for p in facts.problems
    ]
    for address in (*plain["addresses"], *plain["origins"]):
        address["seen_at"] = address["seen_at"] and address["seen_at"].isoformat()
        if not address["seen_from"]:
            del address["seen_from"]  # an earlier release reads no key that it does not know
    return plain


def from_plain(plain: Mapping[str, Any]) -> HostingFacts:
    """Return the facts that `to_plain` wrote."""
    return HostingFacts(
        host=plain["host"],
        asked_at=datetime.fromisoformat(plain["asked_at"]),
        cname=tuple(plain["cname"]),
        addresses=tuple(_address(a) for a in plain["addresses"]),
        country=plain["country"],
        domain=_domain(plain["domain"]) if plain["domain"] else None,
        problems=tuple(
            LookupProblem(p["step"], loaded(p["reason"]), p["temporary"]) for p in plain["problems"]
        ),
        dead=plain.get("dead"),
        origins=tuple(_address(a) for a in plain.get("origins", ())),
        forced_host=plain.get("forced_host"),
        origin_from=plain.get("origin_from"),
        upstreams=tuple(
            Upstream(u["party"], u["name"], _contacts(u["abuse"])) for u in plain.get("upstreams", ())
        ),
        owner=_contacts(plain.get("owner", [])),
        mark=plain.get("mark"),
    )


def _plain(value: Any) -> Any:
    """Return what `dataclasses.asdict` would, which takes five times as long over thousands of hosts."""
    if isinstance(value, tuple):  # of one kind of thing
        return value if not value or value[0].__class__ in _LEAVES else tuple(map(_plain, value))
    names, values = _fields(value.__class__)
    if not names:
        return value
    plain = dict(zip(names, values(value), strict=True))
    for name, one in plain.items():
        if one.__class__ not in _LEAVES:
            plain[name] = _plain(one)
    return plain


_LEAVES = frozenset({str, int, float, bool, NoneType, datetime})


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return names, attrgetter(*names) if names else tuple


def _contacts(plain: list[Mapping[str, Any]]) -> tuple[FoundContact, ...]:
    return tuple(FoundContact(**c) for c in plain)


def _address(plain: Mapping[str, Any]) -> AddressFacts:
    network, seen_at = plain["network"], plain.get("seen_at")
    return AddressFacts(
        **{
            **plain,
            "seen_at": datetime.fromisoformat(seen_at) if seen_at else None,
            "seen_from": tuple(plain.get("seen_from", ())),
            "abuse": _contacts(plain["abuse"]),
            "network": Network(**{**network, "cidr": tuple(network["cidr"])}) if network else None,
        }
    )


def _domain(plain: Mapping[str, Any]) -> DomainFacts:
    registrar = plain["registrar"]
    return DomainFacts(
        **{
            **plain,
            "status": tuple(plain["status"]),
            "nameservers": tuple(plain["nameservers"]),
            "registrar": RegistrarFacts(**{**registrar, "abuse": _contacts(registrar["abuse"])})
            if registrar
            else None,
        }
    )
