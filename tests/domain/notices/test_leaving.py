"""Whose ladder looks again after an item left its notice, and when."""

from datetime import timedelta
from typing import Any

import pytest

from nta.domain.notices.leaving import leaving
from tests.builders import episode_state
from tests.conftest import NINE


@pytest.mark.parametrize(
    ("changes", "noted", "looked_through"),
    [
        pytest.param({"stage": "ready", "presence": "up"}, True, True, id="there"),
        pytest.param({"stage": "ready", "presence": "unseen"}, True, True, id="never-seen"),
        pytest.param({"stage": "ready", "presence": "absent"}, True, False, id="not-there"),
        pytest.param({"stage": "notified", "presence": "removed"}, True, False, id="removed"),
        pytest.param({"stage": "held", "presence": "up"}, True, False, id="held"),
        pytest.param(
            {"stage": "ended", "presence": "closed", "ended_at": NINE}, False, False, id="ended"
        ),
    ],
)  # fmt: skip
def test_who_can_still_be_told_is_looked_at_again(
    changes: dict[str, Any], noted: bool, looked_through: bool
) -> None:
    state = episode_state(NINE, **changes)

    after = leaving([state], "stale", NINE)

    assert after.noted == ((state,) if noted else ())
    assert after.looked_through == ({state.id} if looked_through else frozenset())


@pytest.mark.parametrize("why", ["ended", "held", "gone", "moved", "stale"])
def test_a_look_comes_before_the_ladder(why: str) -> None:
    assert leaving([], why, NINE).again_at == NINE + timedelta(minutes=15)


def test_a_dead_contact_is_replaced_at_once() -> None:
    assert leaving([], "contact", NINE).again_at == NINE
