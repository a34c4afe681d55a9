"""National registries on port 43: their texts, when they are asked, and what a missing answer leaves."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import failed
from nta.adapters.net.rate_limits import Rate, RateLimits
from nta.adapters.whois.domain_texts import decoded
from nta.adapters.whois.national_registries import NATIONAL, NationalNetworks, RegistryAsker
from nta.adapters.whois.national_texts import (
    jpnic,
    jpnic_desk,
    krnic,
    twnic,
)
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reasons import Code, Reason, other
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from tests.adapters.servers import WhoisServer, nobody_listening
from tests.lookup_plain import a_finding, plain
from tests.usecases.mangling import texts

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
IP = "192.0.2.7"
KR = NATIONAL[1]

JPNIC = """\
[ JPNIC database provides information regarding IP address and ASN. Its use   ]
[ is restricted to network administration purposes. For further information,  ]

Network Information:            
a. [Network Number]             192.0.2.0/25
b. [Network Name]               SAMPLE-CUSTOMER
g. [Organization]               Sample Customer K.K.
m. [Administrative Contact]     JP00000001
n. [Technical Contact]          SC1234JP
o. [Abuse]                      
p. [Nameserver]                 ns.customer.example
[Assigned Date]                 2020/01/02
[Last Update]                   2020/01/02 10:00:00(JST)

Less Specific Info.
----------
Sample Hosting K.K.
                     [Allocation]                    192.0.0.0-192.0.255.255
Sample Hosting K.K.
        SUBA-000-001 [Sub Allocation]                           192.0.2.0/24

More Specific Info.
----------
No match!!
"""  # noqa: W291
WIDER = """\
Network Information:
a. [Network Number]             192.0.0.0-192.0.255.255
b. [Network Name]               SAMPLENET
g. [Organization]               Sample Hosting K.K.
m. [Administrative Contact]     JP00000002
n. [Technical Contact]          JP00000003
o. [Abuse]                      ABUSE@hosting.example
o. [Abuse]                      abuse@hosting.example, second@hosting.example

Less Specific Info.
----------
No match!!
"""
DESK = """\
Group Contact Information:
[Group Handle]                  JP00000003
[Group Name]                    Sample Operations
[E-Mail]                        noc@hosting.example
[Organization]                  Sample Hosting K.K.
[TEL]                           00-0000-0000
"""
KRNIC = """\
query : 192.0.2.7

# KOREAN(UTF8)

[ 네트워크 할당 정보 ]
IPv4주소           : 192.0.0.0 - 192.0.255.255 (/16)
전자우편           : korean@hosting.example

# ENGLISH

KRNIC is not an ISP but a National Internet Registry similar to APNIC.

[ Network Information ]
IPv4 Address       : 192.0.0.0 - 192.0.255.255 (/16)
Organization Name  : Sample Telecom
Service Name       : SAMPLENET
Address            : 1, Sample-ro
Registration Date  : 20200102

Name               : IP Manager
Phone              : +82-2-000-0000
E-Mail             : manager@hosting.example

--------------------------------------------------------------------------------

More specific assignment information is as follows.

[ Network Information ]
IPv4 Address       : 192.0.2.0 - 192.0.2.255 (/24)
Organization Name  : Sample Customer
Network Type       : CUSTOMER

Name               : IP Manager
E-Mail             : somebody@customer.example
"""
KRNIC_ABUSE = """\
[ Network Information ]
IPv6 Address       : 2001:db8::/32
Service Name       : SAMPLE-V6
Organization Name  : Sample Telecom

[ Admin Contact Information ]
E-Mail             : manager@hosting.example

[ Network Abuse Contact Information ]
Name               : Network Abuse
E-Mail             : abuse@hosting.example
"""
TWNIC = """\

   Netname: SAMPLE-NET
   Netblock: 192.0.0.0/16

   Administrator contact:
      admin@hosting.example

   Netname: SAMPLE-POOL
   Netblock: 192.0.2.0/24

   Administrator contact:
      admin@hosting.example

   Technical contact:
      noc@hosting.example
