"""docs/always.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "always.md").read_text(encoding="utf-8")


def test_each_thing_that_always_holds_has_a_test_that_exists() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]
    named = {row: re.findall(r"`([\w/]+\.py)::(\w+)`", row) for row in rows}
    missing = [
        f"{file}::{name}"
        for pairs in named.values()
        for file, name in pairs
        if f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]

    assert [int(row.split("|")[1]) for row in rows] == list(range(1, 21))
    assert all(named.values())
    assert missing == []
