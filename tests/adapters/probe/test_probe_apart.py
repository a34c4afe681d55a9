"""Looking in a second process: the same answers, and nothing left of it when it is not needed any more."""

import os
import select
import signal
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from nta.adapters.net.address_policy import Gate
from nta.adapters.probe import probe_apart
from nta.adapters.probe.probe_apart import ApartProber
from nta.domain.errors import OutsideError
from nta.settings import Reach, Vantage
from tests.adapters.looking import look, request
from tests.adapters.servers import WebServer, http

ROOT = Path(__file__).parents[3]


@pytest.fixture
def server():
    with WebServer() as server:
        server.pages["/page"] = http(200, b"x", ETag='"v1"')
        server.pages["/gone"] = http(404)
        yield server


@pytest.fixture
def apart(loopback):
    prober = ApartProber([Vantage("local", None)], loopback, timeout_s=3, connect_timeout_s=3, worth_it=2)
    yield prober
    prober.close()


@pytest.fixture(scope="module")
def standing():
    """A prober whose process no test ends: to start one costs a second."""
    gate = Gate(Reach(public=False, ranges=(ip_network("127.0.0.0/8"),)))
    prober = ApartProber([Vantage("local", None)], gate, timeout_s=3, connect_timeout_s=3, worth_it=2)
    yield prober
    prober.close()


def requests(server: WebServer, *paths: str):
    return [request(server, path, key) for key, path in enumerate(paths)]


def told(answers):
    """What answers say, but for how long they took."""
    return {key: answer._replace(seconds=0.0) for key, answer in answers.items()}


def test_answers_are_those_of_a_look_in_this_process(server, loopback, standing):
    asked = requests(server, "/page", "/gone", "/page")

    answers = dict(standing.look(asked, "local"))

    assert told(answers) == told(look(loopback, *asked))
    assert [answers[key].status for key in range(3)] == [200, 404, 200]


def test_words_are_judged_there_and_only_the_rule_comes_back(server, standing):
    server.pages["/text"] = http(200, b"<title>Account suspended</title>", Content_Type="text/html")

    answers = dict(standing.look([request(server, "/text", key, text=True) for key in (1, 2)], "local"))

    assert [answer.sign for answer in answers.values()] == ["suspended_page"] * 2


def test_one_process_serves_all_rounds(server, standing):
    dict(standing.look(requests(server, "/page", "/gone"), "local"))
    first = standing.pid
    dict(standing.look(requests(server, "/page", "/gone"), "local"))

    assert first is not None
    assert standing.pid == first


def test_a_small_round_starts_no_process(server, apart):
    answers = dict(apart.look(requests(server, "/page"), "local"))

    assert answers[0].status == 200
    assert apart.pid is None


def test_a_round_within_a_round_is_made_here(server, standing):
    outer = standing.look(requests(server, "/page", "/gone"), "local")
    next(outer)
    inner = dict(standing.look(requests(server, "/page", "/gone"), "local"))
    rest = list(outer)

    assert len(inner) == 2
    assert len(rest) == 1


def test_the_gate_of_this_process_holds_there_too(server, loopback, apart):
    loopback.own = [("127.0.0.1", server.port)]

    answers = dict(apart.look(requests(server, "/page", "/gone"), "local"))

    assert {answer.error for answer in answers.values()} == {"not_reachable"}
    assert server.asked == []


def test_what_may_not_be_reached_is_not_reached(server, public):
    closed = ApartProber([Vantage("local", None)], public, worth_it=1)
    try:
        answers = dict(closed.look(requests(server, "/page"), "local"))
    finally:
        closed.close()

    assert answers[0].error == "not_reachable"
    assert server.asked == []


def test_a_proxy_without_address_is_an_outside_error_here(server, loopback):
    far = ApartProber([Vantage("far", "socks5h://nowhere.invalid:1")], loopback, worth_it=1)
    try:
        with pytest.raises(OutsideError, match="no address"):
            list(far.look(requests(server, "/page"), "far"))
    finally:
        far.close()


def test_a_process_that_dies_is_an_outside_error_and_the_next_round_starts_another(server, apart):
    server.pages["/deadly"] = lambda connection: os.kill(apart.pid, signal.SIGKILL)

    with pytest.raises(OutsideError, match="has ended") as caught:
        dict(apart.look(requests(server, "/deadly", "/page"), "local"))
    answers = dict(apart.look(requests(server, "/page", "/gone"), "local"))

    assert caught.value.temporary
    assert len(answers) == 2


def test_a_large_round_is_asked_for_in_parts(server, loopback, monkeypatch):
    monkeypatch.setattr(probe_apart, "_ASKED_TOGETHER", 64)
    few = ApartProber([Vantage("local", None)], loopback, concurrency=5)
    asked = [request(server, "/page", key, f"h{key // 10}.test") for key in range(1500)]
    drawn = []
    try:
        answers = few.look((drawn.append(one.key) or one for one in asked), "local")
        next(answers)
        early = len(drawn)
        rest = dict(answers)
    finally:
        few.close()

    assert early < 1500
    assert len(rest) == 1499


def test_a_fault_while_requests_are_made_ends_the_round_and_the_next_is_whole(server, apart):
    def broken():
        yield from requests(server, "/page", "/gone")
        raise OutsideError("no name server", temporary=True)

    with pytest.raises(OutsideError, match="no name server"):
        list(apart.look(broken(), "local"))
    answers = dict(apart.look(requests(server, "/page", "/gone"), "local"))

    assert sorted(answers) == [0, 1]


def test_who_looks_at_nothing_is_ready_for_the_next_round(server, loopback):
    blind = ApartProber([Vantage("local", None)], loopback, None, "none", worth_it=1)
    try:
        rounds = [dict(blind.look(requests(server, "/page", "/gone"), "local")) for _ in range(2)]
    finally:
        blind.close()

    assert rounds == [{}, {}]


def test_a_round_that_is_given_up_ends_its_process(server, apart):
    answers = apart.look(requests(server, "/page", "/gone", "/page"), "local")
    next(answers)
    answers.close()

    assert apart.pid is None


def test_the_process_ends_when_this_one_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], cwd=ROOT, stdout=subprocess.PIPE)
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()

    ended, _, _ = select.select([child], [], [], 10)
    os.close(child)

    assert ended == [child]


_PARENT = """
import signal
from nta.adapters.probe import probe_apart
from nta.adapters.probe.probe_apart import ApartProber
from nta.adapters.net.address_policy import Gate
from nta.settings import Reach, Vantage

prober = ApartProber([Vantage("local", None)], Gate(Reach(True, ())))
prober.start()
print(prober.pid, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\r\nX: y", "é"])
def test_a_url_that_cannot_be_asked_for_ends_neither_the_process_nor_the_looks_beside_it(
    server, loopback, apart, odd
):
    first, bad, last = requests(server, "/page", "/page", "/gone")
    bad = bad._replace(url=f"{bad.url}{odd}")

    answers = dict(apart.look([first, bad, last], "local"))

    assert [answers[key].status for key in (0, 2)] == [200, 404]
    assert (answers[1].status, answers[1].error) == (None, "not_reachable")
    assert told(dict(look(loopback, first, bad, last))) == told(answers)
