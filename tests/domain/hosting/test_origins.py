"""What a proxy is asked, and what its word comes to beside the registries' and a person's."""

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
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.organisations import (
    AskableProxies,
    Catalogue,
    NoticeRoute,
    Provider,
)
from nta.domain.reasons import other
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from tests.lookup_plain import a_finding

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOURS_12 = timedelta(hours=12)
CHECKED = date(2026, 3, 1)
EDGE, ORIGIN, ELSEWHERE = "203.0.113.1", "192.0.2.77", "198.51.100.1"


def proxy(name: str, **known: Any) -> Provider:
    return Provider(f"proxy:{name}", name, "US", NoticeRoute(f"abuse@{name}.example"), "x", CHECKED, **known)


SHIELD = proxy("shield", ranges=("203.0.113.0/25",), asns=(64511,), cnames=("shield.example",))
MASK = proxy("mask", ranges=("203.0.113.128/25",))
CATALOGUE = Catalogue(proxies={p.id: p for p in (SHIELD, MASK)})
ASKABLE = AskableProxies(CATALOGUE, frozenset({SHIELD.id}))
SITE = Subject("www.a.test", False, None, None, askable=ASKABLE)
QUESTION = Lookup(LookupKind.ORIGIN, SITE.host, SHIELD.id)
CONTACT = {"email": "abuse@host.example", "source": "origin_lookup", "confidence": 0.7}


def found(lookup: Lookup, value: Any, at: datetime = NINE, **more: Any) -> Finding:
    return a_finding(lookup, value, "test", at, at + HOURS_12, more.get("problem"), more.get("covers", ()))


def name(*addresses: str, cname: tuple[str, ...] = (), **more: Any) -> Finding:
    value = {"addresses": list(addresses), "cname": list(cname), "dead": None} if addresses else None
    return found(Lookup(LookupKind.ADDRESSES, SITE.host), value, **more)


def network(ip: str, **said: Any) -> Finding:
    value = {"handle": f"NET-{ip}", "cidr": [], "country": "NL", "asn": None, "abuse": []} | said
    return found(Lookup(LookupKind.NETWORK, ip), value)


def word(*addresses: str, at: datetime = NINE, problem: LookupProblem | None = None, **said: Any) -> Finding:
    value = {"proxy": SHIELD.id, "addresses": list(addresses), "holder_name": None, "abuse": []} | said
    return found(QUESTION, None if problem or not addresses else value, at, problem=problem)


def asked(subject: Subject, *findings: Finding) -> set[tuple[str, str, str | None]]:
    """Return what is asked next of networks and proxies; the rest has tests of its own."""
    kinds = (LookupKind.NETWORK, LookupKind.ORIGIN)
    wanted = (x for x in next_lookups(subject, findings, NINE) if x.kind in kinds)
    return {(x.kind.value, x.subject, x.whom) for x in wanted}


THE_QUESTION = {("origin", "www.a.test", "proxy:shield")}


@pytest.mark.parametrize(
    ("subject", "findings", "expected"),
    [
        pytest.param(SITE, [name(EDGE)], {("rdap_ip", EDGE, None)}, id="first-whose-address-it-is"),
        pytest.param(SITE, [name(EDGE), network(EDGE)], THE_QUESTION, id="then-its-proxy"),
        pytest.param(
            SITE, [name(ELSEWHERE), network(ELSEWHERE, asn=64511)], THE_QUESTION, id="known-by-its-as"
        ),
        pytest.param(
            SITE,
            [name(ELSEWHERE, cname=("x.shield.example",)), network(ELSEWHERE)],
            THE_QUESTION,
            id="known-by-its-names",
        ),
        pytest.param(SITE, [name(ELSEWHERE), network(ELSEWHERE)], set(), id="no-proxy-no-question"),
        pytest.param(
            SITE, [name("203.0.113.200"), network("203.0.113.200")], set(), id="a-proxy-that-is-not-asked"
        ),
        pytest.param(replace(SITE, askable=None), [name(EDGE), network(EDGE)], set(), id="nobody-is-asked"),
        pytest.param(
            replace(SITE, origins=(ORIGIN,)),
            [name(EDGE), network(EDGE), network(ORIGIN)],
            set(),
            id="a-person-knows-the-address",
        ),
        pytest.param(
            replace(SITE, forced_host="hosting:one"),
            [name(EDGE), network(EDGE)],
            set(),
            id="a-person-knows-the-host",
        ),
        pytest.param(
            replace(SITE, host=EDGE, is_ip=True), [network(EDGE)], set(), id="an-address-has-no-name-to-tell"
        ),
        pytest.param(
            SITE,
            [name(EDGE), network(EDGE), word(ORIGIN)],
            {("rdap_ip", ORIGIN, None)},
            id="the-origins-network-next",
        ),
        pytest.param(SITE, [name(EDGE), network(EDGE), word()], set(), id="it-knows-nothing"),
        pytest.param(
            SITE,
            [name(EDGE), network(EDGE), word(problem=LookupProblem("origin", other("no"), True))],
            set(),
            id="a-failure-is-not-asked-again",
        ),
    ],
)
def test_what_is_asked_next(subject: Subject, findings: list[Finding], expected: set[Any]) -> None:
    assert asked(subject, *findings) == expected


def facts(*findings: Finding, subject: Subject = SITE, now: datetime = NINE) -> HostingFacts:
    return conclude(subject, findings, CATALOGUE, now)


HOST = {"holder": "ORG-9", "holder_name": "Nine", "abuse": [CONTACT | {"source": "rdap", "confidence": 0.9}]}
SEEN = (name(EDGE), network(EDGE))


