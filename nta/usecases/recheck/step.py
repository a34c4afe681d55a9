"""Looking whether it is still there: take due episodes, look from every vantage point, record."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection

from nta.domain.attention import BLOCKED, attention
from nta.domain.availability import Cause, Judgement, ProofRules, Run, Sighting, extend, judge, sign
from nta.domain.deadlines import TASK, next_look_at
from nta.domain.lifecycle import EventKind, Presence, Sign, Stage
from nta.domain.outcomes import NAME_CAUSES, Outcome
from nta.domain.roles import Severity
from nta.store import arrangements, due, episodes, looking
from nta.store.base import Store
from nta.store.episodes import State
from nta.store.rounds import after_round
from nta.usecases.recheck.aims import Aims, Eyes
from nta.usecases.recheck.canaries import Canaries
from nta.usecases.recheck.looks import RECORDED, Looked, look

WHO = "service"
RULES = ProofRules()
LIMIT = 8000
"""Episodes a batch: enough hosts side by side, few enough to be through before the lease is over."""
LEASE = timedelta(minutes=10)
"""As long as such a batch takes where every page answers at the end of its patience."""

_NO_SPANS: Mapping[str, looking.Span] = {}


def recheck_due(
    store: Store,
    *,
    eyes: Eyes,
    holder: str,
    now: datetime,
    limit: int = LIMIT,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Look at one batch of due episodes. Return how many were taken."""
    with store.db.write(lazy=True) as connection:
        taken = due.take(connection, due.LOOK, holder, now, limit, lease=LEASE)
    if not taken:
        return 0
    checkpoint("recheck.taken")
    with store.db.read() as connection:
        jobs = looking.jobs(connection, store, taken)
        spans = looking.spans(connection, taken)
        hosts = arrangements.hosts(connection, store, {job.host_id for job in jobs})
        served = arrangements.served(
            connection, {h.arrangement_id for h in hosts.values() if h.arrangement_id is not None}
        )
    aims = Aims(store, eyes, hosts, served, {job.host_id: job.url for job in jobs}, now)
    looked = look(jobs, spans, aims, eyes, Canaries(store, eyes, now), now)
    while part := list(islice(looked, RECORDED)):
        checkpoint("recheck.looked")
        with store.db.write(lazy=True) as connection:
            mine = due.still_mine(connection, due.LOOK, [job.id for job, _ in part], holder)
            _record(connection, store, [(j, seen) for j, seen in part if j.id in mine], spans, now)
        checkpoint("recheck.recorded")
    if len(jobs) < len(taken) or aims.one_moved:
        with store.db.write() as connection:
            known = {job.id for job in jobs}
            due.drop(connection, [(due.LOOK, i) for i in taken if i not in known])
    return len(taken)


def _record(
    connection: Connection,
    store: Store,
    looked: Sequence[Looked],
    spans: Mapping[int, Mapping[str, looking.Span]],
    now: datetime,
) -> None:
    """Write spans, states, events and next looks of one part of a batch.

    Most rounds change nothing; only what changes is read whole. Spans read
    before the look are as they were: only the holder of the lease writes them.
    """
    ids = [job.id for job, _ in looked]
    briefs = episodes.briefs(connection, ids, lock=True)
    decide = _Decider(now)
    seen: list[looking.Seen] = []
    turned: dict[int, Judgement] = {}
    same: dict[tuple[str, str], list[int]] = {}
    moments: list[tuple[int, datetime | None]] = []
    asked: list[tuple[int, str]] = []
    for job, sightings in looked:
        number = job.id
        brief = briefs[number]
        if brief.has_ended:
            moments.append((number, None))
            continue
        known = spans.get(number, _NO_SPANS)
        decided = decide(brief, known, sightings)
        if decided.asks is not None:
            asked.append((number, decided.asks))
        for sighting, run in zip(sightings, decided.runs, strict=True):
            seen.append(looking.Seen(number, known.get(sighting.vantage), run, sighting))
        if decided.next_at is None:
            turned[number] = decided.judgement
            continue
        same.setdefault(decided.word, []).append(number)
        moments.append((number, decided.next_at))
    looking.write_spans(connection, store.ids, seen)
    for (verdict, cause), numbers in same.items():
        episodes.looked_alike(connection, numbers, verdict, cause, now)
    changes = _turn(connection, turned, now)
    episodes.move(connection, store.ids, changes)
    moments += [(c.after.id, None if c.after.ended_at else _next(c.after, now)) for c in changes]
    due.record_many(connection, due.LOOK, moments)
    for number, reason in asked:
        due.ask(
            connection, number, now + TASK, owner="lead" if reason == BLOCKED else "analyst", reason=reason
        )
    _follow_up(connection, store, changes, now)


