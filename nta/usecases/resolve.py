"""Finding out who serves a host: one loop over findings, then what they mean for its episodes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.addresses import not_in_the_dns
from nta.domain.arrangements import Change, arrangement_change, is_correction, recall, settle
from nta.domain.deadlines import FACTS_KEPT, TASK, back_off, facts_until
from nta.domain.errors import RefusedError
from nta.domain.hosting import HostingFacts
from nta.domain.lifecycle import EventKind, Stage, Step, next_stage
from nta.domain.parties import Catalogue
from nta.domain.questions import ABOUT_ADDRESSES, Finding, Lookup, LookupKind, Subject
from nta.domain.resolution import conclude, domain_lookups, next_lookups, one_of_each, system_lookups
from nta.domain.roles import Severity
from nta.domain.urls import Location, public_suffix, registrable_domain, registry_domain
from nta.domain.zones import ZoneFacts, zone_facts
from nta.ports import Asker
from nta.store import arrangements, domains, due, episodes, findings, forced
from nta.store.arrangements import HostRow
from nta.store.base import Store
from nta.store.forced import Forced

ROUNDS = 8
"""More than the longest chain of questions; a bound against an adapter that never settles."""

WHO = "service"

_ABOUT_HOST = frozenset({LookupKind.ADDRESSES.value, LookupKind.NETWORK.value})
"""A domain that cannot be asked for stops no notice to the host."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The facts of one host, how many questions choosing took by kind, and what its domain's zone says."""

    facts: HostingFacts
    asked: Mapping[str, int]
    zone: ZoneFacts | None = None


def resolve_url(
    location: Location, *, asker: Asker, catalogue: Catalogue, now: datetime, routes: bool = False
) -> Resolved:
    """Return who serves a URL; writes nothing. `routes` says that the asker knows routes too."""
    subject = replace(subject_of(location.host, location.is_ip, routes=routes), zone=True)
    known: list[Finding] = []
    asked: dict[str, int] = {}
    for _ in range(ROUNDS):
        lookups = next_lookups(subject, known, now)
        if not lookups:
            break
        for lookup in lookups:
            if lookup.kind is LookupKind.ZONE:
                continue  # for a reader: nobody is chosen by it
            asked[lookup.kind.value] = asked.get(lookup.kind.value, 0) + 1
        known += asker.ask(lookups, now)
    facts = conclude(subject, known, catalogue, now)
    return Resolved(facts, asked, zone_facts(subject.domain, known, facts))


def subject_of(host: str, is_ip: bool, behind: Forced | None = None, *, routes: bool = False) -> Subject:
    """Return what is asked about for a host, with what a person knows of who stands behind it."""
    origin = behind.origin if behind else None
    has_registry = not is_ip and not not_in_the_dns(host)
    return Subject(
        host,
        is_ip,
        registrable_domain(host) if has_registry else None,
        public_suffix(host) if has_registry else None,
        registry_domain(host) if has_registry else None,
        (origin,) if origin else (),
        behind.party if behind else None,
        routes,
    )


