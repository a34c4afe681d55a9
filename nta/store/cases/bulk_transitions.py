"""Episodes that stand alike: open ones of whole hosts in few columns, and steps that many take together."""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection

from nta.domain.checks.look_effects import PresenceTurn
from nta.domain.lifecycle import EventKind, Stage
from nta.ports import Ids
from nta.store.cases import episodes
from nta.store.db.bulk import found_by, set_rows, table_of
from nta.store.db.types import from_us, to_us
from nta.store.tables import Episode

_ASKED_OPEN = (
    "SELECT id, host_id, arrangement_id, severity, stage, presence, began_at FROM episode "
    "WHERE ended_at IS NULL AND host_id"
)
_TOLD = (
    "SELECT DISTINCT host_id FROM episode WHERE ended_at IS NULL AND stage IN ('notified', 'escalated') "
    "AND host_id"
)
_ARRANGED = "arrangement_id = (SELECT host.arrangement_id FROM host WHERE host.id = episode.host_id)"


class OpenEpisode(NamedTuple):
    """What a step over whole hosts needs of an open episode; `episodes.load` has the rest."""

    id: int
    host_id: int
    arrangement_id: int | None
    severity: str
    stage: str
    presence: str
    began_at: datetime


def open_on_hosts(
    connection: Connection, host_ids: Collection[int], *, lock: bool = False
) -> dict[int, list[OpenEpisode]]:
    """Return the hosts' episodes that have not ended, by host and in the order of their ids."""
    found: dict[int, list[OpenEpisode]] = {}
    rows = found_by(connection, _ASKED_OPEN, sorted(host_ids), lock=lock, order="id")
    for number, host, arrangement, severity, stage, presence, began_at in sorted(rows, key=itemgetter(0)):
        one = OpenEpisode(number, host, arrangement, severity, stage, presence, from_us(began_at))
        found.setdefault(host, []).append(one)
    return found


def told_on(connection: Connection, host_ids: Collection[int]) -> frozenset[int]:
    """Return the hosts on which somebody was told of an open episode."""
    return frozenset(host_id for (host_id,) in found_by(connection, _TOLD, sorted(host_ids)))


def ready(
    connection: Connection,
    ids: Ids,
    waiting: Sequence[OpenEpisode],
    ladder: tuple[str, str],
    *,
    at: datetime,
    who: str,
) -> None:
    """Write that episodes are ready, each with the arrangement that its host has by now, and the events.

    `ladder` is its id and version. Raises RefusedError as `episodes.move` does.
    """
    after = Stage.READY.value
    for stage, presence in {(state.stage, state.presence) for state in waiting}:
        episodes.permit_steps(stage, after, presence, presence)
    values = {"stage": after, "ladder": ladder[0], "ladder_version": ladder[1]}
    set_rows(connection, table_of(Episode), values, "id", [state.id for state in waiting], also=_ARRANGED)
    written = [(state.id, after, state.presence) for state in waiting]
    episodes.events_alike(connection, ids, written, EventKind.RESOLVED, at, who)


def turn_alike(
    connection: Connection,
    ids: Ids,
    standing: tuple[str, str],
    turn: PresenceTurn,
    numbers: Sequence[int],
    *,
    at: datetime,
    who: str,
) -> None:
    """Write one change of presence, with its event, for episodes that stand alike: (stage, presence).

    Raises RefusedError as `episodes.move` does.
    """
    stage, before = standing
    episodes.permit_steps(stage, stage, before, turn.presence)
    learned = {name: to_us(value) if isinstance(value, datetime) else value for name, value in turn.learned}
    set_rows(connection, table_of(Episode), {"presence": turn.presence} | learned, "id", numbers)
    written = [(number, stage, turn.presence) for number in numbers]
    episodes.events_alike(connection, ids, written, turn.kind, at, who)
