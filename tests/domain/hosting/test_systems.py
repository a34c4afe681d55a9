"""The AS that announces an address is asked about where its network names no abuse contact."""

from datetime import UTC, datetime, timedelta

from nta.domain.hosting.facts import FoundContact, LookupProblem
from nta.domain.hosting.lookups import (
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import other
from tests.lookup_plain import a_finding

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOST = Subject("192.0.2.1", True, None, None)
ROUTED = Subject("192.0.2.1", True, None, None, routes=True)
SYSTEM = Lookup(LookupKind.SYSTEM, "64500")
DESK = {"email": "abuse@upstream.example", "source": "upstream", "confidence": 0.5}


def answer(kind, subject, value, problem=None):
    covers = ("192.0.2.0/24",) if kind in (LookupKind.NETWORK, LookupKind.ROUTE) else ()
    return a_finding(Lookup(kind, subject), value, "x", NOW, NOW + timedelta(hours=1), problem, covers)


def network(**more):
    return answer(LookupKind.NETWORK, HOST.host, {"handle": "NET-1", "cidr": ["192.0.2.0/24"]} | more)


def test_a_network_with_a_desk_of_its_own_is_enough():
    desk = [{"email": "abuse@holder.example", "source": "rdap", "confidence": 0.9}]

    assert next_lookups(HOST, [network(asn=64500, abuse=desk)], NOW) == frozenset()


def test_without_one_its_as_is_asked_once():
    first = network(asn=64500, abuse=[])

    assert next_lookups(HOST, [first], NOW) == {SYSTEM}
    assert next_lookups(HOST, [first, answer(*_pair(SYSTEM), None)], NOW) == frozenset()


def test_without_an_as_there_is_nobody_to_ask():
    assert next_lookups(HOST, [network(asn=None, abuse=[])], NOW) == frozenset()


def test_a_network_that_could_not_be_asked_raises_no_other_question():
    failed = answer(LookupKind.NETWORK, HOST.host, None, LookupProblem("rdap_ip", other("no answer"), True))

    assert next_lookups(HOST, [failed], NOW) == frozenset()


def test_what_is_announced_counts_and_is_waited_for():
    first = network(asn=64511, abuse=[])
    route = answer(LookupKind.ROUTE, HOST.host, {"asn": 64500, "as_name": None, "prefix": "192.0.2.0/24"})

    assert next_lookups(ROUTED, [first], NOW) == {Lookup(LookupKind.ROUTE, HOST.host)}
    assert next_lookups(ROUTED, [first, route], NOW) == {SYSTEM}


def test_the_ass_desk_is_told_as_that_of_the_network():
    told = answer(*_pair(SYSTEM), {"as_name": "UPSTREAM", "abuse": [DESK]})

    facts = conclude(HOST, [network(asn=64500, abuse=[]), told], Catalogue(), NOW)

    (address,) = facts.addresses
    assert (address.party, address.as_name) == ("net:NET-1", "UPSTREAM")
    assert address.abuse == (FoundContact("abuse@upstream.example", "upstream", 0.5),)


def test_an_as_that_could_not_be_asked_is_named_as_a_problem():
    problem = LookupProblem("rdap_as", other("no answer"), True)

    facts = conclude(
        HOST, [network(asn=64500, abuse=[]), answer(*_pair(SYSTEM), None, problem)], Catalogue(), NOW
    )

    assert facts.problems == (problem,)


def test_an_address_mapped_into_ipv6_is_asked_about_as_what_it_is():
    mapped = Subject("::ffff:c000:201", True, None, None)

    assert next_lookups(mapped, [], NOW) == {Lookup(LookupKind.NETWORK, "192.0.2.1")}
    assert [a.ip for a in conclude(mapped, [], Catalogue(), NOW).addresses] == ["192.0.2.1"]


def _pair(lookup):
    return lookup.kind, lookup.subject
