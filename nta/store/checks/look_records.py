"""What a round of looks reads and writes: episodes with their URLs, current spans, in bulk."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from nta.domain.checks.outcomes import (
    NAME_CAUSES,
    Actor,
    Outcome,
    ending,
    on_hold,
)
from nta.domain.checks.verdicts import (
    Cause,
    Run,
    Sighting,
    Verdict,
)
from nta.domain.episode_state import EpisodeState
from nta.domain.notices import answers
from nta.domain.roles import KEEPERS, Role
from nta.ports import Ids
from nta.store.db.bulk import (
    found_by,
    insert_rows,
    set_rows,
    table_of,
    update_rows,
)
from nta.store.db.handle import Store
from nta.store.db.types import from_us, to_us
from nta.store.tables import Addressee, Domain, Episode, Host, SightingSpan

_JOBS = (
    "SELECT e.id, e.case_id, e.host_id, c.url_sealed, c.referrer_sealed "
    'FROM episode e JOIN "case" c ON c.id = e.case_id WHERE e.id'
)
_BY_HOST = "SELECT host_id, id FROM episode WHERE id"
_CURRENT = (
    "SELECT episode_id, id, first_trace, status, length, address, "
    "vantage, verdict, cause, first_at, last_at, count, longest_gap "
    "FROM sighting_span WHERE current AND episode_id"
)
_SPAN = (
    "id",
    "episode_id",
    "vantage",
    "first_at",
    "last_at",
    "count",
    "longest_gap",
    "verdict",
    "cause",
    "rule",
    "status",
    "length",
    "address",
    "current",
    "first_trace",
)
_GOES_ON = ("last_at", "count", "longest_gap")
_SHOWN = ("status", "length", "address")
_KEEPERS = sorted(role.value for role in KEEPERS)
_FEW = 8
"""Rows that are written one by one: a statement for them alone costs more."""
_MICROSECOND = timedelta(microseconds=1)


class Job(NamedTuple):
    """One episode to look at."""

    id: int
    host_id: int
    url: str
    referrer: str | None


class CurrentSpan(NamedTuple):
    """The current run of one vantage point, with its row; `state` is the run as the driver gave it.

    `first` is the trace of the page when it was first seen from there, `shown`
    what was shown last: status, length, address.
    """

    id: int
    first: str | None
    shown: tuple[int | None, int | None, str | None]
    state: tuple[str, str, str, int, int, int, int]

    @property
    def run(self) -> Run:
        """Return the run."""
        vantage, verdict, cause, first, last, count, gap = self.state
        return Run(
            vantage,
            Verdict(verdict),
            Cause(cause),
            from_us(first),
            from_us(last),
            count,
            timedelta(microseconds=gap),
        )


def in_host_order(connection: Connection, ids: Collection[int]) -> list[int]:
    """Return those of the episodes that there are, a host's together."""
    return [number for _, number in sorted(map(tuple, found_by(connection, _BY_HOST, sorted(ids))))]


def jobs(connection: Connection, store: Store, ids: Collection[int]) -> list[Job]:
    """Return episodes with their URLs unsealed, in the order of their hosts: a host's URLs stand together."""
    found: list[Job] = []
    opened = store.sealer.text
    for number, case_id, host_id, url, referrer in found_by(connection, _JOBS, sorted(ids)):
        via = opened("case.referrer", case_id, referrer) if referrer is not None else None
        found.append(Job(number, host_id, opened("case.url", case_id, url), via))
    found.sort(key=itemgetter(1, 0))
    return found


def spans(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, CurrentSpan]]:
    """Return the current span of each vantage point, by episode."""
    found: dict[int, dict[str, CurrentSpan]] = {}
    for episode, number, first, status, length, address, *state in found_by(
        connection, _CURRENT, sorted(ids)
    ):
        found.setdefault(episode, {})[state[0]] = CurrentSpan(
            number, first, (status, length, address), tuple(state)
        )
    return found


class RecordedLook(NamedTuple):
    """One sighting of one episode, with the run it extends or begins."""

    episode_id: int
    before: CurrentSpan | None
    after: Run
    sighting: Sighting


