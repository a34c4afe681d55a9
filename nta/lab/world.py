"""What a world holds: its parties, sites and pages, and the plans of its people, as frozen values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address
from typing import Any, Literal

from nta.lab.chance import fraction, pick
from nta.lab.parties import (
    ForeignHotline,
    Mailbox,
    Parties,
    WorldAuthority,
    WorldHotline,
    WorldProvider,
    WorldRegistrar,
    WorldRegistry,
)

FOLDERS = ("album", "board", "files", "gallery", "pub", "topic", "upload")
ENDINGS = (".html", ".html", ".txt")

Outage = Literal["refused", "error", "silence"]
Party = WorldProvider | WorldRegistrar | WorldRegistry | ForeignHotline | WorldAuthority | WorldHotline


@dataclass(frozen=True, slots=True)
class Placement:
    """One address for a site, and who runs it. Behind a proxy's address stands the true one, the origin."""

    provider: str
    address: IPv4Address
    origin: "Placement | None" = None

    @property
    def parties(self) -> tuple[str, ...]:
        """Return all who can end what is shown here."""
        return (self.provider,) if self.origin is None else (self.provider, self.origin.provider)


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
class ComeBack:
    """Pages that are put up again so long after they were taken away for the first time."""

    pages: tuple[str, ...]
    after: timedelta


@dataclass(frozen=True, slots=True)
class Down:
    """A stretch in which a site's machines do not answer as they should."""

    begin: datetime
    end: datetime
    how: Outage


@dataclass(frozen=True, slots=True)
class SiteBehaviour:
    """How a site's web server treats visitors.

    `missing` answers paths that never were: "not_found", "soft404" (200 with
    one same page) or "echo" (200 with a page that names the path). With
    `hotlink` only those who come from the site's own gallery are served. A
    visitor from the vantage point `blocked_from` gets the status
    `blocked_with`.
    """

    missing: str = "not_found"
    hotlink: bool = False
    blocked_from: str = ""
    blocked_with: int = 403


@dataclass(frozen=True, slots=True)
class WorldPage:
    id: str
    site: str
    target: str  # path and query, as asked for


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    host: str
    domain: str
    alias: bool  # the host name is a CNAME into the provider's domain
    registrar: str  # empty: the registry names none
    pages: tuple[WorldPage, ...]
    placements: tuple[Placement, ...]
    rotates: timedelta | None
    manners: SiteBehaviour
    moves: tuple[Move, ...]
    fades: tuple[Fade, ...]
    comes_back: tuple[ComeBack, ...]
    downs: tuple[Down, ...]

    @property
    def suffix(self) -> str:
        return self.domain.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class HandInVisit:
    """One visit of the analyst to the desk's hand-in page."""

    at: datetime
    severity: str
    class_value: str
    scope: str
    pages: tuple[str, ...]
    broken: tuple[str, ...]
    defanged: bool


@dataclass(frozen=True, slots=True)
class Act:
    """Something done on the case pages of some pages: `what` names the form, `values` fill it in."""

    at: datetime
    who: str
    what: str
    pages: tuple[str, ...]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LeadVisit:
    """One visit of a lead to the page of notices that wait for leads."""

    at: datetime
    who: str
    word: str  # approve or decline
    reason: str


@dataclass(frozen=True)
class World:
    id: str
    story: str
    expect: Mapping[str, Any]
    digest: str
    seed: int
    start: datetime
    ends: datetime
    body_marker: str
    url_marker: str
    hotline: WorldHotline
    parties: Parties
    sites: Mapping[str, Site]
    hand_ins: tuple[HandInVisit, ...]
    acts: tuple[Act, ...]
    approvals: tuple[LeadVisit, ...]

    @property
    def providers(self) -> Mapping[str, WorldProvider]:
        return self.parties.providers

    @property
    def registries(self) -> Mapping[str, WorldRegistry]:
        return self.parties.registries

    @cached_property
    def mailboxes(self) -> Mapping[str, tuple[Party, Mailbox]]:
        """Return whose each mail address is, and what its mailbox does."""
        found: dict[str, tuple[Party, Mailbox]] = {self.hotline.mail: (self.hotline, "delivers")}
        for one in self.parties.providers.values():
            found[one.mail] = (one, one.mailbox)
            if one.outdated:
                found[one.outdated] = (one, "bounces")
        others: tuple[WorldRegistrar | WorldRegistry | ForeignHotline | WorldAuthority, ...] = (
            *self.parties.registrars.values(),
            *self.parties.registries.values(),
            *self.parties.hotlines.values(),
            *self.parties.authorities.values(),
        )
        return found | {other.mail: (other, other.mailbox) for other in others}

    def registrar(self, site: Site) -> WorldRegistrar | None:
        return self.parties.registrars.get(site.registrar)

    def pages(self) -> Iterator[WorldPage]:
        """Yield every page, site by site."""
        for site in self.sites.values():
            yield from site.pages

    def page(self, page_id: str) -> WorldPage:
        """Return a page by its id, such as "harbour/7"."""
        site, _, number = page_id.partition("/")
        return self.sites[site].pages[int(number) - 1]

    def site_of(self, page_id: str) -> Site:
        return self.sites[page_id.partition("/")[0]]

    def url(self, page: WorldPage, port: int) -> str:
        """Return where the page is, in canonical form."""
        return f"http://{self.sites[page.site].host}:{port}{page.target}"

    def referrer(self, site: Site, port: int) -> str:
        """Return the page that a hotlink-protected site wants its visitors to come from."""
        return f"http://{site.host}:{port}/{self.url_marker}/gallery.html"


def page_target(seed: int, marker: str, page_id: str) -> str:
    """Return path and query of a page; the marker is a part of every path."""
    site, _, number = page_id.partition("/")
    folder = pick(FOLDERS, seed, "folder", page_id)
    ending = pick(ENDINGS, seed, "ending", page_id)
    name = int(fraction(seed, "name", page_id) * 0xFFFFFF)
    query = f"?n={number}" if fraction(seed, "query", page_id) < 0.2 else ""
    return f"/{marker}/{folder}/{name:06x}-{site}-{number}{ending}{query}"
