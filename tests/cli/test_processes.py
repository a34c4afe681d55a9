"""`nta serve` and its parts as processes: doors that answer, who may run beside whom, and their end."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from nta.cli.processes import wait_for
from tests.cli.conftest import Nta
from tests.world.playing import ROOT, environment

BOUND_S = 30
"""A bound against hanging, not a figure."""


class Serving:
    """A service that runs: its process and the ports of its doors."""

    def __init__(self, folder: Path) -> None:
        self.instance = folder / "instance"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nta", "serve", "--desk-port", "0", "--portal-port", "0"],
            cwd=ROOT,
            env={**environment(None), "NTA_INSTANCE": str(self.instance), "NTA_HOTLINE": "example"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        said = [self.process.stderr.readline() for _ in range(2)]
        self.doors = dict(re.findall(r"(desk|portal) listens on http://127\.0\.0\.1:(\d+)", "".join(said)))
        assert list(self.doors) == ["desk", "portal"], said

    def get(self, door: str, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", int(self.doors[door]), timeout=BOUND_S)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=BOUND_S)
        return self.process.returncode, out, err


@contextmanager
def serving(folder: Path) -> Iterator[Serving]:
    made = Serving(folder)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
            made.process.communicate()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("serving")) as made:
        yield made


def test_both_doors_answer(service: Serving) -> None:
    assert service.get("desk", "/login") == 200
    assert service.get("portal", "/") in (200, 404)
    assert service.instance.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", [("serve",), ("jobs", "--once")], ids=" ".join)
def test_a_second_runner_on_an_instance_is_refused(
    service: Serving, nta: Nta, command: tuple[str, ...]
) -> None:
    nta.settings |= {"NTA_INSTANCE": str(service.instance), "NTA_HOTLINE": "example"}

    ended = nta(*command)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"nta: another process (pid {service.process.pid}) runs the jobs of ")
    assert ended.err.count("\n") == 1


def test_a_port_in_use_is_refused_in_one_line(service: Serving, ready: Nta) -> None:
    ready.settings["NTA_HOTLINE"] = "example"
    port = service.doors["desk"]

    ended = ready("serve", "--desk-port", port, "--portal-port", "0")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"nta: desk: port {port} on 127.0.0.1: Address already in use\n"


def test_what_is_no_address_to_listen_on_is_refused(ready: Nta) -> None:
    ready.settings["NTA_HOTLINE"] = "example"

    ended = ready("serve", "--host", "desk.hotline.test")

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("name", ["", "nobody"])
@pytest.mark.parametrize("command", [("serve",), ("jobs", "--once")], ids=" ".join)
def test_a_service_without_its_hotline_is_refused(ready: Nta, command: tuple[str, ...], name: str) -> None:
    ready.settings["NTA_HOTLINE"] = name

    ended = ready(*command)

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(
        f"nta: NTA_HOTLINE is {name or 'not set'}: name the entry of hotlines/ that is"
    )
    assert not (ready.instance / "nta.sqlite.jobs").exists(), "nothing was taken"


@pytest.mark.parametrize("command", ["desk", "portal", "jobs"])
def test_a_part_without_its_hotline_is_refused(nta: Nta, closed_port: int, command: str) -> None:
    nta.settings["NTA_DATABASE_URL"] = f"postgresql+psycopg://nta@127.0.0.1:{closed_port}/nta"

    ended = nta(command)

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("nta: NTA_HOTLINE is not set: name the entry of hotlines/ that is yours")


@pytest.mark.parametrize("sending", ["on", "redirect:us@hotline.test"])
@pytest.mark.parametrize("command", [("serve",), ("jobs", "--once"), ("desk",), ("portal",)], ids=" ".join)
def test_sending_without_a_way_out_is_refused_before_anything_begins(
    nta: Nta, command: tuple[str, ...], sending: str
) -> None:
    nta.settings |= {"NTA_HOTLINE": "example", "NTA_SENDING": sending}

    ended = nta(*command)

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("nta: NTA_SENDING (environment) is ")
    assert not nta.instance.exists()


def test_a_signal_ends_the_service_and_leaves_no_process(tmp_path: Path) -> None:
    with serving(tmp_path) as made:
        answered = made.get("desk", "/login")  # the doors are open and signals are heard
        code, out, err = made.end(signal.SIGTERM)

    assert (answered, code, out, err) == (200, 0, "", "")
    with pytest.raises(ProcessLookupError):
        os.killpg(made.process.pid, 0)
    for port in made.doors.values():
        with socket.socket() as door:
            assert door.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.mark.parametrize("command", ["desk", "portal", "jobs"])
def test_a_part_alone_wants_postgresql(nta: Nta, command: str) -> None:
    ended = nta(command)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nta: desk, portal and jobs alone want PostgreSQL (NTA_DATABASE_URL)")
    assert not nta.instance.exists()


def test_jobs_once_do_what_is_due_and_end(nta: Nta) -> None:
    nta.settings["NTA_HOTLINE"] = "example"

    ended = nta("jobs", "--once")

    assert (ended.code, ended.out, ended.err) == (0, "", "0 done, 0 failures\n")
    assert nta("jobs", "--once").code == 0


def test_jobs_once_tell_of_failures(nta: Nta, tmp_path: Path) -> None:
    nta.settings |= {"NTA_HOTLINE": "example", "NTA_INBOX_URL": f"maildir:{tmp_path / 'nowhere'}"}

    ended = nta("jobs", "--once")

    assert (ended.code, ended.out) == (1, "")
    assert "the inbox cannot be read: No such file or directory" in ended.err
    assert ended.err.endswith("0 done, 1 failures\n")


def test_a_thread_that_is_only_just_being_started_holds_no_end_up() -> None:
    ended = threading.Thread(target=lambda: None)
    ended.start()

    wait_for([threading.Thread(), ended, threading.current_thread()], 1.0)

    assert not ended.is_alive()
