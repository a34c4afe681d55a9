"""Domains: what is asked of registries, and what the answers make of the facts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from nta.domain.hosting.arrangements import recall, settle
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
from nta.domain.hosting.registrations import registrar_party
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.intake.urls import registry_domain
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.organisations import (
    Catalogue,
    NoticeRoute,
    Provider,
    Registrar,
    Registry,
)
from nta.domain.reasons import other
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from tests.lookup_plain import a_finding

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE = Subject("www.a.test", False, "a.test", "test")
CHECKED = date(2026, 3, 1)
CATALOGUE = Catalogue(
    hosting={"hosting:one": Provider("hosting:one", "One", "NL", None, "a page", CHECKED, (64500,))},
    proxies={
        "proxy:shield": Provider(
            "proxy:shield",
            "Shield",
            "US",
            NoticeRoute("abuse@shield.example"),
            "a page",
            CHECKED,
            (64511,),
            ("203.0.113.0/24",),
            cnames=("edge.shield.example",),
        )
    },
    registrars={
        "registrar:known": Registrar(
            "registrar:known", "Known", "NL", NoticeRoute("abuse@known.example"), "a page", CHECKED, "9995"
        ),
        "registrar:named-b-v": Registrar("registrar:named-b-v", "Named", "NL", None, "a page", CHECKED),
    },
    registries={
        "registry:test": Registry(
            "registry:test", "Test", "NL", NoticeRoute("abuse@nic.example"), "a page", CHECKED, ("test",)
        )
    },
)


def of_name(*addresses: str, cname: tuple[str, ...] = ()) -> Finding:
    value = {"addresses": list(addresses), "cname": list(cname), "dead": None}
    return a_finding(Lookup(LookupKind.ADDRESSES, SITE.host), value, "dns", NINE, NINE + HOUR, None)


def of_network(ip: str, *, at: datetime = NINE, problem: bool = False, **value: Any) -> Finding:
    plain = {"handle": f"NET-{ip}", "country": "US", "asn": None, "abuse": []} | value
    trouble = LookupProblem("rdap_ip", other("no answer"), True) if problem else None
    return a_finding(
        Lookup(LookupKind.NETWORK, ip), None if problem else plain, "rdap", at, at + 12 * HOUR, trouble
    )


def of_domain(
    kind: LookupKind = LookupKind.DOMAIN, *, name: str = "a.test", problem: str | None = None, **value: Any
) -> Finding:
    registrar = {
        "name": "Known B.V.",
        "iana_id": "9995",
        "abuse": [{"email": "desk@known.example", "source": "rdap", "confidence": 0.9}],
    }
    plain = {
        "name": name,
        "suffix": "test",
        "registered": True,
        "registrar": registrar,
        "status": ["active"],
        "nameservers": ["ns1.known.example"],
        "source": "whois" if kind is LookupKind.WHOIS else "rdap",
    } | value
    trouble = LookupProblem(kind.value, other(problem), False) if problem else None
    return a_finding(Lookup(kind, name), None if problem else plain, "rdap", NINE, NINE + 12 * HOUR, trouble)


def facts_of(*findings: Finding, subject: Subject = SITE) -> HostingFacts:
    return conclude(subject, findings, CATALOGUE, NINE)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        pytest.param([], {"dns www.a.test", "rdap_domain a.test"}, id="beside-the-name"),
        pytest.param([of_domain()], {"dns www.a.test"}, id="once"),
        pytest.param(
            [of_domain(problem="none")], {"dns www.a.test", "whois_domain a.test"}, id="port-43-where-no-rdap"
        ),
        pytest.param(
            [of_domain(problem="none"), of_domain(LookupKind.WHOIS, problem="none")],
            {"dns www.a.test"},
            id="a-failure-is-not-asked-about-again",
        ),
        pytest.param(
            [of_domain(LookupKind.WHOIS)],
            {"dns www.a.test"},
            id="an-answer-of-port-43-outlives-rdaps-failure",
        ),
        pytest.param([of_domain(registered=False, registrar=None)], {"dns www.a.test"}, id="not-registered"),
    ],
)
def test_a_domain_is_asked_for_once_and_on_port_43_where_rdap_has_no_answer(findings, expected):
    lookups = next_lookups(SITE, findings, NINE)

    assert {f"{x.kind} {x.subject}" for x in lookups} == expected


def test_under_a_companys_suffix_the_name_that_a_registry_holds_is_asked_for():
    subject = Subject("a.b.blogspot.com", False, "b.blogspot.com", "blogspot.com", "blogspot.com")

    lookups = next_lookups(subject, [], NINE)

    assert Lookup(LookupKind.DOMAIN, "blogspot.com") in lookups
    assert registry_domain("a.b.blogspot.com") == "blogspot.com"
    assert registry_domain("a.b.test") == "b.test"
    assert registry_domain("192.0.2.1") is None


def test_an_address_has_no_domain_to_ask_for():
    assert next_lookups(Subject("192.0.2.1", True, None, None), [], NINE) == {
        Lookup(LookupKind.NETWORK, "192.0.2.1")
    }


def test_a_companys_suffix_itself_has_no_domain_to_ask_for():
    subject = Subject("blogspot.com", False, None, "blogspot.com", "blogspot.com")

    assert next_lookups(subject, [], NINE) == {Lookup(LookupKind.ADDRESSES, "blogspot.com")}


def test_the_facts_name_registrar_registry_and_status():
    domain = facts_of(of_name(), of_domain()).domain

    assert (domain.registered, domain.registry, domain.source) == (True, "registry:test", "rdap")
    assert (domain.status, domain.nameservers) == (("active",), ("ns1.known.example",))
    assert (domain.registrar.name, domain.registrar.party) == ("Known B.V.", "registrar:known")


def test_what_whois_says_counts_where_rdap_failed_and_leaves_no_problem():
    facts = facts_of(of_name(), of_domain(problem="none"), of_domain(LookupKind.WHOIS))

    assert (facts.domain.source, facts.problems) == ("whois", ())


def test_a_domain_that_nobody_could_be_asked_about_is_a_problem_and_its_registry_is_known():
    facts = facts_of(of_name(), of_domain(problem="a"), of_domain(LookupKind.WHOIS, problem="b"))

    assert [p.step for p in facts.problems] == ["rdap_domain", "whois_domain"]
    assert (facts.domain.registered, facts.domain.registry) == (None, "registry:test")


@pytest.mark.parametrize(
    ("name", "iana_id", "party"),
    [
        pytest.param("Whoever", "9995", "registrar:known", id="catalogue-by-iana-id"),
        pytest.param("Whoever", "7", "iana:7", id="iana-id"),
        pytest.param("Named B.V.", None, "registrar:named-b-v", id="catalogue-by-name"),
        pytest.param("Örtlich & Söhne GmbH", None, "reg:örtlich-söhne-gmbh", id="name"),
        pytest.param("...", None, None, id="no-letter"),
        pytest.param(None, None, None, id="nobody"),
    ],
)
def test_a_registrars_party(name, iana_id, party):
    assert registrar_party(name, iana_id, CATALOGUE) == party


def test_registrar_and_registry_can_be_told_each_with_a_reason():
    facts = facts_of(of_name(), of_domain())

    (registrar,) = choose(Role.REGISTRAR, facts, CATALOGUE, {})
    (registry,) = choose(Role.REGISTRY, facts, CATALOGUE, {})

    assert (registrar.party, registrar.address.to) == ("registrar:known", "abuse@known.example")
    assert (registry.party, registry.address.to) == ("registry:test", "abuse@nic.example")
    assert sentence(registrar.reason).endswith(".")


def test_a_registrar_outside_the_catalogue_is_told_where_its_registration_says():
    unknown = {
        "name": "Other",
        "iana_id": "7",
        "abuse": [{"email": "a@o.example", "source": "whois", "confidence": 0.8}],
    }

    (registrar,) = choose(Role.REGISTRAR, facts_of(of_name(), of_domain(registrar=unknown)), CATALOGUE, {})

    assert (registrar.party, registrar.party_name, registrar.address.to) == ("iana:7", "Other", "a@o.example")
    assert sentence(registrar.reason) == "WHOIS names it as the abuse contact."


def test_a_look_up_that_fails_later_leaves_the_registrar_known():
    before = facts_of(of_name("192.0.2.1"), of_network("192.0.2.1"), of_domain())
    after = facts_of(of_name("192.0.2.1"), of_network("192.0.2.1"), of_domain(problem="none"))

    assert recall(before, after).domain == settle(before, after).domain == before.domain


def test_names_that_lead_to_a_proxy_are_behind_it_whatever_the_address():
    facts = facts_of(
        of_name("192.0.2.1", cname=("x.edge.shield.example",)), of_network("192.0.2.1", asn=64500)
    )

    assert [(a.proxy, a.party) for a in facts.addresses] == [("proxy:shield", None)]
    assert [c.party for c in choose(Role.PROXY, facts, CATALOGUE, {})] == ["proxy:shield"]
    assert choose(Role.HOST, facts, CATALOGUE, {}) == ()


HIDDEN = replace(SITE, origins=("198.51.100.7",))
ORIGIN = {
    "holder": "ORG-9",
    "holder_name": "Nine",
    "country": "NL",
    "abuse": [{"email": "abuse@nine.example", "source": "rdap", "confidence": 0.9}],
}


def test_a_known_origin_is_asked_for_and_told_as_host_but_is_no_part_of_the_arrangement():
    shown = [of_name("203.0.113.1"), of_network("203.0.113.1")]
    assert Lookup(LookupKind.NETWORK, "198.51.100.7") in next_lookups(HIDDEN, shown, NINE)

    facts = facts_of(*shown, of_network("198.51.100.7", **ORIGIN), subject=HIDDEN)

    assert facts.parties == {"proxy:shield"}
    assert facts.pins() == {"proxy:shield": ("203.0.113.1",)}
    assert facts.hidden_hosts == {"rdap:ORG-9"}
    assert facts.country == "NL"
    assert [c.party for c in choose(Role.HOST, facts, CATALOGUE, {})] == ["rdap:ORG-9"]
    assert [c.party for c in choose(Role.PROXY, facts, CATALOGUE, {})] == ["proxy:shield"]


def test_an_origin_that_is_a_proxy_itself_is_nobodys_host():
    facts = facts_of(
        of_name("203.0.113.1"),
        of_network("203.0.113.1"),
        of_network("203.0.113.9", **ORIGIN),
        subject=replace(SITE, origins=("203.0.113.9",)),
    )

    assert (facts.hidden_hosts, choose(Role.HOST, facts, CATALOGUE, {})) == (frozenset(), ())


def test_an_origin_whose_network_cannot_be_asked_this_time_is_still_its_partys():
    before = facts_of(of_name("203.0.113.1"), of_network("198.51.100.7", **ORIGIN), subject=HIDDEN)
    after = facts_of(of_name("203.0.113.1"), of_network("198.51.100.7", problem=True), subject=HIDDEN)
    without = facts_of(of_name("203.0.113.1"))

    assert settle(before, after).hidden_hosts == {"rdap:ORG-9"}
    assert settle(before, without).hidden_hosts == frozenset()


def test_a_forced_host_is_told_instead_of_whom_the_address_names():
    facts = facts_of(
        of_name("192.0.2.1"),
        of_network("192.0.2.1", **ORIGIN),
        subject=replace(SITE, forced_host="hosting:one"),
    )
    known = replace(
        CATALOGUE,
        hosting={
            "hosting:one": replace(CATALOGUE.hosting["hosting:one"], notices=NoticeRoute("a@one.example"))
        },
    )

    assert facts.parties == {"rdap:ORG-9"}
    assert [c.address.to for c in choose(Role.HOST, facts, known, {})] == ["a@one.example"]


def test_who_announces_anothers_addresses_is_its_upstream():
    narrow = Provider("hosting:narrow", "Narrow", "NL", None, "x", CHECKED, (), ("192.0.2.0/28",))
    wide = replace(CATALOGUE.hosting["hosting:one"], notices=NoticeRoute("noc@one.example"))
    known = replace(CATALOGUE, hosting={"hosting:narrow": narrow, "hosting:one": wide})
    below = conclude(SITE, [of_name("192.0.2.1"), of_network("192.0.2.1", asn=64500)], known, NINE)
    own = conclude(SITE, [of_name("192.0.2.99"), of_network("192.0.2.99", asn=64500)], known, NINE)

    assert [c.address.to for c in choose(Role.UPSTREAM, below, known, {})] == ["noc@one.example"]
    assert choose(Role.UPSTREAM, own, known, {}) == ()


def test_facts_survive_being_written_with_origins_and_domain():
    facts = facts_of(
        of_name("203.0.113.1"), of_network("198.51.100.7", **ORIGIN), of_domain(), subject=HIDDEN
    )

    assert from_plain(to_plain(facts)) == facts
