"""Reasons come back as they were kept, whatever release kept them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.kept_reasons import as_text, dumped, loaded
from nta.domain.reasons import Code, Reason, because, other

NAMES = st.sampled_from(["text", "rung", "kind", "all", "given"])
WORDS = st.text(max_size=20)
CODES = st.sampled_from(Code)
PLAIN = st.builds(Reason, CODES, st.dictionaries(NAMES, WORDS | st.integers(), max_size=3))
REASONS = st.recursive(
    PLAIN,
    lambda inner: st.builds(
        Reason,
        CODES,
        st.dictionaries(
            NAMES, inner | st.lists(WORDS | inner, min_size=1, max_size=3).map(tuple), max_size=2
        ),
        st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=6,
)


@given(REASONS)
def test_a_reason_comes_back_as_it_was_kept(reason: Reason) -> None:
    assert loaded(dumped(reason)) == reason


@pytest.mark.parametrize(
    "kept",
    ["the hold is over", "", "7", "null", "[]", '{"text": "no code"}', '{"code": ["x"]}', "\x00 {"],
)
def test_what_is_no_reason_comes_back_as_it_stands(kept: str) -> None:
    assert loaded(kept) == Reason(Code.OTHER, {"text": kept})


def test_a_code_of_a_newer_release_is_shown_as_it_is_called() -> None:
    kept = json.dumps({"code": "from_tomorrow", "day": "2027-01-01"})

    assert loaded(kept) == Reason(Code.OTHER, {"text": "from_tomorrow"})


def test_what_has_no_code_stays_the_sentence_that_an_earlier_release_reads() -> None:
    assert as_text(other("the server is asleep")) == "the server is asleep"
    assert as_text(other("the server is asleep"), 10) == "the server"


def test_a_reason_that_is_too_long_for_its_place_leaves_its_code() -> None:
    reason = because(Code.DNS_ANSWERED, rcode="SERVFAIL")

    assert loaded(as_text(reason, 200)) == reason
    assert as_text(reason, 20) == "dns_answered"
    assert loaded(as_text(reason, 20)) == other("dns_answered")
