"""`python -m tests.benchmarks [name...]`: prints a table and writes bench.json in the current folder."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nta.render.table_formats import text_table
from tests.benchmarks import catalogue_load, hand_in, notices_smtp, recheck, report, resolve
from tests.benchmarks.running import Result

BENCHES: dict[str, Callable[[Path], list[Result]]] = {
    "catalogue-load": catalogue_load.run,
    "hand-in": hand_in.run,
    "notices-smtp": notices_smtp.run,
    "recheck-new-sqlite": recheck.run_sqlite,
    "recheck-new-postgresql": recheck.run_postgresql,
    "resolve-cold": resolve.run_cold,
    "resolve-warm": resolve.run_warm,
    "report": report.run,
}
GOALS = {
    "catalogue-load": catalogue_load.GOAL,
    "hand-in": hand_in.GOAL,
    "notices-smtp": notices_smtp.GOAL,
    "recheck-new-sqlite": recheck.GOAL_SQLITE,
    "recheck-new-postgresql": recheck.GOAL_POSTGRESQL,
    "resolve-cold": resolve.GOAL_COLD,
    "resolve-warm": resolve.GOAL_WARM,
    "report": report.GOAL,
}
MOST_MIB = 250


def main() -> int:
    """Run the named benchmarks, or all; 1 when a goal is missed."""
    read = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    read.add_argument("names", nargs="*", choices=[*BENCHES, []], help="all when none is named")
    names = read.parse_args().names or list(BENCHES)
    results: list[Result] = []
    for name in names:
        print(name, end=" ", file=sys.stderr, flush=True)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nta-bench-") as folder:
            results += BENCHES[name](Path(folder))
        print(f"{name} took {time.monotonic() - begun:.0f} s", file=sys.stderr)
    heads = ("name", "ours", "raw", "unit", "ratio", "goal", "rss MiB")
    rows = [(r.name, r.ours, r.raw, r.unit, r.ratio, GOALS[r.name], r.rss_mib) for r in results]
    print(text_table(heads, rows), end="")
    Path("bench.json").write_text(json.dumps([r.plain() for r in results], indent=1) + "\n", encoding="utf-8")
    return int(any(r.ratio < GOALS[r.name] or r.rss_mib > MOST_MIB for r in results))


if __name__ == "__main__":
    raise SystemExit(main())
