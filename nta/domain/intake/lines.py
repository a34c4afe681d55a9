"""What people hand in: lines of text, CSV or JSON, read one by one so that a bad one harms no other."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain

from nta.domain.errors import RefusedError
from nta.domain.intake.urls import Location, parse, refang
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import Severity

AHEAD = timedelta(minutes=5)
"""How far a time from outside may be ahead of ours before it is refused."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before this there was no web; an earlier time is a slip of the pen, or zero."""

CLASSES = ("national", "baseline")
"""INHOPE's classes, the stricter last: illegal under national law only; illegal nearly everywhere."""

_LONGEST_LINE = 256 * 1024
"""Bytes of a line: longer than any URL with all that can be said of it."""

SCOPES = ("file", "page", "directory", "site")

_LONGEST = {"source": 64, "law": 64, "programme": 64, "reference": 200, "group": 200}
"""As much as the columns hold."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

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
    fault: Reason | None = None


@dataclass(frozen=True, slots=True)
class SubmissionTerms:
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


def told(line: InputLine, terms: Terms, now: datetime) -> SubmissionTerms:
    """Return what the line says. Raises RefusedError for a word or time that cannot be."""
    own = line.own
    confirmed = _moment(own, "confirmed_at", now) or terms.confirmed_at
    received = _moment(own, "received_at", now) or terms.received_at or confirmed or now
    reported = _moment(own, "reported_at", now)
    received, confirmed = min(received, now), min(confirmed or now, now)
    if reported is not None and reported > received:
        raise RefusedError(Code.REPORTED_AFTER_RECEIVED)
    if received > confirmed:
        raise RefusedError(Code.RECEIVED_AFTER_CONFIRMED)
    referrer = own.get("referrer")
    return SubmissionTerms(
        source=_words(own, "source", terms.source) or "",
        severity=Severity(_one_of(own, "severity", tuple(Severity), terms.severity)),
        class_value=_one_of(own, "class", CLASSES, terms.class_value),
        scope=_one_of(own, "scope", SCOPES, terms.scope),
        law=_words(own, "law", terms.law),
        reference=_words(own, "reference"),
        group=_words(own, "group"),
        programme=_words(own, "programme"),
        reported_at=reported,
        received_at=received,
        confirmed_at=confirmed,
        referrer=parse(refang(referrer)).url if referrer else None,
    )


def stricter(one: str, other: str) -> str:
    """Return the stricter of two classes; one that we do not know counts as it stands."""
    return max(one, other, key=lambda c: CLASSES.index(c) if c in CLASSES else -1)


def read_lines(data: bytes) -> list[InputLine]:
    """Return the lines of a paste or file, as `lines_of` reads them."""
    return list(lines_of([data]))


def lines_of(blocks: Iterable[bytes]) -> Iterator[InputLine]:
    """Return the lines of a paste or file that comes in blocks of any size, read as they are asked for.

    JSON lines when the first line begins with a brace; CSV when it is a
    header with a column `url`, separated by comma, semicolon or tab; else
    one URL a line. Empty lines count but are left out. A line that is not
    UTF-8, or is endless, is wrong itself and harms no other.

    Raises: RefusedError for a header that cannot be, at once.
    """
    lines = _numbered(blocks)
    head = next(lines, None)
    if head is None:
        return iter(())
    first = (_decode(head[1]) or "").lstrip("\ufeff").strip()
    if first.startswith("{"):
        return _each(_json_line, chain([head], lines))
    for separator in ",;\t":
        names = [name.strip().strip('"').lower() for name in first.split(separator)]
        if "url" in names and (len(names) > 1 or first.lower() == "url"):
            _check_header(names, head[0])
            return _each(partial(_csv_line, names, separator), lines)
    return _each(_plain, chain([head], lines))


def _numbered(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not empty, with its number; of an endless one no more than shows that it is."""
    number, held, after_return = 0, b"", False
    for block in blocks:
        rest = block[1:] if after_return and block.startswith(b"\n") else block
        after_return = block.endswith(b"\r") if block else after_return
        for part in rest.splitlines(keepends=True):
            held += part[: _LONGEST_LINE + 1 - len(held)]
            if part.endswith((b"\n", b"\r")):
                number += 1
                if held.strip():
                    yield number, held.rstrip(b"\r\n")
                held = b""
    if held.strip():
        yield number + 1, held


