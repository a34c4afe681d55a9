"""What a person may enter of who serves a host, against what was found, and for how long it counts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import HostingFacts
from nta.domain.intake.reserved_names import is_nobodys
from nta.domain.parties.organisations import Catalogue, PartyId

USUAL: Final = timedelta(days=90)
"""How long an entry counts where nobody says otherwise: most sites have moved by then."""

LONGEST: Final = timedelta(days=365)
"""What was true a year ago has to be found out again."""

LONGEST_WHY: Final = 200


class Wrong(StrEnum):
    """What a person says is wrong."""

    HOST = "host"  # somebody else serves it
    ORIGIN = "origin"  # the machine behind the proxy stands at this address
    CONTACT = "contact"  # a contact does not work: it is not used any more
    OTHER = "other"  # none of these: a lead reads what, and all is asked anew


class Scope(StrEnum):
    """What an entry counts for. A host's own entry goes before its domain's."""

    HOST = "host"
    DOMAIN = "domain"


class OverrideSlip(StrEnum):
    """What is wrong with what was entered, in one line."""

    NO_SUCH_CHOICE = "choose what is wrong from the list"
    NO_SUCH_SCOPE = "say whether it is for this host or for the whole domain"
    NO_DOMAIN = "this case is on an address or a suffix; there is no domain"
    HOST_MISSING = "say who serves it"
    HOST_UNKNOWN = "no host of the catalogue has this id or name, or several have this name"
    HOST_UNREACHABLE = "no contact is known of this host, so nobody could be told"
    ADDRESS_MISSING = "say at which address the machine stands"
    ADDRESS_UNREADABLE = "this is no IP address"
    ADDRESS_NOBODYS = "this is no address that a machine on the internet has"
    ADDRESS_PROXYS = "this address is the proxy's own"
    ADDRESS_KNOWN = "the name leads to this address already"
    ON_AN_ADDRESS = "this case is on an address; nothing stands before it"
    CONTACT_MISSING = "choose the contact that does not work"
    UNTIL_MISSING = "say until when it counts"
    UNTIL_UNREADABLE = "write the moment as a date and a time"
    UNTIL_PAST = "this moment is over"
    UNTIL_FAR = "this moment is more than a year away"
    WHY_MISSING = "say where this is from"


FIELDS: Final = {
    OverrideSlip.NO_SUCH_CHOICE: "wrong",
    OverrideSlip.NO_SUCH_SCOPE: "scope",
    OverrideSlip.NO_DOMAIN: "scope",
    OverrideSlip.HOST_MISSING: "party",
    OverrideSlip.HOST_UNKNOWN: "party",
    OverrideSlip.HOST_UNREACHABLE: "party",
    OverrideSlip.ADDRESS_MISSING: "address",
    OverrideSlip.ADDRESS_UNREADABLE: "address",
    OverrideSlip.ADDRESS_NOBODYS: "address",
    OverrideSlip.ADDRESS_PROXYS: "address",
    OverrideSlip.ADDRESS_KNOWN: "address",
    OverrideSlip.ON_AN_ADDRESS: "wrong",
    OverrideSlip.CONTACT_MISSING: "contact",
    OverrideSlip.UNTIL_MISSING: "until",
    OverrideSlip.UNTIL_UNREADABLE: "until",
    OverrideSlip.UNTIL_PAST: "until",
    OverrideSlip.UNTIL_FAR: "until",
    OverrideSlip.WHY_MISSING: "reason",
}
"""The field of the form beside which a slip is shown."""


class SlipError(RefusedError):
    """What was entered cannot be taken; `slip` says why."""

    def __init__(self, slip: OverrideSlip) -> None:
        super().__init__(slip.value)
        self.slip = slip


@dataclass(frozen=True, slots=True)
class EnteredOverride:
    """What a person filled in, as it came. `until` None: left empty."""

    wrong: str
    scope: str = Scope.HOST.value
    party: str = ""
    address: str = ""
    until: datetime | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known where somebody enters something. `ranges` may be reached whatever they are."""

    facts: HostingFacts
    is_ip: bool
    has_domain: bool
    catalogue: Catalogue
    ranges: Collection[IPv4Network | IPv6Network]
    is_reachable: Callable[[PartyId], bool]


