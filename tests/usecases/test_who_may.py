"""What a person decides is asked of the policy by the use case itself, whatever door it came in by."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from nta.domain.checks.outcomes import Outcome
from nta.domain.errors import RefusedError
from nta.domain.policy import DeskRoleName, Person
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, HandIn
from nta.usecases import answer, approve, submit
from nta.usecases.decisions import (
    case_decisions,
    contact_approvals,
    hosting_overrides,
    resending,
    task_completion,
)
from tests.builders import make_case
from tests.conftest import NINE
from tests.people import by

AUDITOR = by("auditor@hotline.test", DeskRoleName.AUDITOR)
ANALYST = by("analyst@hotline.test", DeskRoleName.ANALYST)

Act = Callable[[Store, str, Person], object]

ANALYSTS: dict[str, Act] = {
    "hand in": lambda s, ref, who: hand_in(s, "http://slow.example/x", who),
    "reveal": lambda s, ref, who: case_decisions.reveal(s, ref, who, NINE),
    "withdraw": lambda s, ref, who: case_decisions.end_case(s, ref, Outcome.WITHDRAWN, "so", who, NINE),
    "release": lambda s, ref, who: case_decisions.release(s, ref, "so", who, NINE),
    "approve contact": lambda s, ref, who: contact_approvals.approve(s, 1, "so", who, NINE),
    "refuse contact": lambda s, ref, who: contact_approvals.refuse(s, 1, "so", who, NINE),
    "revive contact": lambda s, ref, who: contact_approvals.revive(s, 1, "so", who, NINE),
    "ask again": lambda s, ref, who: hosting_overrides.ask_again(s, ref, who, NINE),
    "take back": lambda s, ref, who: hosting_overrides.take_back(s, ref, "host", "so", who, NINE),
    "something else": lambda s, ref, who: hosting_overrides.something_else(s, ref, "so", who, NINE),
    "finish task": lambda s, ref, who: task_completion.finish(s, 1, "read_mail", "so", who, NINE),
    "read mail": lambda s, ref, who: task_completion.read_mail(s, 1, who, NINE),
    "answer by mail": lambda s, ref, who: answer.answer_by_mail(s, 1, [], who, NINE),
    "reveal item": lambda s, ref, who: approve.reveal_item(s, "N-26-7K3M-4QXT", 1, who, NINE),
}
LEADS: dict[str, Act] = {
    "mark dedicated": lambda s, ref, who: case_decisions.mark_dedicated(s, ref, "yes", "so", who, NINE),
    "still online": lambda s, ref, who: case_decisions.end_case(
        s, ref, Outcome.STILL_ONLINE, "so", who, NINE
    ),
    "stop sending": lambda s, ref, who: case_decisions.stop_sending(s, who, NINE),
    "allow sending": lambda s, ref, who: case_decisions.allow_sending(s, who, NINE),
    "approve": lambda s, ref, who: approve.approve(s, "N-26-7K3M-4QXT", "so", who, NINE),
    "decline": lambda s, ref, who: approve.decline(s, "N-26-7K3M-4QXT", "so", who, NINE),
    "release one": lambda s, ref, who: approve.release_waiting(s, 1, who, NINE),
    "release burst": lambda s, ref, who: approve.release_burst(s, "rdap:ORG-1", who, NINE),
    "send again": lambda s, ref, who: resending.send_again(s, "N-26-7K3M-4QXT", who, NINE),
}


@pytest.mark.parametrize("act", [*ANALYSTS.values(), *LEADS.values()], ids=[*ANALYSTS, *LEADS])
def test_who_only_reads_decides_nothing(store: Store, act: Act) -> None:
    refused(store, act, AUDITOR)


@pytest.mark.parametrize("act", LEADS.values(), ids=LEADS)
def test_what_is_a_leads_is_no_analysts(store: Store, act: Act) -> None:
    refused(store, act, ANALYST)


@pytest.mark.parametrize("role", [DeskRoleName.ANALYST, DeskRoleName.LEAD])
def test_what_is_handed_in_at_the_desk_bears_the_persons_name(store: Store, role: DeskRoleName) -> None:
    person = by("somebody@hotline.test", role)

    made = hand_in(store, "http://slow.example/x", person)

    assert (made.accepted, made.refused) == (1, 0)
    with store.db.read() as connection:
        assert connection.execute(select(HandIn.who)).scalars().all() == [person.name]


def hand_in(store: Store, url: str, who: Person) -> submit.HandedIn:
    lines = [submit.InputLine(1, url)]
    terms = submit.Terms("desk")
    return submit.hand_in_at_desk(store, lines, terms, by=who, key="first", way="paste", now=NINE)


def refused(store: Store, act: Act, who: Person) -> None:
    case = make_case(store, "http://quick.example/x", NINE)

    with pytest.raises(RefusedError, match="not_permitted"):
        act(store, case.reference, who)

    with store.db.read() as connection:
        assert connection.execute(select(func.count()).select_from(HandIn)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(AuditEntry)).scalar_one() == 0
