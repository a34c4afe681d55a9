"""Ending an episode by a person's word, and dropping whatever waited for episodes that ended."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.errors import RefusedError
from nta.domain.outcomes import Actor, Outcome
from nta.ports import Ids
from nta.store import approvals, contacts, due
from nta.store.episodes import State, ending, load, move


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
    """Drop every due row of episodes that ended, and what people are asked about for them alone."""
    ended = list(ids)
    due.drop(connection, [(kind, i) for i in ended for kind in (due.LOOK, due.ESCALATE, due.TASK)])
    approvals.drop_ended(connection, ended)
    contacts.drop_ended(connection, ended)
