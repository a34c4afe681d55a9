"""Which keys an entry of each shelf of `providers/` has, and what it becomes."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic import PlainValidator as ReadBy

from nta.catalogue import validation as value
from nta.domain.deadlines import TASK
from nta.domain.escalation.ladders import (
    APPROVALS,
    CONDITIONS,
    Ladder,
    Rung,
    When,
)
from nta.domain.languages import FALLBACK, NOTICE_LANGUAGES
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
from nta.strict_entries import EntryFault, Strict, read_strictly
from nta.strict_yaml import Lined

FORMATS = frozenset({"text", "xarf", "csv"})
_STEM = "stem"

Text = Annotated[str, ReadBy(value.text)]
Page = Annotated[str | None, ReadBy(value.or_none(value.page))]
Flag = Annotated[bool, ReadBy(value.flag)]
Languages = Annotated[tuple[str, ...], ReadBy(value.many(value.language))]
Numbers = Annotated[tuple[int, ...], ReadBy(value.many(value.asn))]
Ranges = Annotated[tuple[str, ...], ReadBy(value.ip_ranges)]


def _own_name(given: Any, info: ValidationInfo) -> str:
    """Read an id, which is the name of its file: so each is there once."""
    stem: str = info.context[_STEM] if info.context else ""
    if value.identifier(given) != stem:
        raise ValueError(f"must be the name of the file, {stem}")
    return stem


def _own_code(given: Any, info: ValidationInfo) -> str:
    """Read a country's code, which is the name of its file; `default` stands for all others."""
    stem: str = info.context[_STEM] if info.context else ""
    if (value.text if stem == "default" else value.code)(given) != stem:
        raise ValueError(f"must be the name of the file, {stem}")
    return stem


def _notices_language(given: Any) -> str:
    if given not in NOTICE_LANGUAGES:
        raise ValueError(f"is not a key here (there are {', '.join(sorted(NOTICE_LANGUAGES))})")
    return str(given)


ByLanguage = dict[
    Annotated[str, ReadBy(_notices_language)], Annotated[str | None, ReadBy(value.or_none(value.text))]
]


def _said(by_language: Mapping[str, str | None] | None) -> Mapping[str, str]:
    return {code: words for code, words in (by_language or {}).items() if words}


class ShelfEntry(Strict):
    """One file of a shelf."""

    @abstractmethod
    def made(self, mapping: Lined) -> Any:
        """Return what the entry becomes; `mapping` is the file as it was read."""


ADDRESSES: Mapping[str, Callable[[Any], str]] = {
    MAIL: value.mailbox,
    "http": value.matching(r"https://[\x21-\x7e]{1,246}", "the address to post to, https://"),
}
"""How the address looks that each channel asks for."""


def _address(given: Any, info: ValidationInfo) -> str:
    """Read the address in the form of its channel, which was read before it."""
    return ADDRESSES[info.data.get("channel", MAIL)](given)


class RouteEntry(Strict):
    """How notices reach a party."""

    channel: Annotated[str, ReadBy(value.one_of(ADDRESSES))] = MAIL
    to: Annotated[str, ReadBy(_address)]
    language: Annotated[str, ReadBy(value.language)] = FALLBACK
    format: Annotated[str, ReadBy(value.one_of(FORMATS))] = "text"


class PartyEntry(ShelfEntry):
    """What every organisation has."""

    id: Annotated[str, ReadBy(_own_name)]
    name: Text
    country: Annotated[str | None, ReadBy(value.or_none(value.code))] = None
    notices: RouteEntry | None = None
    source: Text
    checked: Annotated[date, ReadBy(value.day)]
    form: Page = None

    def _party(self, shelf: str) -> dict[str, Any]:
        route = self.notices
        return {
            "id": f"{shelf}:{self.id}",
            "name": self.name,
            "country": self.country,
            "notices": NoticeRoute(route.to, route.language, route.format, route.channel) if route else None,
            "source": self.source,
            "checked": self.checked,
            "form": self.form,
        }


