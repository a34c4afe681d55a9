from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nta.domain.hosting.arrangements import (
    ArrangementChange,
    arrangement_change,
    recall,
    settle,
)
from nta.domain.hosting.facts import HostingFacts, LookupProblem
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.parties.organisations import Catalogue, Provider, Registry
from nta.domain.reasons import other
from tests.lookup_plain import a_finding

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHECKED = date(2026, 3, 1)
SITE = Subject("www.a.test", False, "a.test", "test")
LITERAL = Subject("192.0.2.1", True, None, None)
CATALOGUE = Catalogue(
    hosting={
        "hosting:one": Provider(
            "hosting:one", "One", "NL", None, "a page", CHECKED, (64500,), ("192.0.2.0/25",)
        ),
        "hosting:narrow": Provider(
            "hosting:narrow", "Narrow", "DE", None, "a page", CHECKED, (), ("192.0.2.0/28",)
        ),
    },
    proxies={"proxy:shield": Provider("proxy:shield", "Shield", "US", None, "a page", CHECKED, (64511,))},
    registries={"registry:test": Registry("registry:test", "Test", None, None, "a page", CHECKED, ("test",))},
)
EMPTY = Catalogue()


def names(
    *addresses: str, host: str = SITE.host, dead: str | None = None, problem: str | None = None, **more: Any
) -> Finding:
    return a_finding(
        lookup=Lookup(LookupKind.ADDRESSES, host),
        value=None if problem else {"addresses": list(addresses), "cname": ["edge.test"], "dead": dead},
        source="dns",
        asked_at=more.get("at", NINE),
        valid_until=more.get("until", NINE + HOUR),
        problem=LookupProblem("dns", other(problem), True) if problem else None,
    )


def network(ip: str, *covers: str, problem: str | None = None, **value: Any) -> Finding:
    at = value.pop("at", NINE)
    plain = {
        "handle": f"NET-{ip}",
        "name": "NET",
        "cidr": list(covers),
        "country": "NL",
        "holder": None,
        "holder_name": None,
        "asn": None,
        "as_name": None,
        "abuse": [{"email": "abuse@net.example", "source": "rdap", "confidence": 0.9}],
    }
    return a_finding(
        lookup=Lookup(LookupKind.NETWORK, ip),
        value=None if problem else plain | value,
        source="rdap",
        asked_at=at,
        valid_until=at + 24 * HOUR,
        problem=LookupProblem("rdap_ip", other(problem), True) if problem else None,
        covers=covers,
    )


def asked(subject: Subject, *findings: Finding, now: datetime = NINE) -> set[str]:
    """Return what is asked next of the host; what is asked of its domain has tests of its own."""
    lookups = next_lookups(subject, findings, now)
    return {f"{x.kind} {x.subject}" for x in lookups if x.kind in (LookupKind.ADDRESSES, LookupKind.NETWORK)}


@pytest.mark.parametrize(
    ("subject", "findings", "expected"),
    [
        pytest.param(SITE, [], {"dns www.a.test"}, id="the-name-first"),
        pytest.param(LITERAL, [], {"rdap_ip 192.0.2.1"}, id="an-address-has-no-name"),
        pytest.param(SITE, [names()], set(), id="no-address-nothing-left"),
        pytest.param(SITE, [names(problem="timeout")], set(), id="a-failed-name-is-not-asked-again"),
        pytest.param(SITE, [names(until=NINE)], {"dns www.a.test"}, id="an-answer-that-ran-out"),
        pytest.param(SITE, [names(host="other.test")], {"dns www.a.test"}, id="anothers-answer"),
        pytest.param(
            SITE,
            [names("192.0.2.1", "198.51.100.1", "2001:db8::1")],
            {"rdap_ip 192.0.2.1", "rdap_ip 198.51.100.1", "rdap_ip 2001:db8::1"},
            id="one-question-for-each-network",
        ),
        pytest.param(
            SITE,
            [names("192.0.2.9", "192.0.2.8", "2001:db8::9", "2001:db8::8")],
            {"rdap_ip 192.0.2.8", "rdap_ip 2001:db8::8"},
            id="one-for-each-neighbourhood-at-a-time",
        ),
        pytest.param(
            SITE,
            [names("192.0.2.8", "192.0.3.9"), network("192.0.2.8", "192.0.2.0/23")],
            set(),
            id="an-answer-covers-its-range",
        ),
        pytest.param(
            SITE,
            [names("192.0.2.8", "192.0.2.200"), network("192.0.2.8", "192.0.2.0/25")],
            {"rdap_ip 192.0.2.200"},
            id="a-narrow-range-leaves-a-neighbour",
        ),
        pytest.param(
            SITE,
            [names("192.0.2.8"), network("192.0.2.8")],
            set(),
            id="an-answer-without-range-covers-its-address",
        ),
        pytest.param(
            SITE,
            [names("192.0.2.8", "192.0.2.9"), network("192.0.2.8", problem="429")],
            {"rdap_ip 192.0.2.9"},
            id="a-failure-covers-only-its-address",
        ),
    ],
)
def test_what_is_asked_next(subject, findings, expected):
    assert asked(subject, *findings) == expected