def write_spans(connection: Connection, ids: Ids, seen: Sequence[RecordedLook]) -> None:
    """Let current spans go on, or end them and begin the next; what a page was like at first stays known."""
    goes_on: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    shown: list[tuple[Any, ...]] = []
    first_seen: list[tuple[Any, ...]] = []
    ended: list[int] = []
    begun: list[RecordedLook] = []
    for entry in seen:
        run, s = entry.after, entry.sighting
        if entry.before is not None and run.count > 1:
            gap = run.longest_gap // _MICROSECOND
            goes_on[to_us(run.last_at), run.count, gap].append(entry.before.id)
            if (s.status, s.length, s.ip) != entry.before.shown:
                shown.append((s.status, s.length, s.ip, entry.before.id))
            if s.trace is not None and entry.before.first is None:
                first_seen.append((s.trace, entry.before.id))
            continue
        if entry.before is not None:
            ended.append(entry.before.id)
        begun.append(entry)
    table = table_of(SightingSpan)
    few = [(*run, number) for run, numbers in goes_on.items() if len(numbers) < _FEW for number in numbers]
    update_rows(connection, table, _GOES_ON, ("id",), few)
    for values, numbers in goes_on.items():
        if len(numbers) >= _FEW:
            set_rows(connection, table, dict(zip(_GOES_ON, values, strict=True)), "id", numbers)
    update_rows(connection, table, _SHOWN, ("id",), shown)
    update_rows(connection, table, ("first_trace",), ("id",), first_seen)
    set_rows(connection, table, {"current": False}, "id", ended)
    insert_rows(connection, table, _SPAN, _new_spans(begun, ids))


def _new_spans(begun: Sequence[RecordedLook], ids: Ids) -> list[tuple[Any, ...]]:
    rows = []
    for entry, number in zip(begun, ids.take(len(begun)), strict=True):
        s = entry.sighting
        at = to_us(s.at)
        rows.append(
            (
                number,
                entry.episode_id,
                s.vantage,
                at,
                at,
                1,
                0,
                s.verdict._value_,
                s.cause._value_,
                s.rule,
                s.status,
                s.length,
                s.ip,
                True,
                s.trace if entry.before is None else entry.before.first or s.trace,
            )
        )
    return rows


def keepers_told(connection: Connection, host_ids: Collection[int]) -> set[int]:
    """Return those hosts whose registrar or registry was told of something on their domain."""
    told = (
        select(Host.domain_id)
        .join(Episode, Episode.host_id == Host.id)
        .join(Addressee, Addressee.episode_id == Episode.id)
        .where(Addressee.role.in_(_KEEPERS), Addressee.first_handed_at.is_not(None))
        .where(Host.domain_id.in_(select(Host.domain_id).where(Host.id.in_(host_ids))))
    )
    named = select(Host.id).where(Host.id.in_(host_ids), Host.domain_id.in_(told))
    return set(connection.execute(named).scalars())


def kept_out_since(connection: Connection, episode_id: int) -> datetime | None:
    """Return since when a vantage point is kept out of what another sees; None when none is."""
    found: datetime | None = connection.execute(
        select(SightingSpan.first_at)
        .where(
            SightingSpan.episode_id == episode_id,
            SightingSpan.current,
            SightingSpan.cause == Cause.GEO_BLOCKED.value,
        )
        .order_by(SightingSpan.first_at)
        .limit(1)
    ).scalar()
    return found


class ToldOf(NamedTuple):
    """Who had been told of an episode before a moment, and what they said."""

    roles: frozenset[Role]
    answered_removed: bool


def told_of(connection: Connection, state: EpisodeState, before: datetime) -> ToldOf:
    """Return the roles told before a moment, and whether one of them said it was removed.

    A registrar or registry told of another case of the same domain counts
    too: what it does to the name ends them all.
    """
    told = Addressee.first_handed_at.is_not(None) & (Addressee.first_handed_at < before)
    rows = connection.execute(
        select(Addressee.role, Addressee.answer).where(Addressee.episode_id == state.id, told)
    ).all()
    domain = select(Host.domain_id).where(Host.id == state.host_id).scalar_subquery()
    names = connection.execute(
        select(Addressee.role)
        .distinct()
        .join(Episode, Episode.id == Addressee.episode_id)
        .join(Host, Host.id == Episode.host_id)
        .where(Host.domain_id == domain, Addressee.role.in_(_KEEPERS), told)
    ).scalars()
    roles = frozenset(Role(role) for role in [*(row.role for row in rows), *names])
    return ToldOf(roles, any(row.answer in answers.GONE for row in rows))


def outcome_of(
    connection: Connection, state: EpisodeState, cause: Cause, *, moved: bool
) -> tuple[Outcome, Actor]:
    """Return how an episode whose content is gone or moved ends, and by whom."""
    gone_at = state.first_gone_at
    told = told_of(connection, state, gone_at) if gone_at else ToldOf(frozenset(), False)
    status = None
    if cause in NAME_CAUSES:
        status = connection.execute(
            select(Domain.status).join(Host, Host.domain_id == Domain.id).where(Host.id == state.host_id)
        ).scalar()
    return ending(
        first_handed_at=state.first_handed_at,
        last_up_at=state.last_up_at,
        first_gone_at=gone_at,
        cause=cause,
        told_roles=told.roles,
        answered_removed=told.answered_removed,
        moved=moved,
        held_name=on_hold(status),
    )