class HostEntry(PartyEntry):
    asns: Numbers = ()
    ranges: Ranges = ()

    def made(self, mapping: Lined) -> Provider:
        return Provider(**self._party("hosting"), asns=self.asns, ranges=self.ranges)


_header = value.matching(r"[a-z][a-z0-9-]{3,63}", "the name of a header field in lower case")


class ProxyEntry(PartyEntry):
    asns: Numbers = ()
    ranges: Ranges = ()
    cnames: Annotated[tuple[str, ...], ReadBy(value.many(value.domain))] = ()
    headers: Annotated[tuple[str, ...], ReadBy(value.many(_header))] = ()

    def made(self, mapping: Lined) -> Provider:
        return Provider(
            **self._party("proxy"),
            asns=self.asns,
            ranges=self.ranges,
            cnames=self.cnames,
            headers=self.headers,
        )


class RegistrarEntry(PartyEntry):
    iana_id: Annotated[str | None, ReadBy(value.or_none(value.iana_id))] = None
    rdap: Page = None

    def made(self, mapping: Lined) -> Registrar:
        return Registrar(**self._party("registrar"), iana_id=self.iana_id, rdap=self.rdap)


class RegistryEntry(PartyEntry):
    suffixes: Annotated[tuple[str, ...], ReadBy(value.many(value.suffix))]

    def made(self, mapping: Lined) -> Registry:
        return Registry(**self._party("registry"), suffixes=self.suffixes)


class HotlineEntry(PartyEntry):
    standing: Text = ""
    languages: Languages = (FALLBACK,)
    address: Text = ""
    enabled: Flag = True
    standing_in: ByLanguage | None = None
    trusted_flagger: Text = ""

    def made(self, mapping: Lined) -> Hotline:
        return Hotline(
            **self._party("hotline"),
            standing=self.standing,
            languages=self.languages,
            address=self.address,
            enabled=self.enabled,
            standing_in=_said(self.standing_in),
            trusted_flagger=self.trusted_flagger,
        )


class AuthorityEntry(PartyEntry):
    police: Flag = False

    def made(self, mapping: Lined) -> Authority:
        return Authority(**self._party("authority"), police=self.police)


def _term(given: Any) -> timedelta:
    within = value.duration(given)
    if within > TASK:
        raise ValueError("must be at most 24h: no silence of a ladder is shorter")
    return within


class WaitingEntry(Strict):
    """How long a new contact waits for a person's word."""

    approve_within: Annotated[timedelta, ReadBy(_term)]


def _use_or_wait(given: Any) -> Any:
    if given == "use":
        return None
    if not isinstance(given, dict):
        raise ValueError("must be use, or {approve_within: 4h}")
    return given


def _hotline_id(given: Any) -> str:
    return f"hotline:{value.identifier(given)}"


def _authority_id(given: Any) -> str:
    return f"authority:{value.identifier(given)}"


class CountryEntry(ShelfEntry):
    code: Annotated[str, ReadBy(_own_code)]
    name: Text
    police_first: Flag
    police_hold: Annotated[timedelta | None, ReadBy(value.or_none(value.duration))] = None
    direct: Flag
    languages: Languages
    law: Text
    hotlines: Annotated[tuple[str, ...], ReadBy(value.many(_hotline_id))] = ()
    source: Text
    checked: Annotated[date, ReadBy(value.day)]
    police: Annotated[str | None, ReadBy(value.or_none(_authority_id))] = None
    law_in: ByLanguage | None = None
    eu: Annotated[bool | None, ReadBy(value.or_none(value.flag))] = None
    new_contacts: Annotated[WaitingEntry | None, BeforeValidator(_use_or_wait)] = None
    site_owner: Flag = False

    def made(self, mapping: Lined) -> Country:
        said = {name: getattr(self, name) for name in type(self).model_fields}
        waiting = said.pop("new_contacts")
        return Country(
            **said | {"law_in": _said(self.law_in)},
            new_contacts_wait=waiting.approve_within if waiting else None,
        )