def test_a_host_of_the_catalogue_is_known_by_its_narrowest_range():
    facts = conclude(
        SITE,
        [names("192.0.2.1", "192.0.2.100", "203.0.113.1"), network("203.0.113.1", asn=64500)],
        CATALOGUE,
        NINE,
    )

    assert [(a.ip, a.party, a.party_name) for a in facts.addresses] == [
        ("192.0.2.1", "hosting:narrow", "Narrow"),
        ("192.0.2.100", "hosting:one", "One"),
        ("203.0.113.1", "hosting:one", "One"),
    ]


@pytest.mark.parametrize(
    ("value", "party", "name"),
    [
        pytest.param({"holder": "ORG-1", "holder_name": "One Ltd"}, "rdap:ORG-1", "One Ltd", id="holder"),
        pytest.param({"holder": "ORG-1"}, "rdap:ORG-1", "ORG-1", id="holder-without-name"),
        pytest.param({"handle": "NET-1", "name": "ONE-NET"}, "net:NET-1", "ONE-NET", id="network"),
        pytest.param({"handle": None, "asn": 64501, "as_name": "ONE-AS"}, "as:64501", "ONE-AS", id="as"),
        pytest.param({"handle": None}, None, None, id="nobody"),
    ],
)
def test_a_party_outside_the_catalogue_is_named_by_its_registration(value, party, name):
    (address,) = conclude(
        SITE, [names("198.51.100.1"), network("198.51.100.1", **value)], EMPTY, NINE
    ).addresses

    assert (address.party, address.party_name) == (party, name)


def test_a_proxy_hides_its_host():
    (address,) = conclude(
        SITE, [names("192.0.2.1"), network("192.0.2.1", asn=64511)], CATALOGUE, NINE
    ).addresses

    assert (address.proxy, address.party, address.party_name) == ("proxy:shield", None, "Shield")


def test_the_narrowest_network_wins():
    findings = [
        names("192.0.2.1", "192.0.2.200"),
        network("192.0.2.200", "192.0.2.0/24", handle="WIDE"),
        network("192.0.2.1", "192.0.2.0/28", handle="NARROW"),
    ]

    facts = conclude(SITE, findings, EMPTY, NINE)

    assert [a.network.handle for a in facts.addresses] == ["NARROW", "WIDE"]


def test_of_two_answers_to_one_question_the_newer_counts_and_a_failure_never_beats_an_answer():
    old, new = names("192.0.2.1"), names("192.0.2.2", at=NINE + HOUR / 4)
    failed = names(problem="timeout", at=NINE + HOUR / 2)

    facts = conclude(SITE, [new, failed, old], EMPTY, NINE + HOUR / 2)

    assert [a.ip for a in facts.addresses] == ["192.0.2.2"]
    assert facts.asked_at == NINE + HOUR / 4
    assert facts.problems == ()


def test_what_could_not_be_asked_is_named_and_the_rest_is_known():
    findings = [
        names("192.0.2.1", "198.51.100.1"),
        network("192.0.2.1"),
        network("198.51.100.1", problem="429"),
    ]

    facts = conclude(SITE, findings, EMPTY, NINE)

    assert [a.party for a in facts.addresses] == ["net:NET-192.0.2.1", None]
    assert facts.problems == (LookupProblem("rdap_ip", other("429"), True),)


@pytest.mark.parametrize(
    ("countries", "expected"),
    [
        pytest.param(["NL", "NL", "DE"], "NL", id="most"),
        pytest.param(["NL", "DE"], None, id="no-majority"),
        pytest.param(["NL", None, "EU"], "NL", id="regions-and-gaps-do-not-vote"),
        pytest.param(["nl"], "NL", id="small-letters"),
        pytest.param([None], None, id="unknown"),
    ],
)
def test_the_hosting_country_is_that_of_most_addresses(countries, expected):
    ips = [f"198.51.{i}.1" for i in range(len(countries))]
    findings = [names(*ips), *(network(ip, country=c) for ip, c in zip(ips, countries, strict=True))]

    assert conclude(SITE, findings, EMPTY, NINE).country == expected


def test_a_network_without_country_is_where_its_party_is():
    findings = [names("192.0.2.100"), network("192.0.2.100", country=None)]

    assert conclude(SITE, findings, CATALOGUE, NINE).country == "NL"