"""


def test_jpnic_tells_of_a_network_and_of_the_allocation_around_it() -> None:
    told = jpnic(JPNIC, IP)

    assert (told.name, told.holder_name) == ("SAMPLE-CUSTOMER", "Sample Customer K.K.")
    assert (told.abuse, told.wider, told.groups) == ((), "192.0.0.0-192.0.255.255", ("JP00000001",))
    assert jpnic(WIDER, IP).abuse == ("ABUSE@hosting.example", "second@hosting.example")
    assert jpnic(WIDER, IP).wider is None
    assert jpnic_desk(DESK) == ("noc@hosting.example",)


def test_krnic_tells_of_the_provider_and_not_of_its_customer() -> None:
    told = krnic(KRNIC, IP)

    assert (told.name, told.holder_name) == ("SAMPLENET", "Sample Telecom")
    assert (told.abuse, told.desk) == ((), ("manager@hosting.example",))
    assert krnic(KRNIC_ABUSE, "2001:db8::1").abuse == ("abuse@hosting.example",)


def test_twnic_tells_of_the_narrowest_block() -> None:
    told = twnic(TWNIC, IP)

    assert (told.name, told.desk) == ("SAMPLE-POOL", ("admin@hosting.example", "noc@hosting.example"))
    assert twnic(TWNIC.replace("Technical", "Abuse"), IP).abuse == ("noc@hosting.example",)


@pytest.mark.parametrize("read", [jpnic, krnic, twnic])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "No match!!\r\n",
        "a. [Network Number]    198.51.100.0/24\n",
        "a. [Network Number]    here\n",
        "IPv4 Address : 192.0.2.9 - 192.0.2.1 (/24)\n",
        "[ Network Information ]\nIPv4 Address : 192.0.2.0 - 2001:db8::1\n",
        "Netblock: 192.0.2.0/99\nNetblock: 2001:db8::/32\n",
    ],
)
def test_a_text_about_no_network_that_holds_the_address_is_no_answer(read: Any, text: str) -> None:
    with pytest.raises(OutsideError, match="nation_knows_no_network"):
        read(text, IP)


SAMPLES = [text.encode() for text in (JPNIC, WIDER, DESK, KRNIC, KRNIC_ABUSE, TWNIC)]


@given(texts(SAMPLES))
def test_any_text_is_an_answer_or_none(text: bytes) -> None:
    for registry in NATIONAL:
        for ip in (IP, "2001:db8::1"):
            try:
                told = registry.read(decoded(text), ip)
            except OutsideError:
                continue
            assert int(told.ends[0]) <= int(told.ends[1])
    assert len(jpnic_desk(decoded(text))) <= 8


class Region:
    """Answers about one network after another, each in its own country."""

    def __init__(self, country: str = "JP", *emails: str, **value: Any) -> None:
        self._value = {
            "handle": "192.0.0.0 - 192.0.255.255",
            "name": "REGION",
            "cidr": ["192.0.0.0/16"],
            "country": country,
            "holder": None,
            "holder_name": None,
            "asn": 64500,
            "as_name": None,
            "abuse": [{"email": email, "source": "rdap", "confidence": 0.9} for email in emails],
            "domains": [],
        } | value

    def ask(self, lookups: Iterable[Lookup], now: datetime) -> Iterator[Finding]:
        for lookup in lookups:
            covers = tuple(self._value["cidr"])
            yield a_finding(lookup, self._value, "rdap", now, now + timedelta(hours=12), None, covers)


@pytest.fixture
def server() -> Iterator[WhoisServer]:
    """One server that plays all registries."""
    with WhoisServer() as server:
        yield server


def asked(
    server: WhoisServer | int, gate: Gate, region: Any, *, manners: RateLimits | None = None, ip: str = IP
) -> Finding:
    port = server if isinstance(server, int) else server.port
    options: dict[str, Any] = {"resolve": lambda _: ("127.0.0.1",), "manners": manners}
    limits = {"connect_timeout_s": 2, "timeout_s": 0.5, "patience_s": 3}
    national = [RegistryAsker(registry, port, gate, **options, **limits) for registry in NATIONAL]
    (finding,) = NationalNetworks(region, national).ask([Lookup(LookupKind.NETWORK, ip)], NOW)
    return finding


def contact(email: str, source: str, confidence: float) -> dict[str, Any]:
    return {"email": email, "source": source, "confidence": confidence}


def test_the_providers_abuse_desk_takes_the_place_of_the_registrys_own(
    server: WhoisServer, loopback: Gate
) -> None:
    server.records = {f"{IP}/e": JPNIC.encode(), "192.0.0.0-192.0.255.255/e": WIDER.encode()}

    finding = asked(server, loopback, Region("JP", "hostmaster@nic.ad.jp"))

    assert server.asked == [f"{IP}/e", "192.0.0.0-192.0.255.255/e"]
    assert plain(finding.value) == {
        "handle": "192.0.0.0 - 192.0.255.255",
        "name": "SAMPLENET",
        "cidr": ["192.0.0.0/16"],
        "country": "JP",
        "holder": None,
        "holder_name": "Sample Hosting K.K.",
        "asn": 64500,
        "as_name": None,
        "abuse": [
            contact("ABUSE@hosting.example", "whois", 0.9),
            contact("second@hosting.example", "whois", 0.9),
        ],
        "domains": plain(finding.value)["domains"],
    }
    assert (finding.source, finding.covers, finding.problems) == ("whois", ("192.0.0.0/16",), ())
    assert finding.valid_until == NOW + timedelta(hours=12)


def test_a_desk_without_a_word_of_abuse_is_a_guess(server: WhoisServer, loopback: Gate) -> None:
    wider = re.sub(r"o\. \[Abuse\].*\n", "", WIDER)
    server.records = {
        f"{IP}/e": JPNIC.encode(),
        "192.0.0.0-192.0.255.255/e": wider.encode(),
        "JP00000003/e": DESK.encode(),
    }

    finding = asked(server, loopback, Region("JP"))

    assert plain(finding.value)["abuse"] == [contact("noc@hosting.example", "guess", 0.5)]
    assert "JP00000001/e" not in server.asked  # the customer's own


@pytest.mark.parametrize(
    ("country", "own", "text", "expected"),
    [
        ("KR", "irt@nic.or.kr", KRNIC, contact("manager@hosting.example", "guess", 0.5)),
        ("TW", "hostmaster@twnic.tw", TWNIC, contact("admin@hosting.example", "guess", 0.5)),
    ],
)
def test_korea_and_taiwan_are_asked_too(
    server: WhoisServer, loopback: Gate, country: str, own: str, text: str, expected: dict[str, Any]
) -> None:
    server.records[IP] = text.encode()

    finding = asked(server, loopback, Region(country, own))

    assert plain(finding.value)["abuse"][0] == expected


@pytest.mark.parametrize(
    "region",
    [
        pytest.param(Region("JP", "hostmaster@nic.ad.jp", "abuse@hosting.example"), id="a-desk-is-known"),
        pytest.param(Region("NL", "hostmaster@nic.ad.jp"), id="another-country"),
        pytest.param(Region("CN"), id="no-registry-of-theirs-is-known"),
        pytest.param(Region("KR", "abuse@notnic.or.kr"), id="a-name-that-only-ends-alike"),
    ],
)
def test_nobody_else_is_asked_where_the_region_knows(
    server: WhoisServer, loopback: Gate, region: Region
) -> None:
    finding = asked(server, loopback, region)

    assert (finding.source, server.connections) == ("rdap", 0)


def test_what_the_region_could_not_say_is_its_problem(server: WhoisServer, loopback: Gate) -> None:
    class Down:
        def ask(self, lookups: Iterable[Lookup], now: datetime) -> Iterator[Finding]:
            error = OutsideError("429", temporary=True)
            yield from (failed(lookup, "rdap", now, error) for lookup in lookups)

    assert asked(server, loopback, Down()).problem == LookupProblem("rdap_ip", other("429"), True)
    assert server.connections == 0


def test_a_narrower_network_is_somebodys_own_and_a_wider_one_gives_its_desk_alone(
    server: WhoisServer, loopback: Gate
) -> None:
    server.records[IP] = TWNIC.encode()

    narrower = asked(server, loopback, Region("TW", holder="MAINT-TW-TWNIC", holder_name="TWNIC"))
    wider = asked(server, loopback, Region("TW", cidr=["192.0.2.0/28"], handle="NARROW"))
    held = asked(server, loopback, Region("TW", holder="ORG-1", holder_name="One"))

    assert (plain(narrower.value)["handle"], plain(narrower.value)["holder"]) == (
        "192.0.2.0 - 192.0.2.255",
        None,
    )
    assert (plain(narrower.value)["holder_name"], narrower.covers) == ("SAMPLE-POOL", ("192.0.2.0/24",))
    assert (plain(wider.value)["handle"], wider.covers) == ("NARROW", ("192.0.2.0/28",))
    assert (plain(held.value)["holder"], plain(held.value)["holder_name"]) == ("ORG-1", "One")
    assert {len(plain(finding.value)["abuse"]) for finding in (narrower, wider, held)} == {2}


def silent(connection: Any) -> None:
    connection.settimeout(30)
    connection.recv(1)


@pytest.mark.parametrize(
    ("record", "reason", "temporary"),
    [
        (b"No match!!\r\n", "the national registry does not know this network", False),
        (b"", "the server answers nothing", True),
        (b"\xff\xfe\x00" * 100, "the national registry does not know this network", False),
        (b"x" * (5 << 20), "the answer is too long", True),
        (silent, "the server does not answer in time", True),
        (
            JPNIC.encode(),
            "the national registry does not know this network",
            False,
        ),  # its allocation: no match
    ],
)
def test_where_the_national_registry_says_nothing_useful_the_regions_word_stands(
    server: WhoisServer, loopback: Gate, record: Any, reason: str, temporary: bool
) -> None:
    server.records[f"{IP}/e"] = record

    finding = asked(server, loopback, Region("JP", "hostmaster@nic.ad.jp"))

    assert [c["email"] for c in plain(finding.value)["abuse"]] == ["hostmaster@nic.ad.jp"]
    (problem,) = finding.problems
    assert (sentence(problem.reason), problem.temporary) == (f"{reason} (JPNIC)", temporary)
    assert (finding.problem, finding.valid_until) == (None, NOW + timedelta(hours=1))


def test_a_shut_port_and_a_gate_that_is_shut_are_problems_too(server: WhoisServer, loopback: Gate) -> None:
    region = Region("KR", "irt@nic.or.kr")

    with nobody_listening() as port:
        shut = asked(port, loopback, region)
    out_of_reach = asked(server, Gate(Reach(public=True, ranges=())), region)

    assert sentence(shut.problems[0].reason) == "the server cannot be reached or breaks off (KRNIC)"
    assert sentence(out_of_reach.problems[0].reason) == "address not reachable by policy (KRNIC)"
    assert server.connections == 0


def test_our_own_pace_is_waited_for(server: WhoisServer, loopback: Gate) -> None:
    server.records[IP] = KRNIC.encode()
    manners = RateLimits({KR.server: Rate(1, 1, "test")}, monotonic=lambda: 0.0)
    region = Region("KR", "irt@nic.or.kr")

    first = asked(server, loopback, region, manners=manners)
    second = asked(server, loopback, region, manners=manners)

    assert first.problems == ()
    assert (second.value, second.problem) == (
        None,
        LookupProblem("rdap_ip", Reason(Code.OWN_PACE), True, NOW + timedelta(seconds=1)),
    )


@given(text=texts(SAMPLES))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_any_answer_leaves_a_finding(server: WhoisServer, loopback: Gate, text: bytes) -> None:
    asks = (f"{IP}/e", IP, "192.0.0.0-192.0.255.255/e", *(f"JP{n:08}/e" for n in range(4)))
    server.records = dict.fromkeys(asks, text)

    for country in ("JP", "KR", "TW"):
        finding = asked(server, loopback, Region(country))

        assert (finding.value is None) == (finding.problem is not None)
        assert all(len(sentence(problem.reason)) < 200 for problem in finding.problems)


def test_every_registry_says_where_its_server_is_known_from() -> None:
    assert {registry.country for registry in NATIONAL} == {"JP", "KR", "TW"}
    assert all(registry.source and registry.checked.year >= 2026 for registry in NATIONAL)
