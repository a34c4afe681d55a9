"""Many subjects at a time: what the data of one spoils is put off by itself, and harms no other."""

import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, select, update
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.orm import QueryableAttribute

from nta.domain.deadlines import TASK, back_off
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.reasons import Code, Reason
from nta.store.db.dialects import upsert
from nta.store.db.handle import Store
from nta.store.tables import Due, Episode, NoticeItem
from nta.store.work import due, open_tasks

log = structlog.get_logger("nta.apart")

ASIDE = "aside"
"""Kind of the due rows of what has no step's own: an addressee that waits, an answer, what a portal noted."""

TOLD_AFTER: Final = 5
"""Tries in a row after which a person hears of it: by then it is put off for an hour each time."""

AGAIN: Final[Mapping[str, Code]] = {
    due.RESOLVE: Code.RESOLVING_FAILS,
    due.LOOK: Code.LOOKING_FAILS,
    due.ESCALATE: Code.ESCALATING_FAILS,
    due.SEND: Code.WRITING_FAILS,
    "notify": Code.NOTIFYING_FAILS,
    "answers": Code.TAKING_ANSWERS_FAILS,
}
"""What a person is asked to see to, by kind of step."""

_AT_ONCE: Final = 500
"""Ids that a statement names."""

Subject = TypeVar("Subject", int, str)
Result = TypeVar("Result")
Faults = Mapping[int, Exception]

_OF_ITS_DATA: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    RefusedError,
    TypeError,
    ValueError,
    StatementError,
)


def is_of_its_data(fault: Exception) -> bool:
    """Tell whether a fault lies in what was to be read or written, and not in a database out of reach.

    What the driver refuses counts where it is the data that it refuses. A
    full disk, a lost connection, a deadlock, a table that is not there
    (SQLSTATE class 42) are nobody's.
    """
    if isinstance(fault, ProgrammingError):
        return not (getattr(fault.orig, "sqlstate", None) or "").startswith("42")
    if isinstance(fault, DBAPIError):
        return isinstance(fault, DataError | IntegrityError)
    return isinstance(fault, _OF_ITS_DATA)


def is_outage(fault: Exception) -> bool:
    """Tell whether a database, or what it stands on, is out of reach: no fault of any subject."""
    if isinstance(fault, DatabaseError):
        return not isinstance(fault, DataError | IntegrityError | ProgrammingError)
    return isinstance(fault, OutsideError | InterfaceError | OSError)


def apart(
    subjects: Iterable[Subject], act: Callable[[Sequence[Subject]], Result]
) -> tuple[list[Result], dict[Subject, Exception]]:
    """Act on all subjects together; where that fails, on halves, down to the one that fails by itself.

    Return what the parts that went through gave, in the order of the
    subjects, and the faults of those that did not. `act` does all or
    nothing of its part: it opens its own transaction. What is nobody's data
    is raised.
    """
    done: list[Result] = []
    spoilt: dict[Subject, Exception] = {}
    whole = list(subjects)
    waiting = [whole] if whole else []
    while waiting:
        part = waiting.pop()
        try:
            done.append(act(part))
        except _OF_ITS_DATA as fault:
            if not is_of_its_data(fault):
                raise
            if len(part) == 1:
                spoilt[part[0]] = fault
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
    return done, spoilt


def put_off(store: Store, kind: str, faults: Faults, holder: str, now: datetime) -> None:
    """Give back taken rows that could not be done: each waits longer from try to try.

    After some tries a lead is asked to see to it.
    """
    if not faults:
        return
    with store.db.write() as connection:
        mine = due.still_mine(connection, kind, sorted(faults), holder)
        tried = _tries(connection, kind, mine)
        for subject in sorted(mine):
            given = {"due_at": now + back_off(tried[subject]), "taken_by": None, "taken_until": None}
            connection.execute(update(Due).where(Due.kind == kind, Due.subject == subject).values(**given))
        often = {subject for subject in mine if tried[subject] >= TOLD_AFTER}
        _ask(connection, _episodes(connection, kind, often), AGAIN[kind], now)
    say(kind, faults, tried)


