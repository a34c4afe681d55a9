"""Runs a benchmark's two sides in turn, each in a process of its own, and takes the medians."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from statistics import median
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

    The process reports its own resident memory at its highest.
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
    """Run both sides in turn; return the result of the medians."""
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for _ in range(repeats):
        for measured, run in zip(sides, (ours, raw), strict=True):
            measured.append(run())
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    speed = [amount / median(m["seconds"] for m in measured) for measured in sides]
    resident = max(m["rss_mib"] for m in sides[0])
    return Result(
        name, round(speed[0], 1), round(speed[1], 1), unit, round(speed[0] / speed[1], 3), round(resident, 1)
    )


def _main() -> None:
    module, side, given = sys.argv[1:]
    measured = getattr(import_module(f"tests.benchmarks.{module}"), side)(**json.loads(given))
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rss_mib": resident} | measured))


if __name__ == "__main__":
    _main()
