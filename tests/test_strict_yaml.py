"""YAML read strictly: what it becomes, with lines, and what is refused where."""

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.strict_yaml import Lined, NotStrictError, read

SHIPPED = sorted((Path(__file__).parents[1] / "providers").glob("*/*.yaml"))
BITS = ["a", "NO", "true", "~", "7", "2026-03-01", "2026-13-45", "<<", "=", ": ", "- ", "[", "]", ", "]
MARKS = ["{", "}", "\n", "\n  ", "'", '"', "#", "&x ", "*x", "!!str ", "!!python/name:os.system ", "---\n"]


def test_mappings_know_on_which_line_their_keys_stand() -> None:
    whole = read("# head\none: 1\ntwo:\n  three: {four: 4}\n")

    assert whole == {"one": 1, "two": {"three": {"four": 4}}}
    assert (whole.line("one"), whole.line("two"), whole.line("none")) == (2, 3, 2)
    assert whole["two"].line("three") == whole["two"]["three"].line("four") == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("007", 7),
        ("'7'", "7"),
        ("2026-03-01", date(2026, 3, 1)),
        ("&x [a]", ["a"]),
    ],
)
def test_a_word_means_what_it_says(text: str, value: object) -> None:
    assert read(f"a: {text}") == {"a": value}


def test_times_may_stay_as_they_are_written() -> None:
    assert read("a: 2026-03-01T09:00Z\nb: 2026-13-45", times_as_text=True) == {
        "a": "2026-03-01T09:00Z",
        "b": "2026-13-45",
    }


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3", 3, "a: stands twice"),
        ("a:\n  b: 1\n  b: 2", 3, "b: stands twice"),
        ("? [a]\n: b", 1, "a key must be a word"),
        ("a: 1\n---\nb: 2", 2, "but found another document"),
        ("a: !!python/name:os.system x", 1, "could not determine a constructor"),
        ("a: [", 2, "did not find expected node content"),
        ("a: 2026-13-45", None, "cannot be read (ValueError)"),
        ("a: \x00", None, "cannot be read (ReaderError)"),
    ],
)
def test_what_is_not_strict_is_refused_with_its_line(text: str, line: int | None, what: str) -> None:
    with pytest.raises(NotStrictError) as refused:
        read(text)

    assert refused.value.line == line
    assert str(refused.value).startswith(what)


def test_every_shipped_entry_is_strict() -> None:
    assert SHIPPED
    assert all(isinstance(read(file.read_text("utf-8")), Lined) for file in SHIPPED)


@given(st.lists(st.sampled_from([*BITS, *MARKS]), max_size=14).map("".join), st.booleans())
def test_any_text_is_read_or_refused(text: str, times_as_text: bool) -> None:
    with suppress(NotStrictError):
        read(text, times_as_text=times_as_text)
