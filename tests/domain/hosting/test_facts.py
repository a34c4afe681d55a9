import json
from dataclasses import replace
from datetime import UTC, datetime

from nta.domain.hosting.facts import (
    AddressFacts,
    DomainFacts,
    FoundContact,
    HostingFacts,
    LookupProblem,
    Network,
    RegistrarFacts,
    from_plain,
    to_plain,
)
from nta.domain.reasons import Code, because, other

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
ABUSE = (FoundContact("abuse@one.example", "rdap", 0.9),)
NETWORK = Network("NET-1", "ONE", ("192.0.2.0/24",), "NL", "ORG-1", "One B.V.")


def address(ip: str, party: str | None, proxy: str | None = None) -> AddressFacts:
    return AddressFacts(ip, 64500, "ONE", NETWORK, party, "One", proxy, ABUSE, NINE)


FACTS = HostingFacts(
    host="a.test",
    asked_at=NINE,
    cname=("b.test",),
    addresses=(
        address("192.0.2.1", "hosting:one"),
        address("192.0.2.2", "hosting:one"),
        address("198.51.100.1", "rdap:ORG-2", "proxy:shield"),
        AddressFacts("203.0.113.1", None, None, None, None, None, None, ()),
    ),
    country="NL",
    domain=DomainFacts(
        "a.test",
        "test",
        True,
        RegistrarFacts("Reg", "1", None, ABUSE),
        "registry:test",
        ("ok",),
        ("ns.test",),
        "rdap",
    ),
    problems=(LookupProblem("rdap_ip", other("no answer"), True),),
)


def test_the_arrangement_names_a_proxy_in_place_of_what_it_hides():
    assert FACTS.parties == {"hosting:one", "proxy:shield"}


def test_each_party_is_looked_at_by_its_own_addresses():
    assert FACTS.pins() == {
        "hosting:one": ("192.0.2.1", "192.0.2.2"),
        "proxy:shield": ("198.51.100.1",),
    }


def test_facts_come_back_as_they_were_stored():
    stored = json.dumps(to_plain(FACTS))

    assert from_plain(json.loads(stored)) == FACTS


def test_why_a_look_up_failed_is_a_text_that_an_earlier_release_reads_and_wrote():
    reason = because(Code.SERVER_ANSWERED, status=500)
    facts = replace(FACTS, problems=(LookupProblem("rdap_ip", reason, True),))

    stored = to_plain(facts)
    sentence = [{"step": "rdap_ip", "reason": "the server answered 500", "temporary": True}]

    assert isinstance(stored["problems"][0]["reason"], str)
    assert from_plain(stored) == facts
    assert from_plain(stored | {"problems": sentence}).problems[0].reason == other("the server answered 500")


def test_facts_stored_without_the_moment_of_an_address_are_read():
    plain = to_plain(FACTS)
    for one in plain["addresses"]:
        del one["seen_at"]

    assert {a.seen_at for a in from_plain(plain).addresses} == {None}
