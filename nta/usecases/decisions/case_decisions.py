"""Steer: what people decide about cases and sending, each with its entry in the audit trail."""

from datetime import datetime, timedelta

from nta.domain import holding
from nta.domain.checks.attention import BLOCKED_FOR
from nta.domain.checks.outcomes import PERSONS_ENDS, Actor, Outcome
from nta.domain.deadlines import HOLD
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.given_words import given, needed
from nta.domain.intake.urls import is_private_suffix
from nta.domain.lifecycle import Stage
from nta.domain.parties.organisations import Catalogue
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Code, because, said
from nta.domain.references import read as read_reference
from nta.store.cases import (
    case_rows,
    domains,
    episodes,
    holds,
)
from nta.store.cases.case_rows import CaseRow
from nta.store.checks import look_records
from nta.store.db.handle import Connection, Store
from nta.store.hosting import host_arrangements
from nta.store.notices import addressees, endings, notice_rows
from nta.store.work import audit, due, switches

DEDICATED = ("yes", "no", "unknown")
LONGEST_HOLD = timedelta(days=30)


def reveal(store: Store, case_reference: str, by: Person, now: datetime) -> str:
    """Return the URL of a case, after noting who asked for it. Raises RefusedError for no case of ours."""
    who = permit(by, DeskAct.REVEAL_URL)
    with store.db.write() as connection:
        case = _case(connection, case_reference)
        audit.note(
            connection, store.ids, at=now, who=who, act="reveal", subject=read_reference(case_reference)
        )
    return store.sealer.text("case.url", case.id, case.url_sealed)


def mark_dedicated(
    store: Store, case_reference: str, value: str, why: str | None, by: Person, now: datetime
) -> None:
    """Write whether the domain of a case serves nothing but such content: yes, no or unknown.

    A domain that becomes dedicated opens rungs that were closed, so its
    episodes already told are looked through again now.

    Raises: RefusedError for another value, an address without a domain, or
    "yes" for a name under a company's suffix: nobody can suspend that.
    """
    who = permit(by, DeskAct.JUDGE_DOMAIN)
    if value not in DEDICATED:
        raise RefusedError(Code.SAY_YES_NO)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        domain = case_rows.domain_of(connection, _case(connection, reference).id)
        if domain is None:
            raise RefusedError(Code.NO_DOMAIN_TO_MARK)
        name = store.sealer.text("domain.name", domain.id, domain.name_sealed)
        if value == "yes" and is_private_suffix(name):
            raise RefusedError(Code.NEVER_DEDICATED)
        domains.mark_dedicated(connection, domain.id, value, who=who, why=given(why), at=now)
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="mark_dedicated",
            subject=reference,
            detail=f"{value}: {why}" if given(why) else value,
        )
        if value == "yes":
            due.want(connection, due.ESCALATE, case_rows.notified_on_domain(connection, domain.id), now)


def end_case(
    store: Store, case_reference: str, outcome: Outcome, why: str | None, by: Person, now: datetime
) -> None:
    """End the open episode of a case with an outcome that a person may decide.

    Where that takes back what was said, whoever was told is told that it was wrong.

    Raises: RefusedError without a reason; for `still_online` while somebody
    is left to tell; for `restricted` unless somebody was told, and it has
    been kept out somewhere for two days.
    """
    who = permit(by, PERSONS_ENDS[outcome].permission)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        case = _case(connection, reference)
        state = _open(connection, case)
        if outcome is Outcome.STILL_ONLINE and state.stage != Stage.EXHAUSTED:
            raise RefusedError(Code.STILL_SOMEBODY_LEFT)
        if outcome is Outcome.RESTRICTED:
            _kept_out(connection, state, now)
        reason = needed(why)
        endings.end(
            connection, store.ids, state.id, outcome, Actor.ANALYST, at=now, who=who, why=said(reason)
        )
        if PERSONS_ENDS[outcome].takes_back:
            addressees.release(connection, state.id, outcome.value, now)
            case_rows.withdraw_submissions(connection, case.id, now)
            addressees.correct(connection, state.id, now)
        else:
            addressees.settle_episode(connection, state.id)
        _audit(connection, store, now, who, PERSONS_ENDS[outcome].act, reference, reason)


