"""What the names said of hosts, recorded: seen again, joined, suspected, moved on."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from nta.domain.checks.targets import STRANGER, Aim, Served, seen_anew
from nta.domain.checks.verdicts import Cause
from nta.domain.episode_state import WHO, EpisodeState
from nta.domain.hosting.arrangements import ArrangementChange, arrangement_change
from nta.domain.lifecycle import EventKind, Presence, Stage
from nta.domain.parties.organisations import PartyId
from nta.store.cases import episodes
from nta.store.checks import look_records
from nta.store.db.bulk import table_of, update_rows
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.hosting.host_arrangements import HostRow
from nta.store.notices import endings
from nta.store.tables import Host
from nta.store.work import due
from nta.store.work.isolation import apart, say

_NOTED = 2_000


class Known(Protocol):
    """What is known of hosts that are looked at, and who may write of them."""

    def served(self, row: HostRow, /) -> Sequence[Served]:
        """Return the addresses that serve a host."""
        ...

    def ours(self, connection: Connection, host_ids: Collection[int], /) -> set[int]:
        """Return those of the hosts whose looks are still ours."""
        ...


def record_hosts(
    store: Store,
    hosts: Mapping[int, HostRow],
    batch: Known,
    aims: Mapping[tuple[int, str], Aim],
    now: datetime,
) -> bool:
    """Record what the names said of each host: seen again, joined, suspected or moved. True: one moved.

    Of a host whose looks another has taken over nothing is written.
    """
    vantages = {vantage for _, vantage in aims}
    moved = False
    seen_here: list[tuple[int, int, str]] = []
    for host_id, row in hosts.items():
        known = batch.served(row)
        seen = frozenset[str]().union(*(aims[host_id, vantage].seen for vantage in vantages))
        parties = frozenset(one.party or "" for one in known)
        change = arrangement_change(parties, seen, row.missed_looks)
        strange = STRANGER in seen
        if row.arrangement_id is not None and seen:
            anew = seen_anew(known, [aims[host_id, vantage] for vantage in vantages], now)
            seen_here += [(host_id, row.arrangement_id, address) for address in anew]
        if known and (strange or row.missed_looks) and seen:
            wrote, faults = apart([host_id], partial(_record, store, row, change, strange, batch, now))
            say("moves", faults)
            moved = moved or (any(wrote) and change is ArrangementChange.MOVED)
    for start in range(0, len(seen_here), _NOTED):
        part = seen_here[start : start + _NOTED]
        with store.db.write(lazy=True) as connection:
            ours = batch.ours(connection, {host_id for host_id, _, _ in part})
            places = [(number, address) for host_id, number, address in part if host_id in ours]
            host_arrangements.seen_here(connection, places, now)
    return moved


def _record(
    store: Store,
    row: HostRow,
    change: ArrangementChange,
    strange: bool,
    batch: Known,
    now: datetime,
    _host: Sequence[int],
) -> bool:
    with store.db.write(lazy=True) as connection:
        return _record_host(connection, store, row, change, strange, batch, now)


def record_marks(connection: Connection, marks: Mapping[int, PartyId], now: datetime) -> None:
    """Write the proxy whose mark a host's answers bear, by host, and have those hosts resolved again."""
    rows = [(proxy, host_id) for host_id, proxy in sorted(marks.items())]
    update_rows(connection, table_of(Host), ("proxy_mark",), ("id",), rows)
    due.want(connection, due.RESOLVE, marks, now)


def _record_host(
    connection: Connection,
    store: Store,
    row: HostRow,
    change: ArrangementChange,
    strange: bool,
    batch: Known,
    now: datetime,
) -> bool:
    """Record what the names said of one host. False: it is not ours to say."""
    states = episodes.open_on_host(connection, row.id, lock=True)
    fresh = host_arrangements.hosts(connection, store, [row.id], lock=True)[row.id]
    if fresh.arrangement_id != row.arrangement_id or not batch.ours(connection, [row.id]):
        return False  # somebody else settled it meanwhile, or looks by now
    if change in (ArrangementChange.SAME, ArrangementChange.JOINED):
        if fresh.missed_looks and fresh.suspect_id is not None:
            host_arrangements.join(connection, store, fresh)
            episodes.note(connection, store.ids, states, EventKind.PARTY_JOINED, at=now, who=WHO)
            told = (Stage.NOTIFIED, Stage.ESCALATED)
            due.want(connection, due.ESCALATE, {s.id for s in states if s.stage in told}, now)
        if fresh.missed_looks:
            host_arrangements.seen_again(connection, fresh, now)
        if strange and not fresh.missed_looks:
            due.want(connection, due.RESOLVE, [row.id], now)
    elif change is ArrangementChange.SUSPECT:
        host_arrangements.missed(connection, fresh, now)
        due.want(connection, due.RESOLVE, [row.id], now)
    else:
        _move_on(connection, store, fresh, states, now)
    return True


def _move_on(
    connection: Connection, store: Store, row: HostRow, states: Sequence[EpisodeState], now: datetime
) -> None:
    """End the host's episodes as moved, and begin those of the arrangement that took over.

    Absent and removed ones stay: their content was gone before the move,
    and they are watched where the name leads now.
    """
    host_arrangements.supersede(connection, row, now)
    leaving = [s for s in states if s.presence in (Presence.UNSEEN, Presence.UP)]
    gone_at = row.missed_since or now
    changes = []
    for state in leaving:
        left = state._replace(
            first_gone_at=gone_at, looked_at=now, last_verdict="moved", last_cause="other_host"
        )
        outcome, actor = look_records.outcome_of(connection, left, Cause.OTHER_HOST, moved=True)
        changes.append(episodes.ending(left, outcome, actor, at=now, who=WHO, kind=EventKind.MOVED))
    episodes.move(connection, store.ids, changes)
    endings.forget(connection, [s.id for s in leaving])
    for state in leaving:
        _follow(connection, store, state, now)


def _follow(connection: Connection, store: Store, state: EpisodeState, now: datetime) -> None:
    episodes.begin(
        connection,
        store.ids,
        case_id=state.case_id,
        host_id=state.host_id,
        number=state.number + 1,
        severity=state.severity,
        received_at=state.received_at,
        at=now,
        who=WHO,
        kind=EventKind.FOLLOWED,
    )