def test_what_the_proxy_names_is_told_as_host_beside_it() -> None:
    known = facts(*SEEN, word(ORIGIN, abuse=[CONTACT]), network(ORIGIN, **HOST))

    assert known.parties == {"proxy:shield"}
    assert known.hidden_hosts == {"rdap:ORG-9"}
    assert known.origin_from == "proxy:shield"
    (choice,) = choose(Role.HOST, known, CATALOGUE, {})
    assert (choice.party, choice.address.to) == ("rdap:ORG-9", "abuse@host.example")
    assert [c.party for c in choose(Role.PROXY, known, CATALOGUE, {})] == ["proxy:shield"]
    assert from_plain(to_plain(known)) == known


def test_a_persons_word_goes_before_the_proxys() -> None:
    subject = replace(SITE, origins=(ELSEWHERE,))
    known = facts(*SEEN, word(ORIGIN), network(ELSEWHERE, holder="ORG-1"), subject=subject)

    assert [a.ip for a in known.origins] == [ELSEWHERE]
    assert known.origin_from is None


def test_where_the_registry_names_no_contact_the_proxys_is_told() -> None:
    known = facts(*SEEN, word(ORIGIN, abuse=[CONTACT]), network(ORIGIN, holder="ORG-9", holder_name="Nine"))

    (choice,) = choose(Role.HOST, known, CATALOGUE, {})
    assert (choice.address.to, choice.source) == ("abuse@host.example", "origin_lookup")
    assert "roxy" in sentence(choice.reason)


def test_a_holder_of_whom_the_registries_know_nothing_is_told_by_the_proxys_word() -> None:
    nothing = found(Lookup(LookupKind.NETWORK, ORIGIN), None)
    known = facts(*SEEN, word(ORIGIN, holder_name="Nine", abuse=[CONTACT]), nothing)

    (choice,) = choose(Role.HOST, known, CATALOGUE, {})
    assert (choice.party, choice.party_name) == (f"origin:{ORIGIN}", "Nine")


def test_while_the_registries_cannot_be_asked_the_proxys_word_makes_no_party() -> None:
    down = found(
        Lookup(LookupKind.NETWORK, ORIGIN), None, problem=LookupProblem("rdap_ip", other("no"), True)
    )
    known = facts(*SEEN, word(ORIGIN, holder_name="Nine", abuse=[CONTACT]), down)

    assert [(a.ip, a.party) for a in known.origins] == [(ORIGIN, None)]


def test_a_proxy_that_is_not_asked_stands_before_nobody_we_ask_about() -> None:
    assert ASKABLE.before(EDGE, None, ()) == "proxy:shield"
    assert ASKABLE.before("203.0.113.200", None, ()) is None


def test_an_origin_that_is_a_proxy_itself_is_nobodys_host() -> None:
    known = facts(*SEEN, word("203.0.113.9", abuse=[CONTACT], holder_name="Nine"), network("203.0.113.9"))

    assert (known.hidden_hosts, choose(Role.HOST, known, CATALOGUE, {})) == (frozenset(), ())
    assert [(a.proxy, a.party) for a in known.origins] == [("proxy:shield", None)]


def test_a_question_without_an_answer_is_a_problem_and_the_proxy_is_told() -> None:
    problem = LookupProblem("origin", other("our token is not accepted (401)"), False)
    known = facts(*SEEN, word(problem=problem))

    assert known.problems == (problem,)
    assert (known.parties, known.origins) == ({"proxy:shield"}, ())


NO_NAME = name(problem=LookupProblem("dns", other("no answer"), True))
BEFORE = facts(*SEEN, word(ORIGIN), network(ORIGIN, **HOST))
NO = LookupProblem("origin", other("the server does not answer in time"), True)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(facts(*SEEN, word(problem=NO)), {"rdap:ORG-9"}, id="it-could-not-be-asked"),
        pytest.param(facts(*SEEN, word()), frozenset(), id="it-knows-nothing-any-more"),
        pytest.param(
            facts(*SEEN, word(ELSEWHERE), network(ELSEWHERE, holder="ORG-1")),
            {"rdap:ORG-1"},
            id="it-names-another",
        ),
        pytest.param(
            facts(name(ELSEWHERE), network(ELSEWHERE), word(ORIGIN), network(ORIGIN, **HOST)),
            frozenset(),
            id="the-host-left-the-proxy",
        ),
        pytest.param(facts(NO_NAME), {"rdap:ORG-9"}, id="the-name-could-not-be-asked"),
        pytest.param(
            facts(NO_NAME, network(ELSEWHERE, holder="ORG-1"), subject=replace(SITE, origins=(ELSEWHERE,))),
            {"rdap:ORG-1"},
            id="a-person-knows-the-address",
        ),
        pytest.param(
            facts(NO_NAME, subject=replace(SITE, forced_host="hosting:one")),
            {"hosting:one"},
            id="a-person-knows-the-host",
        ),
        pytest.param(
            facts(*SEEN, subject=replace(SITE, forced_host="hosting:one")),
            {"hosting:one"},
            id="a-person-knows-better",
        ),
    ],
)
def test_the_proxys_word_stands_while_it_cannot_be_asked_again(
    after: HostingFacts, expected: set[str]
) -> None:
    assert settle(BEFORE, after).hidden_hosts == expected


@pytest.mark.parametrize(
    "after", [(*SEEN, word(problem=NO)), (NO_NAME,)], ids=["the-proxy-could-not", "the-name-could-not"]
)
def test_what_a_person_entered_ends_with_the_entry_whatever_cannot_be_asked(after: Any) -> None:
    entered = facts(*SEEN, network(ORIGIN, **HOST), subject=replace(SITE, origins=(ORIGIN,)))

    assert recall(entered, facts(*after)).hidden_hosts == frozenset()
