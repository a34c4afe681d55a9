"""Which keys an entry of each shelf of `providers/` has, and what it becomes."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from nta.catalogue.validation import (
    EntryReader,
    asn,
    code,
    day,
    domain,
    duration,
    flag,
    iana_id,
    identifier,
    ip_ranges,
    language,
    mailbox,
    many,
    matching,
    member,
    one_of,
    one_or_many,
    or_none,
    page,
    suffix,
    text,
)
from nta.domain.deadlines import TASK
from nta.domain.escalation.ladders import (
    APPROVALS,
    CONDITIONS,
    Ladder,
    Rung,
    When,
)
from nta.domain.notices.contact_choice import LANGUAGES
from nta.domain.parties.contact_addresses import MAIL
from nta.domain.parties.organisations import (
    Authority,
    Country,
    Hotline,
    NoticeRoute,
    Provider,
    Registrar,
    Registry,
)
from nta.domain.roles import NoticeKind, Role, Severity

FORMATS = frozenset({"text", "xarf", "csv"})


def _named(entry: EntryReader, key: str, stem: str, convert: Callable[[Any], str]) -> None:
    found = entry.take(key, convert)
    if found is not None and found != stem:
        entry.fault(key, f"must be the name of the file, {stem}")


ADDRESSES: Mapping[str, Callable[[Any], str]] = {
    MAIL: mailbox,
    "http": matching(r"https://[\x21-\x7e]{1,246}", "the address to post to, https://"),
}
"""How the address looks that each channel asks for."""


def _route(entry: EntryReader) -> NoticeRoute:
    channel = entry.take("channel", one_of(ADDRESSES), MAIL)
    return NoticeRoute(
        to=entry.take("to", ADDRESSES[channel or MAIL]),
        channel=channel,
        language=entry.take("language", language, "en"),
        format=entry.take("format", one_of(FORMATS), "text"),
    )


def _party(entry: EntryReader, stem: str, shelf: str) -> dict[str, Any]:
    """Return the values that every organisation has."""
    _named(entry, "id", stem, identifier)
    return {
        "id": f"{shelf}:{stem}",
        "name": entry.take("name", text),
        "country": entry.take("country", or_none(code), None),
        "notices": entry.within("notices", _route),
        "source": entry.take("source", text),
        "checked": entry.take("checked", day),
        "form": entry.take("form", or_none(page), None),
    }


def _host(entry: EntryReader, stem: str) -> Provider:
    return Provider(
        **_party(entry, stem, "hosting"),
        asns=entry.take("asns", many(asn), ()),
        ranges=entry.take("ranges", ip_ranges, ()),
    )


_header = matching(r"[a-z][a-z0-9-]{3,63}", "the name of a header field in lower case")


def _proxy(entry: EntryReader, stem: str) -> Provider:
    return Provider(
        **_party(entry, stem, "proxy"),
        asns=entry.take("asns", many(asn), ()),
        ranges=entry.take("ranges", ip_ranges, ()),
        cnames=entry.take("cnames", many(domain), ()),
        headers=entry.take("headers", many(_header), ()),
    )


def _registrar(entry: EntryReader, stem: str) -> Registrar:
    return Registrar(
        **_party(entry, stem, "registrar"),
        iana_id=entry.take("iana_id", or_none(iana_id), None),
        rdap=entry.take("rdap", or_none(page), None),
    )


def _registry(entry: EntryReader, stem: str) -> Registry:
    return Registry(**_party(entry, stem, "registry"), suffixes=entry.take("suffixes", many(suffix)))


def _by_language(entry: EntryReader, key: str) -> Mapping[str, str]:
    """Return what a key says in the languages that notices have."""

    def read(said: EntryReader) -> Mapping[str, str]:
        texts = {code: said.take(code, or_none(text), None) for code in sorted(LANGUAGES)}
        return {code: words for code, words in texts.items() if words}

    return entry.within(key, read) or {}


def _hotline(entry: EntryReader, stem: str) -> Hotline:
    return Hotline(
        **_party(entry, stem, "hotline"),
        standing=entry.take("standing", text, ""),
        languages=entry.take("languages", many(language), ("en",)),
        address=entry.take("address", text, ""),
        enabled=entry.take("enabled", flag, True),
        standing_in=_by_language(entry, "standing_in"),
        trusted_flagger=entry.take("trusted_flagger", text, ""),
    )


def _authority(entry: EntryReader, stem: str) -> Authority:
    return Authority(**_party(entry, stem, "authority"), police=entry.take("police", flag, False))


def _term(value: Any) -> timedelta:
    within = duration(value)
    if within > TASK:
        raise ValueError("must be at most 24h: no silence of a ladder is shorter")
    return within


def _new_contacts(entry: EntryReader) -> timedelta | None:
    """Return how long a new contact waits for a person's word; None where it is used at once."""
    said: Any = entry.take("new_contacts", lambda plain: plain, "use")
    if isinstance(said, str):
        if said != "use":
            entry.fault("new_contacts", "must be use, or {approve_within: 4h}")
        return None
    child = entry.child("new_contacts", said)
    within = child.take("approve_within", _term)
    child.is_sound()
    return within


