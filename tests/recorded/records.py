"""Where the recorded data lies that these tests read and the repository does not carry."""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Case = Mapping[str, Any]

MISSING = "tests/recorded is left out: there is no recorded data (NTA_TEST_DATA would name its folder)"
"""What a run says that has none."""


def folder() -> Path | None:
    """Return the folder of NTA_TEST_DATA, else shared/data beside the checkout, else None."""
    named = os.environ.get("NTA_TEST_DATA")
    beside = Path(__file__).parents[3] / "shared" / "data"
    return next((one for one in (Path(named) if named else beside, beside) if one.is_dir()), None)


def place(*names: str) -> Path:
    """Return a file or folder of the data; nothing asks where there is none."""
    found = folder()
    assert found is not None
    return found.joinpath(*names)


def cases(*names: str) -> list[dict[str, Any]]:
    """Return the cases that a file lists."""
    listed: list[dict[str, Any]] = json.loads(place(*names).read_text(encoding="utf-8"))["cases"]
    return listed


def recorded(topic: str, kind: str) -> list[tuple[Case, bytes]]:
    """Return the cases of one kind with their records."""
    found = [
        (case, place(topic, case["file"]).read_bytes())
        for case in cases(topic, "cases.json")
        if case["kind"] == kind
    ]
    assert found, f"{topic} has no {kind}"
    return found


def rows(*names: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table."""
    with place(*names).open(encoding="utf-8-sig", newline="") as opened:
        yield from csv.DictReader(opened)
