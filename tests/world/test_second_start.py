"""A second start of a demo, and the ports that one is given."""

import json
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from nta.cli.demo_lab import free_port
from tests.world.playing import ROOT, environment, is_alive, ports_of

BOUND_S = 60


def begin(folder: Path, *more: str, **settings: str) -> "subprocess.Popen[str]":
    call = [sys.executable, "-m", "nta", "demo", "--world", "quick", "--instance", str(folder), *more]
    return subprocess.Popen(
        call,
        cwd=ROOT,
        env={**environment(None), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_start_is_refused_in_one_line_and_harms_nothing(tmp_path: Path) -> None:
    ports_of(tmp_path)
    first = begin(tmp_path)
    assert first.stderr is not None
    try:
        is_open = any("Ctrl-C ends everything" in line for line in first.stderr)
        second = begin(tmp_path)
        _, said = second.communicate(timeout=BOUND_S)
        lab = json.loads((tmp_path / "lab" / "lab.json").read_text())
        lives = first.poll() is None and is_alive(lab["pid"])
    finally:
        first.terminate()
        first.communicate(timeout=BOUND_S)

    assert is_open
    assert second.returncode == 2
    assert len(said.strip().splitlines()) == 1
    assert "runs there already" in said
    assert lives


def test_another_port_than_that_of_its_mails_is_refused(tmp_path: Path) -> None:
    ports_of(tmp_path)
    process = begin(tmp_path, "--port", "18999")

    _, said = process.communicate(timeout=BOUND_S)

    assert process.returncode == 2
    assert "as its mails say" in said


def test_the_urls_of_the_environment_are_the_doors(tmp_path: Path) -> None:
    (tmp_path / "drawn").mkdir()
    ports = ports_of(tmp_path / "drawn")
    urls = {f"NTA_{door.upper()}_URL": f"http://127.0.0.1:{port}" for door, port in ports.items()}

    process = begin(tmp_path / "demo", **urls)
    said, status = greeting_and_status(process, ports["desk"])

    assert f"Desk:   http://127.0.0.1:{ports['desk']}" in said
    assert f"Portal: http://127.0.0.1:{ports['portal']}" in said
    assert status == 200


def test_a_port_is_the_desks_and_the_next_two_are_the_others(tmp_path: Path) -> None:
    port = three_in_a_row()

    process = begin(tmp_path, "--port", str(port))
    said, status = greeting_and_status(process, port)

    assert f"Begin here: http://127.0.0.1:{port + 2}/world" in said
    assert f"Portal: http://localhost:{port + 1}" in said
    assert status == 200


def greeting_and_status(process: "subprocess.Popen[str]", port: int) -> tuple[str, int]:
    """Return what a demo says first and how its desk answers; then end it."""
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C ends everything" in line:
                break
        with closing(HTTPConnection("127.0.0.1", port, timeout=BOUND_S)) as door:
            door.request("GET", "/static/nta.css")
            status = door.getresponse().status
    finally:
        process.terminate()
        process.communicate(timeout=BOUND_S)
    return "".join(said), status


def three_in_a_row() -> int:
    """Return a port that is free, as the next two are; below those that the lab and the system draw."""
    return next(
        port
        for port in range(12_000, 20_000, 3)
        if all(free_port(port + more) == port + more for more in range(3))
    )
