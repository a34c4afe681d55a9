"""Domains on port 43: from the suffix to the registry to the registrar, and texts of many makes."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.adapters.net.address_policy import Gate
from nta.adapters.whois import domain_texts
from nta.adapters.whois.domain_texts import (
    decoded,
    referral,
    registrars_server,
)
from nta.adapters.whois.domains_on_port_43 import WhoisAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from tests.adapters.servers import WhoisServer, nobody_listening
from tests.lookup_plain import plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def domain(text: str, name: str) -> Any:
    return plain(domain_texts.domain(text, name))


HOUR = timedelta(hours=1)
NAME = "site.test"
ROOT = b"% IANA\r\n\r\nrefer:        whois.registry.test\r\n\r\ndomain:       TEST\r\n"
THICK = b"""Domain Name: SITE.TEST\r
Registrar WHOIS Server: \r
Creation Date: 2025-06-01T00:00:00Z\r
Registrar: Registrar B.V.\r
Registrar IANA ID: 9995\r
Registrar Abuse Contact Email: abuse@registrar.example\r
Domain Status: clientHold https://icann.org/epp#clientHold\r
Domain Status: ok https://icann.org/epp#ok\r
Registrant Email: owner@holder.example\r
Name Server: NS1.HOST.EXAMPLE\r
"""
THIN = b"""   Domain Name: SITE.TEST\r
   Registrar: Registrar B.V.\r
   Registrar WHOIS Server: whois.registrar.test\r
   Creation Date: 2025-06-01T00:00:00Z\r
