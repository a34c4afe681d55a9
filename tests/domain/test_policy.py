"""Who may do what is one table, and use cases ask it."""

import pytest

from nta.domain.errors import RefusedError
from nta.domain.policy import POLICY, DeskAct, DeskRoleName, Person, permit


@pytest.mark.parametrize("act", DeskAct)
@pytest.mark.parametrize("role", [*DeskRoleName, "no such role"])
def test_an_act_is_noted_under_the_name_of_whoever_may_do_it_and_refused_to_others(
    role: str, act: DeskAct
) -> None:
    person = Person("someone@hotline.test", frozenset({role}))

    if role in POLICY[act]:
        assert permit(person, act) == "someone@hotline.test"
    else:
        with pytest.raises(RefusedError, match="not_permitted"):
            permit(person, act)