def resolve_due(
    store: Store,
    *,
    asker: Asker,
    catalogue: Catalogue,
    holder: str,
    now: datetime,
    limit: int = 200,
    routes: bool = False,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Resolve one batch of due hosts as a set: a question is asked once for all of them. Return how many.

    `routes` says that the asker knows routes too.
    """
    with store.db.write() as connection:
        taken = due.take(connection, due.RESOLVE, holder, now, limit)
    if not taken:
        return 0
    checkpoint("resolve.taken")
    with store.db.read() as connection:
        rows = arrangements.hosts(connection, store, taken)
        behind = forced.of_hosts(connection, store, taken, now)
    subjects = {i: subject_of(row.name, row.is_ip, behind.get(i), routes=routes) for i, row in rows.items()}
    known, new = _gather(store, list(subjects.values()), asker, now)
    checkpoint("resolve.asked")
    with store.db.write() as connection:
        findings.save(connection, store, new)
    about = _by_host(known)
    for host_id, subject in sorted(subjects.items()):
        after = conclude(subject, about(subject), catalogue, now)
        is_whole = not next_lookups(subject, about(subject), now)
        with store.db.write() as connection:
            # Episodes, then the host, then due rows: the order in which all steps lock.
            states = episodes.open_on_host(connection, host_id, lock=True)
            row = arrangements.hosts(connection, store, [host_id], lock=True)[host_id]
            if due.still_mine(connection, due.RESOLVE, [host_id], holder):
                next_at = now + back_off(1) if states else None
                if is_whole:
                    next_at = _settle_host(connection, store, row, states, after, catalogue, now)
                    next_at = _not_after(next_at, behind.get(host_id))
                due.record_many(connection, due.RESOLVE, [(host_id, next_at)])
        checkpoint("resolve.recorded")
    return len(taken)


def _gather(
    store: Store, subjects: Sequence[Subject], asker: Asker, now: datetime
) -> tuple[list[Finding], list[Finding]]:
    """Return all findings about the subjects, and those of them that were asked for just now."""
    first = {Lookup(LookupKind.ADDRESSES, s.host) for s in subjects if not s.is_ip}
    first.update(lookup for s in subjects for lookup in domain_lookups(s))
    kinds = {kind for s in subjects for kind in s.about_addresses}
    with store.db.read() as connection:
        known = findings.of_questions(connection, store, first, now)
    new: list[Finding] = []
    looked_for: set[str] = set()
    most = 1
    for _ in range(ROUNDS):
        addresses = _addresses(subjects, known) - looked_for
        if addresses:
            with store.db.read() as connection:
                known += findings.of_networks(connection, store, addresses, now)
                failed = {Lookup(kind, address) for kind in kinds for address in addresses}
                known += findings.of_questions(connection, store, failed, now)
            looked_for |= addresses
        systems = system_lookups(looked_for, known, now) - {finding.lookup for finding in known}
        if systems:
            with store.db.read() as connection:
                known += findings.of_questions(connection, store, systems, now)
        about = _by_host(known)
        lookups: set[Lookup] = set()
        for subject in subjects:
            lookups |= next_lookups(subject, about(subject), now)
        if not lookups:
            break
        answers = list(asker.ask(one_of_each(lookups, most), now))
        known += answers
        new += answers
        if looked_for:
            most *= 4  # ranges smaller than a neighbourhood: few rounds for all of them
    return known, new


def _addresses(subjects: Sequence[Subject], known: Collection[Finding]) -> set[str]:
    named = {s.host for s in subjects}
    found = {s.address for s in subjects if s.is_ip}.union(*(s.origins for s in subjects))
    for finding in known:
        if finding.lookup.kind is LookupKind.ADDRESSES and finding.lookup.subject in named and finding.value:
            found.update(finding.value["addresses"])
    return found


def _by_host(known: Sequence[Finding]) -> Callable[[Subject], list[Finding]]:
    """Return a function that gives a subject its own findings, and all about addresses and their AS."""
    kinds = (*ABOUT_ADDRESSES, LookupKind.SYSTEM)
    shared = [f for f in known if f.lookup.kind in kinds]
    others: dict[Lookup, list[Finding]] = {}
    for finding in known:
        if finding.lookup.kind not in kinds:
            others.setdefault(finding.lookup, []).append(finding)

    def about(subject: Subject) -> list[Finding]:
        own = (Lookup(LookupKind.ADDRESSES, subject.host), *domain_lookups(subject))
        return [finding for lookup in own for finding in others.get(lookup, ())] + shared

    return about


def _not_after(next_at: datetime | None, behind: Forced | None) -> datetime | None:
    """Return when to ask again: no later than what a person knows runs out."""
    until = behind.until if behind else None
    return min(next_at, until) if next_at and until else next_at


def _settle_host(
    connection: Connection,
    store: Store,
    row: HostRow,
    states: Sequence[episodes.State],
    after: HostingFacts,
    catalogue: Catalogue,
    now: datetime,
) -> datetime | None:
    """Write what was concluded and return when to ask again, None when no episode is open.

    Where nobody is known, or at first nobody's contact, because somebody
    could not be asked, nothing is written: a look-up that failed changes no
    stage.
    """
    failing = any(p.temporary for p in after.problems)
    host_fails = any(p.temporary and p.step in _ABOUT_HOST for p in after.problems)
    nobody = not after.parties or (row.arrangement_id is None and not _can_tell(after, catalogue))
    if row.domain_id is not None and after.domain is not None:
        domains.learned(connection, row.domain_id, after.domain)
    later = FACTS_KEPT
    if after.dead:
        waiting = any(s.stage == Stage.SUBMITTED for s in states)
        later = back_off(5) if waiting else FACTS_KEPT
    elif host_fails and nobody:
        _overdue(connection, states, after, now)
        later = back_off(1 if row.arrangement_id is None else 4)
    elif after.addresses:
        row, joined = _arrange(connection, store, row, after, now)
        _ready(connection, store, row, states, after, catalogue, now, joined=joined)
        later = back_off(4) if host_fails else back_off(5) if failing else FACTS_KEPT
    else:
        _unresolved(connection, store, states, _why(after), now)
    if not states:
        return None
    return _said_when(after, facts_until(now) if later is FACTS_KEPT else now + later)


def _said_when(after: HostingFacts, next_at: datetime) -> datetime:
    """Return when to ask again: as soon as one who said "not now, but then" may be asked.

    Where only such are missing that is soon enough, however late it is.
    """
    told = [p.again_at for p in after.problems if p.again_at]
    untold = any(p.temporary and not p.again_at for p in after.problems)
    return min((*told, next_at)) if untold or after.dead or not told else min(told)


def _can_tell(after: HostingFacts, catalogue: Catalogue) -> bool:
    """Tell whether a contact is known of any who serve the host: by their network, or by the catalogue."""
    for address in (*after.addresses, *after.origins):
        entry = catalogue.party(address.proxy or address.party or "")
        if address.abuse or (entry and entry.notices):
            return True
    return False


def _overdue(
    connection: Connection, states: Sequence[episodes.State], after: HostingFacts, now: datetime
) -> None:
    """Tell a person of episodes that nobody could be asked about for a day; asking goes on."""
    for state in states:
        if state.stage == Stage.SUBMITTED and now - state.began_at >= TASK:
            due.task(connection, state.id, now + TASK, owner="analyst", reason=_why(after)[:200])


def _arrange(
    connection: Connection, store: Store, row: HostRow, after: HostingFacts, now: datetime
) -> tuple[HostRow, bool]:
    """Believe the facts, or hold them as suspected until a second look says so too.

    Return the host as it stands now, and whether a party joined.
    """
    if row.arrangement_id is None:
        number = arrangements.begin(connection, store, row.id, after, now)
        return row._replace(arrangement_id=number), False
    before = arrangements.facts(connection, store, row.arrangement_id)
    after = recall(before, after)
    change = arrangement_change(before.parties, after.parties, 0)
    if change is Change.SUSPECT and is_correction(before, after):
        change = Change.JOINED
    if change is Change.SUSPECT:
        if row.suspect_id is None:
            arrangements.begin(connection, store, row.id, after, now, suspected=True)
        else:
            arrangements.renew(connection, store, row.suspect_id, after)
        return row, False
    arrangements.renew(connection, store, row.arrangement_id, settle(before, after))
    if row.missed_looks and row.suspect_id is None and after.parties & before.parties:
        # A party that went on to addresses which the look did not know: now they are known.
        arrangements.seen_again(connection, row, now)
    joined = change is Change.JOINED or bool(after.hidden_hosts - before.hidden_hosts)
    if joined:
        _joined(connection, store, row, now)
    return row, joined


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
    *,
    joined: bool,
) -> None:
    """Move episodes that waited for these facts on: each gets its arrangement and its ladder."""
    changes = []
    for state in states:
        # Unresolved for want of a contact: only another party gives it a new chance.
        other = joined or state.arrangement_id != row.arrangement_id
        again = state.stage == Stage.UNRESOLVED and other
        if state.stage != Stage.SUBMITTED and not again:
            continue
        try:
            ladder = catalogue.ladder_for(after.country, Severity(state.severity))
        except RefusedError as refusal:
            _unresolved(connection, store, [state], str(refusal), now)
            continue
        stage = next_stage(Stage(state.stage), Step.RESOLVED)
        ready = state._replace(
            stage=stage.value,
            arrangement_id=row.arrangement_id,
            ladder=ladder.id,
            ladder_version=ladder.version,
        )
        changes.append(episodes.Change(state, ready, EventKind.RESOLVED, now, WHO))
    episodes.move(connection, store.ids, changes)
    due.drop(connection, [(due.TASK, c.after.id) for c in changes])  # a person was asked; no need now
    due.want(connection, due.ESCALATE, {c.after.id for c in changes}, now)


def _unresolved(
    connection: Connection, store: Store, states: Sequence[episodes.State], why: str, now: datetime
) -> None:
    """Hand episodes for which nobody can be found to tell to a person."""
    changes = []
    for state in states:
        if state.stage == Stage.SUBMITTED:
            after = state._replace(stage=next_stage(Stage.SUBMITTED, Step.NO_CONTACT).value)
            changes.append(episodes.Change(state, after, EventKind.UNRESOLVED, now, WHO, why[:200]))
            due.task(connection, state.id, now + TASK, owner="analyst", reason="unresolved")
    episodes.move(connection, store.ids, changes)


def _why(after: HostingFacts) -> str:
    return "; ".join(f"{p.step}: {p.reason}" for p in after.problems) or "no address was found"
