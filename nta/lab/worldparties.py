"""What a world file says of its organisations."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network
from typing import Annotated, Any, Self

from pydantic import PlainValidator as ReadBy
from pydantic import model_validator

from nta.domain.languages import NOTICE_LANGUAGES
from nta.lab.parties import (
    Answers,
    Farewell,
    ForeignHotline,
    Mailbox,
    Replies,
    WorldAuthority,
    WorldCountry,
    WorldHotline,
    WorldProvider,
    WorldRegistrar,
    WorldRegistry,
)
from nta.lab.world_validation import Flag, Span, Stretch, Text, Texts, Whole, choice, text, whole
from nta.strict_entries import Strict, WrongKeyError

SUFFIXES = ("test", "example")
ORIGIN = "origin"


def _mail(value: Any) -> str:
    if text(value).count("@") != 1 or not value.endswith(tuple(f".{suffix}" for suffix in SUFFIXES)):
        raise ValueError("must be an address under .test or .example")
    return str(value)


def _network(value: Any) -> IPv4Network:
    try:
        found = IPv4Network(text(value))
    except ValueError:
        raise ValueError("must be a network such as 127.10.0.0/16") from None
    if found.network_address.packed[0] != 127 or found.network_address.packed[1] < 10:
        raise ValueError("must lie in 127.10.0.0 to 127.255.255.255")
    return found


def _asn(value: Any) -> int:
    if not 64496 <= whole(value) <= 64511:
        raise ValueError("must be one of the documentation numbers 64496 to 64511")
    return int(value)


def _parks(value: Any) -> int | None:
    if whole(value) not in (0, 200, 403):
        raise ValueError("must be 200 or 403")
    return value or None


def _suffix(value: Any) -> str:
    if text(value).rpartition(".")[2] not in SUFFIXES:
        raise ValueError(f"must be one of {', '.join(SUFFIXES)}, or a zone under one")
    return str(value)


def _ladder(value: Any) -> Mapping[str, Any]:
    """Return a ladder as it stands: the service's catalogue says what is wrong with it."""
    if not isinstance(value, dict):
        raise ValueError("must hold keys and values")
    if not isinstance(value.get("id"), str):
        raise WrongKeyError(("id",), "must be a text" if "id" in value else "is missing")
    return {str(key): item for key, item in value.items()}


Mail = Annotated[str, ReadBy(_mail)]
Language = Annotated[str, ReadBy(choice(*sorted(NOTICE_LANGUAGES)))]
OfMailbox = Annotated[Mailbox, ReadBy(choice("delivers", "silent", "bounces", "auto_replies"))]
OfFarewell = Annotated[
    Farewell, ReadBy(choice("not_found", "soft404", "legal", "suspended", "locked", "forbidden"))
]
LadderText = Annotated[Mapping[str, Any], ReadBy(_ladder)]


class AnswersText(Strict):
    """How a provider says in the portal what it did."""

    percent: Whole
    sweep: Span
    falsely: Texts = ()
    early: Span = timedelta(days=1)
    says: Annotated[str, ReadBy(choice("removed", "disabled", "account_closed"))] = "removed"

    def made(self) -> Answers:
        return Answers(self.percent / 100, self.sweep, self.falsely, self.early, self.says)


class RepliesText(Strict):
    """What a party says of a page when first told of it."""

    says: Annotated[str, ReadBy(choice("refused", "not_ours", "need_information", "forwarded"))]
    after: Stretch
    whose: Text = ""
    until: Span | None = None
    why: Text = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.until and self.says != "forwarded":
            raise WrongKeyError(("until",), "goes with says: forwarded alone")
        return self

    def made(self) -> Replies:
        return Replies(self.says, self.after, self.whose, self.until, self.why)