def test_a_dead_name_and_its_domain():
    facts = conclude(SITE, [names(dead="nxdomain")], CATALOGUE, NINE)

    assert (facts.dead, facts.addresses, facts.country) == ("nxdomain", (), None)
    assert facts.cname == ("edge.test",)
    assert (facts.domain.name, facts.domain.suffix, facts.domain.registry) == (
        "a.test",
        "test",
        "registry:test",
    )


def test_facts_of_a_bare_address():
    facts = conclude(LITERAL, [network("192.0.2.1", at=NINE - 20 * HOUR)], EMPTY, NINE)

    assert (facts.asked_at, facts.domain) == (NINE, None)
    assert facts.parties == {"net:NET-192.0.2.1"}


def served_by(*ips: str, at: datetime = NINE, dead: str | None = None) -> HostingFacts:
    """Return facts in which each address is a network, so a party, of its own."""
    return conclude(
        SITE, [names(*ips, at=at, dead=dead, until=at + HOUR), *(network(ip, at=at) for ip in ips)], EMPTY, at
    )


def ips_of(facts: HostingFacts) -> list[str]:
    return [a.ip for a in facts.addresses]


def test_without_earlier_facts_the_new_ones_stand():
    assert settle(None, served_by("192.0.2.1")) == served_by("192.0.2.1")


def test_a_party_seen_lately_stays_next_to_a_new_one():
    first = served_by("192.0.2.1")

    both = settle(first, served_by("198.51.100.1", at=NINE + 3 * HOUR))

    assert ips_of(both) == ["198.51.100.1", "192.0.2.1"]
    assert both.asked_at == NINE + 3 * HOUR


def test_a_party_not_seen_for_a_day_is_dropped():
    second = settle(served_by("192.0.2.1"), served_by("198.51.100.1", at=NINE + 20 * HOUR))

    third = settle(second, served_by("198.51.100.1", at=NINE + 25 * HOUR))

    assert ips_of(second) == ["198.51.100.1", "192.0.2.1"]
    assert ips_of(third) == ["198.51.100.1"]


def test_a_party_still_seen_has_todays_addresses():
    before = conclude(SITE, [names("192.0.2.1"), network("192.0.2.1", "192.0.2.0/24")], EMPTY, NINE)
    after = conclude(SITE, [names("192.0.2.2"), network("192.0.2.1", "192.0.2.0/24")], EMPTY, NINE)

    assert ips_of(settle(before, after)) == ["192.0.2.2"]


def test_a_failed_look_up_leaves_the_facts_as_they_were_with_their_age():
    failed = conclude(
        SITE, [names(problem="timeout", at=NINE + HOUR, until=NINE + 2 * HOUR)], EMPTY, NINE + HOUR
    )

    settled = settle(served_by("192.0.2.1"), failed)

    assert (ips_of(settled), settled.asked_at) == (["192.0.2.1"], NINE)
    assert settled.problems == (LookupProblem("dns", other("timeout"), True),)


def test_a_name_that_leads_nowhere_has_no_arrangement():
    assert settle(served_by("192.0.2.1"), served_by(dead="nxdomain", at=NINE + HOUR)).parties == frozenset()


@pytest.mark.parametrize(
    ("known", "seen", "missed", "change"),
    [
        pytest.param("a", "a", 0, ArrangementChange.SAME, id="same"),
        pytest.param("ab", "a", 5, ArrangementChange.SAME, id="one-of-two"),
        pytest.param("a", "ab", 0, ArrangementChange.JOINED, id="joined"),
        pytest.param("a", "b", 0, ArrangementChange.SUSPECT, id="none-of-them-once"),
        pytest.param("a", "b", 1, ArrangementChange.MOVED, id="none-of-them-twice"),
        pytest.param("a", "", 9, ArrangementChange.SAME, id="nothing-learned"),
        pytest.param("", "a", 0, ArrangementChange.JOINED, id="the-first-party"),
        pytest.param("", "", 0, ArrangementChange.SAME, id="nobody"),
    ],
)
def test_a_change_of_arrangement_takes_two_looks(known, seen, missed, change):
    assert arrangement_change(frozenset(known), frozenset(seen), missed) is change


IPS = st.sampled_from(
    [f"192.0.{third}.{last}" for third in (2, 3) for last in (1, 9, 200)]
    + ["2001:db8::1", "2001:db8::2", "2001:db8:1::1"]
)
PREFIXES = st.sampled_from([None, 16, 23, 24, 28, 32])


