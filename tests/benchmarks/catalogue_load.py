"""The shipped catalogue read, with all its tables in use, beside bare parsing of the same files."""

import csv
import time
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from nta.catalogue import read
from nta.domain.parties.organisations import Catalogue
from tests.benchmarks.running import Result, beside, child

GOAL = 0.3
LOADS = 5
SHIPPED = Path(__file__).parents[2] / "providers"


def ours() -> dict[str, Any]:
    """Load the catalogue so often, and ask each table for something: it is read when first asked."""
    begun = time.process_time()
    for _ in range(LOADS):
        _use(read([SHIPPED]))
    return {"seconds": time.process_time() - begun}


def _use(found: Catalogue) -> None:
    found.host_of("198.51.100.1", 64500)
    found.proxy_of("198.51.100.1", 64500)
    found.proxy_of_name(["www.gallery.example"])
    found.registrar_of("146")
    found.registry_of("example")
    found.country("AT")


def raw() -> dict[str, Any]:
    """Parse the same files so often with the libraries alone."""
    begun = time.process_time()
    for _ in range(LOADS):
        files = sorted(SHIPPED.glob("*/*.yaml"))
        held: list[Any] = [yaml.load(file.read_text("utf-8"), yaml.CSafeLoader) for file in files]
        for file in sorted(SHIPPED.glob("*/*.csv")):
            with file.open(encoding="utf-8", newline="") as opened:
                held.append(list(csv.reader(opened)))
    return {"seconds": time.process_time() - begun}


def run(_: Path) -> list[Result]:
    """Return how many catalogues a second are ready to be asked."""
    sides = [partial(child, "catalogue_load", side, {}) for side in ("ours", "raw")]
    return [beside("catalogue-load", "loads/s", LOADS, *sides)]