def _country(entry: EntryReader, stem: str) -> Country:
    _named(entry, "code", stem, text if stem == "default" else code)
    return Country(
        code=stem,
        name=entry.take("name", text),
        police_first=entry.take("police_first", flag),
        police_hold=entry.take("police_hold", or_none(duration), None),
        direct=entry.take("direct", flag),
        languages=entry.take("languages", many(language)),
        law=entry.take("law", text),
        hotlines=entry.take("hotlines", many(lambda one: f"hotline:{identifier(one)}"), ()),
        source=entry.take("source", text),
        checked=entry.take("checked", day),
        police=entry.take("police", or_none(lambda one: f"authority:{identifier(one)}"), None),
        law_in=_by_language(entry, "law_in"),
        eu=entry.take("eu", or_none(flag), None),
        new_contacts_wait=_new_contacts(entry),
        site_owner=entry.take("site_owner", flag, False),
    )


def _when(entry: EntryReader) -> When:
    return When(
        hosted_in=entry.take("hosted_in", many(code), ()),
        severity=entry.take("severity", many(one_of(Severity)), ()),
        abroad=entry.take("abroad", or_none(flag), None),
    )


_SHELF_OF = {Role.HOST: "hosting", Role.PROXY: "proxy", Role.POLICE: "authority"}


def _rung(entry: EntryReader) -> Rung:
    tell = entry.take("tell", one_or_many(member(Role)))
    party = entry.take("party", or_none(identifier), None)
    if party and tell and len(tell) != 1:
        entry.fault("party", "needs one role in tell")
    return Rung(
        id=entry.take("id", identifier),
        tell=tell,
        kind=entry.take("kind", member(NoticeKind)),
        wait=entry.take("wait", duration, timedelta(0)),
        only_if=entry.take("only_if", or_none(one_of(CONDITIONS)), None),
        seen_up_within=entry.within("needs", lambda needs: needs.take("seen_up_within", duration)),
        dossier=entry.take("dossier", flag, False),
        approval=entry.take("approval", or_none(one_of(APPROVALS)), None),
        party=f"{_SHELF_OF.get(tell[0], tell[0])}:{party}" if party and tell else None,
    )


def _ladder(entry: EntryReader, stem: str) -> Ladder:
    _named(entry, "id", stem, identifier)
    rungs: list[Rung] = []
    for number, plain in enumerate(entry.take("rungs", many(lambda rung: rung)) or (), 1):
        part = entry.child("rungs", plain, f"rung {number}")
        rungs.append(_rung(part))
        part.is_sound()
    ids = [rung.id for rung in rungs]
    if not rungs or len(set(ids)) < len(ids):
        entry.fault("rungs", "must be at least one, each with an id of its own")
    when = entry.within("when", _when) or When()
    return Ladder(stem, when, tuple(rungs), entry.digest())


SHELVES: Mapping[str, Callable[[EntryReader, str], Any]] = {
    "hosting": _host,
    "proxies": _proxy,
    "registrars": _registrar,
    "registries": _registry,
    "hotlines": _hotline,
    "authorities": _authority,
    "countries": _country,
    "ladders": _ladder,
}
