"""What can be asked about a host, and how an answer looks."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookup_answers import (
    AnnouncedRoute,
    HostAddresses,
    LookupAnswer,
    RegisteredDomain,
    RegisteredNetwork,
    RegisteredSystem,
    SecurityFile,
    ToldOrigin,
    Unheard,
    ZoneRecords,
)
from nta.domain.intake.reserved_names import unmapped
from nta.domain.parties.organisations import AskableProxies, PartyId
from nta.domain.reasons import Code, Reason, because

Said = TypeVar(
    "Said",
    HostAddresses,
    RegisteredNetwork,
    AnnouncedRoute,
    RegisteredSystem,
    SecurityFile,
    ZoneRecords,
    RegisteredDomain,
    ToldOrigin,
)


class LookupKind(StrEnum):
    """What can be asked; the value is the step's name in problems and tables."""

    ADDRESSES = "dns"  # of a host name: every A and AAAA, the CNAME chain
    NETWORK = "rdap_ip"  # of an address: the registered range, its holder, its abuse contacts
    ROUTE = "route"  # of an address: the autonomous system that announces it
    SYSTEM = "rdap_as"  # of an AS number, where the network names no abuse contact: its own
    SECURITY_TXT = "security_txt"  # of a domain, where nobody names a contact: the file of RFC 9116
    ZONE = "dns_zone"  # of a registrable domain: its name servers and mail servers, as the DNS has them
    DOMAIN = "rdap_domain"  # of a name that a registry holds: its registrar, its status
    WHOIS = "whois_domain"  # the same on port 43, where RDAP gave no answer
    ORIGIN = "origin"  # of a host name, of the proxy before it: what stands behind


ABOUT_ADDRESSES = (LookupKind.NETWORK, LookupKind.ROUTE)
"""Questions whose answers mostly cover the neighbours too."""

ABOUT_HOLDERS = (LookupKind.SYSTEM, LookupKind.SECURITY_TXT)
"""Questions that an answer about an address raises; many addresses raise the same one."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a case asks about: its host, and the registrable domain and public suffix if it has them.

    `registered` is the name that a registry holds where that is another
    than the registrable domain: under a company's suffix. `origins` and
    `forced_host` are what a person knows of who stands behind a proxy.
    `routes` says that routes are asked for, not only networks; `zone` that
    the domain's zone is too, which nobody is chosen by: it is for a reader.
    `askable` holds the proxies that are asked for an origin; None: nobody is.
    `upstream` says that who announces the addresses may be told too, and
    is asked about whoever holds them; `owner_in` holds the hosting
    countries in which the site's owner may be told. `mark` is the proxy
    whose header field the host's answers bear.
    """

    host: str
    is_ip: bool
    domain: str | None
    suffix: str | None
    registered: str | None = None
    origins: tuple[str, ...] = ()
    forced_host: PartyId | None = None
    routes: bool = False
    zone: bool = False
    askable: AskableProxies | None = field(default=None, compare=False)
    upstream: bool = False
    owner_in: frozenset[str] = frozenset()
    mark: PartyId | None = None

    @property
    def address(self) -> str:
        """Return the address that the host is, an IPv4-mapped one as IPv4: registries hold no other."""
        return unmapped(self.host)

    @property
    def about_addresses(self) -> tuple[LookupKind, ...]:
        """Return what is asked of each address."""
        return ABOUT_ADDRESSES if self.routes else (LookupKind.NETWORK,)


class Lookup(NamedTuple):
    """One question; `whom` says who is asked where the subject does not: a proxy, for an origin.

    A tuple, as thousands are made and looked for a second.
    """

    kind: LookupKind
    subject: str
    whom: PartyId | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question, or why there is none.

    `value` None without a problem means: asked, and there is nothing.
    `covers` holds the ranges (CIDR) that an answer about an address is
    valid for.
    """

    lookup: Lookup
    value: LookupAnswer | None
    source: str
    asked_at: datetime
    valid_until: datetime
    problem: LookupProblem | None
    covers: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[LookupProblem, ...]:
        """Return why there is no answer, or who of several asked had none."""
        if self.problem:
            return (self.problem,)
        if not isinstance(self.value, HostAddresses | RegisteredNetwork):
            return ()
        step = self.lookup.kind.value
        return tuple(
            LookupProblem(step, _of_one(one, self.value), one.temporary) for one in self.value.unheard
        )


def _of_one(one: Unheard, value: LookupAnswer) -> Reason:
    """Return why one of several gave no answer, with who that is: a vantage point, or a registry."""
    if isinstance(value, HostAddresses):
        return because(Code.ASKED_FROM, reason=one.reason, vantage=one.who)
    return because(Code.ONE_OF_SEVERAL, reason=one.reason, who=one.who)


def said(finding: Finding | None, kind: type[Said]) -> Said | None:
    """Return what a finding says, where there is one that says something of this kind."""
    value = finding.value if finding else None
    return value if isinstance(value, kind) else None
