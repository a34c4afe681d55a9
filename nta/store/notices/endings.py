"""Ending an episode by a person's word, and dropping whatever waited for episodes that ended."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.reasons import Code, Reason
from nta.ports import Ids
from nta.store.cases.episodes import (
    ending,
    load,
    move,
)
from nta.store.notices import approval_rows, contact_decisions
from nta.store.work import due, open_tasks


def end(
    connection: Connection,
    ids: Ids,
    episode_id: int,
    outcome: Outcome,
    actor: Actor,
    *,
    at: datetime,
    who: str,
    why: Reason | None = None,
) -> EpisodeState:
    """End one episode by a person's word and drop what was due for it."""
    state = load(connection, [episode_id], lock=True)[episode_id]
    if state.ended_at is not None:
        raise RefusedError(Code.CASE_ENDED)
    change = ending(state, outcome, actor, at=at, who=who, why=why)
    move(connection, ids, [change])
    forget(connection, [episode_id])
    return change.after


def forget(connection: Connection, ids: Iterable[int]) -> None:
    """Drop every due row of episodes that ended, and what people are asked about for them alone."""
    ended = list(ids)
    due.drop(connection, [(kind, i) for i in ended for kind in (due.LOOK, due.ESCALATE)])
    open_tasks.drop(connection, ended)
    approval_rows.drop_ended(connection, ended)
    contact_decisions.drop_ended(connection, ended)
