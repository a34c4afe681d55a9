"""Names that are shown differently from place to place, asked of two real servers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from nta.adapters.dns.resolver import DnsAsker, Servers
from nta.adapters.dns.vantage_names import names_of
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reasons import Code, because
from nta.ports import Asker
from tests.adapters.servers import DnsServer, Zone
from tests.lookup_plain import plain

SERVFAIL = because(Code.DNS_ANSWERED, rcode="SERVFAIL")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HERE = Zone(
    """
same.test    600  A     192.0.2.9
same.test    600  AAAA  2001:db8::9
other.test   900  A     192.0.2.1
more.test    600  A     192.0.2.1
alias.test   600  CNAME other.test.
text.test    600  TXT   "no address"
half.test   1800 A     192.0.2.3
""",
    refused={"refused.test"},
)
THERE = Zone(
    """
same.test    600  A     192.0.2.9
same.test    600  AAAA  2001:db8::9
other.test   700  A     198.51.100.1
more.test    600  A     198.51.100.1
more.test    600  A     192.0.2.1
alias.test   600  CNAME edge.test.
edge.test    600  A     198.51.100.2
only.test    600  A     198.51.100.4
""",
    refused={"refused.test", "half.test"},
)


@pytest.fixture(scope="module")
def here() -> Iterator[DnsServer]:
    with DnsServer(HERE) as server:
        yield server


@pytest.fixture(scope="module")
def there() -> Iterator[DnsServer]:
    with DnsServer(THERE) as server:
        yield server


def at(servers: Servers) -> Asker:
    return DnsAsker(servers, timeout_s=5, tries=1)


@pytest.fixture
def names(here: DnsServer, there: DnsServer) -> Asker:
    """Three vantage points, two of which share their servers."""
    return names_of({"nl": [here.address], "de": [there.address], "be": [here.address]}, (), at)


def asked(names: Asker, host: str) -> Finding:
    (finding,) = names.ask([Lookup(LookupKind.ADDRESSES, host)], NOW)
    return finding


@pytest.mark.parametrize(
    ("host", "addresses", "shown"),
    [
        ("other.test", ["192.0.2.1", "198.51.100.1"], (["192.0.2.1"], ["198.51.100.1"])),
        ("more.test", ["192.0.2.1", "198.51.100.1"], (["192.0.2.1"], ["192.0.2.1", "198.51.100.1"])),
        ("only.test", ["198.51.100.4"], ([], ["198.51.100.4"])),
    ],
)
def test_a_host_has_all_addresses_that_anybody_is_shown(
    names: Asker, host: str, addresses: list[str], shown: tuple[list[str], list[str]]
) -> None:
    finding = asked(names, host)

    nl, de = shown
    assert plain(finding.value) == {
        "addresses": addresses,
        "cname": [],
        "dead": None,
        "seen_from": {"nl": nl, "be": nl, "de": de},
    }
    assert finding.problems == ()


def test_where_all_are_shown_the_same_nothing_is_said_of_places(names: Asker, here: DnsServer) -> None:
    before = len(here.asked)

    finding = asked(names, "same.test")

    assert plain(finding.value) == {"addresses": ["192.0.2.9", "2001:db8::9"], "cname": [], "dead": None}
    assert here.asked[before:].count(("same.test", "A")) == 1  # for both who ask there


def test_every_alias_is_kept_and_the_shortest_validity_counts(names: Asker) -> None:
    assert plain(asked(names, "alias.test").value)["cname"] == ["other.test", "edge.test"]
    assert asked(names, "other.test").valid_until == NOW + timedelta(seconds=700)


@pytest.mark.parametrize(("host", "dead"), [("nowhere.test", "nxdomain"), ("text.test", "no_address")])
def test_a_name_is_dead_where_nobody_is_shown_an_address(names: Asker, host: str, dead: str) -> None:
    finding = asked(names, host)

    assert (plain(finding.value)["dead"], "seen_from" in plain(finding.value)) == (dead, False)


def test_a_server_that_fails_where_another_answers_is_named_and_no_failure_of_all(names: Asker) -> None:
    finding = asked(names, "half.test")

    assert (plain(finding.value)["addresses"], finding.problem) == (["192.0.2.3"], None)
    assert finding.problems == (
        LookupProblem("dns", because(Code.ASKED_FROM, reason=SERVFAIL, vantage="de"), True),
    )
    assert finding.valid_until == NOW + timedelta(minutes=5)


def test_where_nobody_answers_there_is_one_problem(names: Asker) -> None:
    finding = asked(names, "refused.test")

    assert (finding.value, finding.problems) == (
        None,
        (LookupProblem("dns", SERVFAIL, True),),
    )


def test_those_who_all_ask_the_same_servers_are_asked_for_once(here: DnsServer) -> None:
    assert isinstance(names_of({"nl": [here.address], "de": [here.address]}, (), at), DnsAsker)
    assert isinstance(names_of({}, [here.address], at), DnsAsker)
