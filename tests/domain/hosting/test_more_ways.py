"""What is asked and told where nobody names a contact, who announces a network, and the owner of a site."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from nta.domain.hosting.facts import (
    FoundContact,
    LookupProblem,
    Upstream,
    from_plain,
    to_plain,
)
from nta.domain.hosting.holders import file_of
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.resolution import conclude, next_lookups, raised_lookups
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.organisations import (
    Catalogue,
    Country,
    NoticeRoute,
    Provider,
)
from nta.domain.reasons import other
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from tests.lookup_plain import a_finding

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOST = Subject("192.0.2.1", True, None, None)
SITE = Subject("www.site.test", False, "site.test", "test")
OWNED = Subject("www.site.test", False, "site.test", "test", owner_in=frozenset({"NL"}))
UPSTREAM = Subject("192.0.2.1", True, None, None, upstream=True)
SYSTEM = Lookup(LookupKind.SYSTEM, "64500")
ONE, TWO = file_of("one.example"), file_of("two.example")
LATER = LookupProblem("rdap_as", other("no answer"), True)


def answer(lookup: Lookup, value, problem: LookupProblem | None = None) -> Finding:
    covers = ("192.0.2.0/24",) if lookup.kind is LookupKind.NETWORK and value else ()
    return a_finding(lookup, value, "x", NOW, NOW + timedelta(hours=1), problem, covers)


def network(*emails: str, **more) -> Finding:
    abuse = [{"email": email, "source": "rdap", "confidence": 0.9} for email in emails]
    plain = {"handle": "NET-1", "holder": "ORG-1", "cidr": ["192.0.2.0/24"], "asn": 64500, "country": "NL"}
    return answer(Lookup(LookupKind.NETWORK, HOST.host), plain | {"abuse": abuse} | more)


def system(*emails: str, holder: str = "ORG-AS") -> Finding:
    abuse = [{"email": email, "source": "upstream", "confidence": 0.5} for email in emails]
    return answer(SYSTEM, {"as_name": "CARRIER", "holder": holder, "abuse": abuse})


def named(lookup: Lookup, *emails: str) -> Finding:
    return answer(lookup, {"contacts": list(emails), "expires": None})


def name() -> Finding:
    return answer(
        Lookup(LookupKind.ADDRESSES, SITE.host), {"addresses": ["192.0.2.1"], "cname": [], "dead": None}
    )


SILENT = network(domains=["one.example", "two.example"])
SILENT_ALONE = network(domains=["one.example"], asn=None)


def asked(subject: Subject, *findings: Finding) -> set[Lookup]:
    about_domain = {LookupKind.DOMAIN, LookupKind.WHOIS}
    return {x for x in next_lookups(subject, findings, NOW) if x.kind not in about_domain}


def told(*findings: Finding) -> list[str]:
    (address,) = conclude(HOST, findings, Catalogue(), NOW).addresses
    return [f"{c.email} {c.source}" for c in address.abuse]


def test_the_as_is_asked_before_the_holders_domains():
    assert asked(HOST, SILENT) == {SYSTEM}
    assert asked(HOST, SILENT, system()) == {ONE, TWO}
    assert asked(HOST, SILENT, system(), answer(ONE, None)) == {TWO}
    assert asked(HOST, SILENT, system(), answer(ONE, None), answer(TWO, None)) == set()


def test_without_an_as_the_holders_domain_is_asked_at_once():
    assert asked(HOST, SILENT_ALONE) == {ONE}


def test_who_names_a_desk_is_not_asked_further():
    assert asked(HOST, network("abuse@net.example", domains=["one.example"])) == set()
    assert asked(HOST, SILENT, system("abuse@as.example")) == set()


def test_a_placeholder_is_no_desk():
    placeholder = network("unread@ripe.net", domains=["one.example"])

    assert asked(HOST, placeholder) == {SYSTEM}
    assert asked(HOST, placeholder, system("unread@ripe.net")) == {ONE}


def test_an_as_that_may_yet_answer_is_waited_for():
    lasting = LookupProblem("rdap_as", other("no registry"), False)

    assert asked(HOST, SILENT, answer(SYSTEM, None, LATER)) == set()
    assert told(SILENT, answer(SYSTEM, None, LATER), answer(ONE, None)) == []
    assert asked(HOST, SILENT, answer(SYSTEM, None, lasting)) == {ONE, TWO}


def test_the_file_of_the_holder_is_told_as_what_it_is():
    assert told(SILENT, system(), named(ONE, "security@one.example")) == ["security@one.example security_txt"]


def test_a_guess_is_the_last_way_and_says_so():
    findings = (SILENT, system(), named(ONE), answer(TWO, None))
    facts = conclude(HOST, findings, Catalogue(), NOW)

    (choice,) = choose(Role.HOST, facts, Catalogue(), {})

    assert told(*findings) == ["abuse@one.example guess", "abuse@two.example guess"]
    assert (choice.address.to, choice.source, choice.confidence) == ("abuse@one.example", "guess", 0.2)
    assert sentence(choice.reason) == (
        "No source names a contact; abuse@ at the domain of the network's holder is a guess."
    )


def test_a_named_mailbox_is_chosen_by_the_file_that_names_it():
    facts = conclude(HOST, (SILENT, system(), named(ONE, "b@one.example", "a@one.example")), Catalogue(), NOW)

    (choice,) = choose(Role.HOST, facts, Catalogue(), {})

    assert (choice.address.to, choice.source) == ("b@one.example", "security_txt")
    assert sentence(choice.reason) == "The security.txt of its own domain names this address."


def test_a_file_that_cannot_be_used_is_a_problem_and_leaves_the_guess():
    problem = LookupProblem("security_txt", other("the security.txt has run out"), False)
    findings = (SILENT_ALONE, answer(ONE, None, problem))

    assert conclude(HOST, findings, Catalogue(), NOW).problems == (problem,)
    assert told(*findings) == ["abuse@one.example guess"]


def test_what_an_address_raises_is_found_again_before_it_is_asked():
    assert raised_lookups([HOST.host], [SILENT], NOW) == {SYSTEM}
    assert raised_lookups([HOST.host], [SILENT, system()], NOW) == {SYSTEM, ONE, TWO}
    assert raised_lookups([HOST.host], [network("abuse@net.example")], NOW) == frozenset()
    assert raised_lookups([HOST.host], [network("abuse@net.example")], NOW, upstream=True) == {SYSTEM}


def upstreams(*findings: Finding, catalogue: Catalogue | None = None) -> tuple[Upstream, ...]:
    return conclude(UPSTREAM, findings, catalogue or Catalogue(), NOW).upstreams


NAMED = network("abuse@net.example")
CARRIER = Upstream("as:64500", "CARRIER", (FoundContact("abuse@as.example", "upstream", 0.5),))


def provider(party: str, to: str | None = None, **more) -> Catalogue:
    route = NoticeRoute(to) if to else None
    one = Provider(party, "One", "NL", route, "a page", date(2026, 3, 1), **more)
    return Catalogue(hosting={party: one})


def test_who_announces_a_network_is_asked_where_they_may_be_told():
    assert asked(HOST, NAMED) == set()
    assert asked(UPSTREAM, NAMED) == {SYSTEM}
    assert asked(UPSTREAM, NAMED, system("abuse@as.example")) == set()
    assert upstreams(NAMED, system("abuse@as.example")) == (CARRIER,)
    assert conclude(HOST, [NAMED, system("abuse@as.example")], Catalogue(), NOW).upstreams == ()


def test_nobody_is_their_own_upstream():
    by_range = provider("hosting:one", "abuse@as.example", ranges=("192.0.2.0/24",))

    assert upstreams(NAMED, system("abuse@as.example", holder="ORG-1")) == ()
    assert upstreams(NAMED, system("abuse@net.example")) == ()
    assert upstreams(NAMED, system("Abuse@AS.example"), catalogue=by_range) == ()
    assert upstreams(network(holder=None, handle=None), system("abuse@as.example")) == ()


def test_whom_the_catalogue_knows_it_names_itself():
    known = provider("hosting:carrier", "abuse@carrier.example", asns=(64500,))

    assert upstreams(NAMED, system("abuse@as.example"), catalogue=known) == ()


def test_an_upstream_of_no_entry_is_told_by_its_registration():
    facts = conclude(UPSTREAM, [NAMED, system("abuse@as.example")], Catalogue(), NOW)

    (choice,) = choose(Role.UPSTREAM, facts, Catalogue(), {})

    assert (choice.party, choice.party_name, choice.address.to) == ("as:64500", "CARRIER", "abuse@as.example")
    assert (
        sentence(choice.reason)
        == "RDAP of the network that announces the address names it as the abuse contact."
    )


def test_an_upstream_that_cannot_be_asked_is_no_problem():
    facts = conclude(UPSTREAM, [NAMED, answer(SYSTEM, None, LATER)], Catalogue(), NOW)

    assert (facts.upstreams, facts.problems) == ((), ())


def countries(**told: bool) -> Catalogue:
    def country(code: str, owner: bool) -> Country:
        named = {"direct": True, "languages": ("en",), "law": "A law", "hotlines": (), "source": "a page"}
        return Country(code, code, False, None, checked=date(2026, 3, 1), site_owner=owner, **named)

    return Catalogue(countries={code: country(code, owner) for code, owner in told.items()})


FILE = file_of("site.test")


def test_a_sites_own_file_is_asked_for_only_where_its_country_says_so():
    abroad = network("abuse@net.example", country="DE")

    assert FILE not in asked(OWNED, name())
    assert FILE in asked(OWNED, name(), NAMED)
    assert FILE not in asked(OWNED, name(), abroad)
    assert FILE not in asked(SITE, name(), NAMED)
    assert FILE not in asked(OWNED, name(), NAMED, answer(FILE, None))


def test_a_sites_owner_is_told_by_its_own_file_and_never_otherwise():
    allowed, not_allowed = countries(NL=True), countries(NL=False, default=True)
    findings = [name(), NAMED, named(FILE, "owner@site.test")]
    facts = conclude(OWNED, findings, allowed, NOW)

    (choice,) = choose(Role.SITE_OWNER, facts, allowed, {})

    assert (choice.address.to, choice.source) == ("owner@site.test", "security_txt")
    assert "site.test" not in choice.party + choice.party_name
    assert choose(Role.SITE_OWNER, facts, not_allowed, {}) == ()
    assert choose(Role.SITE_OWNER, conclude(SITE, findings, allowed, NOW), allowed, {}) == ()
    assert choose(Role.SITE_OWNER, conclude(OWNED, findings[:2], allowed, NOW), allowed, {}) == ()


def test_different_sites_have_different_owners():
    other = Subject("www.other.test", False, "other.test", "test", owner_in=frozenset({"NL"}))
    names = {"addresses": ["192.0.2.1"], "cname": [], "dead": None}
    allowed = countries(NL=True)
    about = [answer(Lookup(LookupKind.ADDRESSES, other.host), names), name(), NAMED]
    about += [named(FILE, "owner@site.test"), named(file_of("other.test"), "owner@other.test")]

    one, two = (
        choose(Role.SITE_OWNER, conclude(subject, about, allowed, NOW), allowed, {})[0].party
        for subject in (OWNED, other)
    )

    assert one != two


def test_facts_with_them_are_written_and_read_again():
    subject = Subject(SITE.host, False, SITE.domain, "test", owner_in=frozenset({"NL"}), upstream=True)
    findings = [name(), NAMED, system("abuse@as.example"), named(FILE, "owner@site.test")]

    facts = conclude(subject, findings, Catalogue(), NOW)

    assert facts.upstreams
    assert facts.owner
    assert from_plain(to_plain(facts)) == facts


EMAILS = st.sampled_from([(), ("abuse@one.example",), ("unread@ripe.net",)])
DOMAINS = st.lists(st.sampled_from(["one.example", "two.example", "three.example"]), unique=True)
SUBJECTS = st.sampled_from(
    [HOST, UPSTREAM, SITE, OWNED, Subject(SITE.host, False, "one.example", "example", upstream=True)]
)


@given(SUBJECTS, EMAILS, DOMAINS, EMAILS, st.booleans(), st.sampled_from([None, "NL", "DE"]))
def test_asking_ends_and_the_order_of_answers_does_not_matter(
    subject, emails, domains, others, fails, country
):
    def said(lookup: Lookup) -> Finding:
        if lookup.kind is LookupKind.ADDRESSES:
            return name()
        if lookup.kind is LookupKind.NETWORK:
            return network(*emails, domains=domains, country=country)
        if lookup.kind is LookupKind.SYSTEM:
            return answer(lookup, None, LATER) if fails else system(*others)
        if lookup.kind is LookupKind.SECURITY_TXT:
            return named(lookup, f"security@{lookup.subject}")
        return answer(lookup, None)

    findings: list[Finding] = []
    for _ in range(8):
        lookups = next_lookups(subject, findings, NOW)
        findings += [said(lookup) for lookup in lookups]
    facts = conclude(subject, findings, Catalogue(), NOW)

    assert next_lookups(subject, findings, NOW) == frozenset()
    for order in list(permutations(findings))[:24]:
        assert conclude(subject, order, Catalogue(), NOW) == facts
    assert from_plain(to_plain(facts)) == facts