def put_aside(
    connection: Connection, step: str, faults: Faults, episodes: Mapping[int, int], now: datetime
) -> None:
    """Let what waits without a due row, and could not be done, wait longer from try to try.

    `episodes` names the episode of each, which a lead is asked about after some tries.
    """
    if not faults:
        return
    tried = _tries(connection, ASIDE, faults)
    for subject in sorted(faults):
        tried[subject] = tried.get(subject, 0) + 1
        given = {"due_at": now + back_off(tried[subject]), "tries": tried[subject]}
        written = upsert(connection, Due).values(kind=ASIDE, subject=subject, **given)
        connection.execute(written.on_conflict_do_update(index_elements=["kind", "subject"], set_=given))
    often = {episodes[s] for s in faults if s in episodes and tried[s] >= TOLD_AFTER}
    if often:  # what seals the audit trail is about no episode
        _ask(connection, often, AGAIN[step], now)
    say(step, faults, tried)


def is_aside(subject: QueryableAttribute[int] | ColumnElement[int], now: datetime) -> ColumnElement[bool]:
    """Return whether a row was set aside until later than `now`, as a condition."""
    return exists().where(Due.kind == ASIDE, Due.subject == subject, Due.due_at > now)


def first_back(now: datetime) -> Select[datetime]:
    """Return what asks when the first that is aside comes back, to be narrowed by whoever asks."""
    return select(func.min(Due.due_at)).select_from(Due).where(Due.kind == ASIDE, Due.due_at > now)


def went_through(connection: Connection, subjects: Collection[int]) -> None:
    """Forget that these were ever set aside."""
    for part in _parts(subjects):
        connection.execute(delete(Due).where(Due.kind == ASIDE, Due.subject.in_(part)))


def _parts(subjects: Collection[int]) -> Iterator[list[int]]:
    listed = sorted(subjects)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def _tries(connection: Connection, kind: str, subjects: Collection[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in _parts(subjects):
        query = select(Due.subject, Due.tries).where(Due.kind == kind, Due.subject.in_(part))
        found.update(connection.execute(query).all())
    return found


def _episodes(connection: Connection, kind: str, subjects: Collection[int]) -> set[int]:
    """Return an open episode of each subject: of a host or a notice the first, so that one task says it."""
    if kind == due.RESOLVE:
        of, query = Episode.host_id, select(func.min(Episode.id))
    elif kind == due.SEND:
        of = NoticeItem.notice_id
        query = select(func.min(Episode.id)).join(NoticeItem, NoticeItem.episode_id == Episode.id)
    else:
        of, query = Episode.id, select(Episode.id)
    found: set[int] = set()
    for part in _parts(subjects):
        asked = query.where(of.in_(part), Episode.ended_at.is_(None)).group_by(of)
        found.update(connection.execute(asked).scalars())
    return found


def _ask(connection: Connection, episodes: Collection[int], code: Code, now: datetime) -> None:
    for episode in sorted(episodes):
        open_tasks.ask(connection, episode, Reason(code), owner="lead", deadline=now + TASK)


class _Named(NamedTuple):
    """What may be said of a fault: its class, and our line that met it. Its words may quote a URL."""

    fault: str
    at: str


def _named(fault: Exception) -> _Named:
    inner = fault.orig if isinstance(fault, StatementError) and fault.orig is not None else fault
    frames = [(Path(f.filename), f.lineno) for f in traceback.extract_tb(fault.__traceback__)]
    ours = [f"{path.stem}:{line}" for path, line in frames if _is_telling(path)]
    return _Named(type(inner).__name__, ours[-1] if ours else "unknown")


def _is_telling(path: Path) -> bool:
    """Tell whether a line of this file says where something went wrong: ours, and not one that all share."""
    return "nta" in path.parts and path.stem not in ("apart", "bulk", "database", "sealing", "types")


def say(step: str, faults: Mapping[Any, Exception], tried: Mapping[int, int] | None = None) -> None:
    """Log what could not be done, each by its id and by the class of its fault."""
    for subject, fault in faults.items():
        named = _named(fault)
        tries = (tried or {}).get(subject, 0)
        log.warning("set aside", step=step, subject=str(subject), fault=named.fault, at=named.at, tries=tries)