def reply(lookup: Lookup, addresses: list[str], prefix: int | None, fails: bool) -> Finding:
    if lookup.kind is LookupKind.ADDRESSES:
        return names(*addresses, problem="timeout" if fails else None)
    if lookup.kind in (LookupKind.DOMAIN, LookupKind.WHOIS):
        return a_finding(
            lookup, None, "rdap", NINE, NINE + HOUR, LookupProblem(lookup.kind.value, other("none"), False)
        )
    if fails or prefix is None:
        return network(lookup.subject, problem="429" if fails else None)
    return network(lookup.subject, str(ip_network(f"{lookup.subject}/{prefix}", strict=False)))


WORLD = st.tuples(
    st.lists(IPS, max_size=9),
    st.dictionaries(IPS, st.tuples(PREFIXES, st.booleans())),
    st.booleans(),
)


def rounds_of(world: Any) -> list[list[Finding]]:
    """Ask until nothing is left, as the use case does; never the same question twice."""
    addresses, networks, dns_fails = world
    rounds: list[list[Finding]] = []
    for _ in range(len(addresses) + 3):
        findings = [finding for one in rounds for finding in one]
        wanted = next_lookups(SITE, findings, NINE)
        assert wanted.isdisjoint({finding.lookup for finding in findings})
        if not wanted:
            return rounds
        rounds.append([])
        for lookup in sorted(wanted, key=lambda one: one.subject):
            prefix, fails = networks.get(lookup.subject, (24, False))
            fails = dns_fails if lookup.kind is LookupKind.ADDRESSES else fails
            rounds[-1].append(reply(lookup, addresses, prefix, fails))
    raise AssertionError("the questions never end")


def ask_all(world: Any) -> list[Finding]:
    return [finding for one in rounds_of(world) for finding in one]


@given(WORLD)
def test_questions_end_and_none_is_asked_that_a_finding_covers(world):
    covered = []
    for one in rounds_of(world)[1:]:
        asked_now = [ip_address(f.lookup.subject) for f in one if f.lookup.kind is LookupKind.NETWORK]
        near = {ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False) for ip in asked_now}
        assert not [ip for ip in asked_now if any(ip in net for net in covered)]
        assert len(near) == len(asked_now)
        covered += [ip_network(cidr) for finding in one for cidr in finding.covers]


@given(WORLD, st.randoms(use_true_random=False))
def test_what_is_concluded_hangs_on_no_order(world, random):
    findings = ask_all(world)
    shuffled = list(findings)
    random.shuffle(shuffled)

    facts = conclude(SITE, findings, CATALOGUE, NINE)

    assert conclude(SITE, shuffled, CATALOGUE, NINE) == facts
    assert conclude(SITE, findings + shuffled, CATALOGUE, NINE) == facts


@given(WORLD)
def test_every_address_is_in_the_facts_once_with_a_party_or_a_problem(world):
    facts = conclude(SITE, ask_all(world), CATALOGUE, NINE)

    assert sorted(ips_of(facts)) == sorted(set(world[0]) if not world[2] else set())
    for address in facts.addresses:
        assert address.party or any(p.step == LookupKind.NETWORK for p in facts.problems)
        assert not (address.network and address.party is None)


@example(
    (["192.0.2.1", "192.0.2.9"], {}, False),
    (["192.0.2.9", "192.0.3.200"], {"192.0.2.1": (None, False), "192.0.3.200": (None, True)}, False),
    0,
)
@given(WORLD, WORLD, st.integers(0, 48))
def test_settling_keeps_the_new_arrangement_and_only_lately_seen_parties(old, new, hours):
    later = NINE + hours * HOUR
    before = conclude(SITE, ask_all(old), EMPTY, NINE)
    plain = conclude(SITE, ask_all(new), EMPTY, NINE)
    after = replace(
        plain, asked_at=later, addresses=tuple(replace(a, seen_at=later) for a in plain.addresses)
    )

    settled = settle(before, after)

    assert after.parties <= settled.parties
    assert len({a.ip for a in settled.addresses}) == len(settled.addresses)
    assert settled.parties <= before.parties | after.parties
    if after.addresses and hours > 24:
        assert settled.parties == recall(before, after).parties


def test_an_address_whose_network_cannot_be_asked_is_still_its_partys():
    before = conclude(
        SITE, [names("192.0.2.1"), network("192.0.2.1", "192.0.2.0/24", holder="ORG-1")], EMPTY, NINE
    )
    failed = conclude(
        SITE, [names("192.0.2.1", "192.0.2.9"), network("192.0.2.1", problem="no answer")], EMPTY, NINE
    )

    settled = settle(before, failed)

    assert [(a.ip, a.party) for a in settled.addresses] == [("192.0.2.1", "rdap:ORG-1"), ("192.0.2.9", None)]
    assert recall(before, failed).parties == {"rdap:ORG-1"}
