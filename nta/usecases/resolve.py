"""Finding out who serves a host: one loop over findings, then what they mean for its episodes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.deadlines import FACTS_KEPT, back_off
from nta.domain.hosting import HostingFacts
from nta.domain.ladders import choose_ladder
from nta.domain.lifecycle import EventKind, Stage, Step, next_stage
from nta.domain.parties import Catalogue
from nta.domain.resolution import (
    Change,
    Finding,
    Lookup,
    LookupKind,
    Subject,
    arrangement_change,
    conclude,
    next_lookups,
    settle,
)
from nta.domain.roles import Severity
from nta.domain.urls import Location, public_suffix, registrable_domain
from nta.ports import Asker
from nta.store import arrangements, due, episodes, findings
from nta.store.arrangements import HostRow
from nta.store.base import Store

ROUNDS = 8
"""More than the longest chain of questions; a bound against an adapter that never settles."""

WHO = "service"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The facts of one host, with the number of questions asked by kind."""

    facts: HostingFacts
    asked: Mapping[str, int]


def resolve_url(location: Location, *, asker: Asker, catalogue: Catalogue, now: datetime) -> Resolved:
    """Return who serves a URL; writes nothing."""
    subject = subject_of(location.host, location.is_ip)
    known: list[Finding] = []
    asked: dict[str, int] = {}
    for _ in range(ROUNDS):
        lookups = next_lookups(subject, known, now)
        if not lookups:
            break
        for lookup in lookups:
            asked[lookup.kind.value] = asked.get(lookup.kind.value, 0) + 1
        known += asker.ask(lookups, now)
    return Resolved(conclude(subject, known, catalogue, now), asked)


def subject_of(host: str, is_ip: bool) -> Subject:
    """Return what is asked about for a host."""
    return Subject(host, is_ip, registrable_domain(host), public_suffix(host))


