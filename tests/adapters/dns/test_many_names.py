"""Many names at once: the same findings as one by one, each plain question asked once."""

from datetime import UTC, datetime

import pytest

from nta.adapters.dns.many_names import ManyNames
from nta.adapters.dns.resolver import DnsAsker
from nta.domain.hosting.lookups import Lookup, LookupKind
from tests.adapters.servers import DnsServer, Zone

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

RECORDS = """
plain.test          600   A      192.0.2.2
plain.test          300   A      192.0.2.1
plain.test          900   AAAA   2001:db8::1
four.test           5     A      192.0.2.4
long.test           99999 A      192.0.2.5
six.test            600   AAAA   2001:db8::6
text.test           600   TXT    "no address"
alias.test          1200  CNAME  middle.test.
middle.test         700   CNAME  plain.test.
narrow.test         900   CNAME  four.test.
dangling.test       600   CNAME  nowhere.test.
half.test           600   CNAME  text.test.
loose.test          600   CNAME  four.test.
loop.test           600   CNAME  pool.test.
pool.test           600   CNAME  loop.test.
cut.test            600   A      192.0.2.9
"""
ZONE = Zone(
    RECORDS,
    refused={"refused.test"},
    garbage={"garbage.test"},
    truncated={"cut.test"},
    no_chain={"loose.test", "loop.test", "pool.test"},
)
PLAIN = ("plain.test", "four.test", "long.test", "six.test", "alias.test")
ODD = (
    "PLAIN.test.",
    "narrow.test",
    "text.test",
    "dangling.test",
    "half.test",
    "loose.test",
    "loop.test",
    "cut.test",
    "refused.test",
    "garbage.test",
    "nowhere.test",
    "192.0.2.77",
    "[2001:DB8::77]",
    f"{'x' * 64}.test",
    ".".join(["x" * 60] * 5),
    f"{'a' * 56}.onion",
    "localhost",
)


@pytest.fixture(scope="module")
def server():
    with DnsServer(ZONE) as server:
        yield server


def lookups(hosts: tuple[str, ...]) -> list[Lookup]:
    return [Lookup(LookupKind.ADDRESSES, host) for host in hosts]


def test_what_is_found_does_not_depend_on_who_found_it(server):
    wanted = lookups(PLAIN + ODD)
    careful = DnsAsker([server.address], timeout_s=0.5, tries=1)
    many = ManyNames([server.address], timeout_s=0.5, tries=1)

    found = {finding.lookup: finding for finding in many.ask(wanted, NOW)}

    assert found == {finding.lookup: finding for finding in careful.ask(wanted, NOW)}


def test_a_plain_name_is_asked_for_once_of_each_type(server):
    before = len(server.asked)
    found = list(ManyNames([server.address], timeout_s=0.5).ask(lookups(PLAIN), NOW))

    assert [finding.problem for finding in found] == [None] * len(PLAIN)
    assert sorted(server.asked[before:]) == sorted((host, type_) for host in PLAIN for type_ in ("A", "AAAA"))
