"""Names, registration data, web hosts and the far vantage point, each over real sockets."""

import json
import socket
from http.client import HTTPConnection
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from nta.lab.socks import SOURCE
from tests.lab.conftest import Client
from tests.lab.fake_service import FakeService


def lookup(lab: Client, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    host, port = lab.card["dns"].split(":")
    ask = dns.query.tcp if tcp else dns.query.udp
    return ask(dns.message.make_query(name, kind), host, timeout=5, port=int(port))


def texts(answer: dns.message.Message) -> list[str]:
    return [f"{rrset.ttl} {rdata.to_text()}" for rrset in answer.answer for rdata in rrset]


@pytest.mark.parametrize("tcp", [False, True])
def test_an_alias_leads_into_the_providers_domain(lab: Client, tcp: bool) -> None:
    answer = lookup(lab, "WWW.one.test", tcp=tcp)

    assert texts(answer) == ["0 one.quick.example.", "0 127.10.0.11"]
    assert answer.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("four.test", "A", ["0 127.13.0.14"]),
        ("three.test", "NS", ["0 ns1.quick.example.", "0 ns2.quick.example."]),
        ("quick.example", "MX", ["0 10 mail.quick.example."]),
        ("mail.quick.example", "A", ["0 127.0.0.1"]),
        ("control-one.test", "A", ["0 127.0.1.1"]),
        ("test", "NS", ["0 ns.test."]),
    ],
)
def test_names_of_the_world_are_known(lab: Client, name: str, kind: str, expected: list[str]) -> None:
    assert sorted(texts(lookup(lab, name, kind))) == expected


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "zone"),
    [
        ("four.test", "AAAA", dns.rcode.NOERROR, "four.test."),
        ("img.three.test", "AAAA", dns.rcode.NOERROR, "three.test."),
        ("nobody.four.test", "A", dns.rcode.NXDOMAIN, "four.test."),
        ("nobody.test", "A", dns.rcode.NXDOMAIN, "test."),
        ("nobody.org", "A", dns.rcode.NXDOMAIN, "."),
    ],
)
def test_no_data_and_no_name_are_different_answers(
    lab: Client, name: str, kind: str, rcode: int, zone: str
) -> None:
    answer = lookup(lab, name, kind)

    assert (answer.rcode(), answer.answer) == (rcode, [])
    assert answer.authority[0].name.to_text() == zone


def test_what_is_no_question_is_not_answered_and_harms_nobody(lab: Client) -> None:
    host, port = lab.card["dns"].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"\x00\x01nonsense", (host, int(port)))

    assert texts(lookup(lab, "four.test")) == ["0 127.13.0.14"]


def test_a_cookie_and_an_id_change_nothing_but_the_question_does(lab: Client) -> None:
    host, port = lab.card["dns"].split(":")
    answers = []
    for name, cookie in (
        ("four.test", b"12345678"),
        ("four.test", b"87654321"),
        ("two.example", b"87654321"),
    ):
        question = dns.message.make_query(name, "A", use_edns=0, options=[dns.edns.CookieOption(cookie, b"")])
        answers.append(texts(dns.query.udp(question, host, timeout=5, port=int(port))))

    assert answers == [["0 127.13.0.14"], ["0 127.13.0.14"], ["0 127.11.0.12"]]


