"""Looking whether it is still there: take due episodes, look from every vantage point, record."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from nta.domain.checks.attention import attention
from nta.domain.checks.look_effects import PresenceTurn, after_round, turn_of
from nta.domain.checks.outcomes import NAME_CAUSES, Outcome
from nta.domain.checks.verdicts import (
    Cause,
    Judgement,
    ProbeAnswer,
    ProofRules,
    Run,
    Sighting,
    extend,
    judge,
    sign,
)
from nta.domain.deadlines import TASK, next_look_at
from nta.domain.episode_state import WHO, EpisodeChange, EpisodeState
from nta.domain.lifecycle import EventKind, Presence, PresenceSign, Stage
from nta.domain.reasons import Code, Reason
from nta.domain.roles import Severity
from nta.ports import LookRequest, Prober
from nta.store.cases import bulk_transitions, episodes
from nta.store.checks import look_records, rounds
from nta.store.checks.rounds import Brief
from nta.store.db.handle import Connection, Store
from nta.store.notices import endings
from nta.store.work import due, open_tasks
from nta.store.work.isolation import apart, put_off
from nta.store.work.leases import Leases
from nta.usecases.recheck.batch import LookBatch
from nta.usecases.recheck.canary_checks import Canaries
from nta.usecases.recheck.look_targets import Aims, Eyes
from nta.usecases.recheck.looks import Looked, look

RULES = ProofRules()
LIMIT = 20_000
"""Episodes a batch: each begins and ends with one side waiting for the other, and few do so seldom."""

_THERE = (EventKind.SEEN_UP, EventKind.RETURNED)
_WAITING = (Stage.READY, Stage.NOTIFIED, Stage.ESCALATED, Stage.EXHAUSTED)


def recheck_due(
    store: Store,
    *,
    eyes: Eyes,
    holder: str,
    now: datetime,
    limit: int = LIMIT,
    checkpoint: Callable[[str], None] = lambda name: None,
    machine: Callable[[], datetime] = due.machine_now,
) -> int:
    """Look at one batch of due episodes. Return how many were taken."""
    with store.db.write(lazy=True) as connection:
        taken = due.take(connection, due.LOOK, holder, now, limit, machine=machine)
    if not taken:
        return 0
    checkpoint("recheck.taken")
    leases = Leases(store.db, due.LOOK, holder, taken, machine)
    batch = LookBatch(store, taken, leases)
    aims = Aims(store, eyes, batch, now)
    eyes = replace(eyes, prober=_LeasedProber(eyes.prober, leases))

    def record(part: Sequence[Looked]) -> None:
        checkpoint("recheck.looked")
        batch.spoilt |= _record_apart(store, part, batch, aims, holder, now)
        leases.given_back(job.id for job, _ in part)
        checkpoint("recheck.recorded")

    look(batch, aims, eyes, Canaries(store, batch, eyes, now), now, record)
    put_off(store, due.LOOK, batch.spoilt, holder, now)
    gone = set(taken).difference(batch.ids)
    if gone or aims.one_moved:
        with store.db.write() as connection:
            mine = due.still_mine(connection, due.LOOK, sorted(gone), holder)
            due.record_many(connection, due.LOOK, [(number, None) for number in sorted(mine)])
    return len(taken)


class _LeasedProber:
    """Looks at a few pages more as another prober does; as answers come, leases are lengthened."""

    def __init__(self, prober: Prober, leases: Leases) -> None:
        self._prober, self._leases = prober, leases

    def look(self, requests: Iterable[LookRequest], vantage: str) -> list[tuple[int, ProbeAnswer]]:
        """Return (key, answer) of all; no generator, so that nobody who draws answers writes."""
        answered = []
        for key, answer in self._prober.look(requests, vantage):
            self._leases.keep()
            answered.append((key, answer))
        return answered


def _record_apart(
    store: Store, looked: Sequence[Looked], batch: LookBatch, aims: Aims, holder: str, now: datetime
) -> Mapping[int, Exception]:
    """Write one part of a batch in one transaction; return whom it could not be written for, and why."""
    seen = {job.id: (job, sightings) for job, sightings in looked}

    def write(ids: Sequence[int]) -> None:
        with store.db.write(lazy=True) as connection:
            _record(connection, store, [seen[number] for number in ids], batch, aims, holder, now)

    return apart(seen, write)[1]


def _record(
    connection: Connection,
    store: Store,
    looked: Sequence[Looked],
    batch: LookBatch,
    aims: Aims,
    holder: str,
    now: datetime,
) -> None:
    """Write spans, states, events and next looks of one part of a batch.

    Episodes that stand alike and were seen alike are written together; few
    are read whole. Spans read before the look are as they were: only the
    holder of the lease writes them.
    """
    mine = rounds.mine(connection, [job.id for job, _ in looked], holder)
    aims.record_marks(connection, {batch.jobs[number].host_id for number in mine})
    decide = _Decider(now)
    seen: list[look_records.RecordedLook] = []
    made: list[tuple[int, Brief, _Decided]] = []
    for job, sightings in looked:
        brief = mine.get(job.id)
        if brief is None:
            continue
        known = batch.spans(job.id)
        decided = decide(brief, known, sightings)
        made.append((job.id, brief, decided))
        for sighting, run in zip(sightings, decided.runs, strict=True):
            seen.append(look_records.RecordedLook(job.id, known.get(sighting.vantage), run, sighting))
    look_records.write_spans(connection, store.ids, seen)
    again = _write_alike(connection, store, made, now)
    changes = _changes(connection, {n: d for n, _, d in made if d.signed and not d.turn}, now)
    episodes.move(connection, store.ids, changes)
    again |= {c.after.id for c in changes if c.kind in _THERE and c.after.stage in _WAITING}
    moments: list[tuple[int, datetime | None]]
    moments = [(number, None) for number, brief in mine.items() if brief is None]
    moments += [(number, d.next_at) for number, _, d in made if d.turn or not d.signed]
    moments += [(c.after.id, None if c.after.ended_at else _next(c.after, now)) for c in changes]
    due.record_many(connection, due.LOOK, moments)
    due.want(connection, due.ESCALATE, again, now)
    for number, _, decided in made:
        if decided.asks is not None:
            owner = "lead" if decided.asks is Code.SEEN_BY_SOME else "analyst"
            open_tasks.ask(connection, number, Reason(decided.asks), owner=owner, deadline=now + TASK)
    _follow_up(connection, store, changes, now)


def _write_alike(
    connection: Connection, store: Store, made: Sequence[tuple[int, Brief, "_Decided"]], now: datetime
) -> set[int]:
    """Write what is the same for many. Return those whose ladder goes on: their content is there."""
    same: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    turned: defaultdict[tuple[tuple[str, str], PresenceTurn], list[int]] = defaultdict(list)
    for number, brief, decided in made:
        if decided.turn is not None:
            turned[brief[:2], decided.turn].append(number)
        elif decided.signed is None:
            same[decided.word].append(number)
    for (verdict, cause), numbers in same.items():
        rounds.looked_alike(connection, numbers, verdict, cause, now)
    for (standing, turn), numbers in turned.items():
        bulk_transitions.turn_alike(connection, store.ids, standing, turn, numbers, at=now, who=WHO)
    there = [ids for ((stage, _), turn), ids in turned.items() if turn.kind in _THERE and stage in _WAITING]
    return {number for numbers in there for number in numbers}


class _Decided(NamedTuple):
    """What a round makes of one situation; no turn where a sign needs the episode whole."""

    runs: tuple[Run, ...]
    judgement: Judgement
    word: tuple[str, str]
    signed: PresenceSign | None
    turn: PresenceTurn | None
    next_at: datetime
    asks: Code | None


class _Decider:
    """Decides what a round means. Episodes go through rounds side by side, so that few situations differ."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[Any, _Decided] = {}

    def __call__(
        self, brief: Brief, spans: Mapping[str, look_records.CurrentSpan], sightings: Sequence[Sighting]
    ) -> _Decided:
        situation = (
            brief[1:],
            *(
                (
                    s.vantage,
                    s.verdict._value_,
                    s.cause._value_,
                    spans[s.vantage].state if s.vantage in spans else None,
                )
                for s in sightings
            ),
        )
        decided = self._known.get(situation)
        if decided is None:
            decided = self._known[situation] = self._decide(brief, spans, sightings)
        return decided

    def _decide(
        self, brief: Brief, spans: Mapping[str, look_records.CurrentSpan], sightings: Sequence[Sighting]
    ) -> _Decided:
        presence = Presence(brief.presence)
        before = [spans.get(sighting.vantage) for sighting in sightings]
        ran = [span.run if span else None for span in before]
        runs = tuple(extend(run, sighting) for run, sighting in zip(ran, sightings, strict=True))
        judgement = judge(sightings, runs, RULES)
        asks = attention(
            presence, judgement, [span.run if span else None for span in before], runs, self._now
        )
        signed = sign(presence, judgement, brief.first_gone_at, self._now)
        turn = turn_of(presence, signed, judgement, self._now) if signed is not None else None
        after = Presence(turn.presence) if turn is not None else presence
        next_at = next_look_at(after, brief.began_at, Severity(brief.severity), self._now)
        word = (judgement.verdict.value, judgement.cause.value)
        return _Decided(runs, judgement, word, signed, turn, next_at, asks)


