"""What was concluded about a host, written: its arrangement, and where its episodes go from here."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.arrangements import Change, arrangement_change, is_correction, recall, settle
from nta.domain.deadlines import FACTS_KEPT, TASK, back_off, facts_until
from nta.domain.errors import RefusedError
from nta.domain.hosting import HostingFacts
from nta.domain.lifecycle import EventKind, Stage, Step, next_stage
from nta.domain.parties import Catalogue
from nta.domain.questions import LookupKind
from nta.domain.roles import Severity
from nta.store import arrangements, domains, due, episodes
from nta.store.arrangements import HostRow
from nta.store.base import Store

WHO = "service"

_ABOUT_HOST = frozenset({LookupKind.ADDRESSES.value, LookupKind.NETWORK.value})
"""A domain that cannot be asked for stops no notice to the host."""


def settle_host(
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
