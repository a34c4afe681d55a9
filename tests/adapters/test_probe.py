"""Looking, against web servers that behave well and badly."""

import gc
import resource
from pathlib import Path

import pycurl
import pytest

from nta.adapters.probe import CurlProber
from nta.adapters.probe_handle import Handle, Rules
from nta.adapters.reach import Gate
from nta.domain.availability import Answer
from nta.domain.errors import OutsideError
from nta.ports import LookRequest
from nta.settings import Reach, Vantage
from tests.adapters.servers import SocksServer, WebServer, http, nobody_listening

HERE = "127.0.0.1"
MARKER = b"body-marker-that-nobody-keeps"


@pytest.fixture
def server():
    with WebServer() as server:
        yield server


def prober(gate: Gate, proxy: str | None = None, **options) -> CurlProber:
    return CurlProber(
        [Vantage("local", proxy)], gate, **{"timeout_s": 0.4, "connect_timeout_s": 0.4, **options}
    )


def request(
    server: WebServer, path: str = "/page", key: int = 1, host: str = "web.test", **more
) -> LookRequest:
    scheme = more.pop("scheme", "http")
    url = f"{scheme}://{host}:{server.port}{path}"
    return LookRequest(key, url, more.pop("named", host), server.port, more.pop("address", HERE), **more)


def look(gate: Gate, *requests: LookRequest, **options) -> dict[int, Answer]:
    return dict(prober(gate, **options).look(requests, "local"))


def test_a_page_is_told_by_its_headers(server, loopback):
    server.pages["/page"] = http(200, MARKER, ETag='"v1"', Content_Type="text/html; charset=utf-8")

    answer = look(loopback, request(server))[1]

    assert (answer.ip, answer.status, answer.error) == (HERE, 200, None)
    assert (answer.length, answer.etag, answer.content_type) == (
        len(MARKER),
        '"v1"',
        "text/html; charset=utf-8",
    )
    assert answer.location is None
    assert 0 < answer.seconds < 1
    (asked,) = server.asked
    assert asked.method == "HEAD"
    assert asked.headers["host"] == f"web.test:{server.port}"
    assert asked.headers["user-agent"] == "nta"
    assert "referer" not in asked.headers


@pytest.mark.parametrize("status", [204, 401, 403, 404, 410, 429, 451, 500, 503, 599])
def test_every_status_is_told_as_it_is(server, loopback, status):
    server.pages["/page"] = http(status)

    assert look(loopback, request(server))[1].status == status


@pytest.mark.parametrize("status", [405, 501])
@pytest.mark.parametrize("body", ["headers", "text"])
def test_a_server_without_head_is_asked_by_get_that_stops_at_the_first_byte(server, loopback, status, body):
    sent = []

    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\nContent-Type: video/mp4\r\n\r\n")
        while len(sent) < 10_000:
            sent.append(connection.send(MARKER * 1_000))

    server.pages["HEAD /page"] = http(status)
    server.pages["GET /page"] = endless

    answer = look(loopback, request(server), body=body)[1]

    assert (answer.status, answer.length, answer.content_type) == (200, 900_000_000, "video/mp4")
    assert [asked.method for asked in server.asked] == ["HEAD", "GET"]
    assert sum(sent) < 20_000_000  # what buffers hold; the server was cut off


def test_head_only_means_head_only(server, loopback):
    server.pages["/page"] = http(405)

    answer = look(loopback, request(server), body="head")[1]

    assert answer.status == 405
    assert [asked.method for asked in server.asked] == ["HEAD"]


def test_a_server_that_drops_head_is_asked_by_get(server, loopback):
    server.pages["HEAD /page"] = lambda connection: None
    server.pages["GET /page"] = http(404, MARKER)

    assert look(loopback, request(server))[1].status == 404


def test_after_a_get_the_next_request_is_head_again(server, loopback):
    server.pages["HEAD /old"] = http(405)
    server.pages["GET /old"] = http(200)
    server.pages["/new"] = http(200, MARKER)

    look(loopback, request(server, "/old"), request(server, "/new", key=2))

    assert [asked.method for asked in server.asked] == ["HEAD", "GET", "HEAD"]


def test_none_looks_at_nothing(server, loopback):
    assert look(loopback, request(server), body="none") == {}
    assert server.connections == 0


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/there#top", "http://web.test:{port}/there"),
        ("../x/./y", "http://web.test:{port}/x/y"),
        ("//OTHER.test/", "http://other.test/"),
        ("https://other.test:443/a b", "https://other.test/a%20b"),
        ("ftp://other.test/", None),
        ("http://", None),
    ],
)
def test_a_redirect_is_told_and_not_followed(server, loopback, location, target):
    server.pages["/page"] = http(302, Location=location)

    answer = look(loopback, request(server))[1]

    assert answer.status == 302
    assert answer.location == (target.format(port=server.port) if target else None)
    assert len(server.asked) == 1


