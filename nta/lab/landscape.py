"""What stands where at this moment, and since when: the truth that the service has to find out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from nta.lab.chance import fraction
from nta.lab.farewells import blocked, farewell, missing, out_of_order, parked
from nta.lab.socks import SOURCE
from nta.lab.webserver import HttpAnswer, Shelf, WebTable
from nta.lab.world import Outage, Placement, Site, World, WorldPage

CONTROLS = {"control-one.test": IPv4Address("127.0.1.1"), "control-two.example": IPv4Address("127.0.1.2")}
PARKING = IPv4Address("127.0.1.9")
SOURCES = {"nl": "127.0.0.1", "de": SOURCE}


@dataclass(slots=True)
class Showing:
    """One page at one provider, from a moment on until it was no longer to be seen there."""

    page: WorldPage
    placement: Placement
    begin: datetime
    until: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who took a domain's names away, and what they lead to since; None: nowhere."""

    by: str  # "registrar" or "registry"
    parks: int | None


class Landscape:
    """The changing part of a world. It is changed by facts alone: vanish, return, move, suspend, down."""

    def __init__(self, world: World, table: WebTable, port: int) -> None:
        self.world = world
        self._table = table
        self._port = port
        self._showings: dict[str, list[Showing]] = {page.id: [] for page in world.pages()}
        self._placements: dict[str, tuple[Placement, ...]] = {}
        self._suspended: dict[str, Suspension] = {}
        self._renamings = 0
        self._rotating = [site for site in world.sites.values() if site.rotates]
        self.by_url = {world.url(page, port): page for page in world.pages()}
        for host, address in CONTROLS.items():
            table.open_site(address, host)
            table.put(address, host, "/", HttpAnswer(200, "This page is always here.\n"))
        for site in world.sites.values():
            self._placements[site.id] = site.placements
            for placement in site.placements:
                self._show(site, placement, world.start)

    def url(self, page: WorldPage) -> str:
        return self.world.url(page, self._port)

    def referrer(self, page: WorldPage) -> str:
        """Return where a visitor of a page must come from; empty where anybody may come."""
        site = self.world.sites[page.site]
        return self.world.referrer(site, self._port) if site.manners.hotlink else ""

    def showings(self, page_id: str) -> list[Showing]:
        """Return where a page was and is shown, oldest first."""
        return self._showings[page_id]

    def shown_by(self, page_id: str, provider: str) -> Showing | None:
        """Return the showing of a page that this provider could end now."""
        for showing in self._showings[page_id]:
            if provider in showing.placement.parties and showing.until is None:
                return showing
        return None

    def is_shown(self, page_id: str) -> bool:
        """Tell whether a page is to be seen anywhere."""
        return any(showing.until is None for showing in self._showings[page_id])

    def addresses(self, site: Site, now: datetime) -> list[IPv4Address]:
        """Return what the name servers say at a moment; a rotating site says one address at a time."""
        placements = self._placements[site.id]
        suspended = self._suspended.get(site.domain)
        if suspended is not None:
            return [PARKING] if suspended.parks else []
        if site.rotates:
            placements = (placements[self._turn(site.rotates, now) % len(placements)],)
        return [placement.address for placement in placements]

    def names_version(self, now: datetime) -> tuple[int, ...]:
        """Return a value that is another one as soon as any name says something else."""
        turns = (self._turn(site.rotates, now) for site in self._rotating if site.rotates)
        return (self._renamings, *turns)

    def placements(self, site: Site) -> tuple[Placement, ...]:
        return self._placements[site.id]

    def suspension(self, domain: str) -> Suspension | None:
        return self._suspended.get(domain)

    def has_names(self, domain: str) -> bool:
        """Tell whether a domain's names exist: those of a parked domain do."""
        suspended = self._suspended.get(domain)
        return suspended is None or suspended.parks is not None

    def vanish(self, page_id: str, provider: str | None, at: datetime, why: str) -> bool:
        """Take a page away at one provider, or at all. Return whether it was still there."""
        site = self.world.site_of(page_id)
        ended = False
        for showing in self._showings[page_id]:
            placement = showing.placement
            if showing.until is not None or provider not in (None, *placement.parties):
                continue
            self._end(showing, at, why)
            self._take_down(site, placement, showing.page, provider)
            if placement.origin is not None and provider != placement.provider:
                self._take_down(site, placement.origin, showing.page, provider)
            ended = True
        return ended

    def put_up_again(self, page_id: str, at: datetime) -> bool:
        """Show a page again where its site now stands. Return whether it was away."""
        site = self.world.site_of(page_id)
        if self.is_shown(page_id) or site.domain in self._suspended:
            return False
        for placement in self._placements[site.id]:
            self._show(site, placement, at, [self.world.page(page_id)])
        return True

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
            for one in (placement, placement.origin):
                if one is not None:
                    self._table.close_site(one.address, site.host)
        self._placements[site_id] = (to,)
        self._renamings += 1
        self._show(site, to, at, list(dict.fromkeys(kept)))

    def suspend(self, domain: str, at: datetime, how: Suspension) -> bool:
        """Let a domain's names lead nowhere, or to a parking page. Return whether they led to its sites."""
        if domain in self._suspended:
            return False
        self._suspended[domain] = how
        self._renamings += 1
        for site in self.world.sites.values():
            if site.domain != domain:
                continue
            if how.parks:
                self._table.open_site(PARKING, site.host, Shelf(parked(how.parks)))
            for page in site.pages:
                for showing in self._showings[page.id]:
                    if showing.until is None:
                        self._end(showing, at, "domain suspended")
        return True

    def go_down(self, site_id: str, how: Outage | None) -> None:
        """Let a site's machines fail in some way, or None: serve again."""
        site = self.world.sites[site_id]
        for placement in self._placements[site_id]:
            address = str(placement.address)
            shelf = self._table.shelf(placement.address, site.host)
            if shelf is not None:
                shelf.out = out_of_order() if how == "error" else None
            if how in ("refused", "silence"):
                self._table.dead[address] = how
            else:
                self._table.dead.pop(address, None)

    def truth(self) -> Iterator[tuple[str, list[Showing]]]:
        """Yield each URL with its showings."""
        for page in self.world.pages():
            yield self.url(page), self._showings[page.id]

    def _show(
        self, site: Site, placement: Placement, at: datetime, pages: list[WorldPage] | None = None
    ) -> None:
        for one in (placement, placement.origin):
            if one is None:
                continue
            self._table.open_site(one.address, site.host, self._shelf(site))
            for page in site.pages if pages is None else pages:
                self._table.put(one.address, site.host, page.target, self._content(page))
        for page in site.pages if pages is None else pages:
            self._showings[page.id].append(Showing(page, placement, at))

    def _shelf(self, site: Site) -> Shelf:
        manners = site.manners
        shelf = Shelf(missing(manners.missing))
        if manners.hotlink:
            shelf.referrer = self.world.referrer(site, self._port).lower().encode()
        if manners.blocked_from:
            shelf.blocked_from = SOURCES[manners.blocked_from]
            shelf.blocked = blocked(manners.blocked_with)
        return shelf

    def _take_down(self, site: Site, placement: Placement, page: WorldPage, by: str | None) -> None:
        """Let something else stand where a page was, as whoever took it away is used to."""
        shelf = self._table.shelf(placement.address, site.host)
        provider = self.world.providers[by] if by else None
        kind = provider.farewell if provider else "not_found"
        if shelf is None:
            return
        is_closed = kind in ("suspended", "locked", "forbidden")
        if is_closed:
            shelf.missing = farewell(kind)  # the whole account is closed: what never was looks the same
        if is_closed or site.manners.missing != "not_found":
            self._table.put(placement.address, site.host, page.target, None)
            return
        is_410 = fraction(self.world.seed, "status", page.id) < 0.25
        answer = (
            farewell(kind)(page.target.encode()) if kind != "not_found" else _gone(410 if is_410 else 404)
        )
        self._table.put(placement.address, site.host, page.target, answer)

    def _content(self, page: WorldPage) -> HttpAnswer:
        text = f"Page {page.id} of the lab. Harmless words: {self.world.body_marker}.\n"
        if page.target.partition("?")[0].endswith(".html"):
            html = f"<!doctype html><html><head><title>Lab</title></head><body><p>{text}</p></body></html>\n"
            return HttpAnswer(200, html, "text/html; charset=utf-8")
        return HttpAnswer(200, text)

    def _turn(self, rotates: timedelta, now: datetime) -> int:
        return (now - self.world.start) // rotates

    @staticmethod
    def _end(showing: Showing, at: datetime, why: str) -> None:
        showing.until = at
        showing.why = why


def _gone(status: int) -> HttpAnswer:
    return HttpAnswer(status, "This page is not here.\n")
