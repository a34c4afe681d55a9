"""How the worked stories of tests/data/resolution are read: strictly, each key known, each name in the cast.

tests/data/resolution/README.md says how a story is written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from nta.catalogue.catalogue_errors import Fault
from nta.catalogue.entry_schema import SHELVES, read_entry
from nta.catalogue.files import load
from nta.catalogue.validation import (
    code,
    flag,
    many,
    one_of,
    or_none,
    text,
)
from nta.domain.hosting.answers_cache import AnswersCache
from nta.domain.hosting.lookups import Finding, LookupKind, Subject
from nta.domain.intake.urls import parse, refang
from nta.domain.notices.contact_choice import Health, KnownContact, KnownContacts
from nta.domain.parties.contact_addresses import ContactAddress, mailbox_of
from nta.domain.parties.organisations import AskableProxies, Catalogue
from nta.domain.roles import Role
from nta.strict_yaml import Lined
from nta.usecases.resolve.asking import subject_of
from tests.domain.hosting.story_reader import StoryReader
from tests.domain.hosting.worked_findings import (
    NOW,
    found,
    mapping,
    words,
)

FOLDER = Path(__file__).parents[2] / "data" / "resolution"
_WORD = re.compile(r"(approved|refused) on (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Story:
    """One situation, what the look-ups gave, and who is told by whom a practitioner would tell."""

    id: str
    title: str
    because: str
    url: str
    subject: Subject | None  # None: the URL is refused
    findings: tuple[Finding, ...]
    catalogue: Catalogue
    cast: frozenset[str]
    health: Mapping[ContactAddress, Health]
    word: KnownContacts
    expected: Mapping[str, Any]
    next: frozenset[str] | None
    beside: str | None

    @property
    def known(self) -> AnswersCache:
        """Return what is known by the findings, and which contacts are as good as silent."""
        dead = {address.to for address, health in self.health.items() if health is Health.DEAD}
        dead |= {one.address.to for theirs in self.word.values() for one in theirs if one.refused_at}
        return AnswersCache(self.findings, NOW, dead)


@dataclass(frozen=True)
class Cast:
    """All parties of the stories, by shelf; `rows` stand in a table."""

    shelves: Mapping[str, Mapping[str, Any]]

    @property
    def names(self) -> frozenset[str]:
        """Return the short names of all but the countries."""
        return frozenset(self._short(key) for shelf in self._shelves() for key in self.shelves[shelf])

    def catalogue(self, known: frozenset[str]) -> Catalogue:
        """Return the catalogue that knows these parties and every country."""
        picked: dict[str, Any] = {
            shelf: {key: party for key, party in self.shelves[shelf].items() if self._short(key) in known}
            for shelf in self._shelves()
        }
        return Catalogue(**picked, countries=self.shelves["countries"])

    def _shelves(self) -> list[str]:
        return [shelf for shelf in self.shelves if shelf != "countries"]

    @staticmethod
    def _short(key: str) -> str:
        return key.partition(":")[2]


class UnsoundError(Exception):
    """A file of the stories says what no story can; each line names file, line and key."""


def _read(path: Path, make: Callable[[StoryReader], Any]) -> Any:
    faults: list[Fault] = []
    mapping = load(path, faults)
    entry = StoryReader(path, mapping if mapping is not None else Lined(1), faults)
    made = make(entry)
    if not entry.is_sound():
        raise UnsoundError("\n".join(map(str, faults)))
    return made


@cache
def cast(path: Path = FOLDER / "cast.yaml") -> Cast:
    """Return the cast. Raises: UnsoundError."""

    def make(entry: StoryReader) -> Cast:
        rows = entry.take("rows", many(text))
        shelves: dict[str, dict[str, Any]] = {}
        for shelf in SHELVES:
            if shelf == "ladders":
                continue
            shelves[shelf] = {}
            named = "code" if shelf == "countries" else "id"
            for stem, child in _children(entry, shelf, named):
                party = child.whole(lambda said, shelf=shelf, stem=stem: read_entry(shelf, stem, said))
                if party is not None:
                    party = replace(party, imported=True) if stem in (rows or ()) else party
                    shelves[shelf][getattr(party, "id", stem)] = party
        return Cast(shelves)

    made: Cast = _read(path, make)
    return made


def _children(entry: StoryReader, key: str, named: str | None = None) -> Iterator[tuple[str, StoryReader]]:
    """Yield name and entry of each mapping under a key; its own key `named` repeats the name."""
    for name, value in (entry.take(key, mapping) or {}).items():
        if named and isinstance(value, dict):
            value[named] = name
        yield str(name), entry.child(key, value, f"{key}: {name}")


def read(path: Path) -> list[Story]:
    """Return the stories of one file. Raises: UnsoundError."""

    def make(entry: StoryReader) -> list[Story]:
        entry.take("about", text)
        return [story for name, child in _children(entry, "stories") if (story := _story(name, child))]

    made: list[Story] = _read(path, make)
    return made


def all_stories() -> list[Story]:
    """Return the stories of the folder, file by file. Raises: UnsoundError."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "cast.yaml")
    return [story for path in files for story in read(path)]


