"""A demo whose files cannot grow for a while goes on as if nothing had been, once they can."""

import json
import resource
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

from nta.cli.demo_lab import RunningLab
from tests.world.playing import MOST_S, ROOT, end_lab, environment, ports_of

ASKED = 20
BOUND_S = 60
"""Against hanging, not a figure."""


def test_a_world_ends_well_that_had_no_room_for_a_while(tmp_path: Path) -> None:
    """Each process has its own limit on the size of files: past it a write fails as on a full disk."""
    ports = ports_of(tmp_path)
    given = ["demo", "--until-done", "--world", "quick", "--instance", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "nta", *given],
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Ctrl-C ends everything" in line:
                break
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1024, hard))
        answers = [answer(ports["desk"], "/static/nta.css") for _ in range(ASKED)]
        stood = stands_still(tmp_path)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        out, err = process.communicate(timeout=MOST_S)
    finally:
        process.kill()
        end_lab(tmp_path)

    assert answers == [200] * ASKED, "pages stay up"
    assert stood
    assert process.returncode == 0, err
    assert sum(json.loads(out)["outcomes"].values()) == json.loads(out)["episodes"] > 0
    assert '"do":"fault"' not in (tmp_path / "lab" / "journal.jsonl").read_text(), "no act was given up"


def answer(port: int, path: str) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=BOUND_S)) as door:
        door.request("GET", path)
        return door.getresponse().status


def stands_still(folder: Path) -> bool:
    """Ask the lab until one of its people has tried something that the desk could not write down."""
    lab = RunningLab(json.loads((folder / "lab" / "lab.json").read_text(encoding="utf-8")), None)
    until = monotonic() + BOUND_S
    while monotonic() < until:
        if lab.state()["waiting_acts"]:
            return True
    return False
