"""What differs from place to place, and who could not be asked, in the facts of a host."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nta.domain.hosting.arrangements import recall
from nta.domain.hosting.facts import (
    HostingFacts,
    LookupProblem,
    from_plain,
    to_plain,
)
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.ranges import lie_in
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import Code, because, other
from tests.lookup_plain import a_finding

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE = Subject("a.test", False, None, None)
MISSING = [{"who": "JPNIC", "reason": "the server does not answer in time", "temporary": True}]


def names(*addresses: str, at: datetime = NINE, **more: Any) -> Finding:
    value = {"addresses": list(addresses), "cname": [], "dead": None} | more
    return a_finding(Lookup(LookupKind.ADDRESSES, "a.test"), value, "dns", at, at + HOUR, None)


def network(ip: str, *cidr: str, at: datetime = NINE, **more: Any) -> Finding:
    value = {"handle": cidr[0], "cidr": list(cidr), "abuse": []} | more
    return a_finding(Lookup(LookupKind.NETWORK, ip), value, "rdap", at, at + HOUR, None, cidr)


def facts(*findings: Finding, now: datetime = NINE) -> HostingFacts:
    return conclude(SITE, findings, Catalogue(), now)


ONE, TWO = network("192.0.2.1", "192.0.2.0/24"), network("198.51.100.1", "198.51.100.0/24")
SHOWN = {"nl": ["192.0.2.1"], "de": ["192.0.2.1", "198.51.100.1"], "se": []}


def test_each_address_says_who_is_shown_it_and_all_that_serve_are_parties() -> None:
    found = facts(names("192.0.2.1", "198.51.100.1", seen_from=SHOWN), ONE, TWO)

    assert {a.ip: a.seen_from for a in found.addresses} == {
        "192.0.2.1": ("nl", "de"),
        "198.51.100.1": ("de",),
    }
    assert found.parties == {"net:192.0.2.0/24", "net:198.51.100.0/24"}


def test_an_address_that_all_are_shown_says_of_nobody() -> None:
    shown = {"nl": ["192.0.2.1"], "de": ["192.0.2.1", "198.51.100.1"]}

    found = facts(names("192.0.2.1", "198.51.100.1", seen_from=shown), ONE, TWO)

    assert {a.ip: a.seen_from for a in found.addresses} == {"192.0.2.1": (), "198.51.100.1": ("de",)}


def test_who_is_shown_what_is_kept_with_the_facts_and_nothing_where_all_are_shown_the_same() -> None:
    differing = facts(names("192.0.2.1", "198.51.100.1", seen_from=SHOWN), ONE, TWO)
    same = facts(names("192.0.2.1"), ONE)

    assert from_plain(json.loads(json.dumps(to_plain(differing)))) == differing
    assert "seen_from" not in to_plain(same)["addresses"][0]


def test_one_who_could_not_ask_is_a_problem_beside_what_is_known() -> None:
    silent = [{"who": "asked from de", "reason": "no DNS server answers", "temporary": True}]
    findings = (names("192.0.2.1", unheard=silent), ONE)

    found = facts(*findings)

    why = because(Code.ASKED_FROM, reason=other("no DNS server answers"), vantage="de")
    assert found.problems == (LookupProblem("dns", why, True),)
    assert found.parties == {"net:192.0.2.0/24"}
    assert Lookup(LookupKind.ADDRESSES, "a.test") not in next_lookups(SITE, findings, NINE)


def test_a_wider_network_takes_nothing_back_while_who_knows_more_is_missing() -> None:
    desk = [{"email": "abuse@one.example", "source": "whois", "confidence": 0.9}]
    before = facts(names("192.0.2.1"), network("192.0.2.1", "192.0.2.0/25", abuse=desk, country="JP"))
    later = NINE + 2 * HOUR

    def missing(*cidr: str, **more: Any) -> HostingFacts:
        wide = network("192.0.2.1", *cidr, at=later, unheard=MISSING, **more)
        return facts(names("192.0.2.1", at=later), wide, now=later)

    wide = network("192.0.2.1", "192.0.0.0/16", at=later, country="JP")
    told = facts(names("192.0.2.1", at=later), wide, now=later)
    kept = recall(before, missing("192.0.0.0/16", country="JP"))

    assert kept.addresses == (replace(before.addresses[0], seen_at=later),)
    assert recall(before, told).parties == {"net:192.0.0.0/16"}
    assert recall(before, missing("192.0.0.0/16", country="NL")).parties == {"net:192.0.0.0/16"}
    same_range = missing("192.0.2.0/25", country="JP", handle="ANOTHER")
    assert recall(before, same_range).parties == {"net:ANOTHER"}


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [
        (["192.0.2.0/25"], ["192.0.2.0/24"], True),
        (["192.0.2.0/24"], ["192.0.2.0/24"], True),
        (["192.0.2.0/24"], ["192.0.2.0/25"], False),
        (["192.0.2.0/25", "198.51.100.0/24"], ["192.0.2.0/24", "198.51.0.0/16"], True),
        (["192.0.2.0/25", "203.0.113.0/24"], ["192.0.2.0/24"], False),
        (["192.0.2.0/25"], ["::/0"], False),
        (["192.0.2.0/25"], [], False),
        ([], ["192.0.2.0/24"], True),
    ],
)
def test_ranges_lie_in_others(narrow: list[str], wide: list[str], expected: bool) -> None:
    assert lie_in(narrow, wide) is expected
