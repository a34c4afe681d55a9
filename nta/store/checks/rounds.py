"""What a round of looks reads, makes and writes of episodes: mostly many alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from nta.domain.checks.verdicts import Verdict
from nta.store.db.bulk import found_by, set_rows, table_of
from nta.store.db.types import from_us, to_us
from nta.store.tables import Episode

_MINE = (
    "SELECT d.taken_by, e.ended_at, e.id, e.stage, e.presence, e.severity, e.began_at, e.first_gone_at "
    "FROM episode e JOIN due d ON d.kind = 'look' AND d.subject = e.id WHERE e.id"
)


class Brief(NamedTuple):
    """What most rounds need of an episode, as the driver gave it: moments in microseconds."""

    stage: str
    presence: str
    severity: str
    began_us: int
    first_gone_us: int | None

    @property
    def began_at(self) -> datetime:
        """Return when the episode began."""
        return from_us(self.began_us)

    @property
    def first_gone_at(self) -> datetime | None:
        """Return the first look of the present absence."""
        return None if self.first_gone_us is None else from_us(self.first_gone_us)


def mine(connection: Connection, ids: Sequence[int], holder: str) -> dict[int, Brief | None]:
    """Return those episodes whose look this holder still holds, None for what has ended meanwhile.

    Both rows are locked for the rest of the write.
    """
    return {
        number: Brief._make(brief) if ended is None else None
        for by, ended, number, *brief in found_by(connection, _MINE, ids, lock=True)
        if by == holder
    }


def looked_alike(connection: Connection, ids: Sequence[int], verdict: str, cause: str, at: datetime) -> None:
    """Write one look that changed nothing for many episodes; no event."""
    moment = to_us(at)
    learned: dict[str, Any] = {"looked_at": moment, "last_verdict": verdict, "last_cause": cause}
    if verdict == Verdict.UP.value:
        learned["last_up_at"] = moment
    set_rows(connection, table_of(Episode), learned, "id", ids)
