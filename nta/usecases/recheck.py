"""Looking whether it is still there: take due episodes, look from every vantage point, record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from nta.domain.aiming import Aim, Served, aim_at
from nta.domain.availability import (
    Answer,
    Cause,
    Judgement,
    ProofRules,
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
_PRESENCES = {presence.value: presence for presence in Presence}
_SEVERITIES = {severity.value: severity for severity in Severity}
_NO_SPANS: Mapping[str, looking.Span] = {}
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
    limit: int = 2000,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Look at one batch of due episodes. Return how many were taken."""
    with store.db.write(lazy=True) as connection:
        taken = due.take(connection, due.LOOK, holder, now, limit)
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
    aims = aim(hosts, served, eyes)
    moved = moves.record_hosts(store, hosts, served, aims, now)
    looked = look(jobs, hosts, aims, eyes, now)
    while part := list(islice(looked, RECORDED)):
        checkpoint("recheck.looked")
        with store.db.write(lazy=True) as connection:
            mine = due.still_mine(connection, due.LOOK, [job.id for job, _ in part], holder)
            _record(connection, store, [(j, seen) for j, seen in part if j.id in mine], spans, now)
        checkpoint("recheck.recorded")
    if len(jobs) < len(taken) or moved:
        with store.db.write() as connection:
            known = {job.id for job in jobs}
            due.drop(connection, [(due.LOOK, i) for i in taken if i not in known])
    return len(taken)


def aim(
    hosts: Mapping[int, HostRow], served: Mapping[int, Sequence[Served]], eyes: Eyes
) -> dict[tuple[int, str], Aim]:
    """Ask the names from every vantage point; return where to look, by host and vantage point."""
    named = {row.name for row in hosts.values() if not row.is_ip}
    found: dict[tuple[int, str], Aim] = {}
    for vantage in eyes.vantages:
        answers = eyes.names.addresses(named, vantage) if named else {}
        for host_id, row in hosts.items():
            answer = NameAnswer((row.name,)) if row.is_ip else answers[row.name]
            found[host_id, vantage] = aim_at(
                answer.addresses, answer.error, served.get(row.arrangement_id or 0, ())
            )
    return found


def look(
    jobs: Sequence[looking.Job],
    hosts: Mapping[int, HostRow],
    aims: Mapping[tuple[int, str], Aim],
    eyes: Eyes,
    now: datetime,
) -> Iterator[Looked]:
    """Look at every job from every vantage point; yield each with one merged sighting a vantage point.

    What the last vantage point sees to be there is told as it comes, so that
    it is recorded while others still answer. All else waits until the
    control page has said whether our own network may be at fault.
    """
    found: dict[int, list[Sighting]] = {job.id: [] for job in jobs}
    by_id = {job.id: job for job in jobs}
    told: set[int] = set()
    for place, vantage in enumerate(eyes.vantages, 1):
        answers: dict[int, list[Answer]] = {}
        for key, answer in eyes.prober.look(_requests(jobs, hosts, aims, vantage), vantage):
            given = answers.setdefault(key, [])
            given.append(answer)
            if place < len(eyes.vantages) or not _is_there(answer):
                continue
            job = by_id[key]
            if len(given) == len(aims[job.host_id, vantage].pins) and all(map(_is_there, given)):
                found[key].append(_sighting(vantage, now, given[0], True))
                told.add(key)
                yield job, found[key]
        rest = [job for job in jobs if job.id not in told]
        _conclude(rest, answers, aims, eyes, vantage, now, found)
    for job in jobs:
        if job.id not in told:
            yield job, found[job.id]


def _is_there(answer: Answer) -> bool:
    return answer.error is None and answer.status is not None and 200 <= answer.status < 300


def _conclude(
    jobs: Sequence[looking.Job],
    answers: Mapping[int, Sequence[Answer]],
    aims: Mapping[tuple[int, str], Aim],
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


def _requests(
    jobs: Sequence[looking.Job],
    hosts: Mapping[int, HostRow],
    aims: Mapping[tuple[int, str], Aim],
    vantage: str,
) -> list[LookRequest]:
    return [
        LookRequest(job.id, job.url, row.name, row.port, ip, job.referrer)
        for job in jobs
        for row in (hosts[job.host_id],)
        for ip in aims[row.id, vantage].pins
    ]


def _sighting(vantage: str, now: datetime, answer: Answer, control_ok: bool) -> Sighting:
    verdict, cause, rule = read(answer, control_ok=control_ok)
    return Sighting(
        vantage, now, verdict, cause, rule, answer.status, answer.length, answer.ip, answer.seconds
    )


def _record(
    connection: Connection,
    store: Store,
    looked: Sequence[Looked],
    spans: Mapping[int, Mapping[str, looking.Span]],
    now: datetime,
) -> None:
    """Write spans, states, events and next looks of one part of a batch.

    Most rounds change nothing; only what changes is read whole.
    """
    briefs = episodes.briefs(connection, [job.id for job, _ in looked], lock=True)
    seen: list[looking.Seen] = []
    turned: dict[int, Judgement] = {}
    same: dict[tuple[str, str], list[int]] = {}
    moments: list[tuple[int, datetime | None]] = []
    for job, sightings in looked:
        number = job.id
        _, presence_word, severity, began_at, first_gone_at, has_ended = briefs[number]
        if has_ended:
            moments.append((number, None))
            continue
        known = spans.get(number, _NO_SPANS)
        runs = []
        for sighting in sightings:
            before = known.get(sighting.vantage)
            run = extend(before.run if before else None, sighting)
            runs.append(run)
            seen.append(looking.Seen(number, before, run, sighting))
        judgement = judge(sightings, runs, RULES)
        presence = _PRESENCES[presence_word]
        if sign(presence, judgement, first_gone_at, now) is not None:
            turned[number] = judgement
            continue
        same.setdefault((judgement.verdict._value_, judgement.cause._value_), []).append(number)
        moments.append((number, next_look_at(presence, began_at, _SEVERITIES[severity], now)))
    looking.write_spans(connection, store.ids, seen)
    for (verdict, cause), numbers in same.items():
        episodes.looked_alike(connection, numbers, verdict, cause, now)
    changes = _turn(connection, turned, now)
    episodes.move(connection, store.ids, changes)
    moments += [(c.after.id, None if c.after.ended_at else _next(c.after, now)) for c in changes]
    due.record_many(connection, due.LOOK, moments)
    _follow_up(connection, store, changes, now)


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
    return next_look_at(_PRESENCES[state.presence], state.began_at, _SEVERITIES[state.severity], now)


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
