"""Looking, against web servers that behave well and badly."""

import gc
import resource
from pathlib import Path
from threading import Barrier, Lock

import pytest

from nta.ports import LookRequest
from tests.adapters.looking import HERE, look, prober, request
from tests.adapters.servers import WebServer, http, nobody_listening

MARKER = b"body-marker-that-nobody-keeps"


@pytest.fixture
def server():
    with WebServer() as server:
        yield server


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


@pytest.mark.parametrize(
    ("header", "sign"),
    [
        pytest.param({"CF_Mitigated": "challenge"}, "challenge", id="cloudflare"),
        pytest.param({"x_amzn_waf_action": "captcha"}, "challenge", id="aws"),
        pytest.param({"CF_Mitigated": "block"}, None, id="no-question"),
        pytest.param({"X_Powered_By": "challenge"}, None, id="another-header"),
    ],
)
def test_an_answer_that_asks_whether_a_person_looks_is_told_so(server, loopback, header, sign):
    server.pages["/page"] = http(403, **header)

    answer = look(loopback, request(server))[1]

    assert (answer.status, answer.sign) == (403, sign)


SUSPENDED = b"<title>Account suspended</title>"


@pytest.mark.parametrize("status", [200, 403])
def test_of_a_text_that_is_read_only_the_rule_of_its_words_leaves(server, loopback, status):
    server.pages["/page"] = http(status, SUSPENDED, Content_Type="text/html")

    answer = look(loopback, request(server, text=True))[1]

    assert (answer.status, answer.length, answer.sign) == (status, len(SUSPENDED), "suspended_page")
    assert "uspended" not in repr(answer._replace(sign=None))
    assert [asked.method for asked in server.asked] == ["GET"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        pytest.param("text", "image/jpeg", 200, id="a-picture"),
        pytest.param("text", "text/html", 404, id="not-there"),
        pytest.param("headers", "text/html", 200, id="headers-alone"),
        pytest.param("head", "text/html", 200, id="head-alone"),
    ],
)
def test_nothing_else_is_read(server, loopback, body, content_type, status):
    server.pages["/page"] = http(status, SUSPENDED, Content_Type=content_type)

    answer = look(loopback, request(server, text=True), body=body)[1]

    assert (answer.status, answer.sign) == (status, None)


def test_reading_ends_at_the_first_byte_that_is_no_text(server, loopback):
    server.pages["/page"] = http(200, SUSPENDED + b"\x00" + MARKER * 100_000, Content_Type="text/html")

    answer = look(loopback, request(server, text=True))[1]

    assert (answer.status, answer.sign) == (200, None)


def test_no_more_than_64_kibibytes_are_read(server, loopback):
    sent = []

    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + SUSPENDED)
        while len(sent) < 10_000:
            sent.append(connection.send(b"<i> </i>" * 4_000))

    server.pages["GET /page"] = endless

    answer = look(loopback, request(server, text=True))[1]

    assert (answer.status, answer.sign) == (200, "suspended_page")
    assert sum(sent) < 20_000_000  # what buffers hold; the server was cut off


def test_the_next_request_of_the_same_host_reads_nothing(server, loopback):
    server.pages["/page"] = http(200, SUSPENDED, Content_Type="text/html")

    answers = look(loopback, request(server, text=True), request(server, key=2))

    assert (answers[1].sign, answers[2].sign) == ("suspended_page", None)
    assert [asked.method for asked in server.asked] == ["GET", "HEAD"]


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

    answer = look(loopback, request(server), timeout_s=0.4)[1]

    assert (answer.status, answer.error) == (None, error)


def test_headers_without_end_are_cut_and_the_status_counts(server, loopback):
    server.pages["/page"] = endless_headers

    answer = look(loopback, request(server))[1]

    assert (answer.status, answer.error) == (200, None)


def test_an_interim_answer_is_not_the_answer(server, loopback):
    early = b'HTTP/1.1 103 Early\r\nETag: "early"\r\n\r\n'
    server.pages["/page"] = lambda connection: connection.sendall(early + http(404))
    server.pages["/never"] = lambda connection: (connection.sendall(early), connection.recv(1))

    answers = look(loopback, request(server), request(server, "/never", key=2), timeout_s=0.4)

    assert (answers[1].status, answers[1].etag) == (404, None)
    assert (answers[2].status, answers[2].error) == (None, "too_slow")


@pytest.mark.parametrize("field", ["cdn-ray", "x-edge-id", "hx-edge", "etc-edge"])
def test_a_header_field_tells_of_the_proxy_that_adds_it(server, loopback, field):
    server.pages["/page"] = http(404, **{field.title().replace("-", "_"): "anything"})
    server.pages["/plain"] = http(404, Cdn_Rayon="anything", X_Edge="anything")
    marks = {field: "proxy:edge"}

    answers = look(loopback, request(server), request(server, "/plain", key=2), marks=marks)

    assert (answers[1].status, answers[1].mark) == (404, "proxy:edge")
    assert answers[2].mark is None
    assert look(loopback, request(server))[1].mark is None


def test_a_closed_port_is_told_as_refused(loopback):
    with nobody_listening() as port:
        asked = LookRequest(1, f"http://web.test:{port}/", "web.test", port, HERE)

        assert look(loopback, asked)[1].error == "refused"


def test_tls_is_checked_against_the_name(loopback, trust):
    with WebServer({"/page": http(200)}, tls=trust.server) as server:
        good = request(server, scheme="https", key=1)
        wrong = request(server, scheme="https", key=2, host="other.test")

        answers = look(loopback, good, wrong, ca_file=trust.ca_file)
        (unknown,) = look(loopback, good).values()

    assert answers[1].status == 200
    assert answers[2].error == "tls_error"
    assert unknown.error == "tls_error"


def test_one_hosts_requests_come_one_after_the_other_over_one_connection(server, loopback):
    server.pages["/page"] = http(200)

    answers = look(loopback, *(request(server, key=key) for key in range(30)))

    assert len(answers) == 30
    assert server.connections == 1
    assert server.most_at_once == 1


def test_hosts_are_looked_at_side_by_side_up_to_the_bound(server, loopback):
    gathered, lock, present = Barrier(6), Lock(), [0, 0]

    def answer_when_six_are_there(connection):
        with lock:
            present[0] += 1
            present[1] = max(present)
        gathered.wait(10)
        with lock:
            present[0] -= 1
        connection.sendall(http(200))

    server.pages["/page"] = answer_when_six_are_there
    requests = [request(server, key=key, host=f"h{key}.test") for key in range(12)]

    answers = look(loopback, *requests, concurrency=6, body="head")

    assert [answer.status for answer in answers.values()] == [200] * 12
    assert present == [0, 6]


def test_two_addresses_of_one_host_are_each_asked(loopback):
    with WebServer({"/page": http(200)}) as server:
        requests = [request(server, key=1), request(server, key=2, address="127.0.0.2")]

        answers = look(loopback, *requests)

    assert (answers[1].status, answers[1].ip) == (200, HERE)
    assert (answers[2].error, answers[2].ip) == ("refused", "127.0.0.2")


def test_the_next_hosts_are_asked_for_when_there_is_room(loopback):
    drawn = []

    def hosts():
        for key in range(40):
            drawn.append(key)
            yield request(server, key=key, host=f"h{key}.test")

    with WebServer({"/page": http(200)}) as server:
        looking = prober(loopback, concurrency=5).look(hosts(), "local")
        next(looking)
        early = len(drawn)
        rest = dict(looking)

    assert early <= 12
    assert len(rest) == 39


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
    """10,000 looks that fail at once, in 100 rounds, with nothing left to the collector of cycles."""
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
