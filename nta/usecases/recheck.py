"""Looking whether it is still there: take due episodes, look from every vantage point, record."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection

from nta.domain.aiming import Aim, Served, aim_at
from nta.domain.availability import (
    Answer,
    Cause,
    Judgement,
    ProofRules,
    Run,
    Sighting,
    Verdict,
    extend,
    judge,
    merge_hosts,
    read,
    sign,
)
from nta.domain.deadlines import next_look_at
from nta.domain.lifecycle import EventKind, Presence, Sign, Stage
from nta.domain.outcomes import Outcome
from nta.domain.roles import Severity
from nta.domain.urls import Location, parse
from nta.ports import LookRequest, NameAnswer, Names, Prober
from nta.store import arrangements, due, episodes, looking, moves
from nta.store.arrangements import HostRow
from nta.store.base import Store
from nta.store.episodes import State
from nta.store.rounds import after_round

WHO = "service"
RULES = ProofRules()
LIMIT = 8000
"""Episodes a batch: enough hosts side by side, few enough to be through before the lease is over."""
LEASE = timedelta(minutes=10)
"""As long as such a batch takes where every page answers at the end of its patience."""

_NO_SPANS: Mapping[str, looking.Span] = {}
AIMED = 256
"""Episodes whose names are asked before the first is looked at; then twice as many each time."""
RECORDED = 400
"""Episodes a transaction: with span, event and due row about 2,000 rows."""


Looked = tuple[looking.Job, Sequence[Sighting]]
"""One job, and what each vantage point saw of it in this round."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks: the vantage points by name, fresh names, the probe, and the pages that must be there."""

    vantages: tuple[str, ...]
    names: Names
    prober: Prober
    control_urls: tuple[str, ...]


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
        hosts = arrangements.hosts(connection, store, {job.host_id for job in jobs})
        served = arrangements.served(
            connection, {h.arrangement_id for h in hosts.values() if h.arrangement_id is not None}
        )
    aims = Aims(store, eyes, hosts, served, now)
    looked = look(jobs, aims, eyes, now)
    while part := list(islice(looked, RECORDED)):
        checkpoint("recheck.looked")
        with store.db.write(lazy=True) as connection:
            mine = due.still_mine(connection, due.LOOK, [job.id for job, _ in part], holder)
            _record(connection, store, [(j, seen) for j, seen in part if j.id in mine], now)
        checkpoint("recheck.recorded")
    if len(jobs) < len(taken) or aims.one_moved:
        with store.db.write() as connection:
            known = {job.id for job in jobs}
            due.drop(connection, [(due.LOOK, i) for i in taken if i not in known])
    return len(taken)


class Aims:
    """Where to look at each host from each vantage point, asked of the names when it is first needed.

    What the names say of the hosts is recorded at once: seen again, moved.
    """

    def __init__(
        self,
        store: Store,
        eyes: Eyes,
        hosts: Mapping[int, HostRow],
        served: Mapping[int, Sequence[Served]],
        now: datetime,
    ) -> None:
        self.hosts = hosts
        self.one_moved = False
        self._store, self._eyes, self._served, self._now = store, eyes, served, now
        self._found: dict[tuple[int, str], Aim] = {}
        self._asked: set[int] = set()

    def __getitem__(self, key: tuple[int, str]) -> Aim:
        """Return the aim of a host and vantage point that `ask` was called for."""
        return self._found[key]

    def ask(self, host_ids: Iterable[int]) -> None:
        """Ask the names of hosts that were not asked yet, from every vantage point."""
        new = {number: self.hosts[number] for number in host_ids if number not in self._asked}
        if not new:
            return
        self._asked.update(new)
        named = {row.name for row in new.values() if not row.is_ip}
        found: dict[tuple[int, str], Aim] = {}
        for vantage in self._eyes.vantages:
            answers = self._eyes.names.addresses(named, vantage) if named else {}
            for host_id, row in new.items():
                answer = NameAnswer((row.name,)) if row.is_ip else answers[row.name]
                known = self._served.get(row.arrangement_id or 0, ())
                found[host_id, vantage] = aim_at(answer.addresses, answer.error, known)
        self._found |= found
        if moves.record_hosts(self._store, new, self._served, found, self._now):
            self.one_moved = True

    def requests(self, jobs: Sequence[looking.Job], vantage: str) -> Iterator[LookRequest]:
        """Yield what is to be looked at; names of the next hosts are asked while others are looked at."""
        start, many = 0, AIMED
        while part := jobs[start : start + many]:
            self.ask(job.host_id for job in part)
            for job in part:
                row = self.hosts[job.host_id]
                for ip in self[row.id, vantage].pins:
                    yield LookRequest(job.id, job.url, row.name, row.port, ip, job.referrer)
            start, many = start + many, 2 * many


