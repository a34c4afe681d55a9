"""Each reason has a sentence in each language, filled with the same parameters."""

from string import Formatter

import pytest

from nta.domain.languages import FALLBACK, PAGE_LANGUAGES
from nta.domain.reasons import Code, Reason, because, said, sentences
from nta.render import reason_sentences
from nta.render.reason_sentences import FOLDER, sentence

JOINTS = {"and", "or", "thousands"}


def test_the_desks_languages_have_sentences() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PAGE_LANGUAGES)


@pytest.mark.parametrize("language", sorted(PAGE_LANGUAGES))
def test_each_code_has_a_sentence_with_the_same_parameters(language: str) -> None:
    found = reason_sentences.sentences(language)

    assert set(found) == {*Code, *JOINTS}
    assert {code: _filled(text) for code, text in found.items()} == {
        code: _filled(text) for code, text in reason_sentences.sentences(FALLBACK).items()
    }


def test_what_stands_in_a_parameter_is_no_template() -> None:
    assert sentence(because(Code.OTHER, text="{text} {0} %s {all:| }")) == "{text} {0} %s {all:| }"


def test_a_template_reaches_into_nothing() -> None:
    assert sentence(because(Code.SAID, text="x")) == "x"
    with pytest.raises(KeyError):
        reason_sentences._Filling("en", reason_sentences.plain_word).vformat(
            "{text.__class__}", (), {"text": 1}
        )


def test_several_words_are_joined_and_called_as_the_door_calls_them() -> None:
    reason = because(Code.NOBODY_IN_ROLE, roles=("site_owner", "host"))

    assert sentence(reason) == "Nobody in the role of site owner or host can be reached."
    assert sentence(reason, "nl", lambda table, word: f"{table}/{word}") == (
        "Niemand in de rol van role/site_owner of role/host is bereikbaar."
    )


def test_a_reason_stands_in_a_reason_and_clauses_behind_it() -> None:
    chosen = because(
        Code.CHOSEN,
        why=Reason(Code.NAMED_BY_ONE, {"source": "upstream"}, (Reason(Code.MAIL_FAILED_LATELY),)),
    )

    assert sentence(sentences(chosen, None, Reason(Code.LADDER_CHANGED))) == (
        "RDAP of the network that announces the address names it as the abuse contact; "
        "mail to it has failed lately. The ladder has changed since the case began."
    )
    assert sentence(sentences(chosen, None), "nl") == (
        "RDAP van het netwerk dat het adres aankondigt noemt het als abusecontact; "
        "mail ernaartoe is kortgeleden mislukt."
    )


@pytest.mark.parametrize(("language", "number"), [("en", "8,192"), ("nl", "8.192")])
def test_thousands_are_parted_as_the_language_does(language: str, number: str) -> None:
    assert number in sentence(because(Code.URL_TOO_LONG, most=8_192), language)


def test_a_persons_words_are_a_reason_and_none_is_none() -> None:
    assert said(None) is None
    assert said("") is None
    assert sentence(Reason(Code.SAID, {"text": "the police said so; wait."})) == "the police said so; wait."


def test_an_unknown_language_reads_english() -> None:
    assert sentence(because(Code.OTHER, text="gone"), "xx") == "gone"


def _filled(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
