"""What a provider may say, what has to be said with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.notices.answers import (
    FIELDS,
    AnswerSlip,
    ItemAnswer,
    Says,
    address_in,
    one_line,
    slips,
)
from tests.conftest import NINE, hours


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(ItemAnswer(1, "removed"), (), id="removed-needs-nothing"),
        pytest.param(ItemAnswer(1, "disabled"), (), id="disabled-needs-nothing"),
        pytest.param(ItemAnswer(1, "account_closed"), (), id="account-closed-needs-nothing"),
        pytest.param(ItemAnswer(1, "not_ours"), (), id="not-ours-without-knowing-whose"),
        pytest.param(
            ItemAnswer(1, "not_ours", whose="Example Hosting, AS64500"), (), id="not-ours-but-a-party's"
        ),
        pytest.param(ItemAnswer(1, "not_ours", whose="192.0.2.0/24"), (), id="not-ours-but-a-network's"),
        pytest.param(
            ItemAnswer(1, "not_ours", whose="http://x.example/a"),
            (AnswerSlip.WHOSE_LINK,),
            id="whose-is-a-page",
        ),
        pytest.param(
            ItemAnswer(1, "not_ours", whose="hxxp:x[.]example"),
            (AnswerSlip.WHOSE_LINK,),
            id="whose-is-defanged",
        ),
        pytest.param(
            ItemAnswer(1, "not_ours", whose="www.x.example"), (AnswerSlip.WHOSE_LINK,), id="whose-is-a-site"
        ),
        pytest.param(
            ItemAnswer(1, "not_ours", whose="x.example/a/b"), (AnswerSlip.WHOSE_LINK,), id="whose-has-a-path"
        ),
        pytest.param(
            ItemAnswer(1, "not_ours", whose="x" * 201), (AnswerSlip.WHOSE_LONG,), id="whose-is-long"
        ),
        pytest.param(ItemAnswer(1, "forwarded"), (AnswerSlip.UNTIL_MISSING,), id="forwarded-for-ever"),
        pytest.param(ItemAnswer(1, "forwarded", until=NINE + hours(9)), (), id="forwarded-until"),
        pytest.param(
            ItemAnswer(1, "forwarded", until=NINE), (AnswerSlip.UNTIL_PAST,), id="forwarded-until-now"
        ),
        pytest.param(
            ItemAnswer(1, "forwarded", until=NINE + hours(31 * 24)),
            (AnswerSlip.UNTIL_FAR,),
            id="forwarded-until-next-year",
        ),
        pytest.param(ItemAnswer(1, "removed", until=NINE - hours(9)), (), id="no-moment-where-none-is-asked"),
        pytest.param(ItemAnswer(1, "refused"), (AnswerSlip.WHY_MISSING,), id="refused-without-a-word"),
        pytest.param(ItemAnswer(1, "refused", why="a drawing"), (), id="refused-with-a-reason"),
        pytest.param(
            ItemAnswer(1, "need_information"), (AnswerSlip.WHY_MISSING,), id="a-question-without-a-question"
        ),
        pytest.param(
            ItemAnswer(1, "removed", why="x" * 2001), (AnswerSlip.WHY_LONG,), id="a-long-explanation"
        ),
        pytest.param(ItemAnswer(1, "eaten"), (AnswerSlip.NO_SUCH_ANSWER,), id="no-such-answer"),
    ],
)
def test_slips(said: ItemAnswer, expected: tuple[AnswerSlip, ...]) -> None:
    assert slips(said, NINE) == expected


def test_every_slip_has_its_field_and_every_fault_is_found_beside_the_others() -> None:
    both = ItemAnswer(1, "refused", whose="http://x.example/", why="x" * 3000)

    assert FIELDS.keys() == {*AnswerSlip}
    assert [FIELDS[slip] for slip in slips(both, NINE)] == ["whose", "why"]


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 2001:DB8::1 ", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("our customer at 192.0.2.7", None),
        ("192.0.2.0/24", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_alone_is_an_origin(whose: str | None, expected: str | None) -> None:
    assert address_in(whose) == expected


@given(st.text())
def test_one_line_holds_no_control_character(text: str) -> None:
    line = one_line(text)

    assert line is None or (line.strip() == line and not any(ord(c) < 32 or ord(c) == 127 for c in line))


def test_every_answer_can_be_taken_as_it_should_be_given() -> None:
    given_well = [ItemAnswer(1, says, "Example", NINE + hours(1), "why") for says in Says]

    assert not any(slips(said, NINE) for said in given_well)
