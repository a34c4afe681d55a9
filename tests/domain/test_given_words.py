"""What a person says for a decision is kept whole, or refused."""

import pytest

from nta.domain.errors import RefusedError
from nta.domain.given_words import LONGEST, given, needed


@pytest.mark.parametrize(
    ("words", "kept"),
    [(None, None), ("", None), (" \n", None), (" as told ", "as told"), ("x" * 200, "x" * 200)],
)
def test_words_are_kept_as_written(words: str | None, kept: str | None) -> None:
    assert given(words) == kept


@pytest.mark.parametrize("words", [None, "  "])
def test_a_decision_that_needs_words_is_refused_without(words: str | None) -> None:
    with pytest.raises(RefusedError, match="say_why"):
        needed(words)


def test_too_many_words_are_refused_and_never_cut() -> None:
    with pytest.raises(RefusedError, match=f"words_too_long {LONGEST}"):
        needed("x" * (LONGEST + 1))
