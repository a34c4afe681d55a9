"""Names to addresses, against a DNS server that behaves well and badly."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from nta.adapters.dns.fresh_names import FreshNames
from nta.adapters.dns.resolver import DnsAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reasons import Code, Reason
from nta.ports import NameAnswer
from nta.render.reason_sentences import sentence
from tests.adapters.servers import DnsServer, Zone, nobody_listening
from tests.lookup_plain import plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

RECORDS = """
plain.test          600   A      192.0.2.1
plain.test          300   A      192.0.2.2
plain.test          900   AAAA   2001:db8::1
four.test           5     A      192.0.2.4
long.test           99999 A      192.0.2.5
six.test            600   AAAA   2001:db8::6
text.test           600   TXT    "no address"
alias.test          1200  CNAME  middle.test.
middle.test         700   CNAME  plain.test.
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
    silent={"silent.test"},
    garbage={"garbage.test"},
    truncated={"cut.test"},
    no_chain={"loose.test", "loop.test", "pool.test"},
)


@pytest.fixture(scope="module")
def server():
    with DnsServer(ZONE) as server:
        yield server


def asked(server: DnsServer, host: str, **options: float) -> Finding:
    asker = DnsAsker([server.address], **{"timeout_s": 0.5, "tries": 1, **options})
    (finding,) = asker.ask([Lookup(LookupKind.ADDRESSES, host)], NOW)
    return finding


@pytest.mark.parametrize(
    ("host", "addresses", "cname", "dead"),
    [
        ("plain.test", ["192.0.2.1", "192.0.2.2", "2001:db8::1"], [], None),
        ("PLAIN.test.", ["192.0.2.1", "192.0.2.2", "2001:db8::1"], [], None),
        ("four.test", ["192.0.2.4"], [], None),
        ("six.test", ["2001:db8::6"], [], None),
        ("alias.test", ["192.0.2.1", "192.0.2.2", "2001:db8::1"], ["middle.test", "plain.test"], None),
        ("loose.test", ["192.0.2.4"], ["four.test"], None),
        ("cut.test", ["192.0.2.9"], [], None),
        ("nowhere.test", [], [], "nxdomain"),
        ("dangling.test", [], ["nowhere.test"], "nxdomain"),
        ("text.test", [], [], "no_address"),
        ("half.test", [], ["text.test"], "no_address"),
        ("192.0.2.77", ["192.0.2.77"], [], None),
        ("[2001:DB8::77]", ["2001:db8::77"], [], None),
        ("2001:db8::77", ["2001:db8::77"], [], None),
    ],
)
def test_a_name_answers_with_its_addresses_and_aliases(server, host, addresses, cname, dead):
    finding = asked(server, host)

    assert finding.problem is None
    assert plain(finding.value) == {"addresses": addresses, "cname": cname, "dead": dead}
    assert finding.asked_at == NOW


@pytest.mark.parametrize(
    ("host", "held"),
    [
        ("plain.test", timedelta(seconds=300)),
        ("alias.test", timedelta(seconds=300)),
        ("four.test", timedelta(minutes=5)),
        ("long.test", timedelta(hours=1)),
        ("192.0.2.77", timedelta(hours=1)),
    ],
)
def test_an_answer_holds_for_its_shortest_ttl_within_bounds(server, host, held):
    assert asked(server, host).valid_until == NOW + held


@pytest.mark.parametrize("host", ["silent.test", "refused.test", "garbage.test", "loop.test"])
def test_no_answer_is_a_problem_and_no_absence(server, host):
    finding = asked(server, host)

    assert finding.value is None
    assert finding.problem.temporary
    assert finding.problem.step == "dns"
    assert "test" not in sentence(finding.problem.reason)
    assert NOW < finding.valid_until <= NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(f"{'x' * 64}.test", id="no-name"),
        pytest.param(f"{'a' * 56}.onion", id="onion"),
        pytest.param("www.a.ONION.", id="below-an-onion"),
        pytest.param("localhost", id="this-machine"),
        pytest.param("printer.local", id="this-network"),
        pytest.param("wiki.corp.internal", id="private-network"),
    ],
)
def test_a_name_that_the_dns_cannot_hold_is_never_asked_for(server, host):
    before = len(server.asked)
    finding = asked(server, host)

    assert finding.value is None
    assert not finding.problem.temporary
    assert server.asked[before:] == []