def look(jobs: Sequence[looking.Job], aims: Aims, eyes: Eyes, now: datetime) -> Iterator[Looked]:
    """Look at every job from every vantage point; yield each with one merged sighting a vantage point.

    What the last vantage point has seen is told while others still answer.
    What is not there waits for some more of its kind: then the control page
    says whether our own network may be at fault.
    """
    found: dict[int, list[Sighting]] = {job.id: [] for job in jobs}
    by_id = {job.id: job for job in jobs}
    told: set[int] = set()
    for vantage in eyes.vantages:
        is_last = vantage == eyes.vantages[-1]
        answers: dict[int, list[Answer]] = {}
        doubtful: list[looking.Job] = []
        for key, answer in eyes.prober.look(aims.requests(jobs, vantage), vantage):
            given = answers.setdefault(key, [])
            given.append(answer)
            job = by_id[key]
            if not is_last or len(given) < len(aims[job.host_id, vantage].pins):
                continue
            if _is_there(answer) and all(map(_is_there, given)):
                found[key].append(_sighting(vantage, now, answer, True))
                told.add(key)
                yield job, found[key]
                continue
            doubtful.append(job)
            if len(doubtful) >= RECORDED:
                _conclude(doubtful, answers, aims, eyes, vantage, now, found)
                told.update(each.id for each in doubtful)
                yield from ((each, found[each.id]) for each in doubtful)
                doubtful = []
        rest = [job for job in jobs if job.id not in told]
        _conclude(rest, answers, aims, eyes, vantage, now, found)
    yield from ((job, found[job.id]) for job in jobs if job.id not in told)


def _is_there(answer: Answer) -> bool:
    return answer.error is None and answer.status is not None and 200 <= answer.status < 300


def _conclude(
    jobs: Sequence[looking.Job],
    answers: Mapping[int, Sequence[Answer]],
    aims: Aims,
    eyes: Eyes,
    vantage: str,
    now: datetime,
    found: Mapping[int, list[Sighting]],
) -> None:
    """Add what one vantage point saw of these jobs, in the light of the control page where that is needed."""
    blind = any(not _is_there(a) for job in jobs for a in answers.get(job.id, ()))
    named = any(aims[job.host_id, vantage].reading for job in jobs)
    control_ok = not (blind or named) or control(eyes, vantage)
    for job in jobs:
        reading = aims[job.host_id, vantage].reading
        if reading is not None:
            plain = reading if control_ok else (Verdict.UNKNOWN, Cause.OUR_NETWORK, "control_page")
            found[job.id].append(Sighting(vantage, now, *plain, None, None, None, 0.0))
            continue
        seen = [_sighting(vantage, now, a, control_ok) for a in answers.get(job.id, ())]
        if seen:
            found[job.id].append(seen[0] if len(seen) == 1 else merge_hosts(seen))


