"""The job runner: turns and their end, failures, the clock that leaps, and the beat."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from nta.domain.errors import OutsideError, RefusedError
from nta.jobs.runner import MOST_PASSES, Leaper, Metronome, Runner
from nta.jobs.schedule import EVERY_S, JobStep, schedule
from nta.ports import Leap
from tests.conftest import NINE
from tests.fakes import SetClock

BOUND_S = 10
"""A bound against hanging, not a figure."""


class Work:
    """Steps that each have so many batches to do, and what was run in which order."""

    def __init__(self, **batches: int) -> None:
        self.left = dict(batches)
        self.ran: list[str] = []

    def pending(self, now: datetime) -> set[str]:
        return {name for name, left in self.left.items() if left}

    def steps(self) -> tuple[JobStep, ...]:
        return tuple(JobStep(name, 0.01, self._batch(name)) for name in self.left)

    def _batch(self, name: str) -> Callable[[datetime], int]:
        def run(now: datetime) -> int:
            self.ran.append(name)
            if not self.left[name]:
                return 0
            self.left[name] -= 1
            return 1

        return run


class LeapingClock(SetClock):
    """Leaps to what is due, else by an hour; over after its last hour."""

    def __init__(self, at: datetime, last: datetime) -> None:
        super().__init__(at)
        self.last = last
        self.asked: list[datetime | None] = []

    def leap(self, next_due: datetime | None) -> Leap:
        self.asked.append(next_due)
        self.at = max(self.at, min(next_due or self.last, self.last))
        return Leap(self.at, next_due is None and self.at == self.last)


def runner(work: Work, clock: SetClock, stopping: threading.Event | None = None) -> Runner:
    return Runner(work.steps(), clock, work.pending, stopping or threading.Event())


def raising(fault: Exception) -> Callable[[datetime], int]:
    def run(now: datetime) -> int:
        raise fault

    return run


def test_a_turn_runs_the_steps_in_order_until_a_pass_does_nothing(clock: SetClock) -> None:
    work = Work(first=1, second=3, third=2)

    done = runner(work, clock).turn()

    assert work.ran == ["first", "second", "third", "second", "third", "second"]
    assert done == 6


def test_a_step_that_has_nothing_to_do_is_not_run(clock: SetClock) -> None:
    work = Work(idle=0, busy=1)

    runner(work, clock).turn()

    assert work.ran == ["busy"]


def test_a_pending_step_that_does_nothing_ends_the_turn(clock: SetClock) -> None:
    ran: list[datetime] = []
    held_by_another = JobStep("held", 1, lambda now: ran.append(now) or 0)

    done = Runner([held_by_another], clock, lambda now: {"held"}, threading.Event()).turn()

    assert (done, ran) == (0, [NINE])


@pytest.mark.parametrize(
    "fault", [OutsideError("the relay does not answer", temporary=True), RefusedError("no sender is set")]
)
def test_a_failing_step_is_counted_and_logged_and_the_others_go_on(clock: SetClock, fault: Exception) -> None:
    work = Work(after=2)
    steps = [JobStep("failing", 1, raising(fault)), *work.steps()]
    made = Runner(steps, clock, lambda now: work.pending(now) | {"failing"}, threading.Event())

    with capture_logs() as logged:
        done = made.turn()

    assert (done, made.failures) == (2, 3)
    assert work.ran == ["after", "after"]
    (warning, *_) = (entry for entry in logged if entry["log_level"] == "warning")
    assert warning == {
        "event": "step failed",
        "log_level": "warning",
        "step": "failing",
        "reason": str(fault),
    }
    assert "://" not in str(logged)


def test_a_fault_of_our_own_is_not_swallowed(clock: SetClock) -> None:
    made = Runner(
        [JobStep("wrong", 1, raising(KeyError("x")))], clock, lambda now: {"wrong"}, threading.Event()
    )

    with pytest.raises(KeyError):
        made.turn()


def test_a_turn_that_never_ends_is_cut_off_and_said_so(clock: SetClock) -> None:
    work = Work(endless=10 * MOST_PASSES)
    made = runner(work, clock)

    with capture_logs() as logged:
        done = made.turn()

    assert (done, len(work.ran), made.failures) == (MOST_PASSES, MOST_PASSES, 1)
    assert [e["event"] for e in logged if e["log_level"] == "error"] == ["a turn does not come to an end"]


def test_stopping_ends_a_turn_between_two_batches(clock: SetClock) -> None:
    stopping = threading.Event()
    work = Work(after=1)
    first = JobStep("first", 1, lambda now: stopping.set() or 1)

    done = Runner([first, *work.steps()], clock, lambda now: {"first", "after"}, stopping).turn()

    assert (done, work.ran) == (1, [])


def test_draining_a_step_does_its_batches_and_no_others(clock: SetClock) -> None:
    work = Work(mine=3, other=1)
    made = runner(work, clock)

    made.drain(work.steps()[0])

    assert work.ran == ["mine"] * 3


def test_draining_a_failing_step_waits_for_the_next_beat(clock: SetClock) -> None:
    failing = JobStep("failing", 1, raising(OutsideError("no answer", temporary=True)))
    made = Runner([failing], clock, lambda now: {"failing"}, threading.Event())

    made.drain(failing)

    assert made.failures == 1


def test_draining_an_endless_step_is_cut_off(clock: SetClock) -> None:
    work = Work(endless=10 * MOST_PASSES)
    made = runner(work, clock)

    made.drain(work.steps()[0])

    assert len(work.ran) == MOST_PASSES


def test_the_schedule_holds_each_step_in_the_order_of_a_turn() -> None:
    steps = schedule({name: lambda now: 0 for name in reversed(EVERY_S)})

    assert [step.name for step in steps] == list(EVERY_S)
    with pytest.raises(KeyError):
        schedule({})


def test_the_leaper_does_what_is_due_at_each_moment_and_ends_with_the_world() -> None:
    clock = LeapingClock(NINE, NINE + timedelta(hours=9))
    dues = [NINE + timedelta(hours=hour) for hour in (1, 4)]
    ran: list[datetime] = []
    step = JobStep("step", 1, lambda now: ran.append(dues.pop(0)) or 1)
    made = Runner([step], clock, lambda now: {"step"} if now in dues else set(), threading.Event())
    leaper = Leaper(made, clock, lambda: dues[0] if dues else None, threading.Event())

    leaper.start()
    leaper.join(BOUND_S)

    assert leaper.over.is_set()
    assert leaper.fault is None
    assert ran == [NINE + timedelta(hours=1), NINE + timedelta(hours=4)]
    assert clock.asked == [*ran, None]


def test_the_leaper_keeps_a_fault_and_ends() -> None:
    fault = KeyError("http://gallery.example/a")
    clock = LeapingClock(NINE, NINE)
    made = Runner([JobStep("wrong", 1, raising(fault))], clock, lambda now: {"wrong"}, threading.Event())
    leaper = Leaper(made, clock, lambda: None, threading.Event())

    with capture_logs() as logged:
        leaper.start()
        leaper.join(BOUND_S)

    assert leaper.over.is_set()
    assert leaper.fault is fault
    assert [entry["event"] for entry in logged] == ["the walk through the world broke off"]


def test_the_leaper_asks_again_when_the_lab_does_not_answer() -> None:
    class Silent(LeapingClock):
        def leap(self, next_due: datetime | None) -> Leap:
            if not self.asked:
                self.asked.append(next_due)
                raise OutsideError("no answer", temporary=True)
            return super().leap(next_due)

    clock = Silent(NINE, NINE)
    leaper = Leaper(runner(Work(), clock), clock, lambda: None, threading.Event())

    leaper.start()
    leaper.join(BOUND_S)

    assert (leaper.over.is_set(), leaper.fault, clock.asked) == (True, None, [None, None])


def test_the_leaper_ends_when_the_process_stops() -> None:
    stopping = threading.Event()
    stopping.set()
    clock = LeapingClock(NINE, NINE)
    leaper = Leaper(runner(Work(), clock), clock, lambda: None, stopping)

    leaper.start()
    leaper.join(BOUND_S)

    assert (leaper.over.is_set(), clock.asked) == (False, [])


def test_the_metronome_beats_until_it_is_stopped(clock: SetClock) -> None:
    stopping, beaten = threading.Event(), threading.Event()
    step = JobStep("step", 0.01, lambda now: beaten.set() or 0)
    metronome = Metronome(Runner([step], clock, lambda now: {"step"}, stopping), [step])

    metronome.start()
    did_beat = beaten.wait(BOUND_S)
    metronome.stop()
    metronome.stop()

    assert did_beat
    assert not metronome._scheduler.running


def test_who_may_not_work_begins_no_batch(clock: SetClock) -> None:
    work = Work(one=3)
    may = iter((True, False))
    made = Runner(work.steps(), clock, work.pending, threading.Event(), lambda: next(may))

    assert made.turn() == 1
    assert work.ran == ["one"]


def test_a_database_out_of_reach_ends_no_walk(clock: SetClock) -> None:
    gone = OutsideError("the database cannot be reached", temporary=True)
    leaping = LeapingClock(NINE, NINE)
    asked: list[str] = []

    def pending(now: datetime) -> set[str]:
        asked.append("pending")
        if len(asked) < 4:
            raise gone
        return set()

    def next_due() -> datetime | None:
        asked.append("due")
        if len(asked) < 4:
            raise gone
        return None

    walk = Leaper(Runner([], clock, pending, threading.Event()), leaping, next_due, threading.Event())
    walk.start()
    walk.join(BOUND_S)

    assert walk.fault is None
    assert walk.over.is_set()
    assert asked == ["pending", "due", "pending", "due"]


def test_what_a_batch_that_broke_off_had_taken_is_given_back_before_the_next(clock: SetClock) -> None:
    did: list[str] = []

    def run(now: datetime) -> int:
        did.append("run")
        if len(did) == 1:
            raise OutsideError("the database cannot be reached", temporary=True)
        return 0

    step = JobStep("one", 1, run)
    made = Runner([step], clock, lambda now: {"one"}, threading.Event(), lambda: True, did.append)
    for _ in range(3):
        made.run(step, NINE)

    assert did == ["run", "one", "run", "run"]
