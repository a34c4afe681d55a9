"""What a world file says of its sites: where they stand, how they treat visitors, what becomes of them."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, model_validator
from pydantic import PlainValidator as ReadBy

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
from nta.lab.world_validation import Address, Flag, Moment, Span, Whole, choice, text, whole
from nta.lab.worldparties import SUFFIXES, ProviderText
from nta.strict_entries import Strict, WrongKeyError

_NUMBER = re.compile("[0-9]{1,6}")


def _numbers(value: Any) -> tuple[int, ...] | None:
    """Read page numbers written as all, 4, or "1-3, 7"; None is all."""
    if value == "all":
        return None
    found: list[int] = []
    for part in str(value).split(","):
        first, dash, last = part.strip().partition("-")
        if not _NUMBER.fullmatch(first) or (dash and not _NUMBER.fullmatch(last)):
            raise ValueError("must be all, a number, or numbers such as 1-3, 7")
        found.extend(range(int(first), int(last if dash else first) + 1))
    return tuple(found)


PageNumbers = Annotated[tuple[int, ...] | None, ReadBy(_numbers)]


def page_ids(site: str, numbers: tuple[int, ...] | None, count: int) -> tuple[str, ...]:
    """Return the ids of pages of a site that has so many. Raises: ValueError when one is not there."""
    wanted = range(1, count + 1) if numbers is None else numbers
    if not wanted or min(wanted) < 1 or max(wanted) > count:
        raise ValueError(f"names a page that is not there; the site has 1 to {count}")
    return tuple(f"{site}/{number}" for number in wanted)


def _host(value: Any) -> str:
    labels = text(value).split(".")
    if len(labels) < 2 or labels[-1] not in SUFFIXES or value != value.lower():
        raise ValueError("must be a lower-case name under .test or .example")
    return str(value)


def _registrar(value: Any, info: ValidationInfo) -> str:
    return choice(*_known(info, "registrars"))(value)


def _provider(value: Any, info: ValidationInfo) -> str:
    return choice(*_known(info, "providers"))(value)


def _known(info: ValidationInfo, shelf: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (info.context or {}).get(shelf, {})
    return found


def _blocked_with(value: Any) -> int:
    if whole(value) not in (403, 451):
        raise ValueError("must be 403 or 451")
    return int(value)


class PlacementText(Strict):
    """One provider's address for a site, with the origin behind it where that is a proxy."""

    provider: Annotated[str, ReadBy(_provider)]
    address: Address
    origin: "PlacementText | None" = None

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> Self:
        provider: ProviderText = _known(info, "providers")[self.provider]
        if self.address not in provider.network:
            raise WrongKeyError(("address",), f"does not lie in the network of {self.provider}")
        if provider.proxy and self.origin is None:
            raise WrongKeyError(("origin",), f"is missing: {self.provider} stands before another provider")
        if self.origin is not None and not provider.proxy:
            raise WrongKeyError(("origin",), f"is not for {self.provider}, which is no proxy")
        return self

    def made(self) -> Placement:
        return Placement(self.provider, self.address, self.origin.made() if self.origin else None)


class BehaviourText(Strict):
    """How a site's web server treats visitors."""

    missing: Annotated[str, ReadBy(choice("not_found", "soft404", "echo"))] = "not_found"
    hotlink: Flag = False
    blocked_from: Annotated[str, ReadBy(choice("nl", "de"))] = ""
    blocked_with: Annotated[int, ReadBy(_blocked_with)] = 403


class MoveText(Strict):
    """A move to another address."""

    at: Moment
    to: PlacementText


class FadeText(Strict):
    """Pages that go by themselves."""

    pages: PageNumbers
    begin: Moment = Field(alias="from")
    to: Moment

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.begin > self.to:
            raise WrongKeyError(("to",), "lies before from")
        return self


class ComeBackText(Strict):
    """Pages that are put up again."""

    pages: PageNumbers
    after: Span


class DownText(Strict):
    """A stretch in which a site's machines do not answer as they should."""

    begin: Moment = Field(alias="from")
    to: Moment
    how: Annotated[Outage, ReadBy(choice("refused", "error", "silence"))]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.begin >= self.to:
            raise WrongKeyError(("to",), "must lie after from")
        return self


class SiteText(Strict):
    """One site."""

    pages: Whole
    host: Annotated[str, ReadBy(_host)]
    alias: Flag = False
    registrar: Annotated[str, ReadBy(_registrar)] = ""
    at: tuple[PlacementText, ...] = ()
    rotates: Span | None = None
    manners: BehaviourText = BehaviourText()
    moves: tuple[MoveText, ...] = ()
    fades: tuple[FadeText, ...] = ()
    comes_back: tuple[ComeBackText, ...] = ()
    down: tuple[DownText, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.at:
            raise WrongKeyError(("at",), "must name at least one provider and address")
        if len(self.at) > 1 and not self.rotates:
            raise WrongKeyError(("rotates",), "is missing: the site has more than one host")
        parts: tuple[tuple[str, tuple[FadeText | ComeBackText, ...]], ...] = (
            ("fades", self.fades),
            ("comes_back", self.comes_back),
        )
        for key, listed in parts:
            for number, part in enumerate(listed):
                try:
                    page_ids("", part.pages, self.pages)
                except ValueError as error:
                    raise WrongKeyError((key, number, "pages"), str(error)) from None
        return self

    def made(self, name: str, registrars: Iterable[str], seed: int, marker: str) -> Site:
        def ids(numbers: tuple[int, ...] | None) -> tuple[str, ...]:
            return page_ids(name, numbers, self.pages)

        return Site(
            id=name,
            host=self.host,
            domain=".".join(self.host.split(".")[-2:]),
            alias=self.alias,
            registrar=self.registrar or next(iter(registrars), ""),
            pages=tuple(
                WorldPage(id=one, site=name, target=page_target(seed, marker, one))
                for one in (f"{name}/{number}" for number in range(1, self.pages + 1))
            ),
            placements=tuple(part.made() for part in self.at),
            rotates=self.rotates,
            manners=SiteBehaviour(**dict(self.manners)),
            moves=tuple(Move(move.at, move.to.made()) for move in self.moves),
            fades=tuple(Fade(ids(fade.pages), fade.begin, fade.to) for fade in self.fades),
            comes_back=tuple(ComeBack(ids(back.pages), back.after) for back in self.comes_back),
            downs=tuple(Down(down.begin, down.to, down.how) for down in self.down),
        )
