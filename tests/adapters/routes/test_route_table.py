"""Routing tables in files: which AS announces an address, and for which block that holds."""

import gzip
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.adapters.routes.route_table import RouteTable, TableAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from tests.conftest import NINE
from tests.lookup_plain import plain

TABLE = f"""\
# prefix        origin  name
0.0.0.0/0       AS64511 A default route is nobody's
192.0.2.0/24    64500   EXAMPLE-HOSTING Example Hosting, NL
192.0.2.64/26   AS64501
198.51.100.0    24      64502_64503
203.0.113.0/25  64504,64505
203.0.113.128/25 64504
2001:db8::/32   as64506 SIX
2001:db8:1::/48 64507
not a route
192.0.2.0/33    64510
192.0.2.0/{"9" * 5000} 64510
192.0.2.0/٢٤    64510
192.0.2.0/²     64510
300.0.0.0/8     64510
192.0.2.0/24    0
192.0.2.0/24    4294967296
192.0.2.0/24    645001234567
192.0.2.0/%s 64510
2001:db8:2::/96 64510
""" % ("2" * 5_000)


def ask(path: Path, *ips: str) -> list[Finding]:
    return list(TableAsker(path).ask([Lookup(LookupKind.ROUTE, ip) for ip in ips], NINE))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "routes.txt"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("ip", "asn", "name", "block"),
    [
        ("192.0.2.1", 64500, "EXAMPLE-HOSTING Example Hosting, NL", "192.0.2.0/26"),
        ("192.0.2.64", 64501, None, "192.0.2.64/26"),
        ("192.0.2.127", 64501, None, "192.0.2.64/26"),
        ("192.0.2.128", 64500, "EXAMPLE-HOSTING Example Hosting, NL", "192.0.2.128/25"),
        ("198.51.100.7", 64502, None, "198.51.100.0/24"),
        ("203.0.113.200", 64504, None, "203.0.113.128/25"),
        ("192.0.3.0", None, None, "192.0.3.0/24"),
        ("2001:db8:7::1", 64506, "SIX", "2001:db8:4::/46"),
        ("2001:db8:1:2:3::", 64507, None, "2001:db8:1::/48"),
        ("2001:db8:2::5", 64506, "SIX", "2001:db8:2::/47"),
        ("2001:db9::", None, None, "2001:db9::/32"),
    ],
)
def test_the_narrowest_route_announces_and_the_answer_holds_for_its_block_alone(table, ip, asn, name, block):
    (finding,) = ask(table, ip)

    assert plain(finding.value) == {"asn": asn, "as_name": name, "prefix": block}
    assert finding.covers == (block,)
    assert finding.valid_until == NINE + timedelta(hours=12)


ROUTES = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32), st.integers(1, 5)), min_size=1, max_size=12
)


@given(ROUTES, st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_it_says_what_a_search_through_all_routes_says_all_over_the_block(routes, places):
    nets = {ip_network((start, length), strict=False): asn for start, length, asn in routes}
    table = RouteTable(f"{net} {asn}" for net, asn in nets.items())

    def searched(address: IPv4Address) -> int | None:
        holding = [net for net in nets if address in net]
        return nets[max(holding, key=lambda net: net.prefixlen)] if holding else None

    ends = [int(net[0]) for net in nets] + [int(net[-1]) for net in nets]
    for address in map(ip_address, places + ends):
        asn, _, block = table.origin(str(address))
        inside = [net[0] for net in nets if net[0] in ip_network(block)]
        assert address in ip_network(block)
        assert {searched(one) for one in (address, *inside, ip_network(block)[0], ip_network(block)[-1])} == {
            asn
        }


def test_a_packed_table_reads_the_same(tmp_path):
    path = tmp_path / "routes.gz"
    path.write_bytes(gzip.compress(TABLE.encode(), mtime=0))

    assert ask(path, "192.0.2.1")[0].value.asn == 64500


def test_a_table_that_changed_is_read_again_and_an_old_one_beats_none(table):
    asker = TableAsker(table)

    def origin() -> int | None:
        (finding,) = asker.ask([Lookup(LookupKind.ROUTE, "192.0.2.1")], NINE)
        assert finding.problem is None
        return plain(finding.value)["asn"]

    seen = [origin()]
    new = table.with_name("new")
    for text in ("192.0.2.0/24 64509", "nothing"):
        new.write_text(text, encoding="utf-8")
        new.replace(table)
        seen.append(origin())
    table.unlink()

    assert [*seen, origin()] == [64500, 64509, 64509, 64509]


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (None, "the routing table cannot be read: No such file or directory"),
        (b"no route at all\n", "the routing table holds no routes"),
        (gzip.compress(TABLE.encode(), mtime=0)[:60], "the routing table cannot be read: it is not whole"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_problem_of_each_question(tmp_path, held, reason):
    path = tmp_path / "routes"
    if held is not None:
        path.write_bytes(held)

    first, second = ask(path, "192.0.2.1", "192.0.2.2")

    assert (first.problem.step, sentence(first.problem.reason), first.value) == ("route", reason, None)
    assert second.problem == first.problem


def test_a_table_without_a_family_says_of_it_that_nobody_announces():
    assert RouteTable(["192.0.2.0/24 64500"]).origin("2001:db8::") == (None, None, "::/0")
    with pytest.raises(OutsideError):
        RouteTable([])
