"""What an answer about hosting says: one class for each kind of question."""

from dataclasses import dataclass

from nta.domain.hosting.facts import FoundContact
from nta.domain.parties.organisations import PartyId
from nta.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Unheard:
    """One who was to be asked too and did not answer: a vantage point, or a registry by name."""

    who: str
    reason: Reason
    temporary: bool


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """Where a host name leads: its addresses, and the names that it led over.

    `dead` is "nxdomain" or "no_address" where it leads nowhere. `seen_from`
    has what each vantage point is shown, where not all are shown the same.
    """

    addresses: tuple[str, ...]
    cname: tuple[str, ...] = ()
    dead: str | None = None
    seen_from: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unheard: tuple[Unheard, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisteredNetwork:
    """The registered range that an address lies in, as the registry tells it.

    `holder` is the registry's handle. `domains` are those of the mailboxes
    in the registration, the holder's own first.
    """

    handle: str | None = None
    name: str | None = None
    cidr: tuple[str, ...] = ()
    country: str | None = None
    holder: str | None = None
    holder_name: str | None = None
    asn: int | None = None
    as_name: str | None = None
    abuse: tuple[FoundContact, ...] = ()
    domains: tuple[str, ...] = ()
    unheard: tuple[Unheard, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnouncedRoute:
    """Who announces an address; `asn` None: nobody does."""

    asn: int | None
    as_name: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class RegisteredSystem:
    """Whose an autonomous system is; `holder` is the registry's handle."""

    as_name: str | None = None
    holder: str | None = None
    abuse: tuple[FoundContact, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityFile:
    """A domain's security.txt: its mailboxes, preferred first, and until when it counts (ISO 8601)."""

    contacts: tuple[str, ...]
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class ZoneKeeper:
    """What a zone's SOA names: the first server, and the mailbox of who keeps the zone."""

    mname: str
    rname: str


@dataclass(frozen=True, slots=True)
class ZoneRecords:
    """A domain's name servers, its keeper, its mail servers; `wildcard`: names nobody made are answered."""

    ns: tuple[str, ...] = ()
    soa: ZoneKeeper | None = None
    mx: tuple[str, ...] = ()
    wildcard: bool = False


@dataclass(frozen=True, slots=True)
class NamedRegistrar:
    """A registrar as a registry names it."""

    name: str | None = None
    iana_id: str | None = None
    abuse: tuple[FoundContact, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisteredDomain:
    """What a registry says of a name. Who registered it is never among it."""

    name: str | None
    suffix: str | None
    registered: bool | None
    registrar: NamedRegistrar | None = None
    status: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ToldOrigin:
    """What a proxy says stands behind a host, and whom to tell there."""

    proxy: PartyId | None
    addresses: tuple[str, ...]
    holder_name: str | None = None
    abuse: tuple[FoundContact, ...] = ()


LookupAnswer = (
    HostAddresses
    | RegisteredNetwork
    | AnnouncedRoute
    | RegisteredSystem
    | SecurityFile
    | ZoneRecords
    | RegisteredDomain
    | ToldOrigin
)
