"""The tree of `nta resolve`: every contact with its source, when it was asked, how sure that is, and why."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from nta.cli.resolution_tree import Reading, resolved_tree
from nta.render.words import how_sure

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
READING = Reading(AT, {"hosting:example": "Example Hosting B.V.", "proxy:veil": "Veil"})


def contact(**changes: Any) -> dict[str, Any]:
    return {
        "role": "host",
        "email": "abuse@hosting.example",
        "channel": "email",
        "to": "abuse@hosting.example",
        "party": "hosting:example",
        "country": "NL",
        "source": "rdap",
        "confidence": 0.9,
        "reason": "RDAP names it as the abuse contact.",
    } | changes


def address(ip: str = "192.0.2.1", **changes: Any) -> dict[str, Any]:
    network = {
        "handle": "NET-1",
        "name": "EXAMPLE-NET",
        "cidr": ["192.0.2.0/24"],
        "country": "NL",
        "holder": "Example",
    }
    found = {"email": "abuse@hosting.example", "source": "remark", "confidence": 0.6}
    return {
        "ip": ip,
        "asn": 64500,
        "as_name": "EXAMPLE",
        "proxy": None,
        "network": network,
        "abuse": [found],
    } | changes


def resolved(**changes: Any) -> dict[str, Any]:
    return {
        "url": "http://www.gallery.test/a",
        "host": "www.gallery.test",
        "registrable_domain": "gallery.test",
        "cname": [],
        "hosting_country": "NL",
        "addresses": [address()],
        "domain": None,
        "contacts": [contact()],
        "problems": [],
        "lookups": {"dns": 1, "rdap": 2, "whois": 0},
        "zone": None,
    } | changes


def drawn(found: dict[str, Any], width: int = 200) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, color_system=None, markup=False, highlight=False, emoji=False
    )
    console.print(resolved_tree(found, READING))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_each_contact_has_its_reason_its_source_its_moment_and_its_confidence() -> None:
    lines = drawn(resolved())

    assert lines == [
        "host www.gallery.test, hosted in NL",
        "├── 192.0.2.1  AS64500 EXAMPLE",
        "│   ├── network of Example  192.0.2.0/24  NL",
        "│   └── abuse contact: abuse@hosting.example  (a remark, likely)",
        "├── whom to tell",
        "│   └── tell host: abuse@hosting.example  (Example Hosting B.V., NL)",
        "│       ├── why: RDAP names it as the abuse contact.",
        "│       └── source: RDAP, asked 2026-03-02 09:30 UTC; very likely",
        "└── asked 2026-03-02 09:30 UTC: 1 by DNS, 2 by RDAP",
    ]


@pytest.mark.parametrize(
    ("source", "confidence", "line"),
    [
        ("catalogue", 1.0, "source: the catalogue; certain"),
        ("guess", 0.3, "source: nobody's word; a guess"),
        ("security_txt", 0.8, "source: security.txt, asked 2026-03-02 09:30 UTC; very likely"),
        ("origin_lookup", 0.9, "source: the proxy, asked 2026-03-02 09:30 UTC; very likely"),
    ],
)
def test_what_was_not_asked_has_no_moment(source: str, confidence: float, line: str) -> None:
    lines = drawn(resolved(contacts=[contact(source=source, confidence=confidence)]))

    assert f"│       └── {line}" in lines


def test_every_way_of_asking_has_a_name() -> None:
    lookups = {"dns": 1, "rdap": 2, "whois": 1, "route": 1, "origin": 1, "security_txt": 1}

    last = drawn(resolved(lookups=lookups))[-1]

    assert last.endswith("1 by DNS, 2 by RDAP, 1 by WHOIS, 1 by routes, 1 by the proxy, 1 by security.txt")


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (1.0, "certain"),
        (0.9, "very likely"),
        (0.7, "likely"),
        (0.6, "likely"),
        (0.5, "uncertain"),
        (0.3, "a guess"),
        (0.0, "a guess"),
    ],
)
def test_a_confidence_has_words(confidence: float, words: str) -> None:
    assert how_sure(confidence) == words


def test_a_proxy_has_a_name() -> None:
    lines = drawn(resolved(addresses=[address(proxy="proxy:veil", abuse=[])], contacts=[]))

    assert "│   ├── a proxy: Veil: the host behind it is not seen" in lines
    assert "├── nobody to tell was found" in lines


def test_what_a_proxy_names_stands_behind_it_with_whose_word_it_is() -> None:
    origin = address("198.51.100.1", abuse=[]) | {"from": "proxy:veil"}
    lookups = {"dns": 1, "rdap": 3, "whois": 0, "origin": 1}
    edge = address(proxy="proxy:veil", abuse=[])
    lines = drawn(resolved(addresses=[edge], origins=[origin], lookups=lookups))

    assert lines[1:7] == [
        "├── 192.0.2.1  AS64500 EXAMPLE",
        "│   ├── a proxy: Veil",
        "│   └── network of Example  192.0.2.0/24  NL",
        "├── behind the proxy, by the word of Veil",
        "│   └── 198.51.100.1  AS64500 EXAMPLE",
        "│       └── network of Example  192.0.2.0/24  NL",
    ]
    assert lines[-1].endswith("1 by DNS, 3 by RDAP, 1 by the proxy")


def test_a_name_that_leads_nowhere_is_hosted_nowhere() -> None:
    dead = {"step": "dns", "reason": "nxdomain", "temporary": False}
    lines = drawn(resolved(addresses=[], contacts=[], hosting_country=None, problems=[dead]))

    assert lines[0] == "host www.gallery.test"
    assert "│   └── dns: the name does not exist" in lines


@pytest.mark.parametrize("width", [28, 40, 80])
def test_a_narrow_terminal_loses_nothing_and_keeps_the_branches(width: int) -> None:
    many = [address(f"2001:db8:1234:5678:9abc::{n}") for n in range(3)]
    found = resolved(addresses=many, contacts=[contact(role=r) for r in ("host", "registrar")])

    lines = drawn(found, width)

    assert max(map(len, lines)) <= width
    words = " ".join(line.strip("│├└─ ") for line in lines).replace(" ", "")
    whole = " ".join(line.strip("│├└─ ") for line in drawn(found)).replace(" ", "")
    assert words == whole
    assert all(line[0] in "│├└h " for line in lines)
