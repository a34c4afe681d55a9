"""A letter made of what the steps know: the law in words, what was done before, the form it takes."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from nta.domain.checks.verdicts import Verdict
from nta.domain.notices.batching import form
from nta.domain.parties.contact_addresses import MAIL
from nta.domain.parties.organisations import Catalogue, Hotline
from nta.domain.roles import NoticeKind
from nta.render.letters import Earlier, Item, Us


class LetterDraft(Protocol):
    """A notice that is to be written."""

    @property
    def reference(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def rung(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def party_name(self) -> str: ...
    @property
    def format(self) -> str: ...


class LetterLocation(Protocol):
    """One location that it tells of."""

    @property
    def case_reference(self) -> str: ...
    @property
    def addresses(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def law(self) -> str | None: ...
    @property
    def scope(self) -> str: ...
    @property
    def class_scheme(self) -> str: ...
    @property
    def class_value(self) -> str: ...
    @property
    def last_up_at(self) -> datetime | None: ...
    @property
    def last_verdict(self) -> str | None: ...
    @property
    def ladder(self) -> str | None: ...
    @property
    def country(self) -> str | None: ...
    @property
    def returns(self) -> int: ...


class LocationEvidence(Protocol):
    """What is known of a location beyond that."""

    @property
    def confirmed_at(self) -> datetime | None: ...
    @property
    def vantages(self) -> int: ...
    @property
    def networks(self) -> tuple[str, ...]: ...


class EarlierNotice(Protocol):
    """One notice about these locations that was made before."""

    @property
    def episode_id(self) -> int: ...
    @property
    def notice_id(self) -> int: ...
    @property
    def reference(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def party_name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def handed_at(self) -> datetime | None: ...
    @property
    def accepted_at(self) -> datetime | None: ...
    @property
    def bounced_at(self) -> datetime | None: ...


def us(hotline: Hotline, sender: str, language: str) -> Us:
    """Return who we are, by our own entry of the catalogue."""
    contact = hotline.notices.to if hotline.notices and hotline.notices.channel == MAIL else sender
    standing = hotline.standing_in.get(language, hotline.standing)
    return Us(hotline.name, standing, hotline.address, contact, hotline.trusted_flagger)


def item(
    catalogue: Catalogue,
    language: str,
    number: int,
    url: str,
    told: LetterLocation,
    known: LocationEvidence | None,
) -> Item:
    """Return one location as it is told."""
    verdict = told.last_verdict or ""
    unclear = verdict if verdict in (Verdict.UNKNOWN, Verdict.RESTRICTED) else ""
    return Item(
        number=number,
        url=url,
        scope=told.scope,
        case=told.case_reference,
        addresses=told.addresses,
        port=told.port,
        last_up_at=told.last_up_at,
        doubt=unclear or ("returned" if told.returns else ""),
        received_at=told.received_at,
        class_scheme=told.class_scheme,
        class_value=told.class_value,
        law=law(catalogue, told, language),
        country=told.country,
        networks=known.networks if known else (),
        confirmed_at=known.confirmed_at if known else None,
        vantages=known.vantages if known else 0,
    )


def law(catalogue: Catalogue, told: LetterLocation, language: str) -> str:
    """Return the law in words: a country's code stands for the law its entry names."""
    named = catalogue.countries.get((told.law or "").upper())
    if told.law and (named is None or named.imported):
        return told.law
    country = named or catalogue.country(told.country)
    return country.law_in.get(language, country.law) if country else "Directive 2011/93/EU, article 5"


def silence(catalogue: Catalogue, draft: LetterDraft, told: LetterLocation) -> timedelta:
    """Return how long the reader's rung waits before the next party is told."""
    rungs = (rung for ladder in catalogue.ladders if ladder.id == told.ladder for rung in ladder.rungs)
    return next((rung.wait for rung in rungs if rung.id == draft.rung), timedelta(hours=24))


def form_of(draft: LetterDraft, told: Iterable[LetterLocation]) -> str:
    """Return the form of a letter: classes can have changed since it was planned."""
    return form(draft.format, NoticeKind(draft.kind), [one.class_value for one in told])


def earlier(
    draft: LetterDraft, past: Iterable[EarlierNotice], answers: Mapping[tuple[int, str, str], str]
) -> Iterable[Earlier]:
    """Yield the notices that went out before, each once, oldest first.

    What a party said of these episodes, by episode, party and role, stands
    at the last notice that it got.
    """
    found: dict[int, tuple[datetime, EarlierNotice]] = {}
    said: dict[tuple[str, str], set[str]] = {}
    for notice in past:
        if notice.handed_at is not None:
            found[notice.notice_id] = (notice.handed_at, notice)
            answer = answers.get((notice.episode_id, notice.party, notice.role))
            said.setdefault((notice.party, notice.role), set()).update([answer] if answer else [])
    ordered = sorted(found.values(), key=lambda one: (one[0], one[1].notice_id))
    last = {(notice.party, notice.role): notice.notice_id for _, notice in ordered}
    for at, notice in ordered:
        reader = (notice.party, notice.role)
        yield Earlier(
            reference=notice.reference,
            at=at,
            kind=NoticeKind(notice.kind),
            party=notice.party_name,
            role=notice.role,
            fate="bounced" if notice.bounced_at else "accepted" if notice.accepted_at else "unconfirmed",
            accepted_at=None if notice.bounced_at else notice.accepted_at,
            to_you=notice.party == draft.party,
            answers=tuple(sorted(said[reader])) if last[reader] == notice.notice_id else (),
        )
