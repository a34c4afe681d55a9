"""Episodes: read whole, moved by the two tables alone, each change with its event."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Connection, insert, select

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.episode_state import EpisodeChange, EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.kept_reasons import dumped
from nta.domain.lifecycle import PRESENCES, STAGES, EventKind, Presence, Stage
from nta.domain.reasons import Reason
from nta.ports import Ids
from nta.store.db.bulk import (
    found_by,
    insert_alike,
    insert_rows,
    set_rows,
    table_of,
    update_rows,
)
from nta.store.db.types import Moment, from_us, to_us
from nta.store.tables import Episode, Event
from nta.store.work import due


class Stands(Protocol):
    """What an event says of an episode."""

    @property
    def id(self) -> int: ...
    @property
    def stage(self) -> str: ...
    @property
    def presence(self) -> str: ...


_COLUMNS = [Episode.__table__.c[name] for name in EpisodeState._fields]
_NEXT_STAGES = {s.value: {to.value for (at, _), to in STAGES.items() if at is s} for s in Stage}
_NEXT_PRESENCES = {p.value: {to.value for (at, _), to in PRESENCES.items() if at is p} for p in Presence}
_ENDED, _CLOSED = Stage.ENDED.value, Presence.CLOSED.value
_FIXED = ("id", "case_id", "host_id", "number", "severity", "began_at", "received_at")
_MUTABLE = tuple(name for name in EpisodeState._fields if name not in _FIXED)
_EVENT = ("id", "episode_id", "at", "kind", "who", "why", "stage", "presence", "subject")
_MOMENTS = tuple(
    place
    for place, name in enumerate(EpisodeState._fields)
    if isinstance(Episode.__table__.c[name].type, Moment)
)
_PAUSED, _ONE_VANTAGE = EpisodeState._fields.index("paused"), EpisodeState._fields.index("one_vantage")
_BEFORE_PRESENCE = slice(0, EpisodeState._fields.index("presence"))
_BEFORE_LOOKS = slice(EpisodeState._fields.index("outcome"), EpisodeState._fields.index("looked_at"))
_MICROSECOND = timedelta(microseconds=1)
_ASKED = f"SELECT {', '.join(EpisodeState._fields)} FROM episode WHERE id"  # noqa: S608  # names of our own table
_LOOKED = (
    "looked_at",
    "last_verdict",
    "last_cause",
    "last_up_at",
    "first_gone_at",
    "proven_gone_at",
    "paused_since",
    "paused",
    "one_vantage",
    "returns",
)
_mutable = itemgetter(*(EpisodeState._fields.index(name) for name in (*_MUTABLE, "id")))


def load(connection: Connection, ids: Collection[int], *, lock: bool = False) -> dict[int, EpisodeState]:
    """Return the episodes by id. `lock` keeps others from moving them until this write ends."""
    rows = found_by(connection, _ASKED, sorted(ids), lock=lock)
    return {row[0]: _state(row) for row in rows}


def open_on_host(connection: Connection, host_id: int, *, lock: bool = False) -> list[EpisodeState]:
    """Return the host's episodes that have not ended, in the order of their ids."""
    query = (
        select(*_COLUMNS).where(Episode.host_id == host_id, Episode.ended_at.is_(None)).order_by(Episode.id)
    )
    if lock:
        query = query.with_for_update(key_share=True)
    return [EpisodeState._make(row) for row in connection.execute(query)]


def move(connection: Connection, ids: Ids, changes: Sequence[EpisodeChange]) -> None:
    """Write states and their events; the only writer of stage and presence.

    Raises RefusedError when a change is not in the tables of `lifecycle`,
    before anything is written.
    """
    if not changes:
        return
    for change in changes:
        _permit(change)
    only_looked = [(c.after.presence, *_learned(c.after)) for c in changes if _only_looked(c)]
    _write_learned(connection, ("presence", *_LOOKED), only_looked)
    rows = [_mutable(_plain(c.after)) for c in changes if not _only_looked(c)]
    update_rows(connection, table_of(Episode), _MUTABLE, ("id",), rows)
    _events(connection, ids, changes)


def looked(connection: Connection, states: Sequence[EpisodeState]) -> None:
    """Write what looks learned where stage and presence stay as they are; no event."""
    _write_learned(connection, _LOOKED, [_learned(state) for state in states])


def note(
    connection: Connection,
    ids: Ids,
    states: Iterable[Stands],
    kind: EventKind,
    *,
    at: datetime,
    who: str,
    why: Reason | None = None,
    subject: int | None = None,
) -> None:
    """Write an event that changes neither stage nor presence."""
    written = [(state.id, state.stage, state.presence) for state in states]
    events_alike(connection, ids, written, kind, at, who, why, subject)


def begin(
    connection: Connection,
    ids: Ids,
    *,
    case_id: int,
    host_id: int,
    number: int,
    severity: str,
    received_at: datetime,
    at: datetime,
    who: str,
    kind: EventKind,
    why: Reason | None = None,
) -> EpisodeState:
    """Begin an episode: submitted, unseen, its host to be resolved and itself to be looked at now."""
    state = EpisodeState(
        id=ids.take(1)[0],
        case_id=case_id,
        host_id=host_id,
        number=number,
        arrangement_id=None,
        ladder=None,
        ladder_version=None,
        severity=severity,
        stage=Stage.SUBMITTED.value,
        presence=Presence.UNSEEN.value,
        outcome=None,
        actor=None,
        began_at=at,
        ended_at=None,
        received_at=received_at,
        looked_at=None,
        last_verdict=None,
        last_cause=None,
        last_up_at=None,
        first_gone_at=None,
        proven_gone_at=None,
        paused_since=None,
        paused=timedelta(0),
        one_vantage=False,
        returns=0,
        first_handed_at=None,
    )
    connection.execute(insert(Episode).values(**state._asdict()))
    note(connection, ids, [state], kind, at=at, who=who, why=why)
    due.want(connection, due.LOOK, [state.id], at)
    due.want(connection, due.RESOLVE, [host_id], at)
    return state


