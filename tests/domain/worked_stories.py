"""How the worked stories of tests/data/resolution are read: strictly, each key known, each name in the cast.

tests/data/resolution/README.md says how a story is written. What a look-up
gave stands there in few words; here they become findings, in the shapes
that `nta.domain.questions.Finding` names.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from nta.catalogue.faults import Fault, Lined
from nta.catalogue.files import load
from nta.catalogue.shelves import SHELVES
from nta.catalogue.strict import (
    Entry,
    asn,
    code,
    duration,
    flag,
    iana_id,
    ip_range,
    many,
    one_of,
    or_none,
    text,
)
from nta.domain.contacts import Health, KnownContact, KnownContacts
from nta.domain.hosting import Problem
from nta.domain.parties import AskableProxies, Catalogue
from nta.domain.questions import ABOUT_ADDRESSES, Finding, Lookup, LookupKind, Subject
from nta.domain.roles import Role
from nta.domain.urls import parse, refang
from nta.usecases.resolve.asking import subject_of

FOLDER = Path(__file__).parent.parent / "data" / "resolution"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_DNS_LASTS, _LASTS = timedelta(hours=1), timedelta(hours=12)
_SURE = {"rdap": 0.9, "whois": 0.9, "origin_lookup": 0.8, "remark": 0.6, "upstream": 0.5, "guess": 0.3}
"""How sure the adapters are of each source; a story says otherwise by a third word."""
_WORD = re.compile(r"(approved|refused) on (\d{4}-\d\d-\d\d)")
_FAILED = re.compile(r"fails for (now|good), (.+)")


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
    health: Mapping[str, Health]
    word: KnownContacts
    expected: Mapping[str, Any]
    next: frozenset[str] | None
    beside: str | None


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


def _read(path: Path, make: Callable[[Entry], Any]) -> Any:
    faults: list[Fault] = []
    mapping = load(path, faults)
    entry = Entry(path, mapping if mapping is not None else Lined(1), faults)
    made = make(entry)
    if not entry.is_sound():
        raise UnsoundError("\n".join(map(str, faults)))
    return made


@cache
def cast(path: Path = FOLDER / "cast.yaml") -> Cast:
    """Return the cast. Raises: UnsoundError."""

    def make(entry: Entry) -> Cast:
        rows = entry.take("rows", many(text))
        shelves: dict[str, dict[str, Any]] = {}
        for shelf, read_entry in SHELVES.items():
            if shelf == "ladders":
                continue
            shelves[shelf] = {}
            named = "code" if shelf == "countries" else "id"
            for stem, child in _children(entry, shelf, named):
                party = read_entry(child, stem)
                if child.is_sound():
                    party = replace(party, imported=True) if stem in (rows or ()) else party
                    shelves[shelf][getattr(party, "id", stem)] = party
        return Cast(shelves)

    made: Cast = _read(path, make)
    return made


def _children(entry: Entry, key: str, named: str | None = None) -> Iterator[tuple[str, Entry]]:
    """Yield name and entry of each mapping under a key; its own key `named` repeats the name."""
    mapping = entry.take(key, _mapping) or {}
    for name, value in mapping.items():
        if named and isinstance(value, dict):
            value[named] = name
        yield str(name), entry.child(key, value, f"{key}: {name}")


def _mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError("must hold keys and values")
    return value


def _words(value: Any) -> tuple[str, ...]:
    """Return the words of a text; of nothing none."""
    return tuple(text(value).split()) if value is not None else ()


def read(path: Path) -> list[Story]:
    """Return the stories of one file. Raises: UnsoundError."""

    def make(entry: Entry) -> list[Story]:
        entry.take("about", text)
        return [story for name, child in _children(entry, "stories") if (story := _story(name, child))]

    made: list[Story] = _read(path, make)
    return made


def all_stories() -> list[Story]:
    """Return the stories of the folder, file by file. Raises: UnsoundError."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "cast.yaml")
    return [story for path in files for story in read(path)]


