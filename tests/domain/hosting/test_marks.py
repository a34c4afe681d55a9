"""A proxy that only a header field tells of, among those who are told and why."""

from datetime import UTC, date, datetime

from nta.domain.hosting.arrangements import another_host, settle
from nta.domain.hosting.facts import (
    AddressFacts,
    HostingFacts,
    from_plain,
    to_plain,
)
from nta.domain.hosting.lookups import (
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.resolution import conclude
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.organisations import Catalogue, NoticeRoute, Provider
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from tests.lookup_plain import a_finding

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VEIL = Provider(
    "proxy:veil",
    "Veil",
    "NL",
    NoticeRoute("abuse@veil.example"),
    "its page",
    date(2026, 1, 1),
    ranges=("203.0.113.0/24",),
    headers=("veil-ray",),
)
ONE = {
    "handle": "NET-1",
    "cidr": ["192.0.2.0/24"],
    "country": "NL",
    "holder": "ORG-1",
    "holder_name": "One",
    "abuse": [{"email": "abuse@one.example", "source": "rdap", "confidence": 0.9}],
}
KNOWN = Catalogue(proxies={VEIL.id: VEIL})


def facts(*ips: str, mark: str | None = VEIL.id) -> HostingFacts:
    names = Lookup(LookupKind.ADDRESSES, "a.test")
    value = {"addresses": list(ips), "cname": [], "dead": None}
    found = a_finding(names, value, "dns", NOON, NOON.replace(hour=13), None)
    network = a_finding(
        Lookup(LookupKind.NETWORK, "192.0.2.1"),
        ONE,
        "rdap",
        NOON,
        NOON.replace(hour=13),
        None,
        ("192.0.2.0/24",),
    )
    return conclude(Subject("a.test", False, None, None, mark=mark), [found, network], KNOWN, NOON)


def test_it_is_told_as_the_proxy_and_the_reason_says_what_tells_of_it() -> None:
    [choice] = choose(Role.PROXY, facts("192.0.2.1"), KNOWN, {})

    assert (choice.party, choice.address.to) == (VEIL.id, "abuse@veil.example")
    assert sentence(choice.reason) == (
        "The catalogue's contact, last checked on 2026-01-01; "
        "that this proxy serves the page is said by a header field of its answers alone."
    )


def test_by_its_own_range_it_is_known_better() -> None:
    found = facts("203.0.113.1")

    [choice] = choose(Role.PROXY, found, KNOWN, {})

    assert found.mark is None
    assert "header" not in sentence(choice.reason)


def test_it_takes_no_host_away() -> None:
    [host] = choose(Role.HOST, facts("192.0.2.1"), KNOWN, {})

    assert (host.party, host.address.to) == ("rdap:ORG-1", "abuse@one.example")
    assert "header" not in sentence(host.reason)


def test_of_a_mark_that_the_catalogue_knows_no_more_nobody_is_told() -> None:
    assert choose(Role.PROXY, facts("192.0.2.1", mark="proxy:gone"), KNOWN, {}) == ()


def test_facts_keep_it_and_a_new_one_is_news() -> None:
    plain, marked = facts("192.0.2.1", mark=None), facts("192.0.2.1")

    assert from_plain(to_plain(marked)).mark == VEIL.id
    assert another_host(plain, marked)
    assert not another_host(marked, marked)
    assert not another_host(marked, plain)


def test_a_look_up_that_failed_forgets_no_mark() -> None:
    before = facts("192.0.2.1", mark=None)
    held = AddressFacts("192.0.2.1", None, None, None, "rdap:ORG-1", "One", None, ())
    before = HostingFacts("a.test", NOON, (), (held,), None, None, ())

    assert settle(before, facts()).mark == VEIL.id


def test_the_catalogue_says_whose_mark_a_field_is() -> None:
    assert KNOWN.marks == {"veil-ray": VEIL.id}
