"""Reads a world from YAML into frozen values and refuses one that cannot be played."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo

from nta.lab.parties import Parties, WorldHotline
from nta.lab.world import Placement, World
from nta.lab.world_validation import Moment, Name, Text, Whole, WorldError, read_world_text
from nta.lab.worldparties import (
    AuthorityText,
    CountryText,
    ForeignHotlineText,
    LadderText,
    OwnHotlineText,
    ProviderText,
    RegistrarText,
    RegistryText,
)
from nta.lab.worldplans import ActText, ApprovalText, HandInText
from nta.lab.worldsites import SiteText
from nta.strict_entries import Strict

WORLDS = Path(__file__).parent / "worlds"
OURS = WorldHotline(
    id="lab-hotline",
    name="Lab Hotline",
    country="NL",
    standing="Trusted flagger under the Digital Services Act",
    languages=("nl", "en"),
    mail="desk@hotline.test",
    address="1 Loopback Lane, Example",
)
"""Who we are in a world that does not say."""


def read_world(name: str) -> World:
    """Return the world of a file, or of a name under worlds/.

    Raises:
        WorldError: there is no such file, or it cannot be played.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else WORLDS / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in WORLDS.glob("*.yaml")))
        raise WorldError(f"{path.name}: {error.strerror}; worlds that come along: {known}") from None
    return parse_world(text, path.name)


def _kept(shelf: str) -> AfterValidator:
    """Return what lets later parts of the file be checked by this one."""

    def keep(found: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        if info.context is not None:
            info.context[shelf] = found
        return found

    return AfterValidator(keep)


class MarkersText(Strict):
    """The words that stand in every page, and in every path: where they turn up, something leaked."""

    body: Text
    url: Text


class ExpectText(Strict):
    """What the story must come to, for whoever plays it; the lab itself does not look at it."""

    cases: Any = None
    episodes: Any = None
    outcomes: Any = None
    events: Any = None
    notices: Any = None
    figures: Any = None


class WorldText(Strict):
    """A world file."""

    seed: Whole = 1
    markers: MarkersText = MarkersText(body="marrowquill", url="tidelantern")
    providers: Annotated[dict[Name, ProviderText], _kept("providers")]
    registrars: Annotated[dict[Name, RegistrarText], _kept("registrars")] = {}  # noqa: RUF012 (frozen)
    registries: dict[Name, RegistryText]
    hotlines: dict[Name, ForeignHotlineText] = {}  # noqa: RUF012
    authorities: dict[Name, AuthorityText] = {}  # noqa: RUF012
    countries: dict[Name, CountryText] = {}  # noqa: RUF012
    ladders: tuple[LadderText, ...] = ()
    sites: Annotated[dict[Name, SiteText], _kept("sites")]
    id: Text
    story: Text = ""
    expect: ExpectText = ExpectText()
    start: Moment
    ends: Moment
    hotline: OwnHotlineText | None = None
    hand_ins: tuple[HandInText, ...] = ()
    acts: tuple[ActText, ...] = ()
    approvals: tuple[ApprovalText, ...] = ()


def parse_world(text: str, file: str) -> World:
    """Return the world that a YAML text describes; `file` is said in faults."""
    said = read_world_text(WorldText, text, file)
    world = World(
        id=said.id,
        story=said.story,
        expect={key: value for key, value in said.expect if key in said.expect.model_fields_set},
        digest=sha256(text.encode()).hexdigest(),
        seed=said.seed,
        start=said.start,
        ends=said.ends,
        body_marker=said.markers.body,
        url_marker=said.markers.url,
        hotline=said.hotline.made() if said.hotline else OURS,
        parties=_parties(said),
        sites={
            name: site.made(name, said.registrars, said.seed, said.markers.url)
            for name, site in said.sites.items()
        },
        hand_ins=tuple(one.made() for one in said.hand_ins),
        acts=tuple(one.made() for one in said.acts),
        approvals=tuple(visit for one in said.approvals for visit in one.made()),
    )
    _check(world, file)
    return world


def _parties(said: WorldText) -> Parties:
    return Parties(
        providers={name: one.made(name) for name, one in said.providers.items()},
        registrars={name: one.made(name) for name, one in said.registrars.items()},
        registries={name: one.made(name) for name, one in said.registries.items()},
        hotlines={name: one.made(name) for name, one in said.hotlines.items()},
        authorities={name: one.made(name) for name, one in said.authorities.items()},
        countries={name: one.made(name) for name, one in said.countries.items()},
        ladders=said.ladders,
    )


def _check(world: World, file: str) -> None:
    """Refuse what no single entry can show: things used twice, and times out of order.

    Raises:
        WorldError: the first of what is wrong.
    """
    _once(file, "host", [site.host for site in world.sites.values()])
    _once(file, "asn", [str(provider.asn) for provider in world.providers.values()])
    _once(file, "mail", _mails(world))
    _once(file, "suffix", [registry.suffix for registry in world.registries.values()])
    _once(file, "iana_id", [registrar.iana_id for registrar in world.parties.registrars.values()])
    for fault in (*_of_parties(world), *_of_sites(world)):
        raise WorldError(f"{file}: {fault}")
    if world.body_marker in world.url_marker or world.url_marker in world.body_marker:
        raise WorldError(f"{file}: markers: one holds the other")


def _of_parties(world: World) -> Iterator[str]:
    pages = {page.id for page in world.pages()}
    for one, other in combinations(world.providers.values(), 2):
        if one.network.overlaps(other.network):
            yield f"providers: the networks of {one.id} and {other.id} overlap"
    for one in world.providers.values():
        for page in one.answers.falsely if one.answers else ():
            if page not in pages:
                yield f"providers.{one.id}.answers.falsely: no such page"
        if not pages.issuperset(one.ignores):
            yield f"providers.{one.id}.ignores: no such page"
    for country in world.parties.countries.values():
        for hotline in country.hotlines:
            if hotline not in world.parties.hotlines:
                yield f"countries.{country.code}.hotlines: there is no {hotline}"


def _of_sites(world: World) -> Iterator[str]:
    for site in world.sites.values():
        if site.downs and len(_hosts_of(world, site.placements[0])) > 1:
            yield f"sites.{site.id}.down: its machine serves other sites, which would be down too"
    for moment in _moments(world):
        if not world.start <= moment <= world.ends:
            yield f"{moment:%Y-%m-%dT%H:%MZ} lies outside start and ends"


def _mails(world: World) -> list[str]:
    parties = world.parties
    shelves: tuple[Mapping[str, Any], ...] = (
        parties.providers,
        parties.registrars,
        parties.registries,
        parties.hotlines,
        parties.authorities,
    )
    found = [one.mail for shelf in shelves for one in shelf.values()]
    return [world.hotline.mail, *found, *(one.outdated for one in parties.providers.values() if one.outdated)]


def _hosts_of(world: World, placement: Placement) -> list[str]:
    return [s.id for s in world.sites.values() if any(p.address == placement.address for p in s.placements)]


def _once(file: str, key: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise WorldError(f"{file}: {key} {value} stands twice")


def _moments(world: World) -> list[datetime]:
    found = [hand_in.at for hand_in in world.hand_ins] + [act.at for act in world.acts]
    found += [visit.at for visit in world.approvals]
    for site in world.sites.values():
        found += [move.at for move in site.moves]
        found += [moment for fade in site.fades for moment in (fade.begin, fade.end)]
        found += [moment for down in site.downs for moment in (down.begin, down.end)]
    return found