def _story(name: str, entry: Entry) -> Story | None:
    """Return a story, or None once its faults are noted."""
    title, because = entry.take("title", _sentence), entry.take("because", _sentence)
    url = entry.take("url", text)
    refused = entry.take("refused", or_none(text), None)
    known = frozenset(entry.take("catalogue", many(one_of(cast().names)), ()) or ())
    subject = None if refused or not url else _subject(entry, url)
    findings = entry.within("found", lambda found: _found(found, subject)) or ()
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


def _subject(entry: Entry, url: str) -> Subject:
    """Return what the URL asks about; `suffix` stands for a public suffix that only real names have."""
    location = parse(refang(url))
    subject = subject_of(location.host, location.is_ip)

    def as_listed(listed: Entry) -> Subject:
        return replace(
            subject,
            suffix=listed.take("suffix", text),
            domain=listed.take("domain", or_none(text)),
            registered=listed.take("registered", text),
        )

    def behind(known: Entry) -> Subject:
        return replace(
            subject,
            origins=known.take("origin", _words, ()),
            forced_host=known.take("host", text, None),
        )

    subject = entry.within("listed", as_listed) or subject
    return entry.within("behind", behind) or subject


def _health(value: Any) -> Mapping[str, Health]:
    return {text(email): Health(state) for email, state in _mapping(value).items()}


def _word(value: Any) -> KnownContacts:
    """Return what a person said of each party's contacts: `approved on 2026-02-20`, or `refused on` a day."""
    return {
        text(party): [_spoken_of(text(email), said) for email, said in _mapping(contacts).items()]
        for party, contacts in _mapping(value).items()
    }


def _spoken_of(email: str, said: Any) -> KnownContact:
    word = _WORD.fullmatch(text(said))
    if not word:
        raise ValueError("must be 'approved on' or 'refused on' a day")
    at = datetime.fromisoformat(f"{word[2]}T12:00:00+00:00")
    approved = word[1] == "approved"
    return KnownContact(
        email, "rdap", 0.9, approved_at=at if approved else None, refused_at=None if approved else at
    )


def _expected(entry: Entry) -> dict[str, Any]:
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
    return {Role(role): _told(choices) for role, choices in _mapping(value).items()}


def _told(value: Any) -> list[tuple[str, ...]]:
    """Return party, address, language, format and reason of each `party address language format: reason`."""
    return sorted((*_exactly(who, 4), _sentence(why)) for who, why in _mapping(value).items())


def _exactly(value: Any, count: int) -> tuple[str, ...]:
    words = _words(value)
    if len(words) != count:
        raise ValueError(f"must be {count} words")
    return words


def _found(entry: Entry, subject: Subject | None) -> tuple[Finding, ...]:
    """Return the findings that a story tells of."""
    host, domain = (subject.host, subject.registered or subject.domain or "") if subject else ("", "")
    cname = entry.take("cname", _words, ())
    answers: list[tuple[str, Lookup, Any, Callable[[Entry], Any]]] = []
    for key, kind, of, read_answer in (
        ("dns", LookupKind.ADDRESSES, host, partial(_names, cname)),
        ("domain", LookupKind.DOMAIN, domain, partial(_domain, "rdap", domain)),
        ("whois", LookupKind.WHOIS, domain, partial(_domain, "whois", domain)),
    ):
        answers.append((key, Lookup(kind, of), entry.take(key, _anything, []), read_answer))
    for key, (kind, read_answer) in _ABOUT.items():
        for of, value in entry.take(key, _mapping, {}).items():
            answers.append((key, Lookup(kind, str(of)), value, read_answer))
    for whom, value in entry.take("origins", _mapping, {}).items():
        answers.append(("origins", Lookup(LookupKind.ORIGIN, host, whom), value, partial(_origin, whom)))
    return tuple(
        _finding(entry, key, lookup, one, read_answer)
        for key, lookup, value, read_answer in answers
        for one in (value if isinstance(value, list) else [value])
    )


def _anything(value: Any) -> Any:
    return value


