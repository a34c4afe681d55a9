import contextlib
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nta.domain.errors import RefusedError
from nta.domain.references import ALPHABET, check_sum, read, reference

KEY = b"k" * 32
IDS = st.integers(0, 2**63 - 1)
KINDS = st.sampled_from("CND")
YEARS = st.integers(2020, 2099)
SHAPE = re.compile(rf"[CND]-\d\d-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}")


@given(KINDS, IDS, YEARS, st.integers(0, 5))
def test_every_reference_has_the_shape_and_reads_as_itself(kind, number, year, attempt):
    made = reference(kind, number, year, KEY, attempt)

    assert SHAPE.fullmatch(made)
    assert made.startswith(f"{kind}-{year % 100:02d}-")
    assert read(made) == made


def test_a_reference_stays_what_it_was():
    assert reference("C", 1, 2026, KEY) == "C-26-Z41E-8WJT"


def test_kind_id_key_and_attempt_each_change_the_reference():
    made = {
        reference("C", 7, 2026, KEY)[5:],
        reference("N", 7, 2026, KEY)[5:],
        reference("C", 8, 2026, KEY)[5:],
        reference("C", 7, 2026, b"other" * 6)[5:],
        reference("C", 7, 2026, KEY, attempt=1)[5:],
    }

    assert len(made) == 5


def test_neighbouring_ids_rarely_share_a_reference():
    made = {reference("C", number, 2026, KEY) for number in range(20_000)}

    assert len(made) == 20_000


def test_no_two_weights_are_equal_and_none_is_zero():
    """The proof over the whole space: the sum is linear, so these two facts catch every slip."""
    weights = [check_sum([0] * place + [1] + [0] * (10 - place)) for place in range(11)]

    assert 0 not in weights
    assert len(set(weights)) == 11


def test_the_check_is_linear_in_every_character():
    for place in range(11):
        sums = [check_sum([0] * place + [value] + [0] * (10 - place)) for value in range(32)]

        assert sorted(sums) == list(range(32))
        assert all(sums[a] ^ sums[b] == sums[a ^ b] for a in range(32) for b in range(32))


@settings(deadline=None, max_examples=30)
@given(KINDS, IDS, YEARS)
def test_every_single_wrong_character_is_caught(kind, number, year):
    right = reference(kind, number, year, KEY).replace("-", "")

    for place, character in itertools.product(range(11), ALPHABET):
        if character != right[place]:
            with pytest.raises(RefusedError):
                read(right[:place] + character + right[place + 1 :])


@settings(deadline=None, max_examples=30)
@given(KINDS, IDS, YEARS)
def test_every_swap_of_neighbours_is_caught(kind, number, year):
    right = reference(kind, number, year, KEY).replace("-", "")

    for place in range(10):
        if right[place] != right[place + 1]:
            with pytest.raises(RefusedError):
                read(right[:place] + right[place + 1] + right[place] + right[place + 2 :])


@given(KINDS, IDS, YEARS, st.data())
def test_a_reference_is_read_however_it_was_typed(kind, number, year, data):
    right = reference(kind, number, year, KEY)
    typed = right.replace("-", data.draw(st.sampled_from(["", " ", "-", "\u2013", " - ", "--"])))
    typed = typed.replace("1", data.draw(st.sampled_from("1IiLl"))).replace(
        "0", data.draw(st.sampled_from("0Oo"))
    )
    typed = data.draw(st.sampled_from([str.lower, str.upper, str.swapcase]))(typed)

    assert read(f"  {typed}\n") == right


@pytest.mark.parametrize(
    "text",
    [
        "",
        "C-26",
        "C-26-7K3M-4QX",
        "C-26-7K3M-4QXTT",
        "X-26-7K3M-4QXT",
        "C-2A-7K3M-4QXT",
        "C-26-7K3U-4QXT",
        "C-26-7K3M-4Q\u00e9T",
    ],
)
def test_what_is_no_reference_is_refused_in_one_line(text):
    with pytest.raises(RefusedError) as refused:
        read(text)

    assert "\n" not in str(refused.value)


@given(st.text(max_size=40))
def test_reading_raises_nothing_but_refusals(text):
    with contextlib.suppress(RefusedError):
        assert SHAPE.fullmatch(read(text))
