"""What people hand in: lines of text, CSV or JSON, read one by one so that a bad one harms no other."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nta.domain.errors import RefusedError
from nta.domain.roles import Severity
from nta.domain.urls import Location, parse, refang

AHEAD = timedelta(minutes=5)
"""How far a time from outside may be ahead of ours before it is refused."""

CLASSES = ("national", "baseline")
"""INHOPE's classes, the stricter last: illegal under national law only; illegal nearly everywhere."""

SCOPES = ("file", "page", "directory", "site")

_FIELDS = frozenset(
    {
        "url",
        "severity",
        "class",
        "scope",
        "law",
        "source",
        "reference",
        "group",
        "programme",
        "reported_at",
        "received_at",
        "confirmed_at",
        "referrer",
    }
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of a whole hand-in; a line may say otherwise for itself."""

    source: str
    severity: Severity = Severity.NORMAL
    class_scheme: str = "inhope"
    class_value: str = "baseline"
    scope: str = "page"
    law: str | None = None
    received_at: datetime | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InputLine:
    """One line as it came: its number from 1, the text of its URL, what it says of itself, or its fault."""

    line: int
    text: str
    own: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one line says of its URL, with the terms of the hand-in where it says nothing."""

    source: str
    severity: Severity
    class_value: str
    scope: str
    law: str | None
    reference: str | None
    group: str | None
    programme: str | None
    reported_at: datetime | None
    received_at: datetime
    confirmed_at: datetime
    referrer: str | None


def locate(line: InputLine) -> Location:
    """Return where the line's URL leads, defanged or not. Raises RefusedError saying what is wrong."""
    if line.fault:
        raise RefusedError(line.fault)
    return parse(refang(line.text))


def told(line: InputLine, terms: Terms, now: datetime) -> Told:
    """Return what the line says. Raises RefusedError for a word or time that cannot be."""
    own = line.own
    received = _moment(own, "received_at", now) or terms.received_at or now
    confirmed = _moment(own, "confirmed_at", now) or terms.confirmed_at or now
    reported = _moment(own, "reported_at", now)
    if reported is not None and reported > received:
        raise RefusedError("reported_at is after received_at")
    if received > confirmed:
        raise RefusedError("received_at is after confirmed_at")
    if confirmed > now:
        confirmed = now  # within the five minutes that clocks may differ
    referrer = own.get("referrer")
    return Told(
        source=own.get("source") or terms.source,
        severity=Severity(_one_of(own, "severity", tuple(Severity), terms.severity)),
        class_value=_one_of(own, "class", CLASSES, terms.class_value),
        scope=_one_of(own, "scope", SCOPES, terms.scope),
        law=own.get("law") or terms.law,
        reference=own.get("reference"),
        group=own.get("group"),
        programme=own.get("programme"),
        reported_at=reported,
        received_at=min(received, now),
        confirmed_at=confirmed,
        referrer=parse(refang(referrer)).url if referrer else None,
    )


def stricter(one: str, other: str) -> str:
    """Return the stricter of two classes; one that we do not know counts as it stands."""
    return max(one, other, key=lambda c: CLASSES.index(c) if c in CLASSES else -1)


def read_lines(data: bytes) -> list[InputLine]:
    """Return the lines of a paste or file.

    JSON lines when the first line begins with a brace; CSV when it is a
    header with a column `url`, separated by comma, semicolon or tab; else
    one URL a line. Empty lines count but are left out. Bytes that are not
    UTF-8 make their own line wrong and no other.
    """
    lines = [(number, _decode(raw)) for number, raw in enumerate(data.splitlines(), 1) if raw.strip()]
    if not lines:
        return []
    first = (lines[0][1] or "").lstrip("\ufeff").strip()
    if first.startswith("{"):
        return [_json_line(number, text) for number, text in lines]
    for separator in (",", ";", "\t"):
        names = [name.strip().strip('"').lower() for name in first.split(separator)]
        if "url" in names and (len(names) > 1 or first.lower() == "url"):
            return list(_csv_lines(names, separator, lines[1:], lines[0][0]))
    return [_plain(number, text) for number, text in lines]


def _decode(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _plain(number: int, text: str | None) -> InputLine:
    if text is None:
        return InputLine(number, "", fault="the line is not UTF-8 text")
    return InputLine(number, text.strip().lstrip("\ufeff"))


def _json_line(number: int, text: str | None) -> InputLine:
    try:
        value = json.loads((text or "").lstrip("\ufeff"))
    except (json.JSONDecodeError, RecursionError):
        return InputLine(number, "", fault="the line is not a JSON object")
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        return InputLine(number, "", fault='the line is not a JSON object with a text "url"')
    return _line(number, {str(k): str(v) for k, v in value.items() if v is not None})


def _csv_lines(
    names: list[str], separator: str, lines: Iterable[tuple[int, str | None]], header: int
) -> Iterator[InputLine]:
    unknown = [name for name in names if name not in _FIELDS]
    if unknown:
        raise RefusedError(
            f"line {header}: unknown column {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}"
        )
    for number, text in lines:
        if text is None:
            yield InputLine(number, "", fault="the line is not UTF-8 text")
            continue
        try:
            cells = next(csv.reader([text], delimiter=separator, strict=True))
        except csv.Error:
            yield InputLine(number, text.strip(), fault="the line is not CSV: a quote is left open")
            continue
        if len(cells) > len(names):
            yield InputLine(
                number, text.strip(), fault=f"the line has {len(cells)} columns, the header {len(names)}"
            )
            continue
        yield _line(number, {n: c.strip() for n, c in zip(names, cells, strict=False) if c.strip()})


def _line(number: int, own: Mapping[str, str]) -> InputLine:
    unknown = [name for name in own if name not in _FIELDS]
    text = own.get("url", "")
    if unknown:
        return InputLine(number, text, fault=f"unknown field {unknown[0][:40]!r}")
    return InputLine(number, text, own={k: v for k, v in own.items() if k != "url"})


def _one_of(own: Mapping[str, str], name: str, known: tuple[str, ...], otherwise: str) -> str:
    word = own.get(name, "").lower()
    if not word:
        return otherwise
    if word not in known:
        raise RefusedError(f"{name} is one of {', '.join(known)}")
    return word


def _moment(own: Mapping[str, str], name: str, now: datetime) -> datetime | None:
    text = own.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"{name} is not a time like 2026-03-02T09:00:00+01:00") from None
    if moment.tzinfo is None:
        raise RefusedError(f"{name} needs an offset, like +01:00 or Z")
    if moment > now + AHEAD:
        raise RefusedError(f"{name} lies in the future")
    return moment
