"""Origins by DNS: reversed addresses under a zone, against a server that behaves well and badly."""

from datetime import timedelta
from ipaddress import ip_address

import pytest

from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.routes.route_origins import OriginAsker
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from tests.adapters.servers import DnsServer, Zone, nobody_listening
from tests.conftest import NINE
from tests.lookup_plain import plain


def six(ip: str) -> str:
    return ip_address(ip).reverse_pointer.removesuffix(".ip6.arpa")


RECORDS = f"""
7.2.0.192.origin.test     600 TXT "64500 | 192.0.0.0/16 | NL | ripencc | 2020-01-01"
8.2.0.192.origin.test     600 TXT "64500 | 192.0.0.0/16 | NL | ripencc | 2020-01-01"
8.2.0.192.origin.test     600 TXT "64502 64503 | 192.0.2.0/25 | NL | ripencc | 2020-01-01"
8.2.0.192.origin.test     600 TXT "64509 | 198.51.100.0/24 | NL | ripencc | 2020-01-01"
9.2.0.192.origin.test     600 TXT "v=spf1 -all"
10.2.0.192.origin.test    600 CNAME 7.2.0.192.origin.test.
12.2.0.192.origin.test    600 TXT "64504 | 192.0.2.0/24"
{six("2001:db8::7")}.origin.test  600 TXT "64506 | 2001:db8::/32 | NL | ripencc | 2020-01-01"
{six("2001:db8::7")}.origin6.test 600 TXT "64507 | 2001:db8::/32 | NL | ripencc | 2020-01-01"
as64500.test              600 TXT "64500 | NL | ripencc | 2020-01-01 | EXAMPLE-AS Example Hosting, NL"
as64502.test              600 TXT "64511 | NL | ripencc | 2020-01-01 | OTHER"
"""
SILENT = {"11.2.0.192.origin.test", "as64504.test"}


@pytest.fixture(scope="module")
def server():
    with DnsServer(Zone(RECORDS, silent=SILENT)) as server:
        yield server


def asker(server: DnsServer, *zones: str) -> OriginAsker:
    return OriginAsker(DnsAsker([server.address], timeout_s=0.3, tries=1), zones or ("origin.test",))


def ask(server: DnsServer, ip: str, *zones: str) -> Finding:
    (finding,) = asker(server, *zones).ask([Lookup(LookupKind.ROUTE, ip)], NINE)
    return finding


@pytest.mark.parametrize(
    ("ip", "asn", "name", "prefix", "covers"),
    [
        ("192.0.2.7", 64500, "EXAMPLE-AS Example Hosting", "192.0.0.0/16", "192.0.2.0/24"),
        ("192.0.2.8", 64502, None, "192.0.2.0/25", "192.0.2.0/25"),
        ("192.0.2.10", 64500, "EXAMPLE-AS Example Hosting", "192.0.0.0/16", "192.0.2.0/24"),
        ("192.0.2.12", 64504, None, "192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8::7", 64506, None, "2001:db8::/32", "2001:db8::/48"),
    ],
)
def test_the_narrowest_prefix_that_holds_the_address_names_the_origin(server, ip, asn, name, prefix, covers):
    finding = ask(server, ip)

    assert finding.problem is None
    assert plain(finding.value) == {"asn": asn, "as_name": name, "prefix": prefix}
    assert finding.covers == (covers,)
    assert finding.valid_until == NINE + timedelta(hours=12)


def test_ipv6_may_have_a_zone_of_its_own(server):
    assert plain(ask(server, "2001:db8::7", "origin.test", "origin6.test").value)["asn"] == 64507


def test_an_address_that_nobody_announces_is_an_answer_for_an_hour(server):
    finding = ask(server, "198.51.100.1")

    assert plain(finding.value) == {"asn": None, "as_name": None, "prefix": None}
    assert (finding.problem, finding.covers) == (None, ("198.51.100.0/24",))
    assert finding.valid_until == NINE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("ip", "reason"),
    [
        ("192.0.2.11", "no DNS server answers"),
        ("192.0.2.9", "the origin zone's answer makes no sense"),
    ],
)
def test_silence_and_nonsense_are_passing_problems(server, ip, reason):
    finding = ask(server, ip)

    assert (finding.problem.step, sentence(finding.problem.reason), finding.problem.temporary) == (
        "route",
        reason,
        True,
    )
    assert finding.value is None


def test_the_name_of_an_as_is_asked_once_for_all_its_addresses(server):
    lasting = asker(server)
    server.asked.clear()

    list(lasting.ask([Lookup(LookupKind.ROUTE, f"192.0.2.{n}") for n in (7, 10)], NINE))
    list(lasting.ask([Lookup(LookupKind.ROUTE, "192.0.2.7")], NINE + timedelta(hours=11)))

    assert server.asked.count(("as64500.test", "TXT")) == 1


def test_where_no_server_listens_every_question_has_an_answer():
    lookups = [Lookup(LookupKind.ROUTE, f"192.0.2.{n}") for n in range(60)]

    with nobody_listening() as port:
        names = DnsAsker([("127.0.0.1", port)], timeout_s=0.1, tries=1)
        findings = list(OriginAsker(names, ("origin.test",)).ask(lookups, NINE))

    assert {finding.lookup for finding in findings} == set(lookups)
    assert {sentence(finding.problem.reason) for finding in findings} == {"no DNS server answers"}
