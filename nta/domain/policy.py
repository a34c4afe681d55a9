"""Who may do what at the desk: one table of acts and the roles that may do them."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from nta.domain.errors import RefusedError
from nta.domain.reasons import Code


class DeskRoleName(StrEnum):
    """What an account of the desk is for."""

    ANALYST = "analyst"
    LEAD = "lead"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"  # reads what was done, and changes nothing
    POLICY_READER = "policy_reader"  # reads figures, and sees no URL


class DeskAct(StrEnum):
    """What a person does at the desk."""

    SEE_REPORTS = "see_reports"
    SEE_CASES = "see_cases"  # cases, notices, tasks, contacts; URLs masked
    HAND_IN = "hand_in"
    REVEAL_URL = "reveal_url"  # written down each time
    FINISH_TASK = "finish_task"
    FINISH_LEADS_TASK = "finish_leads_task"
    READ_MAIL = "read_mail"  # and note what it answers
    END_CASE = "end_case"  # withdrawn, or never what it was said to be
    HOLD_CASE = "hold_case"
    CORRECT_HOSTING = "correct_hosting"
    DECIDE_CONTACT = "decide_contact"
    GIVE_UP_CASE = "give_up_case"  # ended though it may still be online somewhere
    JUDGE_DOMAIN = "judge_domain"  # dedicated or not
    APPROVE_NOTICE = "approve_notice"
    STEER_SENDING = "steer_sending"  # stop, allow, let a burst go, send again


_ALL = frozenset(DeskRoleName)
_LEADS = frozenset({DeskRoleName.LEAD})
_ANALYSTS = _LEADS | {DeskRoleName.ANALYST}

POLICY: Mapping[DeskAct, frozenset[DeskRoleName]] = {
    DeskAct.SEE_REPORTS: _ALL,
    DeskAct.SEE_CASES: _ALL - {DeskRoleName.POLICY_READER},
    DeskAct.HAND_IN: _ANALYSTS,
    DeskAct.REVEAL_URL: _ANALYSTS,
    DeskAct.FINISH_TASK: _ANALYSTS,
    DeskAct.READ_MAIL: _ANALYSTS,
    DeskAct.END_CASE: _ANALYSTS,
    DeskAct.HOLD_CASE: _ANALYSTS,
    DeskAct.CORRECT_HOSTING: _ANALYSTS,
    DeskAct.DECIDE_CONTACT: _ANALYSTS,
    DeskAct.FINISH_LEADS_TASK: _LEADS,
    DeskAct.GIVE_UP_CASE: _LEADS,
    DeskAct.JUDGE_DOMAIN: _LEADS,
    DeskAct.APPROVE_NOTICE: _LEADS,
    DeskAct.STEER_SENDING: _LEADS,
}


def permitted(roles: Collection[str]) -> frozenset[DeskAct]:
    """Return what somebody in these roles may do; a role that is none permits nothing."""
    return frozenset(act for act, holders in POLICY.items() if not holders.isdisjoint(roles))


class Person(NamedTuple):
    """Somebody who acts: the name under which it is noted, and the roles that they have at this moment."""

    name: str
    roles: frozenset[str]


def permit(person: Person, act: DeskAct) -> str:
    """Return under which name an act is noted. Raises RefusedError where no role of the person includes it.

    Use cases ask this themselves, whatever door the person came in by.
    """
    if act not in permitted(person.roles):
        raise RefusedError(Code.NOT_PERMITTED)
    return person.name
