"""Who there is in a world beside sites: hosts, proxies, registrars, registries, hotlines, countries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any, Literal

Mailbox = Literal["delivers", "silent", "bounces", "auto_replies"]
"""What a mailbox does with every mail, whatever its owner does about it later."""

Farewell = Literal["not_found", "soft404", "legal", "suspended", "locked", "forbidden"]
"""What stands where a page was."""


@dataclass(frozen=True, slots=True)
class DrawnSpan:
    """A stretch of time from which a moment is drawn."""

    low: timedelta
    high: timedelta


@dataclass(frozen=True, slots=True)
class Answers:
    """How a provider says in the portal what it did.

    Of the pages removed, `share` is answered: at the end of the provider's
    working block of length `sweep`, all of one notice together. Pages in
    `falsely` are called removed `early` before they are. `says` is the word
    for it: removed, disabled, account_closed.
    """

    share: float
    sweep: timedelta
    falsely: tuple[str, ...]
    early: timedelta
    says: str


@dataclass(frozen=True, slots=True)
class Replies:
    """What a party says of a page when first told of it, whatever it does then.

    `says` is refused, not_ours, need_information or forwarded. `whose` goes
    with it: free text, or `origin`, which stands for the address behind a
    proxy. `until` counts from the reply.
    """

    says: str
    after: DrawnSpan
    whose: str
    until: timedelta | None
    why: str


@dataclass(frozen=True, slots=True)
class WorldProvider:
    """A hosting company, or with `is_proxy` one that stands before others."""

    id: str
    name: str
    country: str
    asn: int
    network: IPv4Network
    mail: str
    language: str
    format: str  # in which the catalogue says it wants its notices
    nested: bool  # the abuse contact stands inside the holder's entity
    listed: bool  # the catalogue knows this provider
    outdated: str  # what the catalogue takes for its address, where that is dead; empty: the true one
    mailbox: Mailbox
    removes: DrawnSpan | None
    ignores: tuple[str, ...]  # pages that it leaves where they are, whatever it is told
    farewell: Farewell
    answers: Answers | None
    replies: Replies | None
    is_proxy: bool
    passes_on: DrawnSpan | None  # a proxy that tells the host behind it
    tells_origins: bool  # a proxy that tells us, when asked, what stands behind a host

    @property
    def domain(self) -> str:
        return self.mail.partition("@")[2]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who can end a domain: a registrar, or a registry with its suffix."""

    id: str
    name: str
    country: str
    mail: str
    language: str
    mailbox: Mailbox
    suspends: DrawnSpan | None
    parks: int | None  # the status of the page that a suspended name leads to; None: no such name


@dataclass(frozen=True, slots=True)
class WorldRegistrar(Keeper):
    """Sells names; its own registration data hold its abuse contact."""

    iana_id: str
    listed: bool


@dataclass(frozen=True, slots=True)
class WorldRegistry(Keeper):
    """Runs a suffix. With `whois` it answers on port 43 and has no RDAP."""

    suffix: str
    whois: bool

    @property
    def server(self) -> str:
        """Return the name of its WHOIS server."""
        return f"whois.{self.mail.partition('@')[2]}"


@dataclass(frozen=True, slots=True)
class WorldHotline:
    """Our own."""

    id: str
    name: str
    country: str
    standing: str
    languages: tuple[str, ...]
    mail: str
    address: str


@dataclass(frozen=True, slots=True)
class ForeignHotline(WorldHotline):
    """A hotline abroad. One that `takes` a case says so in the portal; its work then ends the page."""

    mailbox: Mailbox
    takes: DrawnSpan | None
    until: timedelta | None
    works: DrawnSpan | None


@dataclass(frozen=True, slots=True)
class WorldAuthority:
    """May order removal. What it orders, every host obeys: `works` after it was told, the page is gone."""

    id: str
    name: str
    country: str
    mail: str
    language: str
    mailbox: Mailbox
    works: DrawnSpan | None


@dataclass(frozen=True, slots=True)
class WorldCountry:
    """What the law of a hosting country asks of us, as the catalogue will say it."""

    code: str
    police_first: bool
    police_hold: timedelta | None
    direct: bool
    languages: tuple[str, ...]
    hotlines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parties:
    """All organisations of a world by their ids, and the ladders laid over the shipped ones."""

    providers: Mapping[str, WorldProvider]
    registrars: Mapping[str, WorldRegistrar]
    registries: Mapping[str, WorldRegistry]
    hotlines: Mapping[str, ForeignHotline]
    authorities: Mapping[str, WorldAuthority]
    countries: Mapping[str, WorldCountry]
    ladders: tuple[Mapping[str, Any], ...]