def _changes(connection: Connection, singly: Mapping[int, _Decided], now: datetime) -> list[EpisodeChange]:
    """Return the changes of the episodes that a sign makes something of each by itself."""
    changes = []
    for number, state in episodes.load(connection, singly).items():
        decided = singly[number]
        assert decided.signed is not None
        after, event = after_round(state, decided.signed, decided.judgement, now)
        if isinstance(event, EventKind):
            changes.append(EpisodeChange(state, after, event, now, WHO))
        else:
            changes.append(_close(connection, after, now))
    return changes


def _next(state: EpisodeState, now: datetime) -> datetime:
    return next_look_at(Presence(state.presence), state.began_at, Severity(state.severity), now)


def _close(connection: Connection, state: EpisodeState, now: datetime) -> EpisodeChange:
    """Return the change that ends a watched episode. `state` is closed already."""
    outcome, actor = look_records.outcome_of(
        connection, state, Cause(state.last_cause or Cause.NOT_FOUND), moved=False
    )
    change = episodes.ending(state, outcome, actor, at=now, who=WHO)
    return change._replace(before=state._replace(presence=Presence.REMOVED.value))


def _follow_up(
    connection: Connection,
    store: Store,
    changes: Sequence[EpisodeChange],
    now: datetime,
) -> None:
    """Note suspended domains, forget what ended."""
    endings.forget(connection, [c.after.id for c in changes if c.after.ended_at is not None])
    for change in changes:
        state = change.after
        if change.kind is EventKind.PROVEN_GONE and state.last_cause in NAME_CAUSES:
            outcome, actor = look_records.outcome_of(connection, state, Cause(state.last_cause), moved=False)
            if outcome is Outcome.DISABLED_DOMAIN:
                episodes.note(
                    connection, store.ids, [state], EventKind.DOMAIN_DISABLED, at=now, who=actor.value
                )