def _finding(
    entry: Entry, key: str, lookup: Lookup, value: Any, read_answer: Callable[[Entry], Any]
) -> Finding:
    """Return one finding: `nothing`, `fails for now, why`, `fails for good, why`, or an answer."""
    lasts = _DNS_LASTS if lookup.kind is LookupKind.ADDRESSES else _LASTS
    if isinstance(value, str):
        failed = _FAILED.fullmatch(value)
        if not failed and value != "nothing":
            entry.fault(key, "must be keys and values, 'nothing', or 'fails for now, why'")
        problem = Problem(lookup.kind.value, failed[2], failed[1] == "now") if failed else None
        return Finding(lookup, None, "story", NOW, NOW + lasts, problem)
    told = entry.child(key, value, f"{key}: {lookup.subject}")
    asked_at = NOW - told.take("asked", duration, timedelta(0))
    covers = told.take("range", ip_range, None) if lookup.kind in ABOUT_ADDRESSES else None
    answer = read_answer(told)
    told.is_sound()
    if lookup.kind is LookupKind.NETWORK:
        answer["cidr"] = [covers] if covers else []
    return Finding(lookup, answer, "story", asked_at, asked_at + lasts, None, (covers,) if covers else ())


def _names(cname: tuple[str, ...], told: Entry) -> dict[str, Any]:
    dead = told.take("leads", or_none(one_of(("nxdomain", "no_address"))), None)
    return {"addresses": list(told.take("to", _words, ())), "cname": list(cname), "dead": dead}


def _network(told: Entry) -> dict[str, Any]:
    holder, _, holder_name = told.take("holder", text, "").partition(" ")
    return {
        "handle": told.take("handle", or_none(text), None),
        "name": told.take("name", or_none(text), None),
        "country": told.take("country", or_none(text), None),
        "holder": holder or None,
        "holder_name": holder_name or None,
        "asn": told.take("asn", asn, None),
        "as_name": told.take("as_name", text, None),
        "abuse": told.take("abuse", _contacts, []),
        "domains": list(told.take("domains", _words, ())),
    }


def _route(told: Entry) -> dict[str, Any]:
    return {
        "asn": told.take("asn", or_none(asn)),
        "as_name": told.take("as_name", text, None),
        "prefix": None,
    }


def _system(told: Entry) -> dict[str, Any]:
    return {
        "as_name": told.take("as_name", text, None),
        "holder": told.take("holder", text, None),
        "abuse": told.take("abuse", _contacts, []),
    }


def _file(told: Entry) -> dict[str, Any]:
    return {"contacts": list(told.take("contacts", _words)), "expires": None}


def _origin(whom: str, told: Entry) -> dict[str, Any]:
    return {
        "proxy": whom,
        "addresses": list(told.take("addresses", _words)),
        "holder_name": told.take("holder_name", text, None),
        "abuse": told.take("abuse", _contacts, []),
    }


def _domain(source: str, name: str, told: Entry) -> dict[str, Any]:
    registrar = {
        "name": told.take("registrar", or_none(text), None),
        "iana_id": told.take("iana", iana_id, None),
        "abuse": told.take("abuse", _contacts, []),
    }
    return {
        "name": name,
        "suffix": name.partition(".")[2],
        "registered": told.take("registered", flag, True),
        "registrar": registrar if any(registrar.values()) else None,
        "status": list(told.take("status", many(text), ())),
        "nameservers": list(told.take("nameservers", many(text), ())),
        "source": source,
    }


def _contacts(value: Any) -> list[dict[str, Any]]:
    """Return the contacts of `source address`, or of a list of such; a third word says how sure it is."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        source, email, *sure = text(one).split()
        if source not in _SURE or len(sure) > 1:
            raise ValueError(f"must be 'source address', the source one of {', '.join(_SURE)}")
        found.append(
            {"email": email, "source": source, "confidence": float(sure[0]) if sure else _SURE[source]}
        )
    return found


_ABOUT = {
    "networks": (LookupKind.NETWORK, _network),
    "routes": (LookupKind.ROUTE, _route),
    "systems": (LookupKind.SYSTEM, _system),
    "security_txt": (LookupKind.SECURITY_TXT, _file),
}
