"""In what capacity a party is told, what kind of notice it gets, and how much it hurries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Role(StrEnum):
    """In what capacity a party is told."""

    HOST = "host"  # runs the machine that answers
    PROXY = "proxy"  # stands before the host and hides it
    UPSTREAM = "upstream"  # connects the host's network
    SITE_OWNER = "site_owner"  # runs the site; only where the country's policy says so
    REGISTRAR = "registrar"  # sold the domain name
    REGISTRY = "registry"  # runs the suffix
    HOTLINE = "hotline"  # a hotline abroad that takes the case over
    AUTHORITY = "authority"  # may order removal
    POLICE = "police"  # asked or told first where the law says so


@dataclass(frozen=True, slots=True)
class RoleTraits:
    """What holds of everybody who is told in a role."""

    serves: bool = False  # serves the content; not every country lets us tell those directly
    keeps_name: bool = False  # can take the domain name away, for every page under it
    measured: bool = False  # its removal times are reported


ROLES: Mapping[Role, RoleTraits] = {
    Role.HOST: RoleTraits(serves=True, measured=True),
    Role.PROXY: RoleTraits(serves=True, measured=True),
    Role.UPSTREAM: RoleTraits(serves=True),
    Role.SITE_OWNER: RoleTraits(serves=True),
    Role.REGISTRAR: RoleTraits(keeps_name=True),
    Role.REGISTRY: RoleTraits(keeps_name=True),
    Role.HOTLINE: RoleTraits(),
    Role.AUTHORITY: RoleTraits(),
    Role.POLICE: RoleTraits(),
}
"""Every role; who a party in it is stands in `nta/domain/notices/contact_choice.py`."""

KEEPERS = frozenset(role for role, traits in ROLES.items() if traits.keeps_name)
MEASURED = tuple(role for role, traits in ROLES.items() if traits.measured)


class NoticeKind(StrEnum):
    """What a notice asks of its reader."""

    FIRST = "first"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    UPSTREAM = "upstream"
    SITE_OWNER = "site_owner"
    REGISTRAR = "registrar"
    REGISTRY = "registry"
    HOTLINE = "hotline"
    AUTHORITY = "authority"
    POLICE = "police"
    CLOSING = "closing"
    CORRECTION = "correction"


class Severity(StrEnum):
    """How much a submission hurries, the least first; the strictest of a case's submissions counts."""

    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """Return its place among the severities, 0 for the one that hurries least."""
        return _RANKS[self]

    @property
    def urgency(self) -> "Urgency":
        """Return what it hurries, and by how much."""
        return URGENCIES[self]


@dataclass(frozen=True, slots=True)
class Urgency:
    """What a severity hurries, and by how much."""

    gathers: bool  # its notices wait until more can go to the same reader
    first_pause: timedelta  # between two looks in the first hours; later all pause alike
    look_fresh: timedelta  # a notice goes without another look after one no older than this
    patience: timedelta  # a notice waits no longer than this for fresh facts and a look


_RANKS: Mapping[Severity, int] = {severity: place for place, severity in enumerate(Severity)}

URGENCIES: Mapping[Severity, Urgency] = {
    Severity.NORMAL: Urgency(
        gathers=True,
        first_pause=timedelta(hours=1),
        look_fresh=timedelta(minutes=30),
        patience=timedelta(minutes=15),
    ),
    Severity.HIGH: Urgency(
        gathers=False,
        first_pause=timedelta(hours=1),
        look_fresh=timedelta(minutes=30),
        patience=timedelta(minutes=15),
    ),
    Severity.URGENT: Urgency(
        gathers=False,
        first_pause=timedelta(minutes=15),
        look_fresh=timedelta(minutes=10),
        patience=timedelta(minutes=5),
    ),
}
"""Every severity; the desk's words and colours for them are in `nta/web/desk/texts.py`."""
