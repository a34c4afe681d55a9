"""Asking a proxy for an origin, against one that answers well and badly."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.rate_limits import RateLimits
from nta.adapters.origin_lookup import AskedAt, OriginLookUp
from nta.domain.hosting.lookup_answers import ToldOrigin
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from nta.settings import read
from tests.adapters.conftest import Trust
from tests.adapters.servers import Page, WebServer, http, nobody_listening
from tests.lookup_plain import plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOKEN = "a-token-of-ours"
HOST = "www.a.test"
SAID = {
    "addresses": ["127.0.0.77"],
    "holder_name": "Example Hosting",
    "abuse": [{"email": "abuse@hosting.example"}],
}


def question(host: str = HOST, whom: str = "proxy:shield") -> Lookup:
    return Lookup(LookupKind.ORIGIN, host, whom)


def answer(document: object = SAID, status: int = 200) -> bytes:
    return http(status, json.dumps(document).encode(), Content_Type="application/json")


def silence(connection: socket.socket) -> None:
    connection.recv(1)  # until the other side gives up


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/v1": answer()}) as server:
        yield server


def asker(server: WebServer, gate: Gate, **options: Any) -> OriginLookUp:
    places = {"proxy:shield": AskedAt(f"http://127.0.0.1:{server.port}/v1", TOKEN)}
    return OriginLookUp(places, gate, resolve=lambda _: (), **{"timeout_s": 3, **options})


def ask(server: WebServer, gate: Gate, lookup: Lookup | None = None, **options: Any) -> Finding:
    (finding,) = asker(server, gate, **options).ask([lookup or question()], NOW)
    return finding


def test_a_proxy_tells_what_stands_behind_a_host(server: WebServer, loopback: Gate) -> None:
    finding = ask(server, loopback)

    assert finding.problem is None
    assert plain(finding.value) == {
        "proxy": "proxy:shield",
        "addresses": ["127.0.0.77"],
        "holder_name": "Example Hosting",
        "abuse": [{"email": "abuse@hosting.example", "source": "origin_lookup", "confidence": 0.7}],
    }
    assert finding.valid_until == NOW + timedelta(hours=12)
    assert finding.lookup == question()


def test_only_the_hosts_name_and_the_token_leave_the_house(server: WebServer, loopback: Gate) -> None:
    ask(server, loopback, question("xn--bcher-kva.test"))

    (request,) = server.asked
    assert (request.method, request.path) == ("GET", "/v1?host=xn--bcher-kva.test")
    assert request.body == b""
    assert request.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "nta",
        "accept-encoding": "identity",
        "accept": "application/json",
        "authorization": f"Bearer {TOKEN}",
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="404"),
        pytest.param({"addresses": []}, id="no-address"),
        pytest.param({"addresses": ["10.0.0.1", "169.254.169.254"]}, id="addresses-of-nobody"),
        pytest.param({"addresses": ["a.test", 7, None, ["127.0.0.7"], "127.0.0.7/8"]}, id="no-addresses"),
    ],
)
def test_a_host_of_which_nothing_is_known_is_an_answer(
    server: WebServer, loopback: Gate, document: object
) -> None:
    server.pages["/v1"] = http(404) if document is None else answer(document)

    finding = ask(server, loopback)

    assert (finding.value, finding.problem) == (None, None)
    assert finding.valid_until == NOW + timedelta(hours=1)


def test_what_is_odd_in_an_answer_is_left_out(server: WebServer, loopback: Gate) -> None:
    server.pages["/v1"] = answer(
        {
            "addresses": ["::ffff:127.0.0.7", "127.0.0.7", "10.0.0.1", *["127.0.0.8"] * 500],
            "holder_name": ["Nine"],
            "abuse": [
                "abuse@hosting.example",
                {"email": 7},
                {"email": "a@b.example"},
                {"mail": "c@d.example"},
            ],
            "proxy": "proxy:another",
        }
    )

    assert plain(ask(server, loopback).value) == {
        "proxy": "proxy:shield",
        "addresses": ["127.0.0.7", "127.0.0.8"],
        "holder_name": None,
        "abuse": [{"email": "a@b.example", "source": "origin_lookup", "confidence": 0.7}],
    }


ELSEWHERE = "the server leads elsewhere, where our token must not go"
FORM = "the answer does not keep to the look-up's form"


@pytest.mark.parametrize(
    ("page", "reason", "temporary"),
    [
        pytest.param(http(401), "our token is not accepted (401)", False, id="401"),
        pytest.param(http(403), "our token is not accepted (403)", False, id="403"),
        pytest.param(http(400), "the server answered 400", False, id="400"),
        pytest.param(http(500), "the server answered 500", True, id="500"),
        pytest.param(
            b"\x00\xff\x16\x03 not http\r\n\r\n" * 9,
            "the server cannot be reached or breaks off",
            True,
            id="garbage",
        ),
        pytest.param(http(200, b"<html>\xff</html>"), "the answer is not JSON", True, id="no-json"),
        pytest.param(http(200, b"[" * 60_000), "the answer is not JSON", True, id="json-too-deep"),
        pytest.param(answer([SAID]), FORM, True, id="a-list"),
        pytest.param(answer({"addresses": "127.0.0.7"}), FORM, True, id="no-list-of-addresses"),
        pytest.param(answer({"error": "busy"}), FORM, True, id="no-addresses"),
        pytest.param(http(200, b" " * (5 << 20)), "the answer is too long", True, id="5-mib"),
        pytest.param(
            http(200, b" " * ((64 << 10) + 1)), "the answer is too long", True, id="a-byte-too-many"
        ),
        pytest.param(http(200), "the answer is not JSON", True, id="nothing-in-it"),
        pytest.param(silence, "the server does not answer in time", True, id="nothing"),
        pytest.param(http(302, Location="/v1"), ELSEWHERE, True, id="a-redirect-loop"),
        pytest.param(
            http(302, Location="http://10.0.0.1/secret"),
            ELSEWHERE,
            True,
            id="a-redirect-to-a-private-address",
        ),
    ],
)
def test_a_proxy_that_answers_badly_is_a_problem_with_a_name(
    server: WebServer, loopback: Gate, page: Page, reason: str, temporary: bool
) -> None:
    server.pages["/v1"] = page

    finding = ask(server, loopback, **({"timeout_s": 0.2} if callable(page) else {}))

    assert finding.value is None
    assert finding.problem is not None
    assert (finding.problem.step, sentence(finding.problem.reason)) == ("origin", reason)
    assert finding.problem.temporary is temporary
    assert len(server.asked) == 1
    assert TOKEN not in repr(finding)


WORDS = st.sampled_from(["addresses", "abuse", "email", "holder_name", "127.0.0.9", "::1", "a@b.example"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("addresses", "abuse", "holder_name", "proxy"), ANYTHING)
)


@given(document=DOCUMENTS | ANYTHING)
@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
def test_whatever_a_proxy_answers_is_a_finding(server: WebServer, loopback: Gate, document: object) -> None:
    server.pages["/v1"] = answer(document)

    finding = ask(server, loopback)

    assert finding.value is None or isinstance(finding.value, ToldOrigin)
    assert finding.value is None or all(
        ip_address(ip).is_loopback for ip in plain(finding.value)["addresses"]
    )
    assert finding.problem is None or finding.value is None


def test_a_proxy_that_wants_rest_gets_it(server: WebServer, loopback: Gate) -> None:
    server.pages["/v1"] = http(429, Retry_After="1800")
    patient = asker(server, loopback, manners=RateLimits())

    first, second = (f for h in ("one.test", "two.test") for f in patient.ask([question(h)], NOW))

    assert [request.path for request in server.asked] == ["/v1?host=one.test"]
    assert {f.valid_until for f in (first, second)} == {NOW + timedelta(minutes=30)}
    assert first.problem is not None
    assert first.problem.again_at == NOW + timedelta(minutes=30)


def test_a_server_at_a_private_address_is_not_connected_to(public: Gate) -> None:
    with WebServer({"/v1": answer()}) as server:
        finding = ask(server, public)

    assert finding.problem is not None
    assert sentence(finding.problem.reason) == "address not reachable by policy"
    assert server.connections == 0


def test_one_that_cannot_be_reached_is_a_problem(loopback: Gate) -> None:
    with nobody_listening() as port:
        places = {"proxy:shield": AskedAt(f"http://127.0.0.1:{port}/v1", TOKEN)}
        (finding,) = OriginLookUp(places, loopback, resolve=lambda _: ()).ask([question()], NOW)

    assert finding.problem is not None
    assert finding.problem.temporary


def test_each_proxy_is_asked_at_its_own_place(server: WebServer, loopback: Gate) -> None:
    with WebServer({"/": answer({"addresses": ["127.0.0.99"]})} | {"/other": http(404)}) as mask:
        places = {
            "proxy:shield": AskedAt(f"http://127.0.0.1:{server.port}/v1", TOKEN),
            "proxy:mask": AskedAt(f"http://127.0.0.1:{mask.port}/", "another"),
        }
        both = OriginLookUp(places, loopback, resolve=lambda _: ())
        lookups = [question("one.test"), question("two.test", "proxy:mask"), question("x.test", "proxy:none")]
        found = {f.lookup.subject: f for f in both.ask(lookups, NOW)}

    assert [r.path for r in server.asked] == ["/v1?host=one.test"]
    assert [r.path for r in mask.asked] == ["/?host=two.test"]
    assert mask.asked[0].headers["authorization"] == "Bearer another"
    assert plain(found["two.test"].value)["addresses"] == ["127.0.0.99"]
    assert found["x.test"].problem is not None
    assert not found["x.test"].problem.temporary


def test_the_line_is_secured_and_the_name_checked(loopback: Gate, trust: Trust) -> None:
    resolve: Callable[[str], tuple[str, ...]] = lambda _: ("127.0.0.1",)  # noqa: E731
    with WebServer({"/v1": answer()}, tls=trust.server) as server:
        found = []
        for name in ("web.test", "other.test"):
            places = {"proxy:shield": AskedAt(f"https://{name}:{server.port}/v1", TOKEN)}
            look_up = OriginLookUp(places, loopback, trust.ca_file, resolve=resolve)
            found += look_up.ask([question()], NOW)

    assert found[0].value is not None
    assert found[1].problem is not None
    assert sentence(found[1].problem.reason) == "the server's certificate or encryption is not in order"
    assert len(server.asked) == 1, "no token went to a server that is not the one named"


def test_the_settings_say_who_is_asked(server: WebServer, tmp_path: Any) -> None:
    from nta.adapters.lookup_chain import look_ups

    secret = tmp_path / "tokens"
    secret.write_text(f"proxy:shield={TOKEN}\n")
    given, lines = read(
        {
            "NTA_ORIGIN_LOOKUPS": f"proxy:shield=http://127.0.0.1:{server.port}/v1",
            "NTA_ORIGIN_TOKENS_FILE": str(secret),
            "NTA_REACH": "127.0.0.0/8",
        }
    )
    asker = look_ups(given, Gate(given.reach), None, "nta")

    (finding,) = asker.ask([question()], NOW)

    assert finding.value is not None
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(lines)
