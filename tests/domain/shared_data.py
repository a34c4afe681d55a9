"""Where the recorded data lies that the tests read but the repository does not carry."""

import json
import os
from pathlib import Path
from typing import Any

OWN = Path(__file__).parent.parent / "data"


def folder() -> Path | None:
    """Return the folder of NTA_TEST_DATA, else shared/data beside the checkout, else None."""
    named = os.environ.get("NTA_TEST_DATA")
    beside = Path(__file__).parents[3] / "shared" / "data"
    for place in (Path(named) if named else beside, beside):
        if place.is_dir():
            return place
    return None


def url_cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of one file of urls/, or our own small set of the same kind when there is no data."""
    place = folder()
    path = (place if place else OWN) / "urls" / f"{name}.json"
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return cases
