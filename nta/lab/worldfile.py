"""Reads a world from YAML into frozen values and refuses one that cannot be played."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeVar, cast

from nta.lab import strict
from nta.lab.strict import Section, WorldError
from nta.lab.world import (
    Answers,
    Fade,
    HandIn,
    Hotline,
    Mailbox,
    Mark,
    Move,
    Page,
    Placement,
    Provider,
    Registry,
    Site,
    Span,
    World,
    page_target,
)

T = TypeVar("T")

WORLDS = Path(__file__).parent / "worlds"
SUFFIXES = ("test", "example")
MAILBOXES = ("delivers", "silent", "bounces")
LANGUAGES = ("nl", "en", "de")


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


def parse_world(text: str, file: str) -> World:
    """Return the world that a YAML text describes; `file` is said in faults."""
    top = Section(strict.load(text, file), file, "")
    seed = top.value("seed", int)
    markers = top.section("markers")
    body_marker, url_marker = markers.value("body", str), markers.value("url", str)
    markers.done()
    providers = _named(top, "providers", _provider)
    registries = _named(top, "registries", _registry)
    sites = {}
    listing = top.section("sites")
    for name in listing.keys():  # noqa: SIM118 (a Section is not a mapping)
        sites[name] = _site(listing.section(name), name, providers, seed, url_marker)
    world = World(
        id=top.value("id", str),
        digest=sha256(text.encode()).hexdigest(),
        seed=seed,
        start=top.moment("start"),
        ends=top.moment("ends"),
        body_marker=body_marker,
        url_marker=url_marker,
        hotline=_hotline(top.section("hotline")),
        providers=providers,
        registries=registries,
        sites=sites,
        hand_ins=tuple(_hand_in(section, sites) for section in top.sections("hand_ins")),
        marks=tuple(_mark(section, sites) for section in top.sections("marks")),
    )
    top.done()
    _check(world, file)
    return world


def _named(top: Section, key: str, read: Callable[[Section, str], T]) -> dict[str, T]:
    listing = top.section(key)
    return {name: read(listing.section(name), name) for name in listing.keys()}  # noqa: SIM118


def _mail(section: Section) -> str:
    found = section.value("mail", str)
    if found.count("@") != 1 or not found.endswith(tuple(f".{suffix}" for suffix in SUFFIXES)):
        raise section.fault("mail", "must be an address under .test or .example")
    return found


def _provider(section: Section, name: str) -> Provider:
    removes = Span(*section.stretch("removes")) if section.has("removes") else None
    answers = _answers(section.section("answers")) if section.has("answers") else None
    found = Provider(
        id=name,
        name=section.value("name", str),
        country=section.value("country", str),
        asn=section.value("asn", int),
        network=_network(section),
        mail=_mail(section),
        language=section.choice("language", LANGUAGES),
        nested=section.value("nested", bool, False),
        listed=section.value("listed", bool, False),
        mailbox=cast(Mailbox, section.choice("mailbox", MAILBOXES)),
        removes=removes,
        answers=answers,
    )
    if not 64496 <= found.asn <= 64511:
        raise section.fault("asn", "must be one of the documentation numbers 64496 to 64511")
    if answers and not removes:
        raise section.fault("answers", "needs removes: who removes nothing has nothing to answer")
    section.done()
    return found


def _network(section: Section) -> IPv4Network:
    try:
        found = IPv4Network(section.value("network", str))
    except ValueError:
        raise section.fault("network", "must be a network such as 127.10.0.0/16") from None
    if found.network_address.packed[0] != 127 or found.network_address.packed[1] < 10:
        raise section.fault("network", "must lie in 127.10.0.0 to 127.255.255.255")
    return found


def _answers(section: Section) -> Answers:
    found = Answers(
        share=section.value("percent", int) / 100,
        sweep=section.span("sweep"),
        falsely=section.texts("falsely"),
        early=section.span("early", "1d"),
    )
    section.done()
    return found


def _registry(section: Section, name: str) -> Registry:
    found = Registry(
        id=name,
        name=section.value("name", str),
        country=section.value("country", str),
        suffix=section.choice("suffix", SUFFIXES),
        mail=_mail(section),
        language=section.choice("language", LANGUAGES),
        mailbox=cast(Mailbox, section.choice("mailbox", MAILBOXES)),
        suspends=Span(*section.stretch("suspends")) if section.has("suspends") else None,
    )
    section.done()
    return found


def _hotline(section: Section) -> Hotline:
    found = Hotline(
        id=section.value("id", str),
        name=section.value("name", str),
        country=section.value("country", str),
        standing=section.value("standing", str),
        languages=section.texts("languages"),
        mail=_mail(section),
        address=section.value("address", str),
    )
    section.done()
    return found


def _site(section: Section, name: str, providers: dict[str, Provider], seed: int, marker: str) -> Site:
    host = section.value("host", str)
    labels = host.split(".")
    if len(labels) < 2 or labels[-1] not in SUFFIXES or host != host.lower():
        raise section.fault("host", "must be a lower-case name under .test or .example")
    count = section.value("pages", int)
    ids = [f"{name}/{number}" for number in range(1, count + 1)]
    pages = tuple(Page(id=key, site=name, target=page_target(seed, marker, key)) for key in ids)
    rotates = section.span("rotates") if section.has("rotates") else None
    found = Site(
        id=name,
        host=host,
        domain=".".join(labels[-2:]),
        alias=section.value("alias", bool, False),
        pages=pages,
        placements=tuple(_placement(part, providers) for part in section.sections("at")),
        rotates=rotates,
        moves=tuple(_move(part, providers) for part in section.sections("moves")),
        fades=tuple(_fade(part, name, count) for part in section.sections("fades")),
    )
    if not found.placements:
        raise section.fault("at", "must name at least one provider and address")
    if len(found.placements) > 1 and not rotates:
        raise section.fault("rotates", "is missing: the site has more than one host")
    section.done()
    return found


def _placement(section: Section, providers: dict[str, Provider]) -> Placement:
    provider = section.choice("provider", list(providers))
    try:
        address = IPv4Address(section.value("address", str))
    except ValueError:
        raise section.fault("address", "must be an IPv4 address") from None
    if address not in providers[provider].network:
        raise section.fault("address", f"does not lie in the network of {provider}")
    section.done()
    return Placement(provider, address)


def _move(section: Section, providers: dict[str, Provider]) -> Move:
    found = Move(at=section.moment("at"), to=_placement(section.section("to"), providers))
    section.done()
    return found


def _fade(section: Section, site: str, count: int) -> Fade:
    numbers = _numbers(section, "pages", count)
    found = Fade(
        pages=tuple(f"{site}/{number}" for number in numbers),
        begin=section.moment("from"),
        end=section.moment("to"),
    )
    if found.begin > found.end:
        raise section.fault("to", "lies before from")
    section.done()
    return found


def _numbers(section: Section, key: str, count: int) -> list[int]:
    """Return page numbers written as all, 4, or "1-3, 7"."""
    written = str(section.raw(key))
    if written == "all":
        return list(range(1, count + 1))
    found: list[int] = []
    for part in written.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise section.fault(key, "must be all, a number, or numbers such as 1-3, 7")
        found.extend(range(int(first), int(last if dash else first) + 1))
    if not found or min(found) < 1 or max(found) > count:
        raise section.fault(key, f"names a page that is not there; the site has 1 to {count}")
    return found


def _hand_in(section: Section, sites: dict[str, Site]) -> HandIn:
    listing = section.section("pages")
    pages: list[str] = []
    for site in listing.keys():  # noqa: SIM118
        if site not in sites:
            raise listing.fault(site, "is no site of this world")
        pages.extend(f"{site}/{n}" for n in _numbers(listing, site, len(sites[site].pages)))
    found = HandIn(
        at=section.moment("at"),
        severity=section.choice("severity", ("normal", "high", "urgent")),
        class_value=section.choice("class", ("baseline", "national"), "baseline"),
        scope=section.choice("scope", ("file", "page", "directory", "site"), "page"),
        pages=tuple(pages),
        broken=section.texts("broken"),
        defanged=section.value("defanged", bool, False),
    )
    section.done()
    return found


def _mark(section: Section, sites: dict[str, Site]) -> Mark:
    site = section.choice("site", list(sites))
    number = section.value("page", int)
    if not 1 <= number <= len(sites[site].pages):
        raise section.fault("page", "is no page of the site")
    found = Mark(
        at=section.moment("at"),
        site=site,
        page=f"{site}/{number}",
        dedicated=section.choice("dedicated", ("yes", "no", "unknown")),
        reason=section.value("reason", str),
    )
    section.done()
    return found


def _check(world: World, file: str) -> None:
    """Refuse what no single entry can show: things used twice, and times out of order."""

    def refuse(what: str) -> None:
        raise WorldError(f"{file}: {what}")

    _once(file, "host", [site.host for site in world.sites.values()])
    _once(file, "asn", [str(provider.asn) for provider in world.providers.values()])
    _once(file, "mail", [party.mail for party in world.mail_parties()])
    _once(file, "suffix", [registry.suffix for registry in world.registries.values()])
    for one in world.providers.values():
        for other in world.providers.values():
            if one.id < other.id and one.network.overlaps(other.network):
                refuse(f"providers: the networks of {one.id} and {other.id} overlap")
        for page in one.answers.falsely if one.answers else ():
            if page not in {known.id for known in world.pages()}:
                refuse(f"providers.{one.id}.answers.falsely: no such page")
    for moment in _moments(world):
        if not world.start <= moment <= world.ends:
            refuse(f"{moment:%Y-%m-%dT%H:%MZ} lies outside start and ends")
    if world.body_marker in world.url_marker or world.url_marker in world.body_marker:
        refuse("markers: one holds the other")


def _once(file: str, key: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise WorldError(f"{file}: {key} {value} stands twice")


def _moments(world: World) -> list[datetime]:
    found = [hand_in.at for hand_in in world.hand_ins] + [mark.at for mark in world.marks]
    for site in world.sites.values():
        found += [move.at for move in site.moves]
        found += [moment for fade in site.fades for moment in (fade.begin, fade.end)]
    return found