def _kept_out(connection: Connection, state: EpisodeState, now: datetime) -> None:
    since = look_records.kept_out_since(connection, state.id)
    if state.first_handed_at is None:
        raise RefusedError(Code.NOBODY_NOTIFIED)
    if since is None or now - since < BLOCKED_FOR:
        raise RefusedError(Code.NOT_KEPT_OUT)


def hold(
    store: Store,
    catalogue: Catalogue,
    case_reference: str,
    until: datetime | None,
    why: str | None,
    by: Person,
    now: datetime,
) -> datetime:
    """Hold a case for the police: nothing leaves, looks go on. Return when the hold ends by itself.

    Without `until` it lasts as long as the entry of its hosting country says.

    Raises: RefusedError when it is held already, or the moment makes no sense.
    """
    who = permit(by, DeskAct.HOLD_CASE)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        state, reason = _open(connection, _case(connection, reference)), needed(why)
        until = until or now + _term(connection, catalogue, state.arrangement_id)
        if not now < until <= now + LONGEST_HOLD:
            raise RefusedError(because(Code.HOLD_TOO_LONG, days=LONGEST_HOLD.days))
        change = holding.held(state, until, at=now, who=who, why=said(reason))
        episodes.move(connection, store.ids, [change])
        holds.begin(connection, {state.id: until})
        _audit(connection, store, now, who, "hold", reference, reason)
    return until


def release(store: Store, case_reference: str, why: str | None, by: Person, now: datetime) -> None:
    """End the hold of a case before its time. Raises RefusedError when it is not held."""
    who = permit(by, DeskAct.HOLD_CASE)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        state, reason = _open(connection, _case(connection, reference)), needed(why)
        if state.stage != Stage.HELD:
            raise RefusedError(Code.CASE_NOT_HELD)
        rungs = notice_rows.rungs_told(connection, [state.id]).get(state.id, set())
        change = holding.released(state, rungs, at=now, who=who, why=said(reason))
        if state.arrangement_id is None:
            arrangement = holds.arrangement_of(connection, state.host_id)
            change = change._replace(after=change.after._replace(arrangement_id=arrangement))
        episodes.move(connection, store.ids, [change])
        holds.end(connection, [state.id])
        due.want(connection, due.ESCALATE, [state.id], now)
        _audit(connection, store, now, who, "release", reference, reason)


def _term(connection: Connection, catalogue: Catalogue, arrangement_id: int | None) -> timedelta:
    """Return how long the hosting country's entry lets the police have, or the usual term."""
    hosted_in = host_arrangements.country_of(connection, arrangement_id)
    country = catalogue.country(hosted_in)
    return (country.police_hold if country else None) or HOLD


def _open(connection: Connection, case: CaseRow) -> EpisodeState:
    """Return the open episode of a case, kept from being moved by others until this write ends."""
    state = case_rows.open_episode(connection, case.id)
    if state is None:
        raise RefusedError(Code.CASE_ENDED)
    return state


def _audit(
    connection: Connection, store: Store, at: datetime, who: str, act: str, subject: str, detail: str | None
) -> None:
    audit.note(connection, store.ids, at=at, who=who, act=act, subject=subject, detail=detail)


def stop_sending(store: Store, by: Person, now: datetime) -> None:
    """Stop every notice that has not left yet, in one act."""
    who = permit(by, DeskAct.STEER_SENDING)
    _switch(store, switches.OFF, "stop_sending", who, now)


def allow_sending(store: Store, by: Person, now: datetime) -> None:
    """Let notices leave again; those that wait are due now."""
    who = permit(by, DeskAct.STEER_SENDING)
    _switch(store, switches.ON, "allow_sending", who, now)


def _switch(store: Store, value: str, act: str, who: str, now: datetime) -> None:
    with store.db.write() as connection:
        if switches.set_sending(connection, value, who, now):
            audit.note(connection, store.ids, at=now, who=who, act=act)


def _case(connection: Connection, case_reference: str) -> CaseRow:
    case = case_rows.by_reference(connection, read_reference(case_reference))
    if case is None:
        raise RefusedError(Code.NO_CASE)
    return case
