"""One location as an XARF v4 report (content-csam): a closed set of fields, and nothing of what is seen."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from nta.domain.errors import RefusedError
from nta.domain.intake.urls import parse
from nta.render.letters import Item, Letter

VERSION: Final = "4.2.0"
CONTENT_TYPE: Final = "application/json"
FILE_NAME: Final = "xarf.json"


class UnfitError(ValueError):
    """A location cannot be said in XARF. The text names the fields, never their values."""


# How each field looks that a report may have. What is not here does not leave: no evidence, sample, hash,
# screenshot or description, whatever the schema would take.
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")
_DOMAIN: Final = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}")
_MAIL: Final = re.compile(r"[!-?A-~]{1,64}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TAG: Final = re.compile(r"(case|notice|scope):[a-z0-9][a-z0-9_-]*")
LOOKS: Final[Mapping[str, re.Pattern[str]]] = {
    "xarf_version": re.compile(re.escape(VERSION)),
    "report_id": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    "timestamp": _MOMENT,
    "source_identifier": re.compile(r"[0-9a-z.:-]{1,253}"),
    "category": re.compile("content"),
    "type": re.compile("csam"),
    "url": re.compile(r"https?://[!-~]+"),
    "domain": _DOMAIN,
    "country_code": re.compile("[A-Z]{2}"),
    "verified_at": _MOMENT,
    "verification_method": re.compile("manual"),
    "classification": re.compile("baseline"),
    "detection_method": re.compile("manual_review"),
}
REPORTER: Final[Mapping[str, re.Pattern[str]]] = {"org": _NAME, "contact": _MAIL, "domain": _DOMAIN}
_PORT: Final = range(1, 65536)
_SOUND: Final[set[tuple[str, ...]]] = set()
_MOST_SHAPES: Final = 256

FIELDS: Final = frozenset({*LOOKS, "reporter", "sender", "source_port", "tags"})
"""Every field that a report may have."""


def attachment(letter: Letter) -> bytes:
    """Return the report on a letter's one location as JSON.

    Raises: UnfitError when there is not one location, or the report is not
    what our guard and the schema ask for.
    """
    if len(letter.items) != 1:
        raise UnfitError("a report is about one location")
    made = report(letter, letter.items[0])
    guard(made)
    _validate(made)
    return json.dumps(made, indent=1).encode("ascii") + b"\n"


def report(letter: Letter, item: Item) -> dict[str, Any]:
    """Return the report on one location, its fields in the order of the schema.

    The incident's time is the last time it was seen up, as far as we saw it
    up. The address is the reader's own where we know one. A domain that the
    schema's pattern refuses (xn--) is left out: the URL holds it anyway.
    """
    ours = {
        "org": letter.us.name[:200],
        "contact": letter.us.contact,
        "domain": letter.us.contact.rpartition("@")[2].lower(),
    }
    host = _host(item.url)
    address = (item.addresses or "").partition(",")[0].strip()
    made: dict[str, Any] = {
        "xarf_version": VERSION,
        "report_id": letter.report_id,
        "timestamp": _moment(item.last_up_at or item.received_at),
        "reporter": ours,
        "sender": dict(ours),
        "source_identifier": address or host,
        "source_port": item.port,
        "category": "content",
        "type": "csam",
        "tags": [f"case:{item.case.lower()}", f"notice:{letter.reference.lower()}", f"scope:{item.scope}"],
        "url": item.url,
        "domain": host if _DOMAIN.fullmatch(host) else None,
        "verified_at": _moment(item.last_up_at) if item.last_up_at else None,
        "verification_method": "manual",
        "country_code": item.country,
        "classification": item.class_value,
        "detection_method": "manual_review",
    }
    return {name: value for name, value in made.items() if value is not None}


def guard(made: Mapping[str, Any]) -> None:
    """Refuse a report with any field but ours, or a value of one that does not look as it should.

    Raises: UnfitError, naming the fields.
    """
    bad = sorted(made.keys() - FIELDS)
    bad += [name for name, looks in LOOKS.items() if name in made and not _fits(looks, made[name])]
    bad += [name for name in ("reporter", "sender") if not _is_contact(made.get(name))]
    if "source_port" in made and (type(made["source_port"]) is not int or made["source_port"] not in _PORT):
        bad.append("source_port")
    tags = made.get("tags", [])
    if not isinstance(tags, list) or not all(_fits(TAG, tag) for tag in tags):
        bad.append("tags")
    if bad:
        raise UnfitError(f"not as a report of ours looks: {', '.join(bad)}")


def _fits(looks: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and looks.fullmatch(value) is not None


def _is_contact(who: object) -> bool:
    return (
        isinstance(who, dict)
        and who.keys() == REPORTER.keys()
        and all(_fits(looks, who[name]) for name, looks in REPORTER.items())
    )


def _validate(made: Mapping[str, Any]) -> None:
    """Ask the reference library. In its normal mode: strict would want hashes and evidence of us.

    It reads 32 types of report to judge one. What it found sound is not
    asked again: our guard holds every value to no less than the schema,
    so that only which fields there are, and who writes, can differ.
    """
    shape = (*made, *made["reporter"].values())
    if shape in _SOUND:
        return
    result = _reader()(dict(made))
    if result.errors or result.warnings or result.report is None:
        names = sorted({fault.field or "the whole" for fault in (*result.errors, *result.warnings)})
        raise UnfitError(f"the XARF schema refuses: {', '.join(names) or 'the whole'}")
    if len(_SOUND) < _MOST_SHAPES:
        _SOUND.add(shape)


@cache
def _reader() -> Callable[[dict[str, Any]], Any]:
    """Return the library's reader, loaded when the first report is made: it takes a quarter of a second."""
    import xarf

    return xarf.parse


def _host(url: str) -> str:
    try:
        return parse(url).host
    except RefusedError:
        raise UnfitError("the location is no URL that we read") from None


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
