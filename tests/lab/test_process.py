"""The lab as a process: how it starts, ends, and goes on after being killed."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from nta.lab.lab import UNSPOKEN_S, Lab, LabError
from nta.lab.leaping_clock import EPOCH, WorldClock
from nta.lab.world import World
from tests.conftest import NINE
from tests.lab.conftest import SMALL, Client, playing
from tests.lab.fake_service import FakeService

COMMAND = [sys.executable, "-m", "nta.lab", "--world", str(SMALL)]


@contextmanager
def started(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*COMMAND, "--dir", str(path)], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def card_of(process: subprocess.Popen[str]) -> Client:
    assert process.stdout is not None
    return Client(json.loads(process.stdout.readline()))


def test_a_killed_lab_goes_on_and_a_lab_told_to_end_ends(tmp_path: Path, service: FakeService) -> None:
    with started(tmp_path) as process:
        client = card_of(process)
        assert json.loads((tmp_path / "lab.json").read_text()) == client.card
        assert client.card["pid"] == process.pid
        client.ask("POST", "/service", service.card())
        client.leap("2026-03-02T09:00Z")
        client.leap("2026-03-02T10:00Z")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(5)

    with started(tmp_path) as process:
        again = card_of(process)
        now = again.ask("GET", "/now")["now"]
        process.terminate()
        code = process.wait(1)

    assert now == "2026-03-02T10:00:00+00:00"
    assert {**again.card, "pid": 0} == {**client.card, "pid": 0}
    assert code == 0
    assert len(service.hand_ins) == 1


def test_a_world_that_is_refused_is_one_line_and_exit_2(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(SMALL.read_text().replace("seed: 7", "seed: 7\ncolour: red"))

    command = [sys.executable, "-m", "nta.lab", "--world", str(path), "--dir", str(tmp_path / "lab")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("lab: odd.yaml: colour: is not a key here (there are seed, ")
    assert not (tmp_path / "lab").exists()


def test_a_requests_that_the_protocol_does_not_know_is_refused(lab: Client) -> None:
    answers = [
        lab.ask("POST", "/leap", {}),
        lab.ask("POST", "/leap", {"next_due": "2026-03-02T09:00"}),
        lab.ask("POST", "/service", {"users": [1]}),
        lab.ask("GET", "/nothing"),
    ]

    assert [list(answer) for answer in answers] == [["error"]] * 4


def test_a_lab_that_nobody_speaks_to_ends_by_itself(small: World, tmp_path: Path) -> None:
    async def play() -> Client:
        lab = Lab(small, tmp_path)
        client = Client(await lab.start())
        lab.control.spoken_at -= UNSPOKEN_S
        await lab.run()
        lab.stop()
        return client

    client = asyncio.run(play())

    with pytest.raises(ConnectionRefusedError):
        client.ask("GET", "/now")


def test_a_kept_port_that_is_taken_is_told(small: World, tmp_path: Path) -> None:
    with playing(small, tmp_path) as client:
        port = client.card["ports"]["rdap"]

    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(LabError, match=r"a port of the lab's first start cannot be had"),
        playing(small, tmp_path),
    ):
        pass


def test_time_never_goes_back() -> None:
    clock = WorldClock(NINE, None)

    clock.move(NINE.replace(hour=8))

    assert clock.now == clock.walked() == NINE


def shown(client: Client) -> datetime:
    microseconds = int.from_bytes(Path(client.card["clock_file"]).read_bytes(), "little")
    return EPOCH + timedelta(microseconds=microseconds)


def test_the_clock_file_shows_the_time(small: World, tmp_path: Path, service: FakeService) -> None:
    with playing(small, tmp_path) as client:
        began_at = shown(client)
        client.ask("POST", "/service", service.card())
        client.leap("2026-03-02T09:00Z")
        client.leap("2026-03-02T10:30Z")
        moved_to = shown(client)
    with playing(small, tmp_path) as client:
        went_on_at = shown(client)

    assert (began_at, moved_to) == (NINE, NINE + timedelta(hours=1, minutes=30))
    assert went_on_at == moved_to


def test_time_that_walks_never_passes_an_act_left_undone(small: World, tmp_path: Path) -> None:
    machine = [0.0]
    clock = WorldClock(NINE, 3_600, machine=lambda: machine[0])

    machine[0] = 0.5
    walked = clock.walked()
    clock.restart()

    assert (walked - NINE).total_seconds() == 1_800
    assert clock.walked() == NINE
    assert clock.seconds_until(walked) == 0.5


def test_a_walking_lab_answers_with_the_time_it_has_come_to(
    small: World, tmp_path: Path, service: FakeService
) -> None:
    with playing(small, tmp_path, rate=3_600) as client:
        client.ask("POST", "/service", service.card())
        client.leap("2026-03-02T09:00Z")

        told = [client.leap("2026-03-02T09:15Z")]
        while told[-1] < "03-02T09:15":
            told.append(client.leap("2026-03-02T09:15Z"))

    assert told[-1] == "03-02T09:15"
    assert len(service.hand_ins) == 1
