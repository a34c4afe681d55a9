"""What a world file says of the hotline's own people: what they hand in, do on cases, and approve."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator
from pydantic import PlainValidator as ReadBy

from nta.domain.checks.outcomes import PERSONS_ENDS
from nta.domain.roles import Severity
from nta.lab.world import Act, HandInVisit, LeadVisit
from nta.lab.world_validation import Address, Flag, Moment, Name, Span, Text, Texts, choice, texts
from nta.lab.worldsites import PageNumbers, SiteText, page_ids
from nta.strict_entries import Strict, WrongKeyError

ROLES = ("analyst", "lead", "lead2")
ENDS = tuple(end.act for end in PERSONS_ENDS.values())
_GOES_WITH = {"dedicated": ("dedicated",), "address": ("origin",), "until": ("origin", "hold")}
ACTS = (*ENDS, "hold", "release", "origin", "dedicated")


def _there(pages: Mapping[str, tuple[int, ...] | None], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
    """Return the ids of pages by site, or refuse what is no site or page of this world."""
    sites: Mapping[str, SiteText] = (info.context or {}).get("sites", {})
    found = {}
    for name, numbers in pages.items():
        if name not in sites:
            raise WrongKeyError((name,), "is no site of this world")
        try:
            found[name] = page_ids(name, numbers, sites[name].pages)
        except ValueError as error:
            raise WrongKeyError((name,), str(error)) from None
    return found


def _leads(value: Any) -> tuple[str, ...]:
    found = texts(value)
    if not found or not set(found) <= set(ROLES[1:]):
        raise ValueError("must be a list of lead and lead2")
    return found


Pages = Annotated[dict[Name, PageNumbers], AfterValidator(_there)]


def _all(pages: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(page for ids in pages.values() for page in ids)


class HandInText(Strict):
    """One visit of the analyst to the hand-in page."""

    at: Moment
    severity: Annotated[str, ReadBy(choice(*Severity))]
    class_value: Annotated[str, ReadBy(choice("baseline", "national"))] = Field("baseline", alias="class")
    scope: Annotated[str, ReadBy(choice("file", "page", "directory", "site"))] = "page"
    pages: Pages
    broken: Texts = ()
    defanged: Flag = False

    def made(self) -> HandInVisit:
        return HandInVisit(**dict(self) | {"pages": _all(self.pages)})


class ActText(Strict):
    """Something done on case pages."""

    act: Annotated[str, ReadBy(choice(*ACTS))]
    at: Moment
    reason: Text
    dedicated: Annotated[str, ReadBy(choice("yes", "no", "unknown"))] = ""
    address: Address | None = None
    until: Span | None = None
    who: Annotated[str, ReadBy(choice(*ROLES))]
    pages: Pages

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for key, acts in _GOES_WITH.items():
            if getattr(self, key) and self.act not in acts:
                raise WrongKeyError((key,), f"goes with act: {' or '.join(acts)} alone")
            if not getattr(self, key) and acts == (self.act,):
                raise WrongKeyError((key,), "is missing")
        return self

    def made(self) -> Act:
        values = {"reason": self.reason}
        if self.dedicated:
            values["dedicated"] = self.dedicated
        if self.address:
            values["address"] = str(self.address)
        if self.until:
            values["until"] = f"{self.at + self.until:%Y-%m-%dT%H:%M}"
        return Act(at=self.at, who=self.who, what=self.act, pages=_all(self.pages), values=values)


class ApprovalText(Strict):
    """Visits of leads to the notices that wait for them."""

    at: Moment
    every: Span | None = None
    to: Moment | None = None
    who: Annotated[tuple[str, ...], ReadBy(_leads)]
    word: Annotated[str, ReadBy(choice("approve", "decline"))] = "approve"
    reason: Text = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.every and not self.to:
            raise WrongKeyError(("to",), "is missing")
        if self.to and not self.every:
            raise WrongKeyError(("to",), "goes with every alone")
        return self

    def made(self) -> Iterator[LeadVisit]:
        """Yield one visit for each lead at each of the moments: `at`, and every so often until `to`."""
        at, last = self.at, self.to or self.at
        while at <= last:
            yield from (LeadVisit(at, who, self.word, self.reason) for who in self.who)
            at += self.every or timedelta(days=1)