"""


@pytest.fixture
def server():
    """One server that plays all: they share its port."""
    with WhoisServer({"test": ROOT, NAME: THICK}) as server:
        yield server


def asker(server: WhoisServer, gate: Gate, **options: Any) -> WhoisAsker:
    options = {"resolve": lambda _: ("127.0.0.1",), "connect_timeout_s": 3, "timeout_s": 3, **options}
    return WhoisAsker(("whois.root.test", server.port), gate, **options)


def ask(server: WhoisServer, gate: Gate, name: str = NAME, **options: Any) -> Finding:
    (finding,) = asker(server, gate, **options).ask([Lookup(LookupKind.WHOIS, name)], NOW)
    return finding


def test_the_registry_that_the_root_refers_to_tells_of_the_domain(server, loopback):
    resolved: list[str] = []

    finding = ask(server, loopback, resolve=lambda host: (resolved.append(host), ("127.0.0.1",))[1])

    assert plain(finding.value) == {
        "name": NAME,
        "suffix": "test",
        "registered": True,
        "registrar": {
            "name": "Registrar B.V.",
            "iana_id": "9995",
            "abuse": [{"email": "abuse@registrar.example", "source": "whois", "confidence": 0.9}],
        },
        "status": ["client hold", "active"],
        "nameservers": ["ns1.host.example"],
        "source": "whois",
    }
    assert (finding.source, finding.valid_until) == ("whois", NOW + 12 * HOUR)
    assert (server.asked, resolved) == (["test", NAME], ["whois.root.test", "whois.registry.test"])


def test_the_registrars_own_server_fills_what_the_registry_left_out(server, loopback):
    answers = iter([THIN, THICK])
    server.records[NAME] = lambda connection: connection.sendall(next(answers))

    finding = ask(server, loopback)

    assert plain(finding.value)["registrar"]["abuse"][0]["email"] == "abuse@registrar.example"
    assert server.asked == ["test", NAME, NAME]


def test_a_registrars_server_that_fails_leaves_the_registrys_word_and_is_asked_again_soon(server, loopback):
    answers = iter([THIN, b""])
    server.records[NAME] = lambda connection: connection.sendall(next(answers))

    finding = ask(server, loopback)

    assert (plain(finding.value)["registrar"]["name"], finding.problem) == ("Registrar B.V.", None)
    assert finding.valid_until == NOW + HOUR


def test_a_suffix_of_two_labels_falls_back_on_its_top_level(server, loopback):
    server.records["site.co.test"] = THICK

    finding = ask(server, loopback, "site.co.test")

    assert plain(finding.value)["suffix"] == "co.test"
    assert server.asked == ["co.test", "test", "site.co.test"]


def test_a_server_of_a_suffix_is_found_once_a_day(server, loopback):
    lasting = asker(server, loopback)
    for at in (NOW, NOW + 23 * HOUR, NOW + 25 * HOUR):
        list(lasting.ask([Lookup(LookupKind.WHOIS, NAME)], at))

    assert server.asked.count("test") == 2


def test_a_name_that_nobody_has_is_an_answer_for_a_short_time(server, loopback):
    finding = ask(server, loopback, "free.test")

    assert (plain(finding.value)["registered"], plain(finding.value)["registrar"]) == (False, None)
    assert (finding.problem, finding.valid_until) == (None, NOW + HOUR)


def test_a_suffix_without_a_server_is_a_lasting_problem(server, loopback):
    finding = ask(server, loopback, "site.nowhere")

    assert sentence(finding.problem.reason) == "no WHOIS server is named for this suffix"
    assert (finding.problem.step, finding.problem.temporary) == ("whois_domain", False)


def drip(connection) -> None:
    connection.settimeout(0.05)
    for _ in range(200):
        connection.sendall(b"x")
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue


BAD = {
    "silence": (lambda connection: connection.recv(1), "the server does not answer in time"),
    "a byte now and then": (drip, "the server does not answer in time"),
    "more than 1 MiB": (b"x" * (1 << 21), "the answer is too long"),
    "nothing": (b"", "the server answers nothing"),
    "only white space": (b"\r\n \r\n", "the server answers nothing"),
    "something else": (b"Hello\r\n", "the WHOIS answer says nothing of the domain"),
    "bytes of no charset": (bytes(range(128, 256)), "the WHOIS answer says nothing of the domain"),
}


@pytest.mark.parametrize(("record", "reason"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_a_passing_problem_with_a_name(server, loopback, record, reason):
    server.records[NAME] = record

    finding = ask(server, loopback, timeout_s=0.4)

    assert (finding.value, sentence(finding.problem.reason), finding.problem.temporary) == (
        None,
        reason,
        True,
    )


def test_nobody_there_is_a_passing_problem(loopback):
    with nobody_listening() as port:
        (finding,) = WhoisAsker(("whois.root.test", port), loopback, resolve=lambda _: ("127.0.0.1",)).ask(
            [Lookup(LookupKind.WHOIS, NAME)], NOW
        )

    assert (sentence(finding.problem.reason), finding.problem.temporary) == (
        "the server cannot be reached or breaks off",
        True,
    )


def test_a_server_outside_our_reach_is_never_connected_to(server):
    finding = ask(server, Gate(Reach(public=True, ranges=())))

    assert sentence(finding.problem.reason) == "address not reachable by policy"
    assert server.connections == 0


def test_a_referral_that_leads_inside_is_not_followed(server, loopback):
    inside = {"whois.root.test": ("127.0.0.1",), "whois.registry.test": ("10.0.0.1", "::ffff:192.168.0.1")}

    finding = ask(server, loopback, resolve=lambda host: inside[host])

    assert sentence(finding.problem.reason) == "address not reachable by policy"
    assert server.asked == ["test"]


def test_our_own_door_is_not_asked(server, loopback):
    loopback.own = [("127.0.0.1", server.port)]

    assert sentence(ask(server, loopback).problem.reason) == "address not reachable by policy"
    assert server.connections == 0


def test_a_server_that_was_asked_too_often_is_left_alone(server, loopback):
    server.records[NAME] = b"% Query rate limit exceeded. Try again later.\r\n"
    patient = asker(server, loopback)
    lookups = [Lookup(LookupKind.WHOIS, name) for name in (NAME, "other.test")]

    findings = [*patient.ask(lookups[:1], NOW), *patient.ask(lookups[1:], NOW + timedelta(minutes=14))]

    assert {f.valid_until for f in findings} == {NOW + timedelta(minutes=15)}
    assert server.asked == ["test", NAME]


def test_a_silent_server_costs_one_time_out_for_many_names(server, loopback):
    server.records["test"] = lambda connection: connection.recv(1)
    names = [f"s{number}.test" for number in range(20)]

    findings = list(
        asker(server, loopback, timeout_s=0.3).ask([Lookup(LookupKind.WHOIS, n) for n in names], NOW)
    )

    assert len(findings) == 20
    assert all(f.problem.temporary for f in findings)
    assert server.connections == 1


def test_one_server_is_asked_one_question_at_a_time(server, loopback):
    at_once, most = [], []
    guard = threading.Lock()

    def slowly(connection) -> None:
        with guard:
            at_once.append(1)
            most.append(len(at_once))
        connection.sendall(THICK)
        with guard:
            at_once.pop()

    names = [f"s{number}.test" for number in range(12)]
    server.records |= dict.fromkeys(names, slowly)

    findings = list(asker(server, loopback).ask([Lookup(LookupKind.WHOIS, n) for n in names], NOW))

    assert (len(findings), max(most)) == (12, 1)


def test_no_name_becomes_a_second_question(server, loopback):
    finding = ask(server, loopback, "a b\r\n.test")

    assert sentence(finding.problem.reason) == "this name cannot be asked for"
    assert server.connections == 0


# Texts.


@pytest.mark.parametrize(
    ("text", "name", "abuse"),
    [
        pytest.param("Registrar: One\nCreated: 2020", "One", [], id="label"),
        pytest.param(
            "    Registrar:\n        Two Ltd\n        URL: x\n\n    Registered on: 1999",
            "Two Ltd",
            [],
            id="block",
        ),
        pytest.param(
            "Registrar\n  Organization:  Three S.p.A.\n  Name: THREE-REG\n\nCreated: 1",
            "THREE-REG",
            [],
            id="heading",
        ),
        pytest.param("Registrar:\nname:  Four\nurl: x\n\nregistered: 2011", "Four", [], id="level-block"),
        pytest.param("registrar: FI-5\nname: Five\n\ncreated: 1", "Five", [], id="code-and-name"),
        pytest.param(
            "Registrar: A\nAbuse Contact:\n  x@a.example\n  +31\n\nCreated: 1",
            "A",
            ["x@a.example"],
            id="abuse-block",
        ),
        pytest.param(
            "registrar: A\nabuse-email: Y@A.example\ncreated: 1", "A", ["Y@A.example"], id="abuse-label"
        ),
        pytest.param(
            "Registrar: A\nRegistrar Abuse Contact Email:\nRegistrant Email: o@h.example\nCreated: 1",
            "A",
            [],
            id="empty-abuse",
        ),
        pytest.param("[Registrar]   JP Co\n[Created on]  2001", "JP Co", [], id="brackets"),
    ],
)
def test_who_the_registrar_is(text, name, abuse):
    found = domain(text, NAME)["registrar"]

    assert (found["name"], [one["email"] for one in found["abuse"]]) == (name, abuse)


@pytest.mark.parametrize(
    ("text", "registered"),
    [
        ("No match for domain", False),
        ("Domain: site.test\nStatus: free", False),
        ("site.test is free", False),
        ("% nothing found", False),
        ("Domain: site.test\nStatus: connect", True),
        ("Creation Date: 2020\n\nNOT FOUND is what free names say", True),
    ],
)
def test_whether_somebody_has_the_name(text, registered):
    assert domain(text, NAME)["registered"] is registered


def test_a_text_that_says_neither_is_no_answer():
    with pytest.raises(OutsideError):
        domain("Welcome to the registry of test", NAME)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("refer: whois.nic.test\n", "whois.nic.test"),
        ("domain: TEST\n\nwhois:        whois.nic.test\n", "whois.nic.test"),
        ("refer: whois://whois.nic.test:4343/x", "whois.nic.test"),
        ("% refer: whois.nic.test", None),
        ("refer: not a host", None),
        ("whois:\n", None),
    ],
)
def test_where_a_suffix_is_referred_to(text, server):
    assert referral(text) == server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("Registrar WHOIS Server: WHOIS.registrar.test", "whois.registrar.test"),
        ("   Whois Server: whois.registrar.test\n", "whois.registrar.test"),
        ("Registrar WHOIS Server: http://registrar.test/whois", None),
        ("Registrar WHOIS Server:\nRegistrar URL: x.test", None),
    ],
)
def test_where_the_registrars_own_server_is(text, server):
    assert registrars_server(text) == server


LINES = st.sampled_from(
    [
        "",
        "Registrar:",
        "Registrar: A",
        "  Name: B",
        "Abuse Contact:",
        "   x@a.example",
        "% comment",
        "Domain: site.test",
        "Status: free",
        "Status: ok",
        "nserver: ns1.a.example",
        "Name Server:",
        "refer:",
        "No match",
        "[x] y",
        ":",
        "\u2028",
        "Registrar IANA ID: 99999999999",
    ]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=30)), max_size=30))
def test_any_text_is_an_answer_or_none(lines):
    text = "\n".join(lines)

    try:
        value = domain(text, NAME)
    except OutsideError:
        return
    assert value["registered"] or value["registrar"] is None
    assert all("@" in one["email"] for one in (value["registrar"] or {"abuse": []})["abuse"])


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "cp1252"])
def test_names_survive_their_charset(charset):
    assert (
        domain(decoded("Registrar: Örtlich\nCreated: 1".encode(charset)), NAME)["registrar"]["name"]
        == "Örtlich"
    )