def _each(read: Callable[[int, str], InputLine], lines: Iterable[tuple[int, bytes]]) -> Iterator[InputLine]:
    for number, raw in lines:
        if len(raw) > _LONGEST_LINE:
            yield InputLine(number, "", fault=because(Code.LINE_TOO_LONG, most=_LONGEST_LINE))
            continue
        text = _decode(raw)
        if text is None:
            yield InputLine(number, "", fault=Reason(Code.LINE_NOT_TEXT))
        else:
            yield read(number, text)


def _decode(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _plain(number: int, text: str) -> InputLine:
    return InputLine(number, text.strip().lstrip("\ufeff"))


def _json_line(number: int, text: str) -> InputLine:
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):  # ValueError alone: a number of more digits than Python reads
        return InputLine(number, "", fault=Reason(Code.LINE_NOT_JSON))
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        return InputLine(number, "", fault=Reason(Code.LINE_WITHOUT_URL))
    for name, content in value.items():
        if not isinstance(content, str | int | None) or isinstance(content, bool):
            fault = because(Code.FIELD_NEITHER, field=_named(name))
            return InputLine(number, value["url"], fault=fault)
    return _line(number, {name: str(content) for name, content in value.items() if content is not None})


def _check_header(names: list[str], number: int) -> None:
    unknown = [name for name in names if name not in _FIELDS]
    if unknown:
        known = tuple(sorted(_FIELDS))
        raise RefusedError(because(Code.COLUMN_UNKNOWN, line=number, field=_named(unknown[0]), known=known))
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise RefusedError(because(Code.COLUMN_TWICE, line=number, field=twice[0]))


def _csv_line(names: list[str], separator: str, number: int, text: str) -> InputLine:
    try:
        cells = next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error:
        return InputLine(number, text.strip(), fault=Reason(Code.LINE_NOT_CSV))
    if len(cells) > len(names):
        fault = because(Code.LINE_TOO_WIDE, cells=len(cells), names=len(names))
        return InputLine(number, text.strip(), fault=fault)
    return _line(number, {n: c.strip() for n, c in zip(names, cells, strict=False) if c.strip()})


def _line(number: int, own: Mapping[str, str]) -> InputLine:
    text = own.get("url", "")
    for name, content in own.items():
        if name not in _FIELDS:
            return InputLine(number, text, fault=because(Code.FIELD_UNKNOWN, field=_named(name)))
        if name != "url" and _UNPRINTABLE.search(content):
            return InputLine(number, text, fault=because(Code.FIELD_UNPRINTABLE, field=name))
    return InputLine(number, text, own={k: v for k, v in own.items() if k != "url"})


def _named(name: str) -> str:
    """Return a field's name for a message, nothing when it is no word: it may be a URL."""
    return f" {name!r}" if len(name) <= 40 and re.fullmatch(r"[\w -]+", name) else ""


def _words(own: Mapping[str, str], name: str, otherwise: str | None = None) -> str | None:
    text = own.get(name) or otherwise
    if text is not None and _UNPRINTABLE.search(text):
        raise RefusedError(because(Code.FIELD_UNPRINTABLE, field=name))
    if text is not None and len(text) > _LONGEST[name]:
        raise RefusedError(because(Code.FIELD_TOO_LONG, field=name, most=_LONGEST[name]))
    return text


def _one_of(own: Mapping[str, str], name: str, known: tuple[str, ...], otherwise: str) -> str:
    word = own.get(name, "").lower()
    if not word:
        return otherwise
    if word not in known:
        raise RefusedError(because(Code.FIELD_ONE_OF, field=name, known=tuple(known)))
    return word


def _moment(own: Mapping[str, str], name: str, now: datetime) -> datetime | None:
    text = own.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(because(Code.FIELD_NO_TIME, field=name)) from None
    if moment.tzinfo is None:
        raise RefusedError(because(Code.FIELD_WITHOUT_OFFSET, field=name))
    if moment > now + AHEAD:
        raise RefusedError(because(Code.FIELD_IN_FUTURE, field=name))
    if moment < EARLIEST:
        raise RefusedError(because(Code.FIELD_TOO_EARLY, field=name, year=EARLIEST.year))
    return min(moment.astimezone(UTC), now)  # clocks may differ by a little
