"""Networks by RDAP, against registries that behave well and badly."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from nta.adapters.net.address_policy import Gate
from nta.adapters.rdap.networks import RdapAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from tests.adapters.servers import WebServer, http, nobody_listening
from tests.lookup_plain import plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
IP = "192.0.2.7"
NETWORK = {
    "objectClassName": "ip network",
    "handle": "NET-1",
    "name": "EXAMPLE-NET",
    "startAddress": "192.0.2.0",
    "endAddress": "192.0.2.127",
    "country": "NL",
    "entities": [
        {
            "handle": "ORG-1",
            "roles": ["registrant"],
            "vcardArray": ["vcard", [["fn", {}, "text", "Example Hosting"]]],
        },
        {
            "handle": "ABUSE-1",
            "roles": ["abuse"],
            "vcardArray": ["vcard", [["email", {}, "text", "abuse@hosting.example"]]],
        },
    ],
}


def answer(document: object = NETWORK, **headers: str) -> bytes:
    return http(200, json.dumps(document).encode(), Content_Type="application/rdap+json", **headers)


def redirect(target: str) -> bytes:
    return http(302, b"see there", Location=target)


def drip(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    _drip(connection, b" ")


def drip_headers(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(connection, b"x")


def _drip(connection, byte: bytes) -> None:
    connection.settimeout(0.05)
    for _ in range(200):
        connection.sendall(byte)
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue


def silence(connection) -> None:
    connection.recv(1)  # until the other side gives up


def bootstrap(*services: list) -> dict[str, bytes]:
    entries = [[ranges, urls] for ranges, urls in services]
    return {
        "/ipv4.json": http(200, json.dumps({"services": entries}).encode()),
        "/ipv6.json": http(200, json.dumps({"services": entries}).encode()),
    }


@pytest.fixture
def server():
    with WebServer() as server:
        server.pages = bootstrap((["192.0.2.0/24", "2001:db8::/32"], [f"http://127.0.0.1:{server.port}/"]))
        yield server


def asker(server: WebServer, gate: Gate, **options) -> RdapAsker:
    options = {"resolve": lambda _: (), "connect_timeout_s": 3, "timeout_s": 3, **options}
    return RdapAsker(f"http://127.0.0.1:{server.port}", gate, **options)


def ask(server: WebServer, gate: Gate, ip: str = IP, **options) -> Finding:
    (finding,) = asker(server, gate, **options).ask([Lookup(LookupKind.NETWORK, ip)], NOW)
    return finding


def test_the_registry_named_by_the_bootstrap_tells_of_the_network(server, loopback):
    server.pages[f"/ip/{IP}"] = answer()

    finding = ask(server, loopback)

    assert finding.problem is None
    assert plain(finding.value) == {
        "handle": "NET-1",
        "name": "EXAMPLE-NET",
        "cidr": ["192.0.2.0/25"],
        "country": "NL",
        "holder": "ORG-1",
        "holder_name": "Example Hosting",
        "asn": None,
        "as_name": None,
        "abuse": [{"email": "abuse@hosting.example", "source": "rdap", "confidence": 0.9}],
        "domains": ["hosting.example"],
    }
    assert finding.covers == ("192.0.2.0/25",)
    assert finding.valid_until == NOW + timedelta(hours=12)
    assert server.asked[-1].headers["accept"].startswith("application/rdap+json")
    assert server.asked[-1].headers["host"] == f"127.0.0.1:{server.port}"


def test_an_ipv6_address_is_asked_by_the_same_way(server, loopback):
    server.pages["/ip/2001:db8::7"] = answer(
        {**NETWORK, "startAddress": "2001:db8::", "endAddress": "2001:db8:ff::"}
    )

    assert plain(ask(server, loopback, "2001:db8::7").value)["handle"] == "NET-1"


def test_an_address_the_registry_does_not_know_is_an_answer(server, loopback):
    finding = ask(server, loopback)

    assert finding.problem is None
    assert finding.value is None
    assert finding.covers == (f"{IP}/32",)
    assert finding.valid_until == NOW + timedelta(hours=1)


def test_redirects_are_followed_to_the_registry_that_knows(server, loopback):
    with WebServer({"/there": answer()}) as other:
        server.pages[f"/ip/{IP}"] = redirect("/here")
        server.pages["/here"] = redirect(f"http://127.0.0.1:{other.port}/there")

        finding = ask(server, loopback)

    assert plain(finding.value)["handle"] == "NET-1"


BAD_ANSWERS = {
    "a redirect loop": (redirect(f"/ip/{IP}"), "too many redirects"),
    "a redirect to another scheme": (redirect("ftp://127.0.0.1/"), "the server's address cannot be read"),
    "a redirect to a private address": (redirect("http://10.0.0.1/"), "address not reachable by policy"),
    "a redirect to link-local": (redirect("http://[fe80::1]/"), "address not reachable by policy"),
    "garbage": (b"\x00\xff garbage \xfe\r\n\r\n", "the server cannot be reached or breaks off"),
    "no JSON": (http(200, b"<html>"), "the answer is not JSON"),
    "JSON nested without end": (http(200, b"[" * 200_000), "the answer is not JSON"),
    "no object": (answer([1]), "the RDAP answer is not an object"),
    "an error object": (answer({"errorCode": 500}), "the RDAP answer is an error message"),
    "another class": (answer({"objectClassName": "domain"}), "the RDAP answer is not about a network"),
    "5 MiB": (http(200, b" " * (5 << 20)), "the answer is too long"),
    "a gzip bomb": (
        http(200, gzip.compress(bytes(50 << 20)), Content_Encoding="gzip"),
        "the answer is too long",
    ),
    "broken gzip": (http(200, b"no gzip", Content_Encoding="gzip"), "the server's answer makes no sense"),
    "a body cut short": (
        http(200, b"{}", Connection="close").replace(b"Length: 2", b"Length: 9"),
        "the server's answer makes no sense",
    ),
    "a fault": (http(500), "the server answered 500"),
    "a refusal": (http(403), "the server answered 403"),
    "silence": (silence, "the server does not answer in time"),
    "a byte now and then": (drip, "the server does not answer in time"),
    "a header without end": (drip_headers, "the server does not answer in time"),
}


@pytest.mark.parametrize(("page", "reason"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_is_a_problem_with_a_name(server, loopback, page, reason):
    server.pages[f"/ip/{IP}"] = page

    finding = ask(server, loopback, timeout_s=0.4)

    assert finding.value is None
    assert sentence(finding.problem.reason) == reason
    assert finding.problem.step == "rdap_ip"


def test_an_address_outside_our_reach_is_never_connected_to(server):
    server.pages[f"/ip/{IP}"] = answer()

    finding = ask(server, Gate(Reach(public=True, ranges=())))

    assert sentence(finding.problem.reason) == "address not reachable by policy"
    assert server.connections == 0


def test_a_name_that_leads_inside_is_not_followed(server, loopback):
    server.pages[f"/ip/{IP}"] = redirect(f"http://inside.test:{server.port}/secret")

    finding = ask(server, loopback, resolve=lambda _: ("10.0.0.1", "::ffff:192.168.0.1"))

    assert sentence(finding.problem.reason) == "address not reachable by policy"
    assert [asked.path for asked in server.asked] == ["/ipv4.json", "/ipv6.json", f"/ip/{IP}"]


def test_our_own_door_is_not_asked(server, loopback):
    with WebServer() as door:
        server.pages[f"/ip/{IP}"] = redirect(f"http://127.0.0.1:{door.port}/admin")
        loopback.own = [("127.0.0.1", door.port)]

        finding = ask(server, loopback)

        assert sentence(finding.problem.reason) == "address not reachable by policy"
        assert door.connections == 0


def test_tls_is_checked_against_the_name_while_the_address_is_pinned(loopback, trust):
    resolved = []

    def resolve(host: str) -> tuple[str, ...]:
        resolved.append(host)
        return ("127.0.0.1",)

    with WebServer(tls=trust.server) as server, WebServer() as plain:
        server.pages[f"/ip/{IP}"] = answer()
        plain.pages = bootstrap((["192.0.2.0/25"], [f"https://web.test:{server.port}/"]))
        plain.pages |= bootstrap(
            (["192.0.2.0/25"], [f"https://web.test:{server.port}/"]),
            (["198.51.100.0/24"], [f"https://other.test:{server.port}/"]),
        )
        good = ask(plain, loopback, ca_file=trust.ca_file, resolve=resolve)
        wrong_name = ask(plain, loopback, "198.51.100.1", ca_file=trust.ca_file, resolve=resolve)
        unknown_authority = ask(plain, loopback, resolve=resolve)

    assert good.value.handle == "NET-1"
    assert server.asked[0].headers["host"] == f"web.test:{server.port}"
    assert resolved == ["web.test", "other.test", "web.test"]
    for refused in (wrong_name, unknown_authority):
        assert sentence(refused.problem.reason) == "the server's certificate or encryption is not in order"


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        ({"Retry_After": "7200"}, timedelta(hours=2)),
        ({"Retry_After": "1"}, timedelta(minutes=1)),
        ({"Retry_After": "99999999999999999999"}, timedelta(hours=24)),
        ({"Retry_After": "soon"}, timedelta(minutes=15)),
        ({}, timedelta(minutes=15)),
        (
            {"Date": "Mon, 02 Mar 2026 09:00:00 GMT", "Retry_After": "Mon, 02 Mar 2026 09:30:00 GMT"},
            timedelta(minutes=30),
        ),
    ],
)
def test_a_server_that_wants_rest_gets_it(server, loopback, headers, rest):
    server.pages[f"/ip/{IP}"] = http(429, **headers)
    patient = asker(server, loopback, workers=1)
    lookups = [Lookup(LookupKind.NETWORK, ip) for ip in (IP, "192.0.2.8", "192.0.2.9")]

    findings = list(patient.ask(lookups, NOW)) + list(patient.ask(lookups, NOW + rest - timedelta(seconds=1)))

    assert [asked.path for asked in server.asked if asked.path.startswith("/ip/")] == [f"/ip/{IP}"]
    assert {finding.valid_until for finding in findings} == {NOW + rest}
    assert all(finding.problem.temporary for finding in findings)

    server.pages[f"/ip/{IP}"] = answer()
    (after,) = patient.ask(lookups[:1], NOW + rest)
    assert plain(after.value)["handle"] == "NET-1"


def test_the_second_server_is_asked_when_the_first_is_down(server, loopback):
    with nobody_listening() as port:
        urls = [f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{server.port}/"]
        server.pages = {**bootstrap((["192.0.2.0/24"], urls)), f"/ip/{IP}": answer()}

        assert plain(ask(server, loopback).value)["handle"] == "NET-1"


def test_many_are_asked_side_by_side_within_the_bound(server, loopback):
    ips = [f"192.0.2.{i}" for i in range(120)]
    server.pages |= {f"/ip/{ip}": answer({**NETWORK, "handle": ip}) for ip in ips}

    findings = list(asker(server, loopback).ask([Lookup(LookupKind.NETWORK, ip) for ip in ips], NOW))

    assert {f.lookup.subject: plain(f.value)["handle"] for f in findings} == {ip: ip for ip in ips}
    assert server.most_at_once <= 8
    assert server.connections <= 9  # kept alive, one more for the bootstrap


def test_environment_and_cookies_have_no_say(server, loopback, monkeypatch):
    with nobody_listening() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        server.pages[f"/ip/{IP}"] = redirect("/next").replace(
            b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n", 1
        )
        server.pages["/next"] = answer()

        finding = ask(server, loopback)

    assert plain(finding.value)["handle"] == "NET-1"
    assert "cookie" not in server.asked[-1].headers


def test_a_folder_serves_as_bootstrap(server, loopback, tmp_path):
    server.pages[f"/ip/{IP}"] = answer()
    for name in ("ipv4.json", "ipv6.json"):
        (tmp_path / name).write_text(
            json.dumps({"services": [[["192.0.2.0/24"], [f"http://127.0.0.1:{server.port}"]]]})
        )
    local = RdapAsker(str(tmp_path), loopback, resolve=lambda _: ())

    (finding,) = local.ask([Lookup(LookupKind.NETWORK, IP)], NOW)

    assert plain(finding.value)["handle"] == "NET-1"


def test_without_a_bootstrap_each_lookup_has_that_problem(loopback):
    reason = "the RDAP bootstrap's ipv4.json cannot be read: No such file or directory"
    lookups = [Lookup(LookupKind.NETWORK, ip) for ip in (IP, "192.0.2.8")]

    findings = list(RdapAsker("/nowhere", loopback, resolve=lambda _: ()).ask(lookups, NOW))

    assert [sentence(finding.problem.reason) for finding in findings] == [reason, reason]
    assert not findings[0].problem.temporary


def test_an_old_bootstrap_is_used_while_a_new_one_cannot_be_had(server, loopback):
    server.pages[f"/ip/{IP}"] = answer()
    lasting = asker(server, loopback)
    list(lasting.ask([Lookup(LookupKind.NETWORK, IP)], NOW))
    server.pages["/ipv4.json"] = http(500)

    (finding,) = lasting.ask([Lookup(LookupKind.NETWORK, IP)], NOW + timedelta(days=2))

    assert plain(finding.value)["handle"] == "NET-1"


def test_no_reason_tells_a_name_or_an_address(server, loopback):
    server.pages[f"/ip/{IP}"] = redirect("http://secret-name.test/secret-path")

    def resolve(_: str) -> tuple[str, ...]:
        raise OutsideError("no DNS server answers", temporary=True)

    finding = ask(server, loopback, resolve=resolve)

    assert sentence(finding.problem.reason) == "no DNS server answers"
