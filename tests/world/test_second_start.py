"""A second start of a demo, and the ports that one is given."""

import json
import subprocess
import sys
from pathlib import Path

from tests.world.playing import ROOT, environment, is_alive, ports_of

BOUND_S = 60


def begin(folder: Path, *more: str) -> "subprocess.Popen[str]":
    ports_of(folder)
    call = [sys.executable, "-m", "nta", "demo", "--world", "quick", "--instance", str(folder), *more]
    return subprocess.Popen(
        call,
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_start_is_refused_in_one_line_and_harms_nothing(tmp_path: Path) -> None:
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
    process = begin(tmp_path, "--port", "18999")

    _, said = process.communicate(timeout=BOUND_S)

    assert process.returncode == 2
    assert "as its mails say" in said
