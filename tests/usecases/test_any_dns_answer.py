"""No answer of the DNS, and no list of registries, however malformed, makes resolving raise."""

import json
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nta.domain.hosting.lookups import LookupKind
from nta.domain.intake.urls import parse
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.usecases.resolve import resolve_due, resolve_url
from tests.adapters.servers import DnsServer, Zone, http
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, made, state
from tests.usecases.mangling import trees
from tests.usecases.registries import IP, Registries, registries

ZONE = Zone(
    f"a.test 300 CNAME edge.b.test.\nedge.b.test 300 A {IP}\na.test 300 NS ns.a.test.\n"
    "edge.b.test 300 AAAA 2001:db8::1"
)
_HEADER = 12  # octets before the question (RFC 1035, 4.1.1)
Spoils = tuple[tuple[float, bool, bool, bytes], ...]
_ODD = st.sampled_from(
    [
        b"\xc0\x0c",  # a name that points to itself
        b"\xc0\xff",
        b"\x00" * 20,
        b"\xff" * 20,
        b"\x3f" + b"a" * 63,
        b"\x00\x01\x00\x01\xff\xff\xff\xff\x00\x04",
        b"\x00\x05\x00\x01\x00\x00\x00\x00\xff\xff",
    ]
)


class SpoiltDns(DnsServer):
    """Answers rightly, and spoils what it sends at places that a test drew."""

    spoils: Spoils = ()

    def _reply(self, wire: bytes, *, over_udp: bool) -> bytes:
        reply = super()._reply(wire, over_udp=over_udp)
        # Whose id or question is another's answer is not read any further, so few are spoilt there.
        told = wire.index(b"\0", _HEADER) + 5
        for place, is_early, is_cut, filling in self.spoils:
            first = 2 if is_early else told
            at = first + int(place * (len(reply) - first))
            reply = reply[:at] + filling + (b"" if is_cut else reply[at + len(filling) :])
        return reply


RARELY = st.sampled_from([False] * 9 + [True])
FILLINGS = st.one_of(st.binary(max_size=4), st.binary(max_size=12), _ODD)
SPOILS = st.lists(st.tuples(st.floats(0, 1), RARELY, RARELY, FILLINGS), min_size=1, max_size=3).map(tuple)
LISTS = [
    json.dumps({"version": "1.0", "services": [[["192.0.2.0/24"], ["http://127.0.0.1:9/"]]]}).encode(),
    json.dumps({"services": [[["test", "example"], ["http://127.0.0.1:9/", "https://[::1"]]]}).encode(),
]
NO_LISTS = [b"", b"{", b"[]", b'{"services": null}', b'{"services": [[["192.0.2.0/33"], [7]]]}']


def leaves_what_the_name_leads_to(at: Registries, networks: bytes, domains: bytes) -> None:
    """Show that with these lists of registries the name's addresses are found nevertheless."""
    at.rdap.pages |= {
        "/ipv4.json": http(200, networks),
        "/ipv6.json": http(200, domains),
        "/dns.json": http(200, domains),
    }

    found = resolve_url(parse("http://a.test/x"), asker=at.askers(), catalogue=EVERYWHERE, now=NINE)

    assert [address.ip for address in found.facts.addresses] == [IP, "2001:db8::1"]
    assert {problem.step for problem in found.facts.problems} <= {kind.value for kind in LookupKind}


@pytest.fixture
def at() -> Iterator[Registries]:
    with registries(ZONE, {}) as all_of_them, SpoiltDns(ZONE) as dns:
        all_of_them.dns = dns
        yield all_of_them


@pytest.fixture
def days() -> Iterator[int]:
    """Days that pass from one example to the next."""
    return count()


def spoilt(at: Registries, spoils: Spoils) -> None:
    assert isinstance(at.dns, SpoiltDns)
    at.dns.spoils = spoils


@pytest.mark.parametrize("many", [False, True], ids=["with-care", "many"])
@given(spoils=SPOILS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_dns_answer_gives_facts_or_a_problem_with_a_name(
    at: Registries, many: bool, spoils: Spoils
) -> None:
    spoilt(at, spoils)

    found = resolve_url(
        parse("http://a.test/x"), asker=at.askers(dns_s=0.05, many=many), catalogue=EVERYWHERE, now=NINE
    )

    assert found.facts.host == "a.test"
    assert found.facts.addresses or found.facts.dead or found.facts.problems
    assert all(len(sentence(problem.reason)) < 200 for problem in found.facts.problems)


@given(spoils=SPOILS)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_dns_answer_can_be_kept(
    store: Store, at: Registries, days: Iterator[int], spoils: Spoils
) -> None:
    day = next(days)
    spoilt(at, spoils)
    case = made(store, f"http://a.test/{day}")
    now = NINE + hours(24 * day)  # after all earlier findings

    resolve_due(store, asker=at.askers(dns_s=0.05, many=True), catalogue=EVERYWHERE, holder="one", now=now)

    assert state(store, case).host_id == case.host_id


@given(networks=st.one_of(trees(LISTS), st.sampled_from(NO_LISTS)), domains=trees(LISTS))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_list_of_registries_leaves_what_the_name_leads_to(
    at: Registries, networks: bytes, domains: bytes
) -> None:
    spoilt(at, ())

    leaves_what_the_name_leads_to(at, networks, domains)
