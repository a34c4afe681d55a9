"""A full disk, behind the log or the database, ends no job thread: work goes on when there is room again."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, event

from nta.cli.output import configure_logs
from nta.domain.errors import OutsideError
from nta.jobs.runner import Leaper, Metronome, Runner
from nta.jobs.schedule import JobStep
from nta.ports import Leap
from nta.store.db.database import Database
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.world.playing import ROOT, environment, pause, ports_of

BOUND_S = 120
"""A bound against hanging, not a figure."""


@pytest.fixture
def full() -> Iterator[None]:
    """A log on a device that is full."""
    handlers, level, raising = logging.root.handlers[:], logging.root.level, logging.raiseExceptions
    stream = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", buffering=1, encoding="utf-8")
    configure_logs(stream)
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.raiseExceptions = raising
    structlog.reset_defaults()
    with pytest.raises(OSError, match="No space left"):
        stream.close()


class Lab(SetClock):
    """Its clock stands; the world is over at the third leap."""

    leaps = 0

    def leap(self, next_due: datetime | None) -> Leap:
        self.leaps += 1
        if self.leaps == 1:
            raise OutsideError("no answer", temporary=True)
        return Leap(self.at, over=self.leaps == 3)


def everything(now: datetime) -> set[str]:
    return {"one"}


def walked(step: JobStep) -> Leaper:
    stopping, lab = threading.Event(), Lab(NINE)
    leaper = Leaper(Runner([step], lab, everything, stopping), lab, lambda: None, stopping)
    leaper.start()
    leaper.join(BOUND_S)
    return leaper


@pytest.mark.usefixtures("full")
def test_a_walk_whose_log_is_full_goes_on() -> None:
    def refuses(now: datetime) -> int:
        raise OutsideError("no relay", temporary=True)

    leaper = walked(JobStep("one", 1, refuses))

    assert (leaper.over.is_set(), leaper.fault) == (True, None)


@pytest.mark.usefixtures("full")
def test_a_walk_that_breaks_off_with_a_full_log_is_known_to_be_over() -> None:
    def fails(now: datetime) -> int:
        raise KeyError("x")

    leaper = walked(JobStep("one", 1, fails))

    assert leaper.over.is_set()
    assert isinstance(leaper.fault, KeyError)


@pytest.mark.usefixtures("full")
def test_a_beat_whose_log_is_full_beats_on() -> None:
    beats, again = [], threading.Event()

    def fails(now: datetime) -> int:
        beats.append(now)
        if len(beats) == 3:
            again.set()
        raise KeyError("x")

    step = JobStep("one", 0.01, fails)
    metronome = Metronome(Runner([step], SetClock(NINE), everything, threading.Event()), [step])
    metronome.start()
    beats_on = again.wait(BOUND_S)
    metronome.stop()

    assert beats_on


def test_a_walk_whose_clock_does_not_answer_within_a_turn_goes_on() -> None:
    class Away(Lab):
        asked = 0

        def now(self) -> datetime:
            self.asked += 1
            if self.asked == 1:
                raise OutsideError("the lab does not answer", temporary=True)
            return super().now()

    stopping, lab = threading.Event(), Away(NINE)
    leaper = Leaper(
        Runner([JobStep("one", 1, lambda now: 0)], lab, everything, stopping), lab, lambda: None, stopping
    )
    leaper.start()
    leaper.join(BOUND_S)

    assert (leaper.over.is_set(), leaper.fault) == (True, None)


class Room:
    """How many pages a database may have, for every connection that is used from then on."""

    def __init__(self, engine: Engine) -> None:
        self.pages = 1 << 30
        event.listen(engine, "checkout", self._limit)

    def _limit(self, raw: object, *_: object) -> None:
        raw.execute(f"PRAGMA max_page_count={self.pages}")  # type: ignore[attr-defined]


def test_a_full_database_is_tried_again_until_there_is_room(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'small.sqlite'}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (text)")
    room, said = Room(database.engine), []
    room.pages = 3
    written = 0

    def writes(now: datetime) -> int:
        nonlocal written
        if written == 3:
            return 0
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO kept VALUES (?)", ("x" * 20_000,))
        written += 1
        return 1

    with structlog.testing.capture_logs() as logged:
        stopping, lab = threading.Event(), SetClock(NINE)
        runner = Runner([JobStep("one", 1, writes)], lab, everything, stopping)
        first = runner.turn()
        said = [(entry["event"], entry["step"], entry["reason"]) for entry in logged]
        room.pages = 1 << 30
        then = runner.turn()
    database.dispose()

    assert said == [("step failed", "one", "the database: database or disk is full")]
    assert (first, then, runner.failures) == (0, 3, 1)


def test_a_walk_goes_on_when_what_waits_cannot_be_read(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.sqlite'}")
    asked = 0

    def pending(now: datetime) -> set[str]:
        nonlocal asked
        asked += 1
        if asked == 1:
            with database.read() as connection:
                connection.exec_driver_sql("SELECT * FROM due")  # a table that is not there yet
        return set()

    stopping, lab = threading.Event(), Lab(NINE)
    leaper = Leaper(
        Runner([JobStep("one", 1, lambda now: 0)], lab, pending, stopping), lab, lambda: None, stopping
    )
    leaper.start()
    leaper.join(BOUND_S)
    database.dispose()

    assert (leaper.over.is_set(), leaper.fault) == (True, None)


def test_a_service_whose_log_is_full_serves_and_ends_well(tmp_path: Path) -> None:
    ports = ports_of(tmp_path)
    with Path("/dev/full").open("w") as device:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nta", "serve"),
                *("--desk-port", str(ports["desk"]), "--portal-port", str(ports["portal"])),
            ],
            cwd=ROOT,
            env={
                **environment(None),
                "NTA_INSTANCE": str(tmp_path / "instance"),
                "NTA_HOTLINE": "example",
                "NTA_INBOX_URL": f"maildir:{tmp_path / 'nowhere'}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=device,
        )
    try:
        status = answered(process, ports["desk"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(BOUND_S)

    assert (status, process.returncode) == (200, 0)


def answered(process: "subprocess.Popen[bytes]", port: int) -> int | None:
    """Ask until the door is open or the process has ended."""
    while process.poll() is None:
        with closing(HTTPConnection("127.0.0.1", port, timeout=BOUND_S)) as door:
            try:
                door.request("GET", "/login")
            except ConnectionRefusedError:
                pause(process)
                continue
            return door.getresponse().status
    return None


DYING = """
import sys, threading, types
from nta.cli.processes import run_doors
from nta.cli.output import configure_logs
from nta.web.serving import Servers

def dies():
    raise KeyError("http://gallery.example/a")

configure_logs(sys.stderr)
stopping = threading.Event()
metronome = types.SimpleNamespace(start=threading.Thread(target=dies, name="beat").start, stop=lambda: None)
kit = types.SimpleNamespace(
    stopping=stopping, runner=lambda: None, metronome=lambda runner: metronome,
    servers=lambda doors: Servers([], stopping), close=lambda: None,
)
run_doors(kit, [], jobs=True)
"""


def test_a_thread_that_dies_ends_the_process_with_its_reason() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DYING],
        cwd=ROOT,
        env=environment(None),
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )

    said, entry, last = ended.stderr.splitlines()
    assert (ended.returncode, said) == (70, "the jobs run")
    assert json.loads(entry)["event"] == "a thread died"
    assert json.loads(entry)["thread"] == "beat"
    assert json.loads(entry)["exception"].startswith("KeyError at threading.py:")
    assert last == "nta: the thread beat died: the service ends, see its log"
