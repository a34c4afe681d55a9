"""Reads the organisations of a world file."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, TypeVar, cast

from nta.domain.languages import NOTICE_LANGUAGES
from nta.lab.parties import (
    Answers,
    DrawnSpan,
    Farewell,
    ForeignHotline,
    Mailbox,
    Parties,
    Replies,
    WorldAuthority,
    WorldCountry,
    WorldHotline,
    WorldProvider,
    WorldRegistrar,
    WorldRegistry,
)
from nta.lab.world_validation import Section

T = TypeVar("T")

SUFFIXES = ("test", "example")
MAILBOXES = ("delivers", "silent", "bounces", "auto_replies")
FORMATS = ("text", "xarf", "csv")
FAREWELLS = ("not_found", "soft404", "legal", "suspended", "locked", "forbidden")
REMOVED = ("removed", "disabled", "account_closed")
REPLIES = ("refused", "not_ours", "need_information", "forwarded")
ORIGIN = "origin"


def read_parties(top: Section) -> Parties:
    """Return all organisations of a world file."""
    return Parties(
        providers=_named(top, "providers", _provider),
        registrars=_named(top, "registrars", _registrar),
        registries=_named(top, "registries", _registry),
        hotlines=_named(top, "hotlines", _foreign_hotline),
        authorities=_named(top, "authorities", _authority),
        countries=_named(top, "countries", _country),
        ladders=tuple(_ladder(section) for section in top.sections("ladders")),
    )


def read_hotline(section: Section) -> WorldHotline:
    """Return our own hotline."""
    found = WorldHotline(**_hotline(section, section.value("id", str)))
    section.done()
    return found


def _named(top: Section, key: str, read: Callable[[Section, str], T]) -> dict[str, T]:
    if not top.has(key) and key not in ("providers", "registries"):
        return {}
    listing = top.section(key)
    return {name: read(listing.section(name), name) for name in listing.keys()}  # noqa: SIM118


def _mail(section: Section, key: str = "mail") -> str:
    found = section.value(key, str)
    if found.count("@") != 1 or not found.endswith(tuple(f".{suffix}" for suffix in SUFFIXES)):
        raise section.fault(key, "must be an address under .test or .example")
    return found


def _span(section: Section, key: str) -> DrawnSpan | None:
    return DrawnSpan(*section.stretch(key)) if section.has(key) else None


def _mailbox(section: Section) -> Mailbox:
    return cast(Mailbox, section.choice("mailbox", MAILBOXES))


def _provider(section: Section, name: str) -> WorldProvider:
    is_proxy = section.value("proxy", bool, False)
    found = WorldProvider(
        id=name,
        name=section.value("name", str),
        country=section.value("country", str),
        asn=section.value("asn", int),
        network=_network(section),
        mail=_mail(section),
        language=section.choice("language", sorted(NOTICE_LANGUAGES)),
        format=section.choice("format", FORMATS, "text"),
        nested=section.value("nested", bool, False),
        listed=section.value("listed", bool, False) or is_proxy,
        outdated=_mail(section, "outdated") if section.has("outdated") else "",
        mailbox=_mailbox(section),
        removes=_span(section, "removes"),
        ignores=section.texts("ignores"),
        farewell=cast(Farewell, section.choice("farewell", FAREWELLS, "not_found")),
        answers=_answers(section.section("answers")) if section.has("answers") else None,
        replies=_replies(section.section("replies")) if section.has("replies") else None,
        is_proxy=is_proxy,
        passes_on=_span(section, "passes_on"),
        tells_origins=section.value("origin_lookup", bool, False),
    )
    if not 64496 <= found.asn <= 64511:
        raise section.fault("asn", "must be one of the documentation numbers 64496 to 64511")
    if found.answers and not found.removes:
        raise section.fault("answers", "needs removes: who removes nothing has nothing to answer")
    if found.outdated and not found.listed:
        raise section.fault("outdated", "needs listed: only the catalogue can know an old address")
    if found.passes_on and not is_proxy:
        raise section.fault("passes_on", "needs proxy: nobody stands behind this provider")
    if found.tells_origins and not is_proxy:
        raise section.fault("origin_lookup", "needs proxy: nobody stands behind this provider")
    if found.replies and found.replies.whose == ORIGIN and not is_proxy:
        raise section.fault("replies.whose", "needs proxy: only a proxy has an origin to name")
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
        says=section.choice("says", REMOVED, "removed"),
    )
    section.done()
    return found


def _replies(section: Section) -> Replies:
    found = Replies(
        says=section.choice("says", REPLIES),
        after=DrawnSpan(*section.stretch("after")),
        whose=section.value("whose", str, ""),
        until=section.span("until") if section.has("until") else None,
        why=section.value("why", str, ""),
    )
    if found.until and found.says != "forwarded":
        raise section.fault("until", "goes with says: forwarded alone")
    section.done()
    return found


def _keeper(section: Section, name: str) -> dict[str, Any]:
    parks = section.value("parks", int, 0)
    if parks not in (0, 200, 403):
        raise section.fault("parks", "must be 200 or 403")
    return {
        "id": name,
        "name": section.value("name", str),
        "country": section.value("country", str),
        "mail": _mail(section),
        "language": section.choice("language", sorted(NOTICE_LANGUAGES)),
        "mailbox": _mailbox(section),
        "suspends": _span(section, "suspends"),
        "parks": parks or None,
    }


def _registrar(section: Section, name: str) -> WorldRegistrar:
    found = WorldRegistrar(
        **_keeper(section, name),
        iana_id=str(section.value("iana_id", int)),
        listed=section.value("listed", bool, False),
    )
    section.done()
    return found


def _registry(section: Section, name: str) -> WorldRegistry:
    suffix = section.value("suffix", str)
    if suffix.rpartition(".")[2] not in SUFFIXES:
        raise section.fault("suffix", f"must be one of {', '.join(SUFFIXES)}, or a zone under one")
    found = WorldRegistry(**_keeper(section, name), suffix=suffix, whois=section.value("whois", bool, False))
    section.done()
    return found


def _hotline(section: Section, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": section.value("name", str),
        "country": section.value("country", str),
        "standing": section.value("standing", str),
        "languages": section.texts("languages"),
        "mail": _mail(section),
        "address": section.value("address", str),
    }


def _foreign_hotline(section: Section, name: str) -> ForeignHotline:
    found = ForeignHotline(
        **_hotline(section, name),
        mailbox=_mailbox(section),
        takes=_span(section, "takes"),
        until=section.span("until") if section.has("until") else None,
        works=_span(section, "works"),
    )
    if (found.until or found.works) and not found.takes:
        raise section.fault("takes", "is missing: who takes no case does no work on it")
    section.done()
    return found


def _authority(section: Section, name: str) -> WorldAuthority:
    found = WorldAuthority(
        id=name,
        name=section.value("name", str),
        country=section.value("country", str),
        mail=_mail(section),
        language=section.choice("language", sorted(NOTICE_LANGUAGES)),
        mailbox=_mailbox(section),
        works=_span(section, "works"),
    )
    section.done()
    return found


def _country(section: Section, name: str) -> WorldCountry:
    found = WorldCountry(
        code=name,
        police_first=section.value("police_first", bool, False),
        police_hold=section.span("police_hold") if section.has("police_hold") else None,
        direct=section.value("direct", bool, True),
        languages=section.texts("languages"),
        hotlines=section.texts("hotlines"),
    )
    section.done()
    return found


def _ladder(section: Section) -> Mapping[str, Any]:
    """Return a ladder as it stands: the service's catalogue says what is wrong with it."""
    section.value("id", str)
    return {key: section.raw(key) for key in section.keys()}  # noqa: SIM118
