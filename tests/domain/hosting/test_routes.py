"""Who announces an address: what is asked of it, and that it names hosts known by their AS number alone."""

from dataclasses import replace
from typing import Any

import pytest

from nta.domain.hosting.arrangements import recall
from nta.domain.hosting.facts import AddressFacts, HostingFacts, LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.hosting.query_batching import one_of_each
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.reasons import other
from tests.domain.hosting.test_resolution import (
    CATALOGUE,
    HOUR,
    LITERAL,
    NINE,
    SITE,
    names,
    network,
)
from tests.lookup_plain import a_finding

ROUTED = replace(SITE, routes=True)
IP = "198.51.100.1"
"""In no range of the catalogue."""


def route(ip: str, asn: int | None, *covers: str, name: str | None = None, problem: bool = False) -> Finding:
    value = None if problem else {"asn": asn, "as_name": name, "prefix": None}
    trouble = LookupProblem("route", other("no answer"), True) if problem else None
    lookup = Lookup(LookupKind.ROUTE, ip)
    return a_finding(lookup, value, "routing table", NINE, NINE + 12 * HOUR, trouble, covers)


def routes_asked(*findings: Finding) -> set[str]:
    return {x.subject for x in next_lookups(ROUTED, findings, NINE) if x.kind is LookupKind.ROUTE}


def concluded(*findings: Finding) -> HostingFacts:
    return conclude(ROUTED, [names(IP), *findings], CATALOGUE, NINE)


def only(facts: HostingFacts) -> AddressFacts:
    (address,) = facts.addresses
    return address


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        pytest.param([], set(), id="the-name-first"),
        pytest.param([names("192.0.2.1", "192.0.2.9")], {"192.0.2.1"}, id="one-for-each-neighbourhood"),
        pytest.param(
            [names("192.0.2.1", "192.0.2.9"), route("192.0.2.1", 64500, "192.0.2.0/24")],
            set(),
            id="an-answer-covers-its-block",
        ),
        pytest.param(
            [names("192.0.2.1", "192.0.2.9"), route("192.0.2.1", None, "192.0.2.0/29")],
            {"192.0.2.9"},
            id="that-nobody-announces-it-is-an-answer-for-its-block",
        ),
        pytest.param(
            [names("192.0.2.1"), network("192.0.2.1", "192.0.2.0/24")],
            {"192.0.2.1"},
            id="a-network-is-another-question",
        ),
        pytest.param([names("192.0.2.1"), route("192.0.2.1", 0, problem=True)], set(), id="failed"),
    ],
)
def test_the_route_of_an_address_is_asked_once_for_a_block(findings, expected):
    assert routes_asked(*findings) == expected


def test_routes_are_asked_only_where_somebody_knows_them():
    known = next_lookups(replace(LITERAL, routes=True), [], NINE)

    assert known - next_lookups(LITERAL, [], NINE) == {Lookup(LookupKind.ROUTE, "192.0.2.1")}


def test_of_many_hosts_side_by_side_each_kind_is_asked_once_for_a_neighbourhood():
    lookups = {
        Lookup(kind, f"192.0.2.{n}") for n in range(4) for kind in (LookupKind.NETWORK, LookupKind.ROUTE)
    }

    first, _ = one_of_each(lookups)
    assert first == {Lookup(LookupKind.NETWORK, "192.0.2.0"), Lookup(LookupKind.ROUTE, "192.0.2.0")}


def test_a_host_known_by_its_as_number_alone_is_found_by_what_is_announced():
    facts = concluded(network(IP, "198.51.100.0/24", holder="ORG-1"), route(IP, 64500, name="ONE-AS"))

    address = only(facts)
    assert (address.asn, address.as_name, address.party) == (64500, "ONE-AS", "hosting:one")
    assert [c.email for c in address.abuse] == ["abuse@net.example"]


def test_a_proxy_known_by_its_as_number_alone_is_found_too():
    address = only(concluded(network(IP, "198.51.100.0/24", holder="ORG-1"), route(IP, 64511)))

    assert (address.proxy, address.party) == ("proxy:shield", None)


@pytest.mark.parametrize(
    ("announced", "registered", "expected"),
    [
        pytest.param((64500, "A"), (64501, "B"), (64500, "A"), id="what-is-announced-wins"),
        pytest.param((64500, None), (64501, "B"), (64500, None), id="no-number-has-anothers-name"),
        pytest.param((64500, None), (64500, "B"), (64500, "B"), id="the-registry-may-name-it"),
        pytest.param((None, None), (64501, "B"), (64501, "B"), id="announced-by-nobody"),
    ],
)
def test_number_and_name_come_from_the_route_else_from_the_registry(announced, registered, expected):
    value: dict[str, Any] = dict(zip(("asn", "as_name"), registered, strict=True))

    address = only(concluded(network(IP, **value), route(IP, announced[0], name=announced[1])))

    assert (address.asn, address.as_name) == expected


def test_a_route_that_cannot_be_asked_leaves_the_network_to_say_who_it_is():
    facts = concluded(network(IP, holder="ORG-1", asn=64502), route(IP, None, problem=True))

    assert (only(facts).party, only(facts).asn) == ("rdap:ORG-1", 64502)
    assert facts.problems == (LookupProblem("route", other("no answer"), True),)


def test_an_unknown_as_is_no_party_while_its_network_cannot_be_asked():
    """Its contact is the registry's to tell: without it nobody could be told."""
    assert only(concluded(network(IP, problem="429"), route(IP, 64509))).party is None
    assert only(concluded(network(IP, handle=None), route(IP, 64509))).party == "as:64509"


RANGE = "198.51.100.0/24"
BEFORE = concluded(network(IP, RANGE, holder="ORG-1"), route(IP, 64500))


@pytest.mark.parametrize(
    ("findings", "party", "asn", "contacts"),
    [
        pytest.param(
            [network(IP, RANGE, holder="ORG-1"), route(IP, None, problem=True)],
            "hosting:one",
            64500,
            1,
            id="no-route",
        ),
        pytest.param(
            [network(IP, problem="429"), route(IP, 64500)], "hosting:one", 64500, 1, id="no-network"
        ),
        pytest.param(
            [network(IP, problem="429"), route(IP, None, problem=True)], "hosting:one", 64500, 1, id="neither"
        ),
        pytest.param(
            [network(IP, RANGE, holder="ORG-2"), route(IP, None, problem=True)],
            "rdap:ORG-2",
            None,
            1,
            id="no-route-and-another-network",
        ),
        pytest.param(
            [network(IP, problem="429"), route(IP, 64511)],
            "proxy:shield",
            64511,
            0,
            id="another-announces-it",
        ),
    ],
)
def test_who_was_known_by_the_as_number_stays_known_while_it_cannot_be_asked(findings, party, asn, contacts):
    address = only(recall(BEFORE, concluded(*findings)))

    assert (address.proxy or address.party, address.asn, len(address.abuse)) == (party, asn, contacts)
