"""Holds: the police come first, nothing leaves meanwhile, and each ends by itself."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from nta.store.tables import Host
from nta.store.work import due

HELD = "held: nothing leaves until the police have had their time"
"""The reason of the task that each hold gives a person."""


def begin(connection: Connection, until: Mapping[int, datetime]) -> None:
    """Make held episodes be looked at by the ladder when their holds end, and ask a person to see to them."""
    due.drop(connection, [(due.ESCALATE, episode_id) for episode_id in until])
    for episode_id, at in sorted(until.items()):
        due.want(connection, due.ESCALATE, [episode_id], at)
        due.ask(connection, episode_id, at, owner="analyst", reason=HELD)


def end(connection: Connection, episode_ids: Collection[int]) -> None:
    """Take the hold out of the tasks of these episodes; one that asked nothing else is done."""
    due.asked_no_more(connection, episode_ids, HELD)


def arrangement_of(connection: Connection, host_id: int) -> int | None:
    """Return the arrangement in force of a host: an episode held before it was resolved has none yet."""
    return connection.execute(select(Host.arrangement_id).where(Host.id == host_id)).scalar()
