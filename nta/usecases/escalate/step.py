"""The step that escalates: takes a batch of due episodes, has each decided, writes what it leads to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from nta.domain.deadlines import TASK
from nta.domain.episode_state import EpisodeChange, EpisodeState
from nta.domain.hosting.facts import HostingFacts
from nta.domain.lifecycle import EventKind
from nta.domain.notices.ladder_progress import RungInputs
from nta.domain.notices.past_notices import AddresseeState, PastNotice
from nta.domain.parties.organisations import Catalogue
from nta.store.cases import episodes, holds
from nta.store.db.handle import Connection, Store
from nta.store.hosting import host_arrangements
from nta.store.notices import (
    addressees,
    answer_rows,
    contact_decisions,
    escalation_facts,
    notice_rows,
)
from nta.store.work import due, open_tasks
from nta.store.work.isolation import apart, put_off
from nta.usecases.escalate.judge import EscalationResult, Judge


def escalate_due(
    store: Store,
    *,
    catalogue: Catalogue,
    holder: str,
    now: datetime,
    limit: int = 200,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Choose the next rung of a batch of due episodes. Return how many were taken.

    The deadline of an episode whose content is gone stands still: its row
    is deleted, and the look that sees it again makes it due.
    """
    with store.db.write() as connection:
        taken = due.take(connection, due.ESCALATE, holder, now, limit)
    if not taken:
        return 0
    checkpoint("escalate.taken")

    def decide(part: Sequence[int]) -> None:
        with store.db.read() as connection:
            states = episodes.load(connection, part)
            numbers = {s.arrangement_id for s in states.values() if s.arrangement_id is not None}
            facts = {n: host_arrangements.facts(connection, store, n) for n in sorted(numbers)}
        checkpoint("escalate.read")
        with store.db.write() as connection:
            _record(connection, store, part, facts, catalogue, holder, now)
        checkpoint("escalate.recorded")

    _, spoilt = apart(taken, decide)
    put_off(store, due.ESCALATE, spoilt, holder, now)
    return len(taken)


def _record(
    connection: Connection,
    store: Store,
    taken: Sequence[int],
    facts: Mapping[int, HostingFacts],
    catalogue: Catalogue,
    holder: str,
    now: datetime,
) -> None:
    # Episodes are locked before due rows, as the other steps do; what is read after both is what holds.
    states = episodes.load(connection, taken, lock=True)
    mine = due.still_mine(connection, due.ESCALATE, taken, holder)
    # What was wanted since may hang on facts that were read before: those are read again.
    again = due.wanted_meanwhile(connection, due.ESCALATE, sorted(mine))
    moments = [(subject, None) for subject in mine - states.keys()]
    result = EscalationResult(moments=[*moments, *((subject, now) for subject in again & states.keys())])
    judge = Judge(connection, catalogue, now)
    for known in _gather(connection, [states[i] for i in sorted((mine & states.keys()) - again)], facts):
        if known.facts is None and known.state.arrangement_id is not None:
            result.moments.append((known.state.id, now))  # it moved while we read: read again
        else:
            judge.decide(known, result)
    episodes.move(connection, store.ids, [_arranged(connection, c) for c in result.changes])
    _tell_all(connection, store, result, now)
    due.want(connection, due.LOOK, result.looks, now)
    for subject, owner, reason in result.tasks:
        open_tasks.ask(connection, subject, reason, owner=owner, deadline=now + TASK)
    due.record_many(connection, due.ESCALATE, result.moments)
    holds.begin(connection, result.held)
    holds.end(connection, result.released)


def _tell_all(connection: Connection, store: Store, result: EscalationResult, now: datetime) -> None:
    """Make notices wanted, and ask persons about the contacts that wait for a word."""
    numbers = addressees.tell(connection, store.ids, result.told, now)
    waiting = {
        numbers[t.choice.party, t.choice.address]: t.waits_until
        for t in result.told
        if t.waits_until is not None
    }
    decided = contact_decisions.ask(connection, waiting)
    contact_decisions.ask_no_more(connection, {numbers[key] for key in result.unsaid})
    result.moments += [
        (t.episode_id, now)
        for t in result.told
        if t.waits_until is not None and numbers[t.choice.party, t.choice.address] in decided
    ]


def _gather(
    connection: Connection, states: Sequence[EpisodeState], facts: Mapping[int, HostingFacts]
) -> Iterable[RungInputs]:
    wanted = [s.id for s in states]
    past: dict[int, list[PastNotice]] = {}
    for notice in notice_rows.past(connection, wanted):
        past.setdefault(notice.episode_id, []).append(notice)
    standing: dict[int, list[AddresseeState]] = {}
    for addressee in addressees.of_episodes(connection, wanted):
        standing.setdefault(addressee.episode_id, []).append(addressee)
    noted = escalation_facts.events(connection, wanted)
    asked_to_wait = answer_rows.asked_to_wait(connection, wanted)
    confirmed = escalation_facts.confirmed(connection, {s.case_id for s in states})
    dedicated = escalation_facts.dedicated_hosts(connection, {s.host_id for s in states})
    revived = contact_decisions.revived(connection)
    for state in states:
        yield RungInputs(
            state,
            facts.get(state.arrangement_id) if state.arrangement_id is not None else None,
            state.host_id in dedicated,
            tuple(past.get(state.id, ())),
            tuple(standing.get(state.id, ())),
            tuple(noted.get(state.id, ())),
            asked_to_wait.get(state.id, {}),
            confirmed.get(state.case_id),
            revived,
        )


def _arranged(connection: Connection, change: EpisodeChange) -> EpisodeChange:
    """Return the change with an arrangement: an episode that was held before it was resolved has none yet."""
    if change.kind is not EventKind.RELEASED or change.after.arrangement_id is not None:
        return change
    known = holds.arrangement_of(connection, change.after.host_id)
    return change._replace(after=change.after._replace(arrangement_id=known))