@pytest.mark.parametrize("host", ["test", "intranet"])
def test_a_name_of_one_label_is_asked_for_as_it_stands(server, host):
    before = len(server.asked)

    assert plain(asked(server, host).value)["dead"] == "nxdomain"
    assert {name for name, _ in server.asked[before:]} == {host}


def test_a_server_that_is_not_there_is_passed_over(server):
    with nobody_listening() as port:
        asker = DnsAsker([("127.0.0.1", port), server.address], timeout_s=0.5)

        (finding,) = asker.ask([Lookup(LookupKind.ADDRESSES, "four.test")], NOW)

    assert plain(finding.value)["addresses"] == ["192.0.2.4"]


def test_dead_servers_hold_up_a_large_batch_only_once():
    names = [f"h{i}.test" for i in range(500)]
    with DnsServer(Zone(silent=set(names))) as server:
        asker = DnsAsker([server.address], timeout_s=0.2, tries=1)

        findings = list(asker.ask([Lookup(LookupKind.ADDRESSES, name) for name in names], NOW))

    assert len(findings) == 500
    assert all(finding.problem for finding in findings)
    assert len(server.asked) < 100


def test_names_of_servers_are_resolved_or_the_failure_rises(server):
    asker = DnsAsker([server.address], timeout_s=0.5, tries=1)

    assert asker.resolve("plain.test") == ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert asker.resolve("nowhere.test") == ()
    with pytest.raises(OutsideError) as caught:
        asker.resolve("silent.test")
    assert caught.value.temporary


class Dragging(DnsServer):
    """Leads each name on to another, and says so only when it is asked again."""

    def _reply(self, wire: bytes, *, over_udp: bool) -> bytes:
        question = dns.message.from_wire(wire).question[0]
        asked = (str(question.name), dns.rdatatype.to_text(question.rdtype))
        self.asked.append(asked)
        if self.asked.count(asked) == 1:
            return b""
        reply = dns.message.make_response(dns.message.from_wire(wire))
        further = f"on{len(self.asked)}.test."
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "CNAME", further))
        return reply.to_wire()


class Hanging(DnsServer):
    """Says over UDP that there is more over TCP, and nothing there; of "half" only what is IPv6 hangs."""

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        while connection.recv(4096):
            pass

    def _reply(self, wire: bytes, *, over_udp: bool) -> bytes:
        question = dns.message.from_wire(wire).question[0]
        is_cut = question.rdtype == dns.rdatatype.AAAA or "half" not in str(question.name)
        self.zone.truncated = {self._asked_name(wire)} if is_cut else set()
        return super()._reply(wire, over_udp=over_udp)