def resolve_due(
    store: Store,
    *,
    asker: Asker,
    catalogue: Catalogue,
    holder: str,
    now: datetime,
    limit: int = 200,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Resolve one batch of due hosts as a set: a question is asked once for all of them. Return how many."""
    with store.db.write() as connection:
        taken = due.take(connection, due.RESOLVE, holder, now, limit)
    if not taken:
        return 0
    checkpoint("resolve.taken")
    with store.db.read() as connection:
        rows = arrangements.hosts(connection, store, taken)
    subjects = {host_id: subject_of(row.name, row.is_ip) for host_id, row in rows.items()}
    known, new = _gather(store, list(subjects.values()), asker, now)
    checkpoint("resolve.asked")
    with store.db.write() as connection:
        findings.save(connection, store, new)
    for host_id, subject in sorted(subjects.items()):
        concluded = conclude(subject, known, catalogue, now)
        with store.db.write() as connection:
            if due.still_mine(connection, due.RESOLVE, [host_id], holder):
                next_at = _settle_host(connection, store, rows[host_id].id, concluded, catalogue, now)
                due.record_many(connection, due.RESOLVE, [(host_id, next_at)])
        checkpoint("resolve.recorded")
    return len(taken)


def _gather(
    store: Store, subjects: Sequence[Subject], asker: Asker, now: datetime
) -> tuple[list[Finding], list[Finding]]:
    """Return all findings about the subjects, and those of them that were asked for just now."""
    names = {Lookup(LookupKind.ADDRESSES, s.host) for s in subjects if not s.is_ip}
    with store.db.read() as connection:
        known = findings.of_questions(connection, store, names, now)
    new: list[Finding] = []
    looked_for: set[str] = set()
    for _ in range(ROUNDS):
        addresses = _addresses(subjects, known) - looked_for
        if addresses:
            with store.db.read() as connection:
                known += findings.of_networks(connection, store, addresses, now)
            looked_for |= addresses
        by_host = _by_host(known)
        lookups: set[Lookup] = set()
        for subject in subjects:
            lookups |= next_lookups(subject, by_host(subject), now)
        if not lookups:
            break
        answers = list(asker.ask(lookups, now))
        known += answers
        new += answers
    return known, new


def _addresses(subjects: Sequence[Subject], known: Collection[Finding]) -> set[str]:
    named = {s.host for s in subjects}
    found = {s.host for s in subjects if s.is_ip}
    for finding in known:
        if finding.lookup.kind is LookupKind.ADDRESSES and finding.lookup.subject in named and finding.value:
            found.update(finding.value["addresses"])
    return found


def _by_host(known: Sequence[Finding]) -> Callable[[Subject], list[Finding]]:
    """Return a function that gives a subject its own name findings and all networks."""
    networks = [f for f in known if f.lookup.kind is not LookupKind.ADDRESSES]
    names: dict[str, list[Finding]] = {}
    for finding in known:
        if finding.lookup.kind is LookupKind.ADDRESSES:
            names.setdefault(finding.lookup.subject, []).append(finding)
    return lambda subject: names.get(subject.host, []) + networks


def _settle_host(
    connection: Connection,
    store: Store,
    host_id: int,
    after: HostingFacts,
    catalogue: Catalogue,
    now: datetime,
) -> datetime | None:
    """Write what was concluded and return when to ask again, None when no episode is open."""
    row = arrangements.hosts(connection, store, [host_id])[host_id]
    states = episodes.open_on_host(connection, host_id, lock=True)
    failed = not after.addresses and not after.dead
    if not failed and not after.dead:
        row = _arrange(connection, store, row, after, now)
        _ready(connection, store, row, states, after, catalogue, now)
    elif failed and not any(p.temporary for p in after.problems):
        _unresolved(connection, store, states, after, now)
    if not states:
        return None
    if failed and any(p.temporary for p in after.problems):
        return now + back_off(1 if row.arrangement_id is None else 4)
    waiting = any(s.stage == Stage.SUBMITTED for s in states)
    return now + (back_off(5) if after.dead and waiting else FACTS_KEPT)


def _arrange(
    connection: Connection, store: Store, row: HostRow, after: HostingFacts, now: datetime
) -> HostRow:
    """Believe the facts, or hold them as suspected until a second look says so too."""
    if row.arrangement_id is None:
        number = arrangements.begin(connection, store, row.id, after, now)
        return row._replace(arrangement_id=number)
    before = arrangements.facts(connection, store, row.arrangement_id)
    change = arrangement_change(before.parties, after.parties, 0)
    if change is Change.SUSPECT:
        if row.suspect_id is None:
            arrangements.begin(connection, store, row.id, after, now, suspected=True)
        else:
            arrangements.renew(connection, store, row.suspect_id, after)
        return row
    arrangements.renew(connection, store, row.arrangement_id, settle(before, after))
    if change is Change.JOINED:
        _joined(connection, store, row, now)
    return row


def _joined(connection: Connection, store: Store, row: HostRow, now: datetime) -> None:
    """Tell the host's open episodes that a party joined; the ladder tells it too."""
    states = [s for s in episodes.open_on_host(connection, row.id) if s.arrangement_id == row.arrangement_id]
    episodes.note(connection, store.ids, states, EventKind.PARTY_JOINED, at=now, who=WHO)
    due.want(connection, due.ESCALATE, {s.id for s in states if s.stage != Stage.SUBMITTED}, now)


def _ready(
    connection: Connection,
    store: Store,
    row: HostRow,
    states: Sequence[episodes.State],
    after: HostingFacts,
    catalogue: Catalogue,
    now: datetime,
) -> None:
    """Move episodes that waited for these facts on: each gets its arrangement and its ladder."""
    changes = []
    for state in states:
        # Unresolved for want of a contact: only another arrangement gives it a new chance.
        again = state.stage == Stage.UNRESOLVED and state.arrangement_id != row.arrangement_id
        if state.stage != Stage.SUBMITTED and not again:
            continue
        ladder = choose_ladder(catalogue.ladders, after.country, Severity(state.severity))
        stage = next_stage(Stage(state.stage), Step.RESOLVED)
        ready = state._replace(
            stage=stage.value,
            arrangement_id=row.arrangement_id,
            ladder=ladder.id,
            ladder_version=ladder.version,
        )
        changes.append(episodes.Change(state, ready, EventKind.RESOLVED, now, WHO))
    episodes.move(connection, store.ids, changes)
    due.want(connection, due.ESCALATE, {c.after.id for c in changes}, now)


def _unresolved(
    connection: Connection, store: Store, states: Sequence[episodes.State], after: HostingFacts, now: datetime
) -> None:
    """Hand episodes whose host cannot be resolved to a person."""
    why = "; ".join(f"{p.step}: {p.reason}" for p in after.problems)[:200] or "no address was found"
    changes = []
    for state in states:
        if state.stage == Stage.SUBMITTED:
            after_state = state._replace(stage=next_stage(Stage.SUBMITTED, Step.NO_CONTACT).value)
            changes.append(episodes.Change(state, after_state, EventKind.UNRESOLVED, now, WHO, why))
            due.task(connection, state.id, now + FACTS_KEPT, owner="analyst", reason="unresolved")
    episodes.move(connection, store.ids, changes)
