"""What nobody foresaw: a fault in a beat or a walk is logged by its place, and never with a URL."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import structlog

from nta.cli.output import configure_logs
from nta.domain.errors import OutsideError, RefusedError
from nta.jobs.runner import Leaper, Metronome, Runner
from nta.jobs.schedule import JobStep
from nta.ports import Leap
from tests.conftest import NINE
from tests.fakes import SetClock

BOUND_S = 10
"""A bound against hanging, not a figure."""

SECRET = "http://secret.test/path"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What goes to the log, as the command sets it up."""
    held = io.StringIO()
    handlers, level, raising = logging.root.handlers[:], logging.root.level, logging.raiseExceptions
    configure_logs(held)
    yield held
    logging.raiseExceptions = raising
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def fails(now: datetime) -> int:
    raise ValueError(f"cannot look at {SECRET}")


def everything(now: datetime) -> set[str]:
    return {"one", "two"}


def test_a_beat_that_fails_beats_again_and_its_log_names_no_url(logged: io.StringIO) -> None:
    again = threading.Event()
    beats: list[datetime] = []

    def beat(now: datetime) -> int:
        beats.append(now)
        if len(beats) > 1:
            again.set()
        return fails(now)

    step = JobStep("one", 0.01, beat)
    metronome = Metronome(Runner([step], SetClock(NINE), everything, threading.Event()), [step])
    metronome.start()
    try:
        assert again.wait(BOUND_S)
    finally:
        metronome.stop()

    first = json.loads(logged.getvalue().splitlines()[0])
    assert first["level"] == "error"
    assert first["exception"].startswith("ValueError at ")
    assert "test_unforeseen.py" in first["exception"]
    assert "secret" not in logged.getvalue()


@pytest.mark.parametrize("kind", [RefusedError, lambda why: OutsideError(why, temporary=True)])
def test_a_step_that_fails_is_logged_with_its_reason_and_no_url(
    logged: io.StringIO, kind: Callable[[str], Exception]
) -> None:
    def refuses(now: datetime) -> int:
        raise kind(f"no answer from {SECRET}")

    runner = Runner([JobStep("one", 1, refuses)], SetClock(NINE), everything, threading.Event())
    runner.turn()

    entry = json.loads(logged.getvalue())
    assert (entry["event"], entry["step"], entry["reason"]) == ("step failed", "one", "no answer from (url)")
    assert runner.failures == 1


class StandingClock(SetClock):
    """Stands still for the first leap, and is over at the second."""

    leaps = 0

    def leap(self, next_due: datetime | None) -> Leap:
        self.leaps += 1
        return Leap(self.at, over=self.leaps == 2)


def walked(step: JobStep, clock: StandingClock) -> Leaper:
    stopping = threading.Event()
    leaper = Leaper(Runner([step], clock, everything, stopping), clock, lambda: NINE, stopping)
    leaper.start()
    leaper.join(BOUND_S)
    return leaper


def test_a_walk_that_breaks_off_is_logged_without_a_url(logged: io.StringIO) -> None:
    leaper = walked(JobStep("one", 1, fails), StandingClock(NINE))

    assert isinstance(leaper.fault, ValueError)
    assert json.loads(logged.getvalue())["exception"].startswith("ValueError at ")
    assert "secret" not in logged.getvalue()


def test_work_that_nobody_can_take_just_now_is_waited_for_and_asked_about_again() -> None:
    clock = StandingClock(NINE)

    leaper = walked(JobStep("one", 1, lambda now: 0), clock)

    assert leaper.over.is_set()
    assert clock.leaps == 2


def test_all_steps_of_a_pass_happen_at_one_moment() -> None:
    clock = SetClock(NINE)
    moments: list[datetime] = []

    def step(now: datetime) -> int:
        moments.append(now)
        clock.on(hours=1)
        return int(len(moments) < 3)

    Runner([JobStep("one", 1, step), JobStep("two", 1, step)], clock, everything, threading.Event()).turn()

    assert moments == [NINE, NINE, *[NINE + timedelta(hours=2)] * 2]
