"""Due rows: take work with a lease, record its result as the holder, say what is next."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from nta.store.db.bulk import (
    execute_plain,
    found_by,
    set_rows,
    table_of,
)
from nta.store.db.dialects import is_sqlite, lesser
from nta.store.db.types import from_us, to_us
from nta.store.tables import Due

RESOLVE, SEND, LOOK, ESCALATE = "resolve", "send", "look", "escalate"
JOBS = (RESOLVE, SEND, LOOK, ESCALATE)
"""Kinds that the machine does; what a person is asked stands in `open_tasks`."""

_TAKEN = "tries = tries + 1, wanted_at = NULL"
_FREE = {"taken_by": None, "taken_until": None, "tries": 0}
_EARLIER = "due_at = {least}(coalesce(wanted_at, ?), ?), wanted_at = NULL"
_AS_WANTED = "due_at = wanted_at, wanted_at = NULL"

LEASE = timedelta(minutes=5)
"""Longer than any batch takes; a runner that died is noticed sooner, by its lock."""


def machine_now() -> datetime:
    """Return the machine's time: leases are about processes, not about the service's clock."""
    return datetime.now(UTC)


def take(
    connection: Connection,
    kind: str,
    holder: str,
    now: datetime,
    limit: int,
    *,
    lease: timedelta = LEASE,
    machine: Callable[[], datetime] = machine_now,
) -> list[int]:
    """Take up to `limit` subjects due at `now`, longest due first; ours while the lease lasts.

    The lease runs from now, never from the due moment: rows long overdue
    would be taken twice.
    """
    moment = machine()
    chosen = (
        select(Due.subject)
        .where(
            Due.kind == kind,
            Due.due_at <= now,
            or_(Due.taken_until.is_(None), Due.taken_until < moment),
        )
        .order_by(Due.due_at, Due.subject)
        .limit(limit)
    )
    chosen = chosen.with_for_update(skip_locked=True)
    # Two statements: SQLite takes ten times as long over one that returns what it changed.
    taken = list(connection.execute(chosen).scalars())
    given = {"taken_by": holder, "taken_until": to_us(moment + lease)}
    set_rows(connection, table_of(Due), given, "subject", taken, where=f"kind = '{kind}'", also=_TAKEN)
    return taken


def still_mine(
    connection: Connection, kind: str, subjects: Sequence[int], holder: str, *, lock: bool = True
) -> set[int]:
    """Return those of the subjects that this holder still holds, locking them for the rest of the write."""
    asked = "SELECT taken_by, subject FROM due WHERE kind = '" + kind + "' AND subject"  # noqa: S608
    return {subject for by, subject in found_by(connection, asked, subjects, lock=lock) if by == holder}


def keep(
    connection: Connection,
    kind: str,
    subjects: Sequence[int],
    holder: str,
    *,
    lease: timedelta = LEASE,
    machine: Callable[[], datetime] = machine_now,
) -> set[int]:
    """Lengthen the leases of those of the subjects that this holder still holds; return them.

    Asked before the outside is spoken to: of what is not returned another
    may be at work already.
    """
    mine = still_mine(connection, kind, subjects, holder)
    until = {"taken_until": to_us(machine() + lease)}
    set_rows(connection, table_of(Due), until, "subject", sorted(mine), where=f"kind = '{kind}'")
    return mine


def wanted_meanwhile(connection: Connection, kind: str, subjects: Sequence[int]) -> set[int]:
    """Return those of these taken subjects that somebody has wanted since they were taken."""
    asked = "SELECT subject FROM due WHERE kind = '" + kind + "' AND wanted_at IS NOT NULL AND subject"  # noqa: S608
    return {subject for (subject,) in found_by(connection, asked, subjects)}


def record_many(connection: Connection, kind: str, moments: Sequence[tuple[int, datetime | None]]) -> None:
    """Give back many rows that `still_mine` said are ours: (subject, next moment or None to delete).

    One that was wanted meanwhile is due at the earlier of both moments, and stays.
    """
    again: dict[datetime, list[int]] = {}
    for subject, at in moments:
        if at is not None:
            again.setdefault(at, []).append(subject)
    which = f"kind = '{kind}'"
    earlier = _EARLIER.format(least=lesser(connection))
    for at, subjects in again.items():
        us = to_us(at)
        set_rows(connection, table_of(Due), _FREE, "subject", subjects, which, earlier, (us, us))
    done = [subject for subject, at in moments if at is None]
    if done:
        gone = delete(Due).where(Due.kind == kind, Due.subject == bindparam("s"), Due.wanted_at.is_(None))
        connection.execute(gone, [{"s": subject} for subject in done])
        wanted = f"{which} AND wanted_at IS NOT NULL"
        set_rows(connection, table_of(Due), _FREE, "subject", done, wanted, _AS_WANTED)


def want(connection: Connection, kind: str, subjects: Collection[int], at: datetime) -> None:
    """Make a step due at `at`, or earlier if it already is.

    Whoever is at it began before it was wanted, and may not have seen why:
    what it records stays, and the step is due again then (`record_many`).
    Its lease lives on, so that no two speak to the outside about one row.
    """
    if not subjects:
        return
    when, listed = to_us(at), sorted(subjects)
    given = f"[{','.join(map(str, listed))}]" if is_sqlite(connection) else listed
    execute_plain(connection, _want(lesser(connection), is_sqlite(connection)), (kind, when, given))


@cache
def _want(least: str, from_json: bool) -> str:
    rows = (
        "SELECT ?, value, ?, 0 FROM json_each(?) WHERE true"
        if from_json
        else "SELECT ?, given.subject, ?, 0 FROM unnest(?::bigint[]) AS given(subject)"
    )
    return (
        f"INSERT INTO due (kind, subject, due_at, tries) {rows} "
        f"ON CONFLICT (kind, subject) DO UPDATE SET due_at = {least}(due.due_at, excluded.due_at), "
        "wanted_at = CASE WHEN due.taken_by IS NULL THEN NULL "
        f"ELSE {least}(coalesce(due.wanted_at, excluded.due_at), excluded.due_at) END"
    )


def drop(connection: Connection, pairs: Collection[tuple[str, int]]) -> None:
    """Delete due rows whoever holds them; for episodes that ended."""
    listed = sorted(pairs)
    for start in range(0, len(listed), 300):
        connection.execute(delete(Due).where(tuple_(Due.kind, Due.subject).in_(listed[start : start + 300])))


def next_at(connection: Connection, kinds: Collection[str] = JOBS) -> datetime | None:
    """Return the moment of the earliest job, taken or not; None when there is none."""
    found = connection.execute(select(func.min(Due.due_at)).where(Due.kind.in_(kinds))).scalar()
    return found if isinstance(found, datetime) or found is None else from_us(int(found))


def release_all(connection: Connection) -> int:
    """Release every lease; for the only runner of an embedded database at its start."""
    freed = connection.execute(
        update(Due).where(Due.taken_by.is_not(None)).values(taken_by=None, taken_until=None)
    )
    return freed.rowcount


def holders(connection: Connection) -> list[str]:
    """Return who holds leases at the moment."""
    found = connection.execute(select(Due.taken_by).where(Due.taken_by.is_not(None)).distinct()).scalars()
    return [holder for holder in found if holder is not None]


def release_of(connection: Connection, holder: str, kinds: Collection[str] = JOBS) -> int:
    """Release the leases of a holder that is known to be at no such work."""
    mine = (Due.taken_by == holder, Due.kind.in_(kinds))
    return connection.execute(update(Due).where(*mine).values(taken_by=None, taken_until=None)).rowcount
