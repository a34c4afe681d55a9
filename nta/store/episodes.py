"""Episodes: read whole, moved by the two tables alone, each change with its event."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from nta.domain.errors import RefusedError
from nta.domain.lifecycle import PRESENCES, STAGES, EventKind, Presence, Stage
from nta.domain.outcomes import Actor, Outcome
from nta.ports import Ids
from nta.store import due
from nta.store.tables import Episode, Event


class State(NamedTuple):
    """One episode as it stands; `_replace` makes the next state, `move` writes it."""

    id: int
    case_id: int
    host_id: int
    number: int
    arrangement_id: int | None
    ladder: str | None
    ladder_version: str | None
    severity: str
    stage: str
    presence: str
    outcome: str | None
    actor: str | None
    began_at: datetime
    ended_at: datetime | None
    received_at: datetime
    looked_at: datetime | None
    last_verdict: str | None
    last_cause: str | None
    last_up_at: datetime | None
    first_gone_at: datetime | None
    proven_gone_at: datetime | None
    paused_since: datetime | None
    paused: timedelta
    one_vantage: bool
    returns: int
    first_handed_at: datetime | None


class Change(NamedTuple):
    """A step from one state to the next, and the event that says why."""

    before: State
    after: State
    kind: EventKind
    at: datetime
    who: str
    why: str | None = None
    subject: int | None = None


_COLUMNS = [Episode.__table__.c[name] for name in State._fields]
_NEXT_STAGES = {stage: {to for (at, _), to in STAGES.items() if at == stage} for stage in Stage}
_NEXT_PRESENCES = {p: {to for (at, _), to in PRESENCES.items() if at == p} for p in Presence}
_FIXED = ("id", "case_id", "host_id", "number", "severity", "began_at", "received_at")
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


def load(connection: Connection, ids: Collection[int], *, lock: bool = False) -> dict[int, State]:
    """Return the episodes by id. `lock` keeps others from moving them until this write ends."""
    found: dict[int, State] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        query = select(*_COLUMNS).where(Episode.id.in_(wanted[start : start + 500]))
        if lock and connection.dialect.name == "postgresql":
            query = query.with_for_update()
        found.update({row[0]: State._make(row) for row in connection.execute(query)})
    return found


def open_on_host(connection: Connection, host_id: int, *, lock: bool = False) -> list[State]:
    """Return the host's episodes that have not ended, in the order of their ids."""
    query = (
        select(*_COLUMNS).where(Episode.host_id == host_id, Episode.ended_at.is_(None)).order_by(Episode.id)
    )
    if lock and connection.dialect.name == "postgresql":
        query = query.with_for_update()
    return [State._make(row) for row in connection.execute(query)]


def move(connection: Connection, ids: Ids, changes: Sequence[Change]) -> None:
    """Write states and their events; the only writer of stage and presence.

    Raises RefusedError when a change is not in the tables of `lifecycle`,
    before anything is written.
    """
    if not changes:
        return
    for change in changes:
        _permit(change)
    mutable = [name for name in State._fields if name not in _FIXED]
    connection.execute(
        update(Episode)
        .where(Episode.id == bindparam("_id"))
        .values({name: bindparam(f"_{name}") for name in mutable}),
        [_values(change.after, mutable) for change in changes],
    )
    _events(connection, ids, changes)


def looked(connection: Connection, states: Sequence[State]) -> None:
    """Write what looks learned where stage and presence stay as they are; no event."""
    if states:
        connection.execute(
            update(Episode)
            .where(Episode.id == bindparam("_id"))
            .values({name: bindparam(f"_{name}") for name in _LOOKED}),
            [_values(state, _LOOKED) for state in states],
        )


def note(
    connection: Connection,
    ids: Ids,
    states: Iterable[State],
    kind: EventKind,
    *,
    at: datetime,
    who: str,
    why: str | None = None,
    subject: int | None = None,
) -> None:
    """Write an event that changes neither stage nor presence."""
    _events(connection, ids, [Change(s, s, kind, at, who, why, subject) for s in states])


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
    why: str | None = None,
) -> State:
    """Begin an episode: submitted, unseen, its host to be resolved and itself to be looked at now."""
    state = State(
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
    state: State,
    outcome: Outcome,
    actor: Actor,
    *,
    at: datetime,
    who: str,
    why: str | None = None,
    kind: EventKind = EventKind.ENDED,
) -> Change:
    """Return the change that ends an episode with an outcome."""
    after = state._replace(
        stage=Stage.ENDED.value, outcome=outcome.value, actor=actor.value, ended_at=at, paused_since=None
    )
    return Change(state, after, kind, at, who, why)


def end(
    connection: Connection,
    ids: Ids,
    episode_id: int,
    outcome: Outcome,
    actor: Actor,
    *,
    at: datetime,
    who: str,
    why: str | None = None,
) -> State:
    """End one episode by a person's word and drop what was due for it."""
    state = load(connection, [episode_id], lock=True)[episode_id]
    if state.ended_at is not None:
        raise RefusedError("this episode has ended already")
    change = ending(state, outcome, actor, at=at, who=who, why=why)
    move(connection, ids, [change])
    forget(connection, [episode_id])
    return change.after


def forget(connection: Connection, ids: Iterable[int]) -> None:
    """Drop every due row of episodes that ended."""
    due.drop(connection, [(kind, i) for i in ids for kind in (due.LOOK, due.ESCALATE, due.TASK)])


def _permit(change: Change) -> None:
    before, after = change.before, change.after
    if before.ended_at is not None:
        raise RefusedError("an episode that has ended does not move")
    if after.stage != before.stage and after.stage not in _NEXT_STAGES[Stage(before.stage)]:
        raise RefusedError(f"an episode that is {before.stage} cannot become {after.stage}")
    if after.presence != before.presence and after.presence not in _NEXT_PRESENCES[Presence(before.presence)]:
        raise RefusedError(f"content that is {before.presence} cannot become {after.presence}")
    if (after.stage == Stage.ENDED) != (after.outcome is not None and after.ended_at is not None):
        raise RefusedError("an episode ends with an outcome, and only then has one")


def _values(state: State, names: Sequence[str]) -> dict[str, Any]:
    plain: Mapping[str, Any] = state._asdict()
    return {"_id": state.id, **{f"_{name}": plain[name] for name in names}}


def _events(connection: Connection, ids: Ids, changes: Sequence[Change]) -> None:
    if not changes:
        return
    numbers = ids.take(len(changes))
    connection.execute(
        insert(Event),
        [
            {
                "id": number,
                "episode_id": c.before.id,
                "at": c.at,
                "kind": c.kind.value,
                "who": c.who,
                "why": c.why,
                "stage": c.after.stage,
                "presence": c.after.presence,
                "subject": c.subject,
            }
            for number, c in zip(numbers, changes, strict=True)
        ],
    )