HALF = Zone("half.test 600 A 192.0.2.1")
WHOLE_S = 0.3
HOSTILE = {
    "never answering": (DnsServer, Zone(silent={"a.test"}), 0.05),
    "slow, and one alias after another": (Dragging, Zone(), 0.1),
    "cut short, then hanging": (Hanging, Zone("a.test 600 A 192.0.2.1"), 60),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_all_of_one_name_ends_within_its_time_whatever_servers_do(name):
    kind, zone, timeout_s = HOSTILE[name]
    with kind(zone) as server:
        asker = DnsAsker([server.address], timeout_s=timeout_s, tries=1000, whole_s=WHOLE_S)

        (finding,) = asker.ask([Lookup(LookupKind.ADDRESSES, "a.test")], NOW)
        with pytest.raises(OutsideError):
            asker.resolve("a.test")

    assert finding.problem == LookupProblem("dns", Reason(Code.DNS_SLOW), True)
    # Both types side by side, then one after the other within the same time: what fits into it and one more.
    assert len(server.asked) <= 3 * (WHOLE_S / min(timeout_s, WHOLE_S) + 1) * 2


def test_what_one_type_says_counts_where_the_other_takes_too_long():
    with Hanging(HALF) as server:
        asker = DnsAsker([server.address], timeout_s=60, whole_s=WHOLE_S)

        (finding,) = asker.ask([Lookup(LookupKind.ADDRESSES, "half.test")], NOW)

    assert (finding.problem, plain(finding.value)["addresses"]) == (None, ["192.0.2.1"])
    assert finding.valid_until == NOW + timedelta(minutes=5)


FRESH = {
    "plain.test": NameAnswer(("192.0.2.1", "192.0.2.2", "2001:db8::1")),
    "four.test": NameAnswer(("192.0.2.4",)),
    "six.test": NameAnswer(("2001:db8::6",)),
    "alias.test": NameAnswer(("192.0.2.1", "192.0.2.2", "2001:db8::1")),
    "loose.test": NameAnswer(("192.0.2.4",)),
    "cut.test": NameAnswer(("192.0.2.9",)),
    "nowhere.test": NameAnswer((), "nxdomain"),
    "dangling.test": NameAnswer((), "nxdomain"),
    "text.test": NameAnswer((), "no_address"),
    "half.test": NameAnswer((), "no_address"),
    "silent.test": NameAnswer((), "dns_failure"),
    "refused.test": NameAnswer((), "dns_failure"),
    "garbage.test": NameAnswer((), "dns_failure"),
    "loop.test": NameAnswer((), "dns_failure"),
    f"{'x' * 64}.test": NameAnswer((), "dns_failure"),
    "192.0.2.77": NameAnswer(("192.0.2.77",)),
    "[2001:db8::77]": NameAnswer(("2001:db8::77",)),
}


def test_many_names_are_answered_at_once_each_in_its_own_way(server):
    names = FreshNames([server.address], timeout_s=0.5, tries=1)

    answers = names.addresses(FRESH, "local")

    assert {host: NameAnswer(tuple(sorted(a.addresses)), a.error) for host, a in answers.items()} == FRESH


def test_nothing_is_remembered_from_one_call_to_the_next(server):
    names = FreshNames([server.address], timeout_s=1)
    before = server.asked.count(("long.test", "A"))

    for _ in range(3):
        names.addresses(["long.test"], "local")

    assert server.asked.count(("long.test", "A")) == before + 3


def test_a_vantage_point_asks_its_own_servers(server):
    with DnsServer(Zone("plain.test 600 A 198.51.100.1")) as theirs:
        names = FreshNames([server.address], {"de": [theirs.address]}, timeout_s=0.5, tries=1)

        seen = {point: names.addresses(["plain.test"], point)["plain.test"] for point in ("nl", "de")}

    assert seen == {"nl": FRESH["plain.test"], "de": NameAnswer(("198.51.100.1",))}


def test_silent_servers_are_given_up_for_all_names_together():
    names = [f"h{i}.test" for i in range(2_000)]
    with DnsServer(Zone(silent=set(names))) as server:
        fresh = FreshNames([server.address], timeout_s=0.1, tries=1, at_once=50)

        answers = fresh.addresses(names, "local")

    assert answers == dict.fromkeys(names, NameAnswer((), "dns_failure"))
    assert len(server.asked) < 2_000


def test_no_thread_and_no_descriptor_is_left_behind(server):
    names = FreshNames([server.address], timeout_s=1)
    names.addresses(["four.test"], "local")  # pycares keeps one thread from its first channel on

    threads = threading.active_count()
    for _ in range(50):
        names.addresses(["four.test", "six.test"], "local")

    assert threading.active_count() == threads
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) < 150
