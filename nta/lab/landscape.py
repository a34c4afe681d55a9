"""What stands where at this moment, and since when: the truth that the service has to find out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from nta.lab.chance import fraction
from nta.lab.webserver import Answer, WebTable
from nta.lab.world import Page, Placement, Site, World

CONTROLS = {"control-one.test": IPv4Address("127.0.1.1"), "control-two.example": IPv4Address("127.0.1.2")}


@dataclass(slots=True)
class Showing:
    """One page at one provider, from a moment on until it was no longer to be seen there."""

    page: Page
    placement: Placement
    begin: datetime
    until: datetime | None = None
    why: str = ""


class Landscape:
    """The changing part of a world. It is changed by facts alone: vanish, move, suspend."""

    def __init__(self, world: World, table: WebTable, port: int) -> None:
        self.world = world
        self._table = table
        self._port = port
        self._showings: dict[str, list[Showing]] = {page.id: [] for page in world.pages()}
        self._placements: dict[str, tuple[Placement, ...]] = {}
        self._suspended: set[str] = set()
        self._renamings = 0
        self._rotating = [site for site in world.sites.values() if site.rotates]
        self.by_url = {world.url(page, port): page for page in world.pages()}
        for host, address in CONTROLS.items():
            table.open_site(address, host)
            table.put(address, host, "/", Answer(200, "This page is always here.\n"))
        for site in world.sites.values():
            self._placements[site.id] = site.placements
            for placement in site.placements:
                self._show(site, placement, world.start)

    def url(self, page: Page) -> str:
        return self.world.url(page, self._port)

    def showings(self, page_id: str) -> list[Showing]:
        """Return where a page was and is shown, oldest first."""
        return self._showings[page_id]

    def shown_by(self, page_id: str, provider: str) -> Showing | None:
        """Return the showing of a page that this provider could end now."""
        for showing in self._showings[page_id]:
            if showing.placement.provider == provider and showing.until is None:
                return showing
        return None

    def addresses(self, site: Site, now: datetime) -> list[IPv4Address]:
        """Return what the name servers say at a moment; a rotating site says one address at a time."""
        placements = self._placements[site.id]
        if site.domain in self._suspended:
            return []
        if site.rotates:
            placements = (placements[self._turn(site.rotates, now) % len(placements)],)
        return [placement.address for placement in placements]

    def names_version(self, now: datetime) -> tuple[int, ...]:
        """Return a value that is another one as soon as any name says something else."""
        turns = (self._turn(site.rotates, now) for site in self._rotating if site.rotates)
        return (self._renamings, *turns)

    def placements(self, site: Site) -> tuple[Placement, ...]:
        return self._placements[site.id]

    def is_suspended(self, domain: str) -> bool:
        return domain in self._suspended

    def vanish(self, page_id: str, provider: str | None, at: datetime, why: str) -> bool:
        """Take a page away at one provider, or at all. Return whether it was still there."""
        site = self.world.sites[page_id.partition("/")[0]]
        ended = False
        for showing in self._showings[page_id]:
            if showing.until is None and provider in (None, showing.placement.provider):
                self._end(showing, at, why)
                address = showing.placement.address
                self._table.put(address, site.host, showing.page.target, self._farewell(page_id))
                ended = True
        return ended

    def move(self, site_id: str, to: Placement, at: datetime) -> None:
        """Point a site's name at another host; pages still there go along, the old host forgets the site."""
        site = self.world.sites[site_id]
        kept = []
        for page in site.pages:
            for showing in self._showings[page.id]:
                if showing.until is None:
                    self._end(showing, at, "moved away")
                    kept.append(page)
        for placement in self._placements[site_id]:
            self._table.close_site(placement.address, site.host)
        self._placements[site_id] = (to,)
        self._renamings += 1
        self._show(site, to, at, kept)

    def suspend(self, domain: str, at: datetime) -> bool:
        """Let a domain's names exist no longer. Return whether they did."""
        if domain in self._suspended:
            return False
        self._suspended.add(domain)
        self._renamings += 1
        for site in self.world.sites.values():
            if site.domain == domain:
                for page in site.pages:
                    for showing in self._showings[page.id]:
                        if showing.until is None:
                            self._end(showing, at, "domain suspended")
        return True

    def truth(self) -> Iterator[tuple[str, list[Showing]]]:
        """Yield each URL with its showings."""
        for page in self.world.pages():
            yield self.url(page), self._showings[page.id]

    def _show(self, site: Site, placement: Placement, at: datetime, pages: list[Page] | None = None) -> None:
        self._table.open_site(placement.address, site.host)
        for page in site.pages if pages is None else pages:
            self._showings[page.id].append(Showing(page, placement, at))
            self._table.put(placement.address, site.host, page.target, self._content(page))

    def _content(self, page: Page) -> Answer:
        text = f"Page {page.id} of the lab. Harmless words: {self.world.body_marker}.\n"
        if page.target.partition("?")[0].endswith(".html"):
            html = f"<!doctype html><html><head><title>Lab</title></head><body><p>{text}</p></body></html>\n"
            return Answer(200, html, "text/html; charset=utf-8")
        return Answer(200, text)

    def _farewell(self, page_id: str) -> Answer:
        status = 410 if fraction(self.world.seed, "status", page_id) < 0.25 else 404
        return Answer(status, "This page is not here.\n")

    def _turn(self, rotates: timedelta, now: datetime) -> int:
        return (now - self.world.start) // rotates

    @staticmethod
    def _end(showing: Showing, at: datetime, why: str) -> None:
        showing.until = at
        showing.why = why
