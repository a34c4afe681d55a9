"""How large a request may be: little without a log-in, and what is large never stands in memory at once."""

import gc
import http.client
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import func, select

from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.store.tables import HandInLine, Submission
from nta.web.portal import create_portal
from tests.fakes import SetClock
from tests.web.conftest import COMPILED, Forms
from tests.web.doors import BOUND_S, Serving, serving

MIB = 1024 * 1024
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
FIELDS = b"a=1&" * (30 * MIB // 4)
FIELD = b"email=" + b"x" * 30 * MIB
PART = b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"x" * 30 * MIB + b"\r\n--b--\r\n"
FILE = PART.replace(b'name="text"', b'name="file"; filename="f"', 1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("served")) as made:
        yield made


def post(port: int, path: str, body: bytes | Iterable[bytes], kind: str) -> int:
    """Return the status of a post, 0 where the server hung up on it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BOUND_S)
    try:
        connection.request(
            "POST", path, body, {"Content-Type": kind}, encode_chunked=not isinstance(body, bytes)
        )
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()


def test_large_posts_without_a_log_in_take_no_memory(served: Serving) -> None:
    for port in (served.desk, served.portal):
        post(port, "/", b"a=1", FORM)
    before = served.peak_mib
    desk = [(served.desk, path, body, kind) for path in ("/login", "/hand-in") for body, kind in SENT]
    portal = [(served.portal, "/n/answer", body, kind) for body, kind in SENT]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda given: post(*given), [*desk, *portal]))

    assert served.peak_mib - before < 100
    assert set(answers) <= {0, 302, 413}
    assert post(served.desk, "/login", b"a=1", FORM) == 400


SENT = [(FIELDS, FORM), (FIELD, FORM), (PART, PARTS), (FILE, PARTS)]


def test_a_body_without_a_length_is_bounded_too(served: Serving) -> None:
    before = served.peak_mib

    answers = [
        post(port, path, (b"a=1&" * 16_384 for _ in range(480)), FORM)
        for port, path in ((served.desk, "/login"), (served.portal, "/n"))
    ]

    assert set(answers) <= {0, 413}
    assert served.peak_mib - before < 100


def test_endless_headers_are_refused(served: Serving) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.desk, timeout=BOUND_S)
    connection.request("GET", "/login", headers={f"X-{n}": "x" * 4_000 for n in range(20)})

    assert connection.getresponse().status == 431


@pytest.mark.parametrize("path", ["/hand-in", "/search", "/sending/stop", "/tf-rescue"])
def test_what_nobody_may_send_without_a_log_in_is_not_read(desk: Flask, path: str) -> None:
    seen = []
    desk.teardown_request(lambda _fault: seen.append("form" in request.__dict__))

    answer = desk.test_client().post(path, data={"text": "x"})

    assert (answer.status_code, answer.location) == (302, "/login")
    assert seen == [False]


def in_parts(fields: dict[str, str]) -> bytes:
    head = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    return "".join(head.format(*field) for field in fields.items()).encode() + b"--b--\r\n"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/search", {"q": "x" * 65_536}, id="long"),
        pytest.param("/search", {f"q{n}": "" for n in range(201)}, id="many"),
        pytest.param("/hand-in", {"text": "x" * (4 * MIB + 1)}, id="long-paste"),
        pytest.param("/hand-in", {f"q{n}": "" for n in range(13)}, id="many-at-hand-in"),
    ],
)
def test_a_form_with_too_much_in_it_is_refused(analyst: FlaskClient, path: str, body: dict[str, str]) -> None:
    plain = analyst.post(path, data=body)
    parts = analyst.post(path, data=in_parts(body), content_type=PARTS)

    assert (plain.status_code, parts.status_code) == (413, 413)


def test_the_portal_takes_answers_for_many_locations_and_no_more(
    lite: Store, settings: Settings, clock: SetClock, catalogue: Catalogue
) -> None:
    app = create_portal(lite, settings, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    client = app.test_client()

    assert (
        client.post("/n/answer", data={"item": ["1" * 18] * 4_999}).status_code == 400
    )  # its token is missing
    assert client.post("/n/answer", data={"item": ["1"] * 5_001}).status_code == 413
    assert client.post("/n", data={"item": ["1" * 18] * 4_999}).status_code == 413


def test_a_file_is_read_a_block_at_a_time_and_nothing_of_it_stays(
    analyst: FlaskClient, lite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    form = {name: value for name, (value,) in Forms(analyst.get("/hand-in").text).forms["hand-in"].items()}
    lines = [b"http://images.example/%d?%s" % (n, b"x" * 4_000) for n in range(200)]
    file = b"\r\n".join([*lines, b"\xff", b"y" * 300_000, b""])
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="lines.txt"\r\n\r\n'
    body = head + file + b"\r\n" + in_parts(form | {"confirm": "yes"})

    answer = analyst.post("/hand-in", data=body, content_type=PARTS)

    assert answer.status_code == 303
    with lite.db.read() as connection:
        assert connection.execute(select(func.count()).select_from(Submission)).scalar() == 200
        refused = connection.execute(select(HandInLine.line).where(HandInLine.reason.is_not(None))).scalars()
        assert sorted(refused) == [201, 202]
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_a_name_is_refused(analyst: FlaskClient) -> None:
    body = in_parts({"text": "x"}).replace(b'; name="text"', b"")

    assert analyst.post("/hand-in", data=body, content_type=PARTS).status_code == 400


def test_a_file_of_a_form_that_breaks_off_is_closed_at_once(analyst: FlaskClient) -> None:
    token = Forms(analyst.get("/hand-in").text).forms["hand-in"]["csrf_token"][0]
    whole = in_parts({"csrf_token": token}).removesuffix(b"--b--\r\n") + FILE[:1_000_000]

    answer = analyst.post("/hand-in", data=whole, content_type=PARTS)
    gc.collect()  # a file that was left open would warn here, and fail the test

    assert answer.status_code == 400


def test_a_body_whose_end_the_server_alone_knows_is_not_cut_short(desk: Flask) -> None:
    client = desk.test_client()
    ended = {"wsgi.input_terminated": True, "wsgi.input": BytesIO(b"email=" + b"x" * 70_000)}  # as gunicorn's

    assert client.post("/login", content_type=FORM, environ_overrides=ended).status_code == 413