def test_the_stored_referrer_is_sent_with_its_own_request_only(server, loopback):
    server.pages["/page"] = http(200)

    look(
        loopback,
        request(server, key=1, referrer="http://from.test/gallery"),
        request(server, key=2),
    )

    assert [asked.headers.get("referer") for asked in server.asked] == ["http://from.test/gallery", None]


def test_no_cookie_is_kept(server, loopback):
    server.pages["/page"] = http(200, Set_Cookie="a=b; Path=/")

    look(loopback, *(request(server, key=key) for key in range(3)))

    assert all("cookie" not in asked.headers for asked in server.asked)


def test_environment_and_netrc_have_no_say(server, loopback, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine web.test login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    server.pages["/page"] = http(200)
    with nobody_listening() as port:
        for name in ("http_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")

        answer = look(loopback, request(server))[1]

    assert answer.status == 200
    assert "authorization" not in server.asked[0].headers


def silence(connection) -> None:
    connection.recv(1)


def endless_headers(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(10_000):
        connection.sendall(b"X-More: " + b"x" * 1_000 + b"\r\n")


def half_headers(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    connection.recv(1)


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (silence, "timeout"),
        (half_headers, "too_slow"),
        (lambda connection: None, "reset"),
        (b"\x00\xffgarbage\r\n\r\n", "reset"),
    ],
)
def test_a_server_in_trouble_is_no_answer(server, loopback, page, error):
    server.pages["/page"] = page

    answer = look(loopback, request(server))[1]

    assert (answer.status, answer.error) == (None, error)


def test_headers_without_end_are_cut_and_the_status_counts(server, loopback):
    server.pages["/page"] = endless_headers

    answer = look(loopback, request(server), timeout_s=5)[1]

    assert (answer.status, answer.error) == (200, None)


def test_an_interim_answer_is_not_the_answer(server, loopback):
    early = b'HTTP/1.1 103 Early\r\nETag: "early"\r\n\r\n'
    server.pages["/page"] = lambda connection: connection.sendall(early + http(404))
    server.pages["/never"] = lambda connection: (connection.sendall(early), connection.recv(1))

    answers = look(loopback, request(server), request(server, "/never", key=2))

    assert (answers[1].status, answers[1].etag) == (404, None)
    assert (answers[2].status, answers[2].error) == (None, "too_slow")


def test_a_closed_port_is_told_as_refused(loopback):
    with nobody_listening() as port:
        asked = LookRequest(1, f"http://web.test:{port}/", "web.test", port, HERE)

        assert look(loopback, asked)[1].error == "refused"


def test_tls_is_checked_against_the_name(loopback, trust):
    with WebServer({"/page": http(200)}, tls=trust.server) as server:
        good = request(server, scheme="https", key=1)
        wrong = request(server, scheme="https", key=2, host="other.test")

        answers = look(loopback, good, wrong, ca_file=trust.ca_file, timeout_s=3)
        (unknown,) = look(loopback, good, timeout_s=3).values()

    assert answers[1].status == 200
    assert answers[2].error == "tls_error"
    assert unknown.error == "tls_error"


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "web.test"]
)
def test_an_address_outside_our_reach_is_never_connected_to(server, public, address):
    answer = look(public, request(server, address=address))[1]

    assert (answer.status, answer.error) == (None, "not_reachable")
    assert server.connections == 0


def test_the_same_look_succeeds_once_the_gate_is_open(server, loopback):
    """Without this, the test above would also pass with nothing listening."""
    server.pages["/page"] = http(200)

    assert look(loopback, request(server, address="::ffff:127.0.0.1"))[1].status == 200


def test_our_own_door_is_not_looked_at(server, loopback):
    loopback.own = [(HERE, server.port)]

    assert look(loopback, request(server))[1].error == "not_reachable"
    assert server.connections == 0


def test_a_url_that_names_another_server_still_goes_to_the_pin(server, loopback):
    """The host in the URL is never looked up: whatever it says, the vetted address is connected to."""
    server.pages["/page"] = http(200)
    asked = LookRequest(1, "http://10.0.0.1:9/page", "10.0.0.1", server.port, HERE)

    assert look(loopback, asked)[1].status == 200
    assert server.connections == 1


