"""Text of others: shown, and never obeyed."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from nta.render import plain


@given(st.dictionaries(st.text(), st.text()))
@example({"name": "a\x9b31mb\u202ec\x7f\ud800\U000e0041é東"})
def test_a_json_line_holds_all_and_steers_nothing(value: dict[str, str]) -> None:
    line = plain.json_line(value)

    assert json.loads(line) == value
    assert not [c for c in line if c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029\u202e\u2066\ufeff"]
    line.encode()


def test_readable_letters_stay_as_they_are() -> None:
    assert plain.json_line({"name": "é東"}) == '{"name": "é東"}'


@given(st.text())
def test_a_line_shown_is_one_line_that_can_be_printed(text: str) -> None:
    assert plain.shown(text).isprintable()
    assert len(plain.shown(text)) == len(text)


def test_lines_of_ours_stay_lines() -> None:
    assert plain.lines_shown("one\x1b[2J\ntwo\u202e") == "one\ufffd[2J\ntwo\ufffd"


def test_nothing_in_a_letter_is_there_and_not_seen() -> None:
    assert plain.visible("a\x9bb\u202ec\u200bd\n") == "abcd"
