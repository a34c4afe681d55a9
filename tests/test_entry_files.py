"""Reading an entry's YAML by hand gives what the library gives, or leaves the reading to it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nta.catalogue.catalogue_errors import Lined
from nta.catalogue.files import Loader, _plain, _UnusualError, _whole

SHIPPED = sorted((Path(__file__).parents[1] / "providers").glob("*/*.yaml"))
WORDS = [
    "a",
    "NO",
    "yes",
    "true",
    "~",
    "null",
    "7",
    "007",
    "1:30",
    "0x7f",
    "1e3",
    ".inf",
    "2026-03-01",
    "<<",
    "=",
]
BITS = [
    *WORDS,
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\n",
    "\n  ",
    "'",
    '"',
    "#",
    "&x ",
    "*x",
    "!!str ",
    "|\n",
    "---\n",
]


def by_library(text: str) -> Any:
    loader = Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def outcome(read: Any, text: str) -> tuple[str, Any]:
    try:
        value = read(text)
    except (yaml.YAMLError, ValueError) as error:
        return type(error).__name__, str(error)
    return repr(value), lines(value)  # nan is not itself; 1 and True are not alike


def lines(value: Any) -> Any:
    """Return where each mapping and its keys stand."""
    if isinstance(value, Lined):
        return value.begins, value.lines, [lines(inner) for inner in value.values()]
    return [lines(inner) for inner in value] if isinstance(value, list) else None


def test_every_shipped_entry_is_read_by_hand() -> None:
    for file in SHIPPED:
        text = file.read_text("utf-8")

        assert lines(_plain(Loader(text))) == lines(by_library(text)), file.name
        assert _plain(Loader(text)) == by_library(text), file.name


@given(st.lists(st.sampled_from(BITS), max_size=14).map("".join))
@example("a: 1\na: 2")
@example("a: &x [1]\nb: *x")
@example("a: !!python/name:os.system")
@example("<<: {a: 1}\nb: 2")
@example("? [a]\n: b")
@example("a: 2026-13-45")
@example("a: =")
@example("a: 1\n---\nb: 2")
@example("")
@example("[" * 3000)
@settings(max_examples=400, deadline=None)
def test_any_text_gives_what_the_library_gives(text: str) -> None:
    assert outcome(_whole, text) == outcome(by_library, text)


@pytest.mark.parametrize(
    "text", ["a: &x 1", "a: !!str 1", "a: 1\na: 2", "? [a]\n: b", "<<: {}", "a: =", "a: b: c"]
)
def test_what_is_unusual_is_left_to_the_library(text: str) -> None:
    with pytest.raises(_UnusualError):
        _plain(Loader(text))
