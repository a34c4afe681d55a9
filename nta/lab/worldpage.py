"""The lab's page: the world as it is, beside what the service believes of it; no script, no URL of a page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape

from nta.lab.landscape import Landscape, Showing
from nta.lab.world import Site, WorldPage

REFRESH_S = 5
THERE = frozenset({"unseen", "up"})

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1d2733}
h1{font-size:1.5rem;margin:0}p{margin:.4rem 0 1.2rem;color:#5b6875}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;color:#5b6875;font-size:.85rem}
td,th{padding:.35rem .6rem;border-bottom:1px solid #e4e8ec;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}.s{color:#5b6875;font-size:.85rem}
h2{font-size:1.15rem;margin:1.4rem 0 0}pre{white-space:pre-wrap;overflow-wrap:anywhere}
button{font:inherit;padding:.3rem .7rem;margin:0 .2rem .4rem 0}
.up{color:#1a7f37}.gone{color:#a40e26}.differs{background:#fff4d6}a{color:#0b5cad}
"""


@dataclass(frozen=True, slots=True)
class ShownBelief:
    """What the service holds of one URL: of its newest episode."""

    reference: str
    stage: str
    presence: str
    outcome: str

    @property
    def word(self) -> str:
        """Return the belief in few words."""
        return self.outcome.replace("_", " ") or f"{self.stage}, {self.presence}"


@dataclass(frozen=True, slots=True)
class ShownBeliefs:
    """What the service holds by URL, as it said at a moment; a page that was not handed in is not there."""

    of: Mapping[str, ShownBelief] = field(default_factory=dict)
    at: datetime | None = None

    def get(self, url: str) -> ShownBelief | None:
        return self.of.get(url)


def overview(
    landscape: Landscape, beliefs: ShownBeliefs, now: datetime, above: str = "", below: str = ""
) -> str:
    """Return the page of all sites; `above` and `below` are HTML to put around them."""
    world = landscape.world
    rows = "".join(_site_row(landscape, site, beliefs, now) for site in world.sites.values())
    head = "<tr><th>Site<th>Stands with<th>Name<th class=n>Pages<th class=n>There<th class=n>Handed in"
    head += "<th class=n>Believed there<th class=n>Differing</tr>"
    story = f" {escape(world.story)}" if world.story else ""
    about = f"What truly stands where, and what the service believes.{story}"
    sites = f"<h2>Sites</h2><table>{head}{rows}</table>"
    return _page(f"The world “{world.id}”", about, f"{above}{sites}{below}", beliefs, now)


def of_site(landscape: Landscape, site: Site, beliefs: ShownBeliefs, now: datetime) -> str:
    """Return the page of one site: where each of its pages was and is shown."""
    rows = "".join(_page_row(landscape, page, beliefs) for page in site.pages)
    head = "<tr><th>Page<th>Shown by<th>From<th>Until<th>Why it went<th>Case<th>Believed</tr>"
    about = f'{escape(site.host)}. <a href="/world">All sites</a>'
    return _page(f"Site “{site.id}”", about, f"<table>{head}{rows}</table>", beliefs, now)


def document(title: str, about: str, content: str, *, refreshes: bool = False) -> str:
    """Return a whole page of the lab."""
    refresh = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if refreshes else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{refresh}'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/world.css"></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{about}</p>{content}</main></body></html>\n"
    )


def _page(title: str, about: str, content: str, beliefs: ShownBeliefs, now: datetime) -> str:
    told = f" The service told what it believes at {beliefs.at:%d %b %H:%M}." if beliefs.at else ""
    there = f"It is {now:%A %d %B %Y, %H:%M} UTC there. {about}{told}"
    return document(title, there, content, refreshes=True)


def _site_row(landscape: Landscape, site: Site, beliefs: ShownBeliefs, now: datetime) -> str:
    known = [(page, beliefs.get(landscape.url(page))) for page in site.pages]
    there = sum(landscape.is_shown(page.id) for page in site.pages)
    handed_in = [(page, belief) for page, belief in known if belief is not None]
    believed = sum(belief.presence in THERE for _, belief in handed_in)
    differing = sum(differs(landscape, page, belief) for page, belief in handed_in)
    mark = " class=differs" if differing else ""
    return (
        f'<tr{mark}><td><a href="/world/{escape(site.id)}">{escape(site.id)}</a>'
        f"<div class=s>{escape(site.host)}</div><td>{_hosts(landscape, site, now)}"
        f"<td>{_name(landscape, site)}<td class=n>{len(site.pages)}<td class=n>{there}"
        f"<td class=n>{len(handed_in)}<td class=n>{believed}<td class=n>{differing}</tr>"
    )


def _page_row(landscape: Landscape, page: WorldPage, beliefs: ShownBeliefs) -> str:
    belief = beliefs.get(landscape.url(page))
    showings = landscape.showings(page.id)
    mark = " class=differs" if belief and differs(landscape, page, belief) else ""
    lines = list(_showings(landscape, showings))
    first, *rest = lines
    case = f"<td>{escape(belief.reference)}<td>{escape(belief.word)}" if belief else "<td>–<td>not handed in"
    more = "".join(f"<tr{mark}><td>{line}<td><td></tr>" for line in rest)
    return f"<tr{mark}><td>{escape(page.id)}{first}{case}</tr>{more}"


def _showings(landscape: Landscape, showings: Iterable[Showing]) -> Iterator[str]:
    providers = landscape.world.providers
    for one in showings:
        names = " before ".join(escape(providers[party].name) for party in one.placement.parties)
        until = (
            f"<span class=gone>{one.until:%d %b %H:%M}</span>" if one.until else "<span class=up>there</span>"
        )
        yield f"<td>{names}<td>{one.begin:%d %b %H:%M}<td>{until}<td>{escape(one.why) or '–'}"


def differs(landscape: Landscape, page: WorldPage, belief: ShownBelief) -> bool:
    """Tell whether the service takes a page for gone that is there, or has yet to find out that it went."""
    return landscape.is_shown(page.id) != (belief.presence in THERE)


def _hosts(landscape: Landscape, site: Site, now: datetime) -> str:
    providers = landscape.world.providers
    led_to = landscape.addresses(site, now)
    lines = []
    for placement in landscape.placements(site):
        names = " before ".join(escape(providers[party].name) for party in placement.parties)
        turn = "" if placement.address in led_to else " <span class=s>(not its turn)</span>"
        lines.append(f"{names} <span class=s>{placement.address}</span>{turn}")
    return "<br>".join(lines)


def _name(landscape: Landscape, site: Site) -> str:
    registrar = landscape.world.registrar(site)
    suspended = landscape.suspension(site.domain)
    sold = f"<div class=s>sold by {escape(registrar.name)}</div>" if registrar else ""
    if suspended is None:
        return f"<span class=up>leads there</span>{sold}"
    end = "parked" if suspended.parks else "suspended"
    return f"<span class=gone>{end} by the {suspended.by}</span>{sold}"