def ending(
    state: EpisodeState,
    outcome: Outcome,
    actor: Actor,
    *,
    at: datetime,
    who: str,
    why: Reason | None = None,
    kind: EventKind = EventKind.ENDED,
) -> EpisodeChange:
    """Return the change that ends an episode with an outcome."""
    after = state._replace(
        stage=Stage.ENDED.value,
        outcome=outcome.value,
        actor=actor.value,
        ended_at=at,
        paused_since=None,
        held_until=None,
    )
    return EpisodeChange(state, after, kind, at, who, why)


def _permit(change: EpisodeChange) -> None:
    before, after = change.before, change.after
    if before.ended_at is not None:
        raise RefusedError("an episode that has ended does not move")
    permit_steps(before.stage, after.stage, before.presence, after.presence)
    if (after.stage == _ENDED) != (after.outcome is not None and after.ended_at is not None):
        raise RefusedError("an episode ends with an outcome, and only then has one")
    if after.presence == _CLOSED and after.stage != _ENDED:
        raise RefusedError("content is closed only when its episode ends")


def permit_steps(stage: str, next_stage: str, presence: str, next_presence: str) -> None:
    """Raise RefusedError for a step that is not in the tables of `lifecycle`."""
    if next_stage != stage and next_stage not in _NEXT_STAGES[stage]:
        raise RefusedError(f"an episode that is {stage} cannot become {next_stage}")
    if next_presence != presence and next_presence not in _NEXT_PRESENCES[presence]:
        raise RefusedError(f"content that is {presence} cannot become {next_presence}")


def _state(row: Sequence[Any]) -> EpisodeState:
    """Return the episode of a row as the driver gave it."""
    values = list(row)
    for place in _MOMENTS:
        us = values[place]
        if us is not None:
            values[place] = from_us(us)
    values[_PAUSED] = timedelta(microseconds=values[_PAUSED])
    values[_ONE_VANTAGE] = bool(values[_ONE_VANTAGE])
    return EpisodeState._make(values)


def _plain(state: EpisodeState) -> list[Any]:
    """Return the episode as the driver takes it."""
    values: list[Any] = list(state)
    for place in _MOMENTS:
        moment = values[place]
        if moment is not None:
            values[place] = to_us(moment)
    values[_PAUSED] = state.paused // _MICROSECOND
    return values


def _only_looked(change: EpisodeChange) -> bool:
    """Tell whether nothing changes but what looks learn; the fewer columns, the fewer indexes are written."""
    before, after = change.before, change.after
    return (
        before[_BEFORE_PRESENCE] == after[_BEFORE_PRESENCE]
        and before[_BEFORE_LOOKS] == after[_BEFORE_LOOKS]
        and before.first_handed_at == after.first_handed_at
        and before.held_until == after.held_until
    )


def _learned(state: EpisodeState) -> tuple[Any, ...]:
    """Return the columns of `_LOOKED` and the id, as the driver takes them."""
    return (
        _us(state.looked_at),
        state.last_verdict,
        state.last_cause,
        _us(state.last_up_at),
        _us(state.first_gone_at),
        _us(state.proven_gone_at),
        _us(state.paused_since),
        state.paused // _MICROSECOND if state.paused else 0,
        state.one_vantage,
        state.returns,
        state.id,
    )


def _write_learned(connection: Connection, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows of `columns` and id; those that learned the same, as most do, in one statement."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        alike.setdefault(row[:-1], []).append(row[-1])
    table = table_of(Episode)
    single = [(*values, ids[0]) for values, ids in alike.items() if len(ids) == 1]
    update_rows(connection, table, columns, ("id",), single)
    for values, ids in alike.items():
        if len(ids) > 1:
            set_rows(connection, table, dict(zip(columns, values, strict=True)), "id", ids)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)


def events_alike(
    connection: Connection,
    ids: Ids,
    written: Sequence[tuple[int, str, str]],
    kind: EventKind,
    at: datetime,
    who: str,
    why: Reason | None = None,
    subject: int | None = None,
) -> None:
    """Write one event of each of these: (episode, stage, presence) as they stand after it."""
    alike: dict[tuple[str, str], list[int]] = {}
    for episode, stage, presence in written:
        alike.setdefault((stage, presence), []).append(episode)
    for (stage, presence), episodes in alike.items():
        pairs = list(zip(ids.take(len(episodes)), episodes, strict=True))
        values = (to_us(at), kind.value, who, why and dumped(why), stage, presence, subject)
        insert_alike(
            connection, table_of(Event), _EVENT[:2], pairs, dict(zip(_EVENT[2:], values, strict=True))
        )


def _events(connection: Connection, ids: Ids, changes: Sequence[EpisodeChange]) -> None:
    if not changes:
        return
    numbers = ids.take(len(changes))
    rows = [
        (
            number,
            c.before.id,
            to_us(c.at),
            c.kind.value,
            c.who,
            c.why and dumped(c.why),
            c.after.stage,
            c.after.presence,
            c.subject,
        )
        for number, c in zip(numbers, changes, strict=True)
    ]
    insert_rows(connection, table_of(Event), _EVENT, rows)
