"""Reads the sites of a world file: where they stand, how they treat visitors, what becomes of them."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import cast

from nta.lab.parties import Parties, WorldProvider
from nta.lab.world import (
    ComeBack,
    Down,
    Fade,
    Move,
    Outage,
    Placement,
    Site,
    SiteBehaviour,
    WorldPage,
    page_target,
)
from nta.lab.world_validation import Section
from nta.lab.worldparties import SUFFIXES

OUTAGES = ("refused", "error", "silence")
MISSING = ("not_found", "soft404", "echo")
VANTAGES = ("nl", "de")
_NUMBER = re.compile("[0-9]{1,6}")


def read_sites(top: Section, parties: Parties, seed: int, marker: str) -> dict[str, Site]:
    """Return the sites of a world file."""
    listing = top.section("sites")
    return {
        name: _SiteReader(listing.section(name), name, parties).site(seed, marker)
        for name in listing.keys()  # noqa: SIM118 (a Section is not a mapping)
    }


def numbers(section: Section, key: str, count: int) -> list[int]:
    """Return page numbers written as all, 4, or "1-3, 7"."""
    written = str(section.raw(key))
    if written == "all":
        return list(range(1, count + 1))
    found: list[int] = []
    for part in written.split(","):
        first, dash, last = part.strip().partition("-")
        if not _NUMBER.fullmatch(first) or (dash and not _NUMBER.fullmatch(last)):
            raise section.fault(key, "must be all, a number, or numbers such as 1-3, 7")
        found.extend(range(int(first), int(last if dash else first) + 1))
    if not found or min(found) < 1 or max(found) > count:
        raise section.fault(key, f"names a page that is not there; the site has 1 to {count}")
    return found


class _SiteReader:
    """Reads one site."""

    def __init__(self, section: Section, name: str, parties: Parties) -> None:
        self._section = section
        self._name = name
        self._parties = parties
        self._count = section.value("pages", int)

    def site(self, seed: int, marker: str) -> Site:
        section, name = self._section, self._name
        host = section.value("host", str)
        labels = host.split(".")
        if len(labels) < 2 or labels[-1] not in SUFFIXES or host != host.lower():
            raise section.fault("host", "must be a lower-case name under .test or .example")
        ids = [f"{name}/{number}" for number in range(1, self._count + 1)]
        found = Site(
            id=name,
            host=host,
            domain=".".join(labels[-2:]),
            alias=section.value("alias", bool, False),
            registrar=self._registrar(),
            pages=tuple(WorldPage(id=key, site=name, target=page_target(seed, marker, key)) for key in ids),
            placements=tuple(placement(part, self._parties.providers) for part in section.sections("at")),
            rotates=section.span("rotates") if section.has("rotates") else None,
            manners=_manners(section.section("manners")) if section.has("manners") else SiteBehaviour(),
            moves=tuple(_move(part, self._parties.providers) for part in section.sections("moves")),
            fades=tuple(self._fade(part) for part in section.sections("fades")),
            comes_back=tuple(self._comes_back(part) for part in section.sections("comes_back")),
            downs=tuple(_down(part) for part in section.sections("down")),
        )
        if not found.placements:
            raise section.fault("at", "must name at least one provider and address")
        if len(found.placements) > 1 and not found.rotates:
            raise section.fault("rotates", "is missing: the site has more than one host")
        section.done()
        return found

    def _registrar(self) -> str:
        known = list(self._parties.registrars)
        if self._section.has("registrar"):
            return self._section.choice("registrar", known)
        return known[0] if known else ""

    def _pages(self, section: Section) -> tuple[str, ...]:
        return tuple(f"{self._name}/{number}" for number in numbers(section, "pages", self._count))

    def _fade(self, section: Section) -> Fade:
        found = Fade(pages=self._pages(section), begin=section.moment("from"), end=section.moment("to"))
        if found.begin > found.end:
            raise section.fault("to", "lies before from")
        section.done()
        return found

    def _comes_back(self, section: Section) -> ComeBack:
        found = ComeBack(pages=self._pages(section), after=section.span("after"))
        section.done()
        return found


def placement(section: Section, providers: Mapping[str, WorldProvider]) -> Placement:
    """Return one provider's address for a site, with the origin behind it where that is a proxy."""
    provider = section.choice("provider", list(providers))
    try:
        address = IPv4Address(section.value("address", str))
    except ValueError:
        raise section.fault("address", "must be an IPv4 address") from None
    if address not in providers[provider].network:
        raise section.fault("address", f"does not lie in the network of {provider}")
    origin = placement(section.section("origin"), providers) if section.has("origin") else None
    if providers[provider].is_proxy and origin is None:
        raise section.fault("origin", f"is missing: {provider} stands before another provider")
    if origin is not None and not providers[provider].is_proxy:
        raise section.fault("origin", f"is not for {provider}, which is no proxy")
    section.done()
    return Placement(provider, address, origin)


def _manners(section: Section) -> SiteBehaviour:
    found = SiteBehaviour(
        missing=section.choice("missing", MISSING, "not_found"),
        hotlink=section.value("hotlink", bool, False),
        blocked_from=section.choice("blocked_from", VANTAGES) if section.has("blocked_from") else "",
        blocked_with=section.value("blocked_with", int, 403),
    )
    if found.blocked_with not in (403, 451):
        raise section.fault("blocked_with", "must be 403 or 451")
    section.done()
    return found


def _move(section: Section, providers: Mapping[str, WorldProvider]) -> Move:
    found = Move(at=section.moment("at"), to=placement(section.section("to"), providers))
    section.done()
    return found


def _down(section: Section) -> Down:
    found = Down(
        begin=section.moment("from"),
        end=section.moment("to"),
        how=cast(Outage, section.choice("how", OUTAGES)),
    )
    if found.begin >= found.end:
        raise section.fault("to", "must lie after from")
    section.done()
    return found
