"""Posting notices by HTTP: what each answer means, and what never happens."""

from collections.abc import Callable

import pytest

from nta.adapters.channels.http_post import HTTP, HttpPoster
from nta.adapters.net.address_policy import Gate
from nta.domain.parties.contact_addresses import ContactAddress
from nta.ports import Handed, HandOver, Outgoing
from nta.settings import Reach
from tests.adapters.conftest import Trust
from tests.adapters.servers import WebServer, http

CONTENT = b'{"xarf_version": "4.2.0"}\n'


def message(notice_id: int, port: int, path: str = "/xarf", scheme: str = "http") -> Outgoing:
    return Outgoing(notice_id, ContactAddress(HTTP, f"{scheme}://127.0.0.1:{port}{path}"), CONTENT)


def poster(gate: Gate, **options) -> HttpPoster:
    return HttpPoster(gate, **{"resolve": lambda host: ["127.0.0.1"], "timeout_s": 0.5, **options})


def always(_: Outgoing) -> bool:
    return True


def in_turn(*answers: bool) -> Callable[[Outgoing], bool]:
    given = iter(answers)
    return lambda _: next(given)


def test_a_report_goes_byte_for_byte_to_the_address_that_the_provider_named(trust: Trust, loopback: Gate):
    with WebServer({"POST /xarf": http(202)}, trust.server) as server:
        channel = poster(loopback, ca_file=trust.ca_file, user_agent="nta")
        handed = list(channel.hand_over([message(n, server.port, scheme="https") for n in (1, 2)], always))

    assert handed == [Handed(n, HandOver.ACCEPTED, "HTTP 202") for n in (1, 2)]
    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [
        ("POST", "/xarf", CONTENT)
    ] * 2
    assert server.asked[0].headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "nta",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(CONTENT)),
    }


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, HandOver.ACCEPTED),
        (204, HandOver.ACCEPTED),
        (302, HandOver.REFUSED),
        (400, HandOver.REFUSED),
        (403, HandOver.REFUSED),
        (404, HandOver.UNREACHABLE),
        (410, HandOver.UNREACHABLE),
        (408, HandOver.LATER),
        (429, HandOver.LATER),
        (500, HandOver.LATER),
        (503, HandOver.LATER),
    ],
)
def test_a_status_says_what_became_of_a_message(loopback: Gate, status: int, result: HandOver):
    with WebServer({"/xarf": http(status, b"words of theirs", Location="/elsewhere")}) as server:
        (handed,) = poster(loopback).hand_over([message(7, server.port)], always)

    assert handed == Handed(7, result, f"HTTP {status}")
    assert [asked.path for asked in server.asked] == ["/xarf"]


def test_an_answer_without_end_is_not_read(loopback: Gate):
    endless = b"HTTP/1.1 200 Fine\r\nContent-Length: 999999999\r\n\r\nand so on"
    with WebServer({"/xarf": endless}) as server:
        (handed,) = poster(loopback).hand_over([message(7, server.port)], always)

    assert handed.result is HandOver.ACCEPTED


def test_a_server_that_says_nothing_holds_up_only_its_own_messages(loopback: Gate):
    with (
        WebServer({"/xarf": lambda _: silent.stopped.wait(10)}) as silent,
        WebServer({"/xarf": http(200)}) as good,
    ):
        ports = (silent.port, silent.port, good.port)
        handed = list(poster(loopback).hand_over([message(n, port) for n, port in enumerate(ports)], always))
        asked = len(silent.asked)

    assert [one.result for one in handed] == [HandOver.LATER, HandOver.LATER, HandOver.ACCEPTED]
    assert asked == 1
    assert [one.line for one in handed[:2]] == [
        "the server does not answer in time",
        "the server did not answer just before",
    ]


def test_what_policy_does_not_let_us_reach_is_not_connected_to():
    with WebServer({"/xarf": http(200)}) as server:
        walled = poster(Gate(Reach(public=True, ranges=())))
        (handed,) = walled.hand_over([message(7, server.port)], always)

    assert handed == Handed(7, HandOver.REFUSED, "address not reachable by policy")
    assert server.connections == 0


def test_one_that_may_not_go_has_no_outcome_and_the_next_goes(loopback: Gate):
    with WebServer({"/xarf": http(200)}) as server:
        may_go = in_turn(False, True, True)
        handed = list(poster(loopback).hand_over([message(n, server.port) for n in (1, 2)], may_go))

    assert [one.notice_id for one in handed] == [2]
    assert len(server.asked) == 1


def test_no_content_leaves_when_sending_stops_while_the_server_is_being_reached(loopback: Gate):
    heard: list[bytes] = []
    with WebServer({"/xarf": http(200)}) as server:
        server.serve = lambda connection: heard.extend(iter(lambda: connection.recv(4096), b""))
        handed = list(poster(loopback).hand_over([message(1, server.port)], in_turn(True, False)))

    assert handed == []
    assert CONTENT not in b"".join(heard)


def test_the_next_message_is_drawn_before_an_outcome_is_told(loopback: Gate):
    drawn: list[int] = []

    def messages(port: int):
        for number in (1, 2):
            drawn.append(number)
            yield message(number, port)

    with WebServer({"/xarf": http(200)}) as server:
        outcomes = poster(loopback).hand_over(messages(server.port), always)
        first = next(outcomes)
        outcomes.close()

    assert (first.notice_id, drawn, len(server.asked)) == (1, [1, 2], 1)
