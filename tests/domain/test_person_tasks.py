"""Which tasks a person may simply say are done."""

import pytest

from nta.domain.person_tasks import decided_where
from nta.domain.reasons import Code


@pytest.mark.parametrize(
    ("code", "stage", "where"),
    [
        (Code.READ_REPLY, None, None),
        (Code.READ_REPLY, "exhausted", None),
        (Code.WILL_NOT_REMOVE, "held", None),
        (Code.NOBODY_LEFT, "exhausted", Code.CASE_WANTS_DECISION),
        (Code.NOBODY_FOUND, "unresolved", Code.CASE_WANTS_DECISION),
        (Code.HELD, "held", Code.CASE_WANTS_DECISION),
        (Code.NOBODY_LEFT, "escalated", None),
        (Code.OTHER, "unresolved", Code.CASE_WANTS_DECISION),
        (Code.OTHER, "notified", None),
        (Code.NOBODY_LEFT, None, None),
        (Code.TWO_LEADS, None, Code.NOTICE_WANTS_DECISION),
        (Code.BURST, None, Code.NOTICE_WANTS_DECISION),
        (Code.NEW_CONTACT, None, Code.CONTACT_WANTS_DECISION),
    ],
)
def test_some_tasks_are_ended_by_a_decision_alone(code: Code, stage: str | None, where: Code | None) -> None:
    assert decided_where(code, stage) is where
