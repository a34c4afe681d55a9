"""Desk and portal as a process of their own, as `nta serve` runs them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.world.playing import ROOT, environment

OURS = """\
id: ours
name: Example Hotline
country: NL
standing: the national hotline, by appointment of the ministry
languages: [en]
notices: {to: desk@hotline.test}
address: 1 Example Street, Example
source: https://hotline.test/
checked: 2026-01-05
"""
BOUND_S = 60
"""Against hanging, not a figure."""


@dataclass(frozen=True)
class Serving:
    """A process that serves both doors, each on a port of loopback."""

    process: "subprocess.Popen[str]"
    desk: int
    portal: int

    @property
    def peak_mib(self) -> float:
        """The most memory that the process ever had, in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmHWM")


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Serving]:
    """Serve an instance in `folder` until the block ends; settings by their names without NTA_."""
    own = folder / "own" / "hotlines" / "ours.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(OURS)
    given = {"instance": str(folder / "instance"), "hotline": "ours", "catalogue": str(folder / "own")}
    process = subprocess.Popen(
        [sys.executable, "-m", "nta", "serve", "--desk-port", "0", "--portal-port", "0"],
        cwd=ROOT,
        env={**environment(None), **{f"NTA_{k.upper()}": v for k, v in (given | settings).items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        ports = dict[str, int]()
        while len(ports) < 2 and (line := process.stderr.readline()):
            name, said, where = line.partition(" listens on ")
            if said:
                ports[name] = int(where.rpartition(":")[2])
        assert len(ports) == 2, line
        yield Serving(process, ports["desk"], ports["portal"])
    finally:
        process.kill()
        process.communicate(timeout=BOUND_S)
