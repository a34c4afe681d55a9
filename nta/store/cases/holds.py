"""Holds: the police come first, nothing leaves meanwhile, and each ends by itself."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from nta.domain.reasons import Code, Reason
from nta.store.tables import Host
from nta.store.work import due, open_tasks


def begin(connection: Connection, until: Mapping[int, datetime]) -> None:
    """Make held episodes be looked at by the ladder when their holds end, and ask a person to see to them."""
    due.drop(connection, [(due.ESCALATE, episode_id) for episode_id in until])
    for episode_id, at in sorted(until.items()):
        due.want(connection, due.ESCALATE, [episode_id], at)
        open_tasks.ask(connection, episode_id, Reason(Code.HELD), owner="analyst", deadline=at)


def end(connection: Connection, episode_ids: Collection[int]) -> None:
    """End the task that each hold gave a person."""
    open_tasks.done(connection, episode_ids, [Code.HELD])


def arrangement_of(connection: Connection, host_id: int) -> int | None:
    """Return the arrangement in force of a host: an episode held before it was resolved has none yet."""
    return connection.execute(select(Host.arrangement_id).where(Host.id == host_id)).scalar()
