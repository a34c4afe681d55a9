"""The doors of a demo answer whatever its lab does: nothing waits for the lab in the thread that serves."""

import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.world.held import held_lab
from tests.world.playing import ROOT, environment, ports_of

BOUND_S = 60
"""Against hanging, not a figure."""
ANSWER_S = 5.0
"""A lab that is held back holds a door back for longer than any machine's load does: until it is let go."""


@pytest.mark.parametrize("held", ["/beliefs", "/now"])
def test_a_door_answers_while_the_lab_does_not(tmp_path: Path, held: str) -> None:
    with held_lab(tmp_path, "quick") as lab:
        ports = ports_of(tmp_path)
        process = subprocess.Popen(
            [sys.executable, "-m", "nta", "demo", "--world", "quick", "--instance", str(tmp_path)],
            cwd=ROOT,
            env=environment(None),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            is_open = any("Ctrl-C ends everything" in line for line in process.stderr)
            lab.held = held
            was_asked = lab.is_asked.wait(BOUND_S)
            with closing(HTTPConnection("127.0.0.1", ports["desk"], timeout=ANSWER_S)) as door:
                door.request("GET", "/static/nta.css")
                status = door.getresponse().status
        finally:
            lab.let_go.set()
            process.terminate()
            process.communicate(timeout=BOUND_S)

    assert is_open
    assert was_asked
    assert status == 200
    assert process.returncode == 0