class _Decided(NamedTuple):
    """What a round makes of one situation; no next look where the presence changes."""

    runs: tuple[Run, ...]
    judgement: Judgement
    word: tuple[str, str]
    next_at: datetime | None
    asks: str | None


class _Decider:
    """Decides what a round means. Episodes go through rounds side by side, so that few situations differ."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[Any, _Decided] = {}

    def __call__(
        self, brief: episodes.Brief, spans: Mapping[str, looking.Span], sightings: Sequence[Sighting]
    ) -> _Decided:
        situation = (
            brief.facts,
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
        self, brief: episodes.Brief, spans: Mapping[str, looking.Span], sightings: Sequence[Sighting]
    ) -> _Decided:
        presence = Presence(brief.presence)
        before = [spans.get(sighting.vantage) for sighting in sightings]
        ran = [span.run if span else None for span in before]
        runs = tuple(extend(run, sighting) for run, sighting in zip(ran, sightings, strict=True))
        judgement = judge(sightings, runs, RULES)
        asks = attention(
            presence, judgement, [span.run if span else None for span in before], runs, self._now
        )
        turns = sign(presence, judgement, brief.first_gone_at, self._now) is not None
        next_at = next_look_at(presence, brief.began_at, Severity(brief.severity), self._now)
        word = (judgement.verdict.value, judgement.cause.value)
        return _Decided(runs, judgement, word, None if turns else next_at, asks)


def _turn(connection: Connection, turned: Mapping[int, Judgement], now: datetime) -> list[episodes.Change]:
    """Return the changes of the episodes whose presence a round changes."""
    changes = []
    for number, state in episodes.load(connection, turned).items():
        after, event = after_round(state, turned[number], now)
        if isinstance(event, EventKind):
            changes.append(episodes.Change(state, after, event, now, WHO))
        elif event is Sign.WATCH_OVER:
            changes.append(_close(connection, after, now))
    return changes


def _next(state: State, now: datetime) -> datetime:
    return next_look_at(Presence(state.presence), state.began_at, Severity(state.severity), now)


def _close(connection: Connection, state: State, now: datetime) -> episodes.Change:
    """Return the change that ends a watched episode. `state` is closed already."""
    outcome, actor = looking.outcome_of(
        connection, state, Cause(state.last_cause or Cause.NOT_FOUND), moved=False
    )
    change = episodes.ending(state, outcome, actor, at=now, who=WHO)
    return change._replace(before=state._replace(presence=Presence.REMOVED.value))


def _follow_up(
    connection: Connection,
    store: Store,
    changes: Sequence[episodes.Change],
    now: datetime,
) -> None:
    """Let ladders go on where content is up again, note suspended domains, forget what ended."""
    up = (EventKind.SEEN_UP, EventKind.RETURNED)
    waiting = (Stage.READY, Stage.NOTIFIED, Stage.ESCALATED, Stage.EXHAUSTED)
    due.want(
        connection,
        due.ESCALATE,
        {c.after.id for c in changes if c.kind in up and c.after.stage in waiting},
        now,
    )
    episodes.forget(connection, [c.after.id for c in changes if c.after.ended_at is not None])
    for change in changes:
        state = change.after
        if change.kind is EventKind.PROVEN_GONE and state.last_cause in NAME_CAUSES:
            outcome, actor = looking.outcome_of(connection, state, Cause(state.last_cause), moved=False)
            if outcome is Outcome.DISABLED_DOMAIN:
                episodes.note(
                    connection, store.ids, [state], EventKind.DOMAIN_DISABLED, at=now, who=actor.value
                )
