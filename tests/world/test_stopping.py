"""A demo that is stopped leaves nothing behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.playing import ROOT, end_lab, environment, give_ports, is_alive, pause

BOUND_S = 60
"""Against hanging; a demo comes down within a breath."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_ends_well_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    give_ports(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "nta", "demo", "--instance", str(tmp_path)],
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C ends everything" in line:
                break
        process.send_signal(number)
        process.communicate(timeout=BOUND_S)
        lab = json.loads((tmp_path / "lab" / "lab.json").read_text())
    finally:
        process.kill()
        end_lab(tmp_path)

    assert process.returncode == 0
    assert not is_alive(lab["pid"])
    assert any(line.startswith("Desk:   http://localhost:") for line in said)
    assert any("lead@hotline.test" in line for line in said)


def test_a_demo_stopped_while_it_starts_leaves_no_lab(tmp_path: Path) -> None:
    give_ports(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "nta", "demo", "--instance", str(tmp_path)],
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    card = tmp_path / "lab" / "lab.json"
    try:
        while not card.exists() and process.poll() is None:
            pause(process)
        process.terminate()
        process.wait(BOUND_S)
        lab = json.loads(card.read_text())
    finally:
        process.kill()
        end_lab(tmp_path)

    assert process.returncode == 0
    assert not is_alive(lab["pid"])
