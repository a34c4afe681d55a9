"""Recorded tables of URLs, as browsers and other readers take them."""

import pytest

from tests.domain.url_tables import TABLES, Case
from tests.recorded.records import cases

OTHERWISE = {
    "iocfinder-urls-7": "the source cuts the URL at its user name",
}
"""Recorded cases that come out otherwise, each with why."""


def url_cases(table: str) -> list[Case]:
    """Return the recorded cases of a table that say what they must come to."""
    listed = cases("urls", f"{table}.json")
    return [case for case in listed if case["input"] is not None]


@pytest.mark.parametrize("table", TABLES)
def test_urls_are_read_as_recorded(table: str) -> None:
    listed = [c for c in url_cases(table) if table != "extract-from-text" or "urls" in c["expected"]]
    read = {case["id"]: TABLES[table](case) for case in listed}

    assert read
    assert {i: pair for i, pair in read.items() if pair[0] != pair[1] and i not in OTHERWISE} == {}
