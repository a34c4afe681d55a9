"""`make test` passes in a clone with nothing beside it: who reads recorded data, and what goes on without."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.recorded.records import MISSING

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "tests" / "recorded"
MOST_S = 120
"""A bound against hanging, not a figure."""


def outside_recorded() -> dict[str, str]:
    """Return the text of every module that is no recorded test, by its path."""
    modules = [path for top in ("nta", "tests", "migrations") for path in (ROOT / top).rglob("*.py")]
    return {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in modules
        if RECORDED not in path.parents
    }


def test_only_the_recorded_tests_read_what_lies_beside_the_checkout() -> None:
    texts = outside_recorded()
    importing = {name for name, text in texts.items() if re.search(r"\btests\.recorded\b", text)}
    leaving = {name for name, text in texts.items() if re.search(r"\.\./shared|[\"']shared[\"'/]", text)}

    assert importing == {"tests/conftest.py", "tests/test_fresh_clone.py"}
    assert leaving == set()


def test_without_the_data_the_recorded_tests_are_left_out_and_one_line_says_so(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "tests", clone / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", clone)
    elsewhere = {k: v for k, v in os.environ.items() if not k.startswith(("NTA_", "PYTEST"))}

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/recorded"],
        check=False,
        cwd=clone,
        env=elsewhere,
        capture_output=True,
        text=True,
        timeout=MOST_S,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    said = [line for line in ended.stdout.splitlines() if line]
    assert [MISSING, said[-1].split(" in ")[0]] == [*said[:-1], "no tests ran"]
