"""State of a notice: what follows what, and that nothing leads on from an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.notices.notice_state import (
    BEGINNINGS,
    ENDINGS,
    NEVER_LEFT,
    NOTICE_STATES,
    UNDER_WAY,
    NoticeState,
    NoticeStep,
    led_to,
    states_before,
)


@pytest.mark.parametrize(
    ("state", "step", "after"),
    [
        (NoticeState.WAITING_LEAD, NoticeStep.APPROVE, NoticeState.QUEUED),
        (NoticeState.QUEUED, NoticeStep.COMPOSE, NoticeState.COMPOSED),
        (NoticeState.COMPOSED, NoticeStep.HAND_OVER, NoticeState.HANDED_OVER),
    ],
)
def test_a_notice_goes_its_way(state: NoticeState, step: NoticeStep, after: NoticeState) -> None:
    assert NOTICE_STATES[state, step] is after


@pytest.mark.parametrize("step", list(NoticeStep))
@pytest.mark.parametrize("state", ENDINGS)
def test_nothing_follows_an_end(state: NoticeState, step: NoticeStep) -> None:
    assert (state, step) not in NOTICE_STATES


@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(NoticeStep), max_size=8))
def test_whatever_is_tried_a_notice_is_composed_before_it_leaves_and_leaves_once(
    state: NoticeState, steps: list[NoticeStep]
) -> None:
    went = []
    for step in steps:
        if (state, step) in NOTICE_STATES:
            state = NOTICE_STATES[state, step]
            went.append(step)

    assert went.count(NoticeStep.HAND_OVER) <= 1
    if NoticeStep.HAND_OVER in went:
        assert went[went.index(NoticeStep.HAND_OVER) - 1] is NoticeStep.COMPOSE
    assert (state in UNDER_WAY) is (state not in ENDINGS)


@pytest.mark.parametrize("step", list(NoticeStep))
def test_a_step_leads_to_one_state_from_wherever_it_is_taken(step: NoticeStep) -> None:
    assert {NOTICE_STATES[before, step] for before in states_before(step)} == {led_to(step)}


def test_every_state_can_be_reached() -> None:
    assert {*BEGINNINGS, *NOTICE_STATES.values()} == set(NoticeState)


def test_what_never_left_is_an_end() -> None:
    assert set(NEVER_LEFT) < set(ENDINGS)