def test_an_ipv6_address_is_pinned(loopback):
    asked = LookRequest(1, "http://[::1]:9/", "::1", 9, "::1")

    answer = look(loopback, asked)[1]

    assert answer.ip == "::1"
    assert answer.error == "refused"


def test_one_hosts_requests_come_one_after_the_other_over_one_connection(server, loopback):
    server.pages["/page"] = http(200)

    answers = look(loopback, *(request(server, key=key) for key in range(30)))

    assert len(answers) == 30
    assert server.connections == 1
    assert server.most_at_once == 1


def test_hosts_are_looked_at_side_by_side_up_to_the_bound(server, loopback):
    server.pages["/page"] = silence
    requests = [request(server, key=key, host=f"h{key}.test") for key in range(12)]

    answers = look(loopback, *requests, concurrency=6, body="head")

    assert len(answers) == 12
    assert server.most_at_once == 6


def test_two_addresses_of_one_host_are_each_asked(loopback):
    with WebServer({"/page": http(200)}) as server:
        requests = [request(server, key=1), request(server, key=2, address="127.0.0.2")]

        answers = look(loopback, *requests)

    assert (answers[1].status, answers[1].ip) == (200, HERE)
    assert (answers[2].error, answers[2].ip) == ("refused", "127.0.0.2")


def test_a_proxy_is_asked_for_the_pinned_address_and_no_name(server, loopback):
    server.pages["/page"] = http(200)
    with SocksServer() as proxy:
        answer = look(loopback, request(server), proxy=f"socks5h://localhost:{proxy.port}")[1]

        assert answer.status == 200
        assert proxy.places == [(1, HERE, server.port)]


@pytest.mark.parametrize(("refusal", "error"), [(5, "refused"), (4, "timeout"), (2, "not_reachable")])
def test_what_a_proxy_refuses_is_told_apart(server, loopback, refusal, error):
    with SocksServer(refusal) as proxy:
        answer = look(loopback, request(server), proxy=f"socks5h://127.0.0.1:{proxy.port}")[1]

    assert answer.error == error


def test_a_proxy_that_is_down_is_our_own_trouble(server, loopback):
    with nobody_listening() as port:
        answer = look(loopback, request(server), proxy=f"socks5h://127.0.0.1:{port}")[1]

    assert answer.error == "not_reachable"


def test_through_a_proxy_the_gate_still_holds(server, public):
    with SocksServer() as proxy:
        answer = look(public, request(server), proxy=f"socks5h://127.0.0.1:{proxy.port}")[1]

        assert answer.error == "not_reachable"
        assert proxy.connections == 0


def test_a_proxy_without_an_address_is_an_outside_error(server, loopback):
    with pytest.raises(OutsideError):
        look(loopback, request(server), proxy="socks5h://:1080")


def test_a_round_left_early_closes_everything(loopback):
    before = _descriptors()
    with WebServer({"/page": http(200)}) as server:
        requests = [request(server, key=key, host=f"h{key}.test") for key in range(40)]
        looking = prober(loopback, concurrency=5).look(requests, "local")

        next(looking)
        looking.close()

    assert _descriptors() == before


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_memory_stays_flat_over_many_rounds(loopback):
    """10,000 looks that fail at once, in 100 rounds; handles that were kept would be 400 MiB."""
    with nobody_listening() as port:
        requests = [LookRequest(k, f"http://h{k}.test:{port}/", f"h{k}.test", port, HERE) for k in range(100)]
        steady = prober(loopback)
        for _ in range(5):
            list(steady.look(requests, "local"))
        gc.disable()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            for _ in range(100):
                list(steady.look(requests, "local"))
        finally:
            gc.enable()

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_the_address_the_gate_gives_back_is_the_one_connected_to(server):
    class Careful(Gate):
        def vet(self, ip: str, port: int | None = None) -> str:
            return "127.0.0.2"

    gate = Careful(Reach(public=False, ranges=()))

    answer = look(gate, request(server))[1]

    assert (answer.ip, answer.error) == ("127.0.0.2", "refused")
    assert server.connections == 0


def test_curl_gets_no_socket_for_another_address_than_the_vetted_one(server, trust):
    rules = Rules(str(trust.ca_file), "nta", 400, 400, may_get=True)
    handle = Handle(rules, None)
    handle.queue.append((request(server), "127.0.0.2"))
    handle.start()
    handle.curl.setopt(pycurl.CONNECT_TO, [f"::{HERE}:{server.port}"])

    with pytest.raises(pycurl.error) as caught:
        handle.curl.perform()
    _, answer = handle.finish(caught.value.args[0])
    handle.curl.close()

    assert answer.error == "not_reachable"
    assert server.connections == 0
