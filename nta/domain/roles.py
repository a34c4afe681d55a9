"""In what capacity a party is told, and what kind of notice it gets."""

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
    """How much a submission hurries; the strictest of a case's submissions counts."""

    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """Return 0 for normal, 2 for urgent."""
        return ("normal", "high", "urgent").index(self.value)
