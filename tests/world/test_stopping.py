"""A demo that is stopped leaves nothing behind."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.world.playing import ROOT, end_lab, environment, give_ports, is_alive

BOUND_S = 60


def wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + BOUND_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the door did not open")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_ends_well_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    give_ports(tmp_path)
    port = json.loads((tmp_path / "demo.json").read_text())["desk"]
    call = [sys.executable, "-m", "nta", "demo", "--instance", str(tmp_path)]
    process = subprocess.Popen(
        call,
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(port, process)
        process.send_signal(number)
        _, said = process.communicate(timeout=BOUND_S)
        lab = json.loads((tmp_path / "lab" / "lab.json").read_text())
    finally:
        process.kill()
        end_lab(tmp_path)

    assert process.returncode == 0, said
    assert not is_alive(lab["pid"])
    assert "Desk:   http://localhost:" in said
    assert "lead@hotline.test" in said
