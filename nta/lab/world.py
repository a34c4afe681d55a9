"""What a world holds: parties, sites, pages and the plans of its people, as frozen values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from nta.lab.chance import fraction, pick

FOLDERS = ("album", "board", "files", "gallery", "pub", "topic", "upload")
ENDINGS = (".html", ".html", ".txt")

Mailbox = Literal["delivers", "silent", "bounces"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time from which a moment is drawn."""

    low: timedelta
    high: timedelta


@dataclass(frozen=True, slots=True)
class Answers:
    """How a provider says "removed" in the portal.

    Of the pages removed, `share` is answered: at the end of the provider's
    working block of length `sweep`, all of one notice together. Pages in
    `falsely` are called removed `early` before they are.
    """

    share: float
    sweep: timedelta
    falsely: tuple[str, ...]
    early: timedelta


@dataclass(frozen=True, slots=True)
class Provider:
    id: str
    name: str
    country: str
    asn: int
    network: IPv4Network
    mail: str
    language: str
    nested: bool  # the abuse contact stands inside the holder's entity
    listed: bool  # the catalogue knows this provider
    mailbox: Mailbox
    removes: Span | None
    answers: Answers | None

    @property
    def domain(self) -> str:
        return self.mail.partition("@")[2]


@dataclass(frozen=True, slots=True)
class Registry:
    id: str
    name: str
    country: str
    suffix: str
    mail: str
    language: str
    mailbox: Mailbox
    suspends: Span | None


@dataclass(frozen=True, slots=True)
class Hotline:
    id: str
    name: str
    country: str
    standing: str
    languages: tuple[str, ...]
    mail: str
    address: str


@dataclass(frozen=True, slots=True)
class Placement:
    """One host's address for a site."""

    provider: str
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Move:
    at: datetime
    to: Placement


@dataclass(frozen=True, slots=True)
class Fade:
    """Pages that go by themselves, each at its own minute of a stretch."""

    pages: tuple[str, ...]
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Page:
    id: str
    site: str
    target: str  # path and query, as asked for


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    host: str
    domain: str
    alias: bool  # the host name is a CNAME into the provider's domain
    pages: tuple[Page, ...]
    placements: tuple[Placement, ...]
    rotates: timedelta | None
    moves: tuple[Move, ...]
    fades: tuple[Fade, ...]

    @property
    def suffix(self) -> str:
        return self.domain.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class HandIn:
    """One visit of the analyst to the desk's hand-in page."""

    at: datetime
    severity: str
    class_value: str
    scope: str
    pages: tuple[str, ...]
    broken: tuple[str, ...]
    defanged: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """The lead's word on whether a site's domain is dedicated, said on a case page."""

    at: datetime
    site: str
    page: str
    dedicated: str
    reason: str


@dataclass(frozen=True, slots=True)
class World:
    id: str
    digest: str
    seed: int
    start: datetime
    ends: datetime
    body_marker: str
    url_marker: str
    hotline: Hotline
    providers: Mapping[str, Provider]
    registries: Mapping[str, Registry]
    sites: Mapping[str, Site]
    hand_ins: tuple[HandIn, ...]
    marks: tuple[Mark, ...]

    def mail_parties(self) -> list[Provider | Registry]:
        """Return all whose mailboxes act."""
        return [*self.providers.values(), *self.registries.values()]

    def pages(self) -> Iterator[Page]:
        """Yield every page, site by site."""
        for site in self.sites.values():
            yield from site.pages

    def page(self, page_id: str) -> Page:
        """Return a page by its id, such as "harbour/7"."""
        site, _, number = page_id.partition("/")
        return self.sites[site].pages[int(number) - 1]

    def url(self, page: Page, port: int) -> str:
        """Return where the page is, in canonical form."""
        return f"http://{self.sites[page.site].host}:{port}{page.target}"


def page_target(seed: int, marker: str, page_id: str) -> str:
    """Return path and query of a page; the marker is a part of every path."""
    site, _, number = page_id.partition("/")
    folder = pick(FOLDERS, seed, "folder", page_id)
    ending = pick(ENDINGS, seed, "ending", page_id)
    name = int(fraction(seed, "name", page_id) * 0xFFFFFF)
    query = f"?n={number}" if fraction(seed, "query", page_id) < 0.2 else ""
    return f"/{marker}/{folder}/{name:06x}-{site}-{number}{ending}{query}"
