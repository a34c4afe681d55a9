"""Each reason has a sentence in each language, filled with the same parameters."""

from string import Formatter

import pytest

from nta.domain.reasons import Code, because
from nta.render.reason_sentences import FALLBACK, languages, sentence, texts


def test_the_desks_languages_have_sentences() -> None:
    assert languages() >= {"en", "nl"}


@pytest.mark.parametrize("language", sorted(languages()))
def test_each_code_has_a_sentence_with_the_same_parameters(language: str) -> None:
    found = texts(language)

    assert set(found) == set(Code)
    assert {code: _filled(text) for code, text in found.items()} == {
        code: _filled(text) for code, text in texts(FALLBACK).items()
    }


def test_what_stands_in_a_parameter_is_no_template() -> None:
    said = sentence(because(Code.OTHER, text="{text} {0} %s"))

    assert said == "{text} {0} %s"


def test_a_reason_may_stand_in_a_reason() -> None:
    inner = because(Code.OTHER, text="asked before")

    assert sentence(because(Code.OTHER, text=inner)) == "asked before"


def test_an_unknown_language_reads_english() -> None:
    assert sentence(because(Code.OTHER, text="gone"), "xx") == "gone"


def _filled(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
