"""Running due work: in turns until nothing is left, by the machine's clock or by a clock that leaps."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from nta.domain.errors import OutsideError, RefusedError
from nta.jobs.schedule import JobStep
from nta.ports import Clock, LeapingClock
from nta.store.db.database import StoreFault, line_of

log = structlog.get_logger("nta.jobs")

MOST_PASSES = 500
"""A turn that goes on for longer does the same work again and again; it is cut off and said so."""

PATIENCE_S = 0.2
"""How long to wait when work is due that cannot be taken: another holder's, or a system out of reach."""


class Runner:
    """Runs the steps of one process. `stopping` ends it between two batches.

    `pending` names the steps that have anything to do at a moment, so that
    idle ones cost nothing. `may_work` is asked before each batch: whoever
    others may take for dead begins nothing. `give_back` is called before a
    step whose last batch broke off, with its name: what it had taken is still
    leased, and no batch of it is under way.
    """

    def __init__(
        self,
        steps: Sequence[JobStep],
        clock: Clock,
        pending: Callable[[datetime], set[str]],
        stopping: threading.Event,
        may_work: Callable[[], bool] = lambda: True,
        give_back: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._steps = tuple(steps)
        self._clock = clock
        self._pending = pending
        self._stopping = stopping
        self._may_work = may_work
        self._give_back = give_back
        self._broken_off: set[str] = set()
        self.failures = 0

    def run(self, step: JobStep, now: datetime) -> int:
        """Do one batch of a step; return how much was done. What fails is logged once and comes again."""
        if not self._may_work():
            return 0
        began = time.monotonic()
        try:
            if step.name in self._broken_off:
                self._give_back(step.name)
                self._broken_off.discard(step.name)
            done = step.run(now)
        except (OutsideError, RefusedError, StoreFault) as fault:
            self._broken_off.add(step.name)
            self.failures += 1
            log.warning("step failed", step=step.name, reason=_reason(fault))
            return 0
        if done:
            log.debug("step", step=step.name, done=done, seconds=round(time.monotonic() - began, 3))
        return done

    def drain(self, step: JobStep) -> None:
        """Do batches of one step until none is due."""
        for _ in range(MOST_PASSES):
            now = self._clock.now()
            if self._stopping.is_set() or step.name not in self._waiting(now) or not self.run(step, now):
                return

    def turn(self) -> int:
        """Run all steps until a whole pass finds nothing to do; return how much was done."""
        done = 0
        for _ in range(MOST_PASSES):
            passed = 0
            now = self._clock.now()
            pending = self._waiting(now)
            for step in self._steps:
                if self._stopping.is_set():
                    return done + passed
                if step.name in pending:
                    passed += self.run(step, now)
            done += passed
            if not passed:
                return done
        self.failures += 1
        log.error("a turn does not come to an end", passes=MOST_PASSES)
        return done

    def _waiting(self, now: datetime) -> set[str]:
        """Return the steps that have something to do; none where the database cannot be asked."""
        try:
            return self._pending(now)
        except (OutsideError, StoreFault) as fault:
            self.failures += 1
            log.warning("what waits cannot be read", reason=_reason(fault))
            return set()


def _reason(fault: Exception) -> str:
    """Return in one line why a system failed. A database that is full or away is one like the others."""
    if isinstance(fault, StoreFault):
        return f"the database: {line_of(fault)}"
    return str(fault)


class Metronome:
    """APScheduler as the beat of one process: each step on its own interval, never twice at once."""

    def __init__(self, runner: Runner, steps: Sequence[JobStep]) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for step in steps:
            named = {"id": step.name, "name": step.name}
            self._scheduler.add_job(runner.drain, "interval", seconds=step.every_s, args=[step], **named)

    def start(self) -> None:
        """Begin to beat."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop; batches under way see `stopping` and end by themselves."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


class Leaper:
    """Walks through a world whose clock leaps: does all that is due, then asks for the next moment."""

    def __init__(
        self,
        runner: Runner,
        clock: LeapingClock,
        next_due: Callable[[], datetime | None],
        stopping: threading.Event,
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._next_due = next_due
        self._stopping = stopping
        self.over = threading.Event()
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._walk, name="leaper", daemon=True)

    def start(self) -> None:
        """Begin to walk, in a thread of its own."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, if it has begun."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _walk(self) -> None:
        try:
            while not self._stopping.is_set() and not self.over.is_set():
                self._leap()
        except BaseException as fault:  # noqa: BLE001  # kept, logged, and the end of the world
            self.fault = fault
            try:
                log.exception("the walk through the world broke off")
            finally:
                self.over.set()  # whoever waits for the end hears of it, logged or not

    def _leap(self) -> None:
        try:
            self._runner.turn()
            if self._stopping.is_set():
                return
            before = self._clock.now()
            due = self._next_due()
            leap = self._clock.leap(due)
        except (OutsideError, StoreFault) as fault:
            log.warning("the world cannot go on", reason=_reason(fault))
            self._stopping.wait(PATIENCE_S)
            return
        if leap.over:
            self.over.set()
        elif leap.now == before and due is not None and due <= before:
            self._stopping.wait(PATIENCE_S)  # due, but nobody could take it just now
