"""Tables of URLs, ours and recorded ones: what a case of each comes to, and what it should."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nta.domain.errors import RefusedError
from nta.domain.intake.urls import (
    Location,
    find_urls,
    join,
    parse,
    refang,
    registrable_domain,
)

Case = dict[str, Any]
Read = tuple[object, object]
"""What was found, and what should be."""

OWN = Path(__file__).parents[1] / "data" / "urls"
_PORTS = {"http:": 80, "https:": 443}


def own(table: str) -> list[Case]:
    """Return our own cases of a table."""
    cases: list[Case] = json.loads((OWN / f"{table}.json").read_text(encoding="utf-8"))["cases"]
    return cases


def located(text: str) -> Location | None:
    """Return where a URL leads, None where it is refused."""
    try:
        return parse(text)
    except RefusedError:
        return None


def _as_browsers_do(case: Case) -> Read:
    expected = case["expected"]
    refused = expected.get("failure") or expected["protocol"] not in _PORTS
    try:
        found = join(parse(case["base"]), case["input"]) if case.get("base") else parse(case["input"])
    except RefusedError:
        return None, None if refused else expected["href"]
    if refused:
        return found, None
    return (found.url, found.host, found.port, found.scheme + ":"), (
        expected["href"].partition("#")[0],
        expected["hostname"].strip("[]"),
        int(expected["port"] or _PORTS[expected["protocol"]]),
        expected["protocol"],
    )


def _host(case: Case) -> Read:
    found = located(f"https://{case['input']}/")
    return found and found.host, case["expected"]["ascii"]


def _registrable_domain(case: Case) -> Read:
    return registrable_domain(case["input"]), case["expected"]["registrable_domain"]


def _refanged(case: Case) -> Read:
    found, expected = parse(refang(case["input"])), case["expected"]
    return (found, parse(expected["url"])) if "url" in expected else (found.host, expected["host"])


def _end_of_sentence(case: Case) -> Read:
    expected = case["expected"].get("url") or refang(case["expected"]["text_still_defanged"])
    return [refang(case["input"].split()[0]), *find_urls(case["input"])], [expected, expected]


def _in_text(case: Case) -> Read:
    return find_urls(case["input"]), [refang(url) for url in case["expected"]["urls"]]


TABLES: dict[str, Callable[[Case], Read]] = {
    "whatwg-url": _as_browsers_do,
    "toascii": _host,
    "registrable-domain": _registrable_domain,
    "refang": _refanged,
    "trailing-punctuation": _end_of_sentence,
    "extract-from-text": _in_text,
}
