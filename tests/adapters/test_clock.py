"""Service time, the machine's and the lab's."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from nta.adapters.clock import LabClock, SystemClock
from nta.domain.errors import OutsideError
from nta.ports import Leap
from tests.adapters.servers import WebServer, http, nobody_listening

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def said(**values: object) -> bytes:
    return http(200, json.dumps(values).encode())


@pytest.fixture
def lab():
    with WebServer({"/now": said(now=NINE.isoformat())}) as server:
        yield server


@pytest.fixture
def clock(lab):
    clock = LabClock(f"http://127.0.0.1:{lab.port}", timeout_s=3, leap_timeout_s=0.3)
    yield clock
    clock.close()


def test_the_machines_clock_is_aware_and_in_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_the_labs_time_is_asked_each_time_over_one_connection(lab, clock):
    first = clock.now()
    lab.pages["/now"] = said(now=(NINE + timedelta(hours=1)).isoformat())
    second = clock.now()

    assert (first, second) == (NINE, NINE + timedelta(hours=1))
    assert lab.connections == 1


def test_the_labs_time_comes_in_utc(lab, clock):
    lab.pages["/now"] = said(now=NINE.astimezone(timezone(timedelta(hours=2))).isoformat())

    assert clock.now() == NINE
    assert clock.now().utcoffset() == timedelta(0)


def test_each_answer_says_whether_the_world_is_over(lab, clock):
    clock.now()
    before = clock.is_over
    lab.pages["/now"] = said(now=NINE.isoformat(), over=True)
    clock.now()

    assert (before, clock.is_over) == (False, True)
    assert len(lab.asked) == 2


@pytest.mark.parametrize(("over", "next_due"), [(False, NINE), (True, None)])
def test_a_leap_names_the_next_due_moment_and_tells_where_time_stands(lab, clock, over, next_due):
    lab.pages["/leap"] = said(now=NINE.isoformat(), over=over)

    leap = clock.leap(next_due)

    assert leap == Leap(NINE, over)
    (asked,) = lab.asked
    assert asked.method == "POST"
    assert json.loads(asked.body) == {"next_due": next_due.isoformat() if next_due else None}


def test_a_leap_whose_answer_was_lost_is_not_asked_for_twice(lab, clock):
    lab.pages["/leap"] = lambda connection: None  # hangs up without a word

    assert clock.leap(NINE) == Leap(NINE, over=False)
    assert [asked.path for asked in lab.asked] == ["/leap", "/now"]


def test_a_leap_that_takes_too_long_is_left_and_the_time_asked(lab, clock):
    lab.pages["/leap"] = lambda connection: connection.recv(1)

    assert clock.leap(NINE) == Leap(NINE, over=False)


def test_a_connection_the_lab_closed_is_opened_again(lab, clock):
    lab.pages["/now"] = http(200, json.dumps({"now": NINE.isoformat()}).encode(), Connection="close")

    assert [clock.now() for _ in range(3)] == [NINE] * 3


@pytest.mark.parametrize(
    "page",
    [
        http(500),
        http(200, b"[]"),
        http(200, b"{"),
        said(),
        said(now=5),
        said(now="soon"),
        said(now="2026-03-02T09:00"),
    ],
)
def test_an_answer_that_tells_no_time_is_the_labs_fault(lab, clock, page):
    lab.pages["/now"] = page

    with pytest.raises(OutsideError):
        clock.now()


def test_a_lab_that_is_gone_is_an_outside_error():
    with nobody_listening() as port:
        clock = LabClock(f"lab:http://127.0.0.1:{port}")

        with pytest.raises(OutsideError):
            clock.now()
        with pytest.raises(OutsideError):
            clock.leap(None)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ValueError, match="http"):
        LabClock("lab:nowhere")