def test_a_rotating_site_names_its_hosts_in_turn(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    found = [texts(lookup(lab, "img.three.test"))]
    for due in ("2026-03-02T09:59Z", "2026-03-02T10:00Z", "2026-03-02T11:00Z"):
        assert lab.leap(due) == due[5:-1]
        found.append(texts(lookup(lab, "img.three.test")))

    quick, slow = ["0 127.10.0.13"], ["0 127.11.0.13"]
    assert found == [quick, quick, slow, quick]


def test_a_suspended_domain_has_no_names(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    before = lookup(lab, "four.test")
    told = [url for url in lab.truth() if "//four.test:" in url]
    service.send(lab.card["smtp"], "abuse@registry.example", told)
    while lab.leap("2026-03-02T18:00Z") != "03-02T18:00":
        pass

    after = lookup(lab, "four.test")

    assert (before.rcode(), after.rcode()) == (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    assert after.authority[0].name.to_text() == "test."
    assert rdap(lab, "domain/four.test")["status"] == ["server hold"]


def rdap(lab: Client, path: str, expected: int = 200) -> Any:
    host, port = lab.card["rdap_bootstrap"].removeprefix("http://").rstrip("/").split(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        found = json.loads(answer.read())
    finally:
        connection.close()
    assert answer.status == expected
    return found


def test_the_bootstrap_files_lead_to_this_server(lab: Client) -> None:
    root = lab.card["rdap_bootstrap"]

    found = {name: rdap(lab, f"{name}.json")["services"] for name in ("dns", "ipv4", "ipv6", "asn")}

    assert found == {
        "dns": [[["test"], [root]]],
        "ipv4": [[["127.0.0.0/8"], [root]]],
        "ipv6": [],
        "asn": [[["64496-64511"], [root]]],
    }


def test_a_network_names_its_range_its_number_and_its_holder(lab: Client) -> None:
    found = rdap(lab, "ip/127.10.0.11")

    assert (found["startAddress"], found["endAddress"]) == ("127.10.0.0", "127.10.255.255")
    assert found["cidr0_cidrs"] == [{"v4prefix": "127.10.0.0", "length": 16}]
    assert found["arin_originas0_originautnums"] == [64500]
    assert (found["country"], found["name"]) == ("NL", "QUICK-NET")
    assert [entity["roles"] for entity in found["entities"]] == [["registrant"], ["abuse"]]
    assert found["links"][0]["href"] == f"{lab.card['rdap_bootstrap']}ip/127.10.0.11"
    assert ["email", {"type": "abuse"}, "text", "abuse@quick.example"] in found["entities"][1]["vcardArray"][
        1
    ]


def test_an_abuse_contact_may_stand_within_the_holder(lab: Client) -> None:
    (holder,) = rdap(lab, "ip/127.11.0.0/16")["entities"]

    assert holder["roles"] == ["registrant"]
    assert [entity["roles"] for entity in holder["entities"]] == [["abuse"]]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("autnum/64501", 200, "autnum"),
        ("domain/ONE.test", 200, "domain"),
        ("ip/127.99.0.1", 404, None),
        ("ip/nonsense", 404, None),
        ("ip/::1", 404, None),
        ("autnum/64511", 404, None),
        ("domain/nobody.test", 404, None),
        ("entity/ORG-QUICK", 404, None),
    ],
)
def test_what_is_registered_is_found_and_nothing_else(
    lab: Client, path: str, status: int, kind: str | None
) -> None:
    assert rdap(lab, path, status).get("objectClassName") == kind


def web(lab: Client, address: str, requests: bytes) -> list[bytes]:
    """Return the heads and bodies that come back on one connection until it is closed."""
    with socket.create_connection((address, lab.card["web_port"]), timeout=5) as one:
        one.sendall(requests)
        received = b""
        while data := one.recv(65_536):
            received += data
    return received.split(b"HTTP/1.1 ")[1:]


def first_url(lab: Client, host: str) -> tuple[bytes, bytes]:
    url = next(url for url in lab.truth() if f"//{host}:" in url)
    return f"{host}:{lab.card['web_port']}".encode(), url.partition(f":{lab.card['web_port']}")[2].encode()


def test_a_host_keeps_the_connection_and_answers_head_without_a_body(lab: Client) -> None:
    host, target = first_url(lab, "www.one.test")
    get = b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host)
    head = b"HEAD %b HTTP/1.1\r\nhost:%b\r\nConnection: close\r\n\r\n" % (target, host.upper())

    full, bare = web(lab, "127.10.0.11", get + head)

    assert full.startswith(b"200 OK")
    assert b"bodyword" in full
    assert bare.replace(b"Connection: close\r\n", b"") == full.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert b"Connection: close" in bare


@pytest.mark.parametrize(
    ("address", "request_line", "host", "status"),
    [
        ("127.10.0.11", b"GET /made-up HTTP/1.1", b"www.one.test", b"404"),
        ("127.10.0.11", b"GET / HTTP/1.1", b"two.example", b"404"),
        ("127.0.1.1", b"GET / HTTP/1.1", b"control-one.test", b"200"),
        ("127.0.1.2", b"GET / HTTP/1.1", b"control-two.example", b"200"),
        ("127.10.0.11", b"POST / HTTP/1.1", b"www.one.test", b"405"),
        ("127.10.0.11", b"nonsense", b"www.one.test", b"405"),
        ("127.10.0.11", b"GET / HTTP/1.0", b"www.one.test", b"404"),
    ],
)
def test_each_address_answers_for_its_own_sites(
    lab: Client, address: str, request_line: bytes, host: bytes, status: bytes
) -> None:
    (answer,) = web(lab, address, request_line + b"\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")

    assert answer[:3] == status


@pytest.mark.parametrize("length", [b"\xb2", b"-1", b"9" * 5000])
def test_a_length_that_is_no_number_is_a_bad_request(lab: Client, length: bytes) -> None:
    host, port = lab.card["control"].removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=5) as one:
        one.sendall(b"GET / HTTP/1.1\r\nContent-Length: %b\r\n\r\n" % length)
        answer = one.recv(1000)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_page_that_went_answers_gone_or_not_found(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    url = [url for url in lab.truth() if "//two.example:" in url][3]
    target = url.partition(f":{lab.card['web_port']}")[2].encode()
    request = b"GET %b HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n" % target
    (before,) = web(lab, "127.11.0.12", request)
    lab.leap("2026-03-02T10:00Z")

    (after,) = web(lab, "127.11.0.12", request)

    assert before[:3] == b"200"
    assert after[:3] in (b"404", b"410")
    assert b"bodyword" not in after


def test_a_site_that_moved_is_at_its_new_host_alone(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    _, target = first_url(lab, "two.example")
    request = b"GET %b HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n" % target
    seen: list[object] = []
    for due in ("2026-03-03T13:06Z", "2026-03-03T13:07Z"):
        while lab.leap(due) != due[5:-1]:
            pass
        seen.append([web(lab, address, request)[0][:3] for address in ("127.11.0.12", "127.10.0.12")])
        seen.append(texts(lookup(lab, "two.example")))

    assert seen == [[b"200", b"404"], ["0 127.11.0.12"], [b"404", b"200"], ["0 127.10.0.12"]]


def socks(lab: Client, kind: int, host: bytes, port: int, command: int = 1, request: bytes = b"") -> bytes:
    """Return the reply to one CONNECT, and what came after it."""
    where = lab.card["vantages"].partition("socks5h://")[2].split(":")
    with socket.create_connection((where[0], int(where[1])), timeout=5) as one:
        one.sendall(b"\x05\x02\x00\x02")
        assert one.recv(2) == b"\x05\x00"
        name = bytes([len(host)]) + host if kind == 3 else host
        # The request follows at once, as an eager client would send it.
        one.sendall(bytes((5, command, 0, kind)) + name + port.to_bytes(2) + request)
        received = b""
        while data := one.recv(65_536):
            received += data
    return received


@pytest.mark.parametrize(("kind", "host"), [(1, bytes((127, 10, 0, 11))), (3, b"WWW.one.test")])
def test_the_far_vantage_point_sees_the_same_page(lab: Client, kind: int, host: bytes) -> None:
    name, target = first_url(lab, "www.one.test")
    request = b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (target, name)

    received = socks(lab, kind, host, lab.card["web_port"], request=request)

    assert received[:8] == b"\x05\x00\x00\x01" + socket.inet_aton(SOURCE)
    assert b"bodyword" in received


@pytest.mark.parametrize(
    ("kind", "host", "port", "command", "code"),
    [
        pytest.param(3, b"nobody.test", 80, 1, 4, id="no-such-name"),
        pytest.param(1, bytes((127, 0, 0, 1)), 80, 1, 2, id="not-a-web-host"),
        pytest.param(1, bytes((127, 10, 0, 11)), 9, 1, 5, id="no-such-port"),
        pytest.param(1, bytes((127, 10, 0, 11)), 80, 2, 7, id="bind"),
        pytest.param(4, bytes(16), 80, 1, 8, id="ipv6"),
    ],
)
def test_the_vantage_point_reaches_web_hosts_only(
    lab: Client, kind: int, host: bytes, port: int, command: int, code: int
) -> None:
    assert socks(lab, kind, host, port, command)[1] == code


def test_a_socks_client_that_wants_to_log_in_is_turned_away(lab: Client) -> None:
    where = lab.card["vantages"].partition("socks5h://")[2].split(":")
    with socket.create_connection((where[0], int(where[1])), timeout=5) as one:
        one.sendall(b"\x05\x01\x02")

        assert one.recv(2) == b"\x05\xff"