@dataclass(frozen=True, slots=True)
class Override:
    """What counts from now on, instead of what was found. Of origin and party one is set."""

    scope: Scope
    origin: str | None
    party: PartyId | None
    until: datetime
    why: str


def judged(said: EnteredOverride, ground: Ground, now: datetime) -> Override:
    """Return what is entered, or raise SlipError for the first thing that cannot be taken."""
    if said.wrong not in (Wrong.HOST, Wrong.ORIGIN):
        raise SlipError(OverrideSlip.NO_SUCH_CHOICE)
    party = _party(said.party, ground) if said.wrong == Wrong.HOST else None
    origin = _origin(said.address, ground) if said.wrong == Wrong.ORIGIN else None
    if said.until is None:
        raise SlipError(OverrideSlip.UNTIL_MISSING)
    if said.until <= now:
        raise SlipError(OverrideSlip.UNTIL_PAST)
    if said.until > now + LONGEST:
        raise SlipError(OverrideSlip.UNTIL_FAR)
    scope = scope_of(said.scope)
    if scope is Scope.DOMAIN and not ground.has_domain:
        raise SlipError(OverrideSlip.NO_DOMAIN)
    return Override(scope, origin, party, said.until, reason(said.why))


def scope_of(text: str) -> Scope:
    """Return what an entry counts for, or raise SlipError."""
    if text not in {*Scope}:
        raise SlipError(OverrideSlip.NO_SUCH_SCOPE)
    return Scope(text)


def reason(why: str | None) -> str:
    """Return where it is from, or raise SlipError when nothing is said."""
    plain = " ".join((why or "").split())[:LONGEST_WHY]
    if not plain:
        raise SlipError(OverrideSlip.WHY_MISSING)
    return plain


def _party(text: str, ground: Ground) -> PartyId:
    """Return the id of a host: by its id, by its name in the catalogue, or one that was found here."""
    wanted = text.strip()
    if not wanted:
        raise SlipError(OverrideSlip.HOST_MISSING)
    facts = ground.facts
    found = {a.party for a in (*facts.addresses, *facts.origins) if a.party}
    hosting = ground.catalogue.hosting
    if wanted in hosting or wanted in found:
        party = wanted
    else:
        named = [one.id for one in hosting.values() if one.name.casefold() == wanted.casefold()]
        if len(named) != 1:
            raise SlipError(OverrideSlip.HOST_UNKNOWN)
        party = named[0]
    if not ground.is_reachable(party):
        raise SlipError(OverrideSlip.HOST_UNREACHABLE)
    return party


def _origin(text: str, ground: Ground) -> str:
    """Return the address of one machine, an IPv4-mapped one as IPv4: registries hold no other."""
    if not text.strip():
        raise SlipError(OverrideSlip.ADDRESS_MISSING)
    try:
        address = ip_address(text.strip())
    except ValueError:
        raise SlipError(OverrideSlip.ADDRESS_UNREADABLE) from None
    address = getattr(address, "ipv4_mapped", None) or address
    ip = str(address)
    if getattr(address, "scope_id", None):
        raise SlipError(OverrideSlip.ADDRESS_UNREADABLE)
    named = any(address.version == range_.version and address in range_ for range_ in ground.ranges)
    if address.is_multicast or address.is_unspecified or (is_nobodys(ip) and not named):
        raise SlipError(OverrideSlip.ADDRESS_NOBODYS)
    if ground.is_ip:
        raise SlipError(OverrideSlip.ON_AN_ADDRESS)
    if ground.catalogue.proxy_of(ip, None):
        raise SlipError(OverrideSlip.ADDRESS_PROXYS)
    if ip in {a.ip for a in ground.facts.addresses}:
        raise SlipError(OverrideSlip.ADDRESS_KNOWN)
    return ip