def _story(name: str, entry: StoryReader) -> Story | None:
    """Return a story, or None once its faults are noted."""
    title, because = entry.take("title", _sentence), entry.take("because", _sentence)
    url = entry.take("url", text)
    refused = entry.take("refused", or_none(text), None)
    known = frozenset(entry.take("catalogue", many(one_of(cast().names)), ()) or ())
    subject = None if refused or not url else _subject(entry, url)
    findings = entry.within("found", lambda told: found(told, subject)) or ()
    health = entry.take("health", _health, {})
    word = entry.take("word", _word, {})
    expected = {"refused": refused} if refused else _expected(entry)
    askable = frozenset(entry.take("asks", many(text), ()) or ())
    upstream = entry.take("upstream", flag, False)
    story_next = entry.take("next", lambda value: frozenset(many(text)(value)), None)
    beside = entry.take("beside", or_none(text), None)
    if not entry.is_sound():
        return None
    catalogue = cast().catalogue(known)
    subject = subject and replace(
        subject,
        routes=any(f.lookup.kind is LookupKind.ROUTE for f in findings),
        askable=AskableProxies(catalogue, askable) if askable else None,
        upstream=upstream,
        owner_in=catalogue.owners_told_in,
    )
    return Story(
        name,
        title,
        because,
        url,
        subject,
        findings,
        catalogue,
        known,
        health,
        word,
        expected,
        story_next,
        beside,
    )


def _sentence(value: Any) -> str:
    if not text(value).endswith("."):
        raise ValueError("must be a sentence")
    return str(value)


def _subject(entry: StoryReader, url: str) -> Subject:
    """Return what the URL asks about; `suffix` stands for a public suffix that only real names have."""
    location = parse(refang(url))
    subject = subject_of(location.host, location.is_ip)

    def as_listed(listed: StoryReader) -> Subject:
        return replace(
            subject,
            suffix=listed.take("suffix", text),
            domain=listed.take("domain", or_none(text)),
            registered=listed.take("registered", text),
        )

    def behind(known: StoryReader) -> Subject:
        return replace(
            subject,
            origins=known.take("origin", words, ()),
            forced_host=known.take("host", text, None),
        )

    subject = entry.within("listed", as_listed) or subject
    return entry.within("behind", behind) or subject


def _health(value: Any) -> Mapping[ContactAddress, Health]:
    return {mailbox_of(text(email)): Health(state) for email, state in mapping(value).items()}


def _word(value: Any) -> KnownContacts:
    """Return what a person said of each party's contacts: `approved on 2026-02-20`, or `refused on` a day."""
    return {
        text(party): [_spoken_of(text(email), said) for email, said in mapping(contacts).items()]
        for party, contacts in mapping(value).items()
    }


def _spoken_of(email: str, said: Any) -> KnownContact:
    word = _WORD.fullmatch(text(said))
    if not word:
        raise ValueError("must be 'approved on' or 'refused on' a day")
    at = datetime.fromisoformat(f"{word[2]}T12:00:00+00:00")
    approved = word[1] == "approved"
    return KnownContact(
        mailbox_of(email),
        "rdap",
        0.9,
        approved_at=at if approved else None,
        refused_at=None if approved else at,
    )


def _expected(entry: StoryReader) -> dict[str, Any]:
    """Return what is to come out: who is told by role, the country, the problems."""
    told = entry.take("told", _by_role)
    registered = entry.take("registered", flag, None)
    return {
        "told": told,
        "country": entry.take("country", or_none(code)),
        "problems": list(entry.take("problems", many(text), ())),
        "leads": entry.take("leads", or_none(one_of(("nxdomain", "no_address"))), None),
    } | ({"registered": registered} if registered is not None else {})


def _by_role(value: Any) -> Mapping[Role, list[tuple[str, ...]]]:
    return {Role(role): _told(choices) for role, choices in mapping(value).items()}


def _told(value: Any) -> list[tuple[str, ...]]:
    """Return party, address, language, format and reason of each `party address language format: reason`."""
    return sorted((*_exactly(who, 4), _sentence(why)) for who, why in mapping(value).items())


def _exactly(value: Any, count: int) -> tuple[str, ...]:
    listed = words(value)
    if len(listed) != count:
        raise ValueError(f"must be {count} words")
    return listed