class WhenEntry(Strict):
    """Which cases a ladder is for."""

    hosted_in: Annotated[tuple[str, ...], ReadBy(value.many(value.code))] = ()
    severity: Annotated[tuple[str, ...], ReadBy(value.many(value.one_of(Severity)))] = ()
    abroad: Annotated[bool | None, ReadBy(value.or_none(value.flag))] = None


class NeedsEntry(Strict):
    """What must have been seen before a rung is climbed."""

    seen_up_within: Annotated[timedelta, ReadBy(value.duration)]


def _party_of_one_role(given: Any, info: ValidationInfo) -> str | None:
    name = value.or_none(value.identifier)(given)
    if name and len(info.data.get("tell") or (name,)) != 1:
        raise ValueError("needs one role in tell")
    return name


_SHELF_OF = {Role.HOST: "hosting", Role.PROXY: "proxy", Role.POLICE: "authority"}


class RungEntry(Strict):
    """One rung of a ladder."""

    tell: Annotated[tuple[Role, ...], ReadBy(value.one_or_many(value.member(Role)))]
    party: Annotated[str | None, ReadBy(_party_of_one_role)] = None
    id: Annotated[str, ReadBy(value.identifier)]
    kind: Annotated[NoticeKind, ReadBy(value.member(NoticeKind))]
    wait: Annotated[timedelta, ReadBy(value.duration)] = timedelta(0)
    only_if: Annotated[str | None, ReadBy(value.or_none(value.one_of(CONDITIONS)))] = None
    needs: NeedsEntry | None = None
    dossier: Flag = False
    approval: Annotated[str | None, ReadBy(value.or_none(value.one_of(APPROVALS)))] = None

    def rung(self) -> Rung:
        """Return the rung."""
        return Rung(
            id=self.id,
            tell=self.tell,
            kind=self.kind,
            wait=self.wait,
            only_if=self.only_if,
            seen_up_within=self.needs.seen_up_within if self.needs else None,
            dossier=self.dossier,
            approval=self.approval,
            party=f"{_SHELF_OF.get(self.tell[0], self.tell[0])}:{self.party}" if self.party else None,
        )


def _each_once(rungs: tuple[RungEntry, ...]) -> tuple[RungEntry, ...]:
    if not rungs or len({rung.id for rung in rungs}) < len(rungs):
        raise ValueError("must be at least one, each with an id of its own")
    return rungs


class LadderEntry(ShelfEntry):
    id: Annotated[str, ReadBy(_own_name)]
    rungs: Annotated[tuple[RungEntry, ...], AfterValidator(_each_once)]
    when: WhenEntry | None = None

    def made(self, mapping: Lined) -> Ladder:
        when = self.when or WhenEntry()
        return Ladder(
            self.id,
            When(hosted_in=when.hosted_in, severity=when.severity, abroad=when.abroad),
            tuple(rung.rung() for rung in self.rungs),
            _digest(mapping),
        )


def _digest(mapping: Lined) -> str:
    """Return a short digest of what an entry says, however it is laid out."""
    plain = json.dumps(mapping, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


SHELVES: Mapping[str, type[ShelfEntry]] = {
    "hosting": HostEntry,
    "proxies": ProxyEntry,
    "registrars": RegistrarEntry,
    "registries": RegistryEntry,
    "hotlines": HotlineEntry,
    "authorities": AuthorityEntry,
    "countries": CountryEntry,
    "ladders": LadderEntry,
}


def read_entry(shelf: str, stem: str, mapping: Lined) -> Any | list[EntryFault]:
    """Return what the file `stem` of a shelf says, or all that is wrong with it."""
    entry = read_strictly(SHELVES[shelf], mapping, {_STEM: stem})
    return entry if isinstance(entry, list) else entry.made(mapping)