class ProviderText(Strict):
    """A hosting company, or a proxy."""

    proxy: Flag = False
    name: Text
    country: Text
    asn: Annotated[int, ReadBy(_asn)]
    network: Annotated[IPv4Network, ReadBy(_network)]
    mail: Mail
    language: Language
    format: Annotated[str, ReadBy(choice("text", "xarf", "csv"))] = "text"
    nested: Flag = False
    listed: Flag = False
    outdated: Mail = ""
    mailbox: OfMailbox
    removes: Stretch | None = None
    ignores: Texts = ()
    farewell: OfFarewell = "not_found"
    answers: AnswersText | None = None
    replies: RepliesText | None = None
    passes_on: Stretch | None = None
    origin_lookup: Flag = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        nobody_behind = "needs proxy: nobody stands behind this provider"
        if self.answers and not self.removes:
            raise WrongKeyError(("answers",), "needs removes: who removes nothing has nothing to answer")
        if self.outdated and not (self.listed or self.proxy):
            raise WrongKeyError(("outdated",), "needs listed: only the catalogue can know an old address")
        if self.passes_on and not self.proxy:
            raise WrongKeyError(("passes_on",), nobody_behind)
        if self.origin_lookup and not self.proxy:
            raise WrongKeyError(("origin_lookup",), nobody_behind)
        if self.replies and self.replies.whose == ORIGIN and not self.proxy:
            raise WrongKeyError(("replies", "whose"), "needs proxy: only a proxy has an origin to name")
        return self

    def made(self, name: str) -> WorldProvider:
        return WorldProvider(
            id=name,
            name=self.name,
            country=self.country,
            asn=self.asn,
            network=self.network,
            mail=self.mail,
            language=self.language,
            format=self.format,
            nested=self.nested,
            listed=self.listed or self.proxy,
            outdated=self.outdated,
            mailbox=self.mailbox,
            removes=self.removes,
            ignores=self.ignores,
            farewell=self.farewell,
            answers=self.answers.made() if self.answers else None,
            replies=self.replies.made() if self.replies else None,
            is_proxy=self.proxy,
            passes_on=self.passes_on,
            tells_origins=self.origin_lookup,
        )


class KeeperText(Strict):
    """Who can end a domain."""

    parks: Annotated[int | None, ReadBy(_parks)] = None
    name: Text
    country: Text
    mail: Mail
    language: Language
    mailbox: OfMailbox
    suspends: Stretch | None = None


class RegistrarText(KeeperText):
    """Sells names."""

    iana_id: Annotated[str, ReadBy(lambda value: str(whole(value)))]
    listed: Flag = False

    def made(self, name: str) -> WorldRegistrar:
        return WorldRegistrar(id=name, **dict(self))


class RegistryText(KeeperText):
    """Runs a suffix."""

    suffix: Annotated[str, ReadBy(_suffix)]
    whois: Flag = False

    def made(self, name: str) -> WorldRegistry:
        return WorldRegistry(id=name, **dict(self))


class HotlineText(Strict):
    """A hotline, ours or one abroad."""

    name: Text
    country: Text
    standing: Text
    languages: Texts = ()
    mail: Mail
    address: Text


class OwnHotlineText(HotlineText):
    """Our own."""

    id: Text

    def made(self) -> WorldHotline:
        return WorldHotline(**dict(self))


class ForeignHotlineText(HotlineText):
    """A hotline abroad."""

    mailbox: OfMailbox
    takes: Stretch | None = None
    until: Span | None = None
    works: Stretch | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.until or self.works) and not self.takes:
            raise WrongKeyError(("takes",), "is missing: who takes no case does no work on it")
        return self

    def made(self, name: str) -> ForeignHotline:
        return ForeignHotline(id=name, **dict(self))


class AuthorityText(Strict):
    """An authority that can order."""

    name: Text
    country: Text
    mail: Mail
    language: Language
    mailbox: OfMailbox
    works: Stretch | None = None

    def made(self, name: str) -> WorldAuthority:
        return WorldAuthority(id=name, **dict(self))


class CountryText(Strict):
    """What the law of a hosting country asks of us."""

    police_first: Flag = False
    police_hold: Span | None = None
    direct: Flag = True
    languages: Texts = ()
    hotlines: Texts = ()

    def made(self, code: str) -> WorldCountry:
        return WorldCountry(code=code, **dict(self))