def look_once(location: Location, *, eyes: Eyes, now: datetime) -> list[Sighting]:
    """Look at one URL from every vantage point, wherever its name leads now; writes nothing."""
    found = []
    for vantage in eyes.vantages:
        named = {} if location.is_ip else eyes.names.addresses([location.host], vantage)
        answer = named.get(location.host) or NameAnswer((location.host,))
        at = aim_at(answer.addresses, answer.error, ())
        requests = [LookRequest(0, location.url, location.host, location.port, ip) for ip in at.pins]
        seen = [a for _, a in eyes.prober.look(requests, vantage)]
        control_ok = any(a.status == 200 for a in seen) or control(eyes, vantage)
        if at.reading is not None:
            plain = at.reading if control_ok else (Verdict.UNKNOWN, Cause.OUR_NETWORK, "control_page")
            found.append(Sighting(vantage, now, *plain, None, None, None, 0.0))
        found += [_sighting(vantage, now, a, control_ok) for a in seen]
    return found


def control(eyes: Eyes, vantage: str) -> bool:
    """Tell whether one of the pages that must be there is: else our own network may be at fault."""
    for at in map(parse, eyes.control_urls):
        names = {} if at.is_ip else eyes.names.addresses([at.host], vantage)
        addresses = (at.host,) if at.is_ip else names[at.host].addresses
        requests = [LookRequest(0, at.url, at.host, at.port, ip) for ip in addresses[:1]]
        answers = eyes.prober.look(requests, vantage)
        if any(read(answer, control_ok=True)[0] is Verdict.UP for _, answer in answers):
            return True
    return False


def _sighting(vantage: str, now: datetime, answer: Answer, control_ok: bool) -> Sighting:
    verdict, cause, rule = read(answer, control_ok=control_ok)
    return Sighting(
        vantage, now, verdict, cause, rule, answer.status, answer.length, answer.ip, answer.seconds
    )


def _record(
    connection: Connection,
    store: Store,
    looked: Sequence[Looked],
    now: datetime,
) -> None:
    """Write spans, states, events and next looks of one part of a batch.

    Most rounds change nothing; only what changes is read whole.
    """
    ids = [job.id for job, _ in looked]
    briefs = episodes.briefs(connection, ids, lock=True)
    spans = looking.spans(connection, ids)
    decide = _Decider(now)
    seen: list[looking.Seen] = []
    turned: dict[int, Judgement] = {}
    same: dict[tuple[str, str], list[int]] = {}
    moments: list[tuple[int, datetime | None]] = []
    for job, sightings in looked:
        number = job.id
        brief = briefs[number]
        if brief.has_ended:
            moments.append((number, None))
            continue
        known = spans.get(number, _NO_SPANS)
        decided = decide(brief, known, sightings)
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
    _follow_up(connection, store, changes, now)


class _Decided(NamedTuple):
    """What a round makes of one situation; no next look where the presence changes."""

    runs: tuple[Run, ...]
    judgement: Judgement
    word: tuple[str, str]
    next_at: datetime | None


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
        before = [spans.get(sighting.vantage) for sighting in sightings]
        runs = tuple(
            extend(span.run if span else None, sighting)
            for span, sighting in zip(before, sightings, strict=True)
        )
        judgement = judge(sightings, runs, RULES)
        presence = Presence(brief.presence)
        turns = sign(presence, judgement, brief.first_gone_at, self._now) is not None
        next_at = next_look_at(presence, brief.began_at, Severity(brief.severity), self._now)
        word = (judgement.verdict.value, judgement.cause.value)
        return _Decided(runs, judgement, word, None if turns else next_at)


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
    waiting = (Stage.READY, Stage.NOTIFIED, Stage.ESCALATED)
    due.want(
        connection,
        due.ESCALATE,
        {c.after.id for c in changes if c.kind in up and c.after.stage in waiting},
        now,
    )
    episodes.forget(connection, [c.after.id for c in changes if c.after.ended_at is not None])
    for change in changes:
        state = change.after
        if change.kind is EventKind.PROVEN_GONE and state.last_cause in (Cause.NXDOMAIN, Cause.DOMAIN_HOLD):
            outcome, actor = looking.outcome_of(connection, state, Cause(state.last_cause), moved=False)
            if outcome is Outcome.DISABLED_DOMAIN:
                episodes.note(
                    connection, store.ids, [state], EventKind.DOMAIN_DISABLED, at=now, who=actor.value
                )
