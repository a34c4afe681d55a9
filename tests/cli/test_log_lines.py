"""What libraries write into the log: with its values, and without what points at a page."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from http.client import HTTPConnection

import pytest
import structlog
from _pytest.logging import LogCaptureHandler
from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from waitress import create_server, wasyncore

from nta.cli.output import configure_logs
from nta.web.problems import Quiet

BOUND_S = 10
"""A bound against hanging, not a figure."""
TOKEN = "9Xb2token"


@pytest.fixture
def held() -> Iterator[io.StringIO]:
    """What goes to the log, as the command sets it up."""
    stream = io.StringIO()
    handlers, level, raising = logging.root.handlers[:], logging.root.level, logging.raiseExceptions
    configure_logs(stream)
    yield stream
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.raiseExceptions = raising
    structlog.reset_defaults()


def lines(held: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in held.getvalue().splitlines()]


def fails() -> None:
    raise ValueError("no http://gallery.example/a")


def test_the_scheduler_names_the_job_that_failed(held: io.StringIO) -> None:
    failed = threading.Event()
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_listener(lambda event: failed.set(), EVENT_JOB_ERROR)
    scheduler.start()
    scheduler.add_job(fails, id="resolve", name="resolve")
    failed.wait(BOUND_S)
    scheduler.shutdown(wait=True)

    entry = next(line for line in lines(held) if "raised" in line["event"])
    assert entry["event"].startswith('Job "resolve (trigger: date[')
    assert entry["event"].endswith('" raised an exception')
    assert entry["exception"].startswith("ValueError at ")
    assert "gallery" not in held.getvalue()


def test_a_door_names_the_view_that_failed_and_no_token(held: io.StringIO) -> None:
    app = Quiet("nta.web.portal")
    app.add_url_rule("/n/<token>", "portal.face", lambda token: fails())

    answer = app.test_client().get(f"/n/{TOKEN}")

    (entry,) = lines(held)
    assert answer.status_code == 500
    assert (entry["event"], entry["logger"]) == ("fault in view portal.face", "nta.web")
    assert TOKEN not in held.getvalue()


def test_flask_itself_names_no_path(held: io.StringIO) -> None:
    app = Flask("plain")
    app.add_url_rule("/n/<token>", "face", lambda token: fails())

    app.test_client().get(f"/n/{TOKEN}")

    assert lines(held)[0]["event"] == "Exception on (path) [GET]"
    assert TOKEN not in held.getvalue()


def test_the_server_tells_of_a_fault_and_no_path(held: io.StringIO) -> None:
    def app(environ: object, start_response: object) -> list[bytes]:
        fails()
        return []

    sockets: dict[int, object] = {}
    answered: list[int] = []
    server = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=1)

    def ask() -> None:
        with closing(HTTPConnection("127.0.0.1", server.effective_port, timeout=BOUND_S)) as connection:
            connection.request("GET", f"/n/{TOKEN}")
            answered.append(connection.getresponse().status)

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        wasyncore.loop(timeout=0.02, map=sockets, count=1)
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
    wasyncore.close_all(map=sockets)

    assert answered == [500]
    assert "Exception while serving (path)" in [line["event"] for line in lines(held)]
    assert TOKEN not in held.getvalue()


@pytest.mark.parametrize(
    ("template", "values", "shown"),
    [
        ("queue depth is %d of %s", (3, "four"), "queue depth is 3 of four"),
        ("looked at %s twice", ("https://gallery.example/a?b=c",), "looked at (url) twice"),
        ("looked at %r", (ValueError("ftp://gallery.example/a"),), "looked at ValueError('(url)')"),
        ("%s", (ValueError("no http://gallery.example/a"),), "no (url)"),
        (ValueError("no http://gallery.example/a"), (), "no (url)"),
        ("asked %s:%d", ("gallery.example", 443), "asked (name)"),
        ("asked %s", ("xn--bcher-kva.example",), "asked (name)"),
        ("asked %s", ("bücher.example/a/b",), "asked (name)"),
        ("asked Pool(host='%s', port=443)", ("gallery.example",), "asked Pool(host='(name)', port=443)"),
        ("mail to %s", ("abuse@hosting.example",), "mail to (address)"),
        ("asked 192.0.2.7 for %s", (f"/n/{TOKEN}?x=1",), "asked 192.0.2.7 for (path)"),
        ("%(url)s", ({"url": "HTTP://GALLERY.EXAMPLE/A"},), "(url)"),
        ('{"a": "%s"}', (r"http:\/\/gallery.example\/a",), '{"a": "(url)"}'),
        ("%d of http://gallery.example/", ("three",), "%d of (url) (values unreadable)"),
    ],
)
def test_a_librarys_line_carries_its_values_and_no_url(
    held: io.StringIO, template: object, values: tuple[object, ...], shown: str
) -> None:
    logging.getLogger("library").error(template, *values)

    assert lines(held) == [{"event": shown, "logger": "library", "level": "error"}]


def test_half_of_a_character_harms_no_line(held: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the handler of the test run: what it keeps has to be passed on between processes.
    ours = [one for one in logging.root.handlers if not isinstance(one, LogCaptureHandler)]
    monkeypatch.setattr(logging.root, "handlers", ours)

    logging.getLogger("library").error("half of a character: %s", "\udcff")

    assert [line["event"] for line in lines(held)] == ["half of a character: \udcff"]


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError("http://gallery.example/a")


def test_what_cannot_be_read_is_named_and_printed_nowhere(
    held: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("library").error("got %s", Unreadable())
    logging.getLogger("library").error(Unreadable())

    assert [line["event"] for line in lines(held)] == [
        "got %s (values unreadable)",
        "Unreadable (values unreadable)",
    ]
    assert capsys.readouterr() == ("", "")
