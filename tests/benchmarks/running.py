"""Runs a benchmark's two sides in turn, each in a process of its own, and takes the pair in the middle."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any

LONGEST_S = 180
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Result:
    """One line of bench.json: units of work a second on both sides, and their ratio; more is better."""

    name: str
    ours: float
    raw: float
    unit: str
    ratio: float
    rss_mib: float

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def child(module: str, side: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Call `side(**given)` of a benchmark module in a new process; return what it measured.

    The process reports resident memory at its highest: its own and, where it says so, that of one beside it.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.running", module, side, json.dumps(given)],
        stdout=subprocess.PIPE,
        timeout=LONGEST_S,
        check=True,
    )
    measured: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return measured


def beside(
    name: str,
    unit: str,
    amount: int,
    ours: Callable[[], dict[str, Any]],
    raw: Callable[[], dict[str, Any]],
    repeats: int = REPEATS,
) -> Result:
    """Run both sides in turn; return the pair whose ratio is the median.

    What else a machine does slows both sides of a pair, so that ratios
    differ less than speeds.
    """
    pairs: list[tuple[float, dict[str, Any], dict[str, Any]]] = []
    for _ in range(repeats):
        measured = [run() for run in (ours, raw)]
        pairs.append((measured[1]["seconds"] / measured[0]["seconds"], *measured))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    ratio, *middle = sorted(pairs, key=itemgetter(0))[len(pairs) // 2]
    speed = [amount / side["seconds"] for side in middle]
    resident = max(side["rss_mib"] for _, side, _ in pairs)
    return Result(name, round(speed[0], 1), round(speed[1], 1), unit, round(ratio, 3), round(resident, 1))


def most_resident_mib(pid: int | str) -> float:
    """Return how much of a living process was resident at most, without what its parent held before."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _main() -> None:
    module, side, given = sys.argv[1:]
    measured = getattr(import_module(f"tests.benchmarks.{module}"), side)(**json.loads(given))
    # The most of `getrusage` counts what the parent held when it forked.
    resident = most_resident_mib("self") + measured.pop("beside_mib", 0.0)
    print(json.dumps({"rss_mib": resident} | measured))


if __name__ == "__main__":
    _main()
