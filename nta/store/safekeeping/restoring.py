"""Restoring: a backup's keys tried, its rows put into an empty database, and the copy kept quiet."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, inspect, select, text, update

from nta.domain.errors import RefusedError
from nta.domain.intake import urls
from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.dialects import is_sqlite
from nta.store.db.sealing import HEAD, Keyring, Sealer
from nta.store.safekeeping import archive
from nta.store.safekeeping.archive import ArchivePart, Manifest
from nta.store.safekeeping.resealing import SealedColumn, sealed_columns
from nta.store.tables import AuditEntry, DeskUser, Due, Switch
from nta.store.work import audit
from nta.store.work.alive import somebody_works

_SESSIONS = frozenset({"desk_session"})
"""Tables whose rows are log-ins: those of a copy end."""


class Tried:
    """Tries keys on what a backup holds: one value under each key in each column, and one digest."""

    def __init__(self, path: Path, keys: Keyring) -> None:
        self._path = path
        self._keys = keys
        self._sealers = {"sealing": Sealer(keys.sealing), "portal": Sealer(keys.portal)}
        self._columns: dict[str, list[SealedColumn]] = {}
        for one in sealed_columns():
            self._columns.setdefault(one.table.name, []).append(one)
        self._seen: set[tuple[str, bytes]] = set()

    def __call__(self, part: ArchivePart) -> None:
        """Look at some rows. Raises RefusedError when a key does not fit."""
        for one in self._columns.get(part.table, ()):
            if one.column.name in part.columns:
                self._try(one, part)

    def _try(self, one: SealedColumn, part: ArchivePart) -> None:
        where = part.columns.index(one.column.name)
        for row in part.rows:
            sealed = row[where]
            if sealed is None or (one.place, sealed[:HEAD]) in self._seen:
                continue
            self._seen.add((one.place, sealed[:HEAD]))
            held = dict(zip(part.columns, row, strict=True))
            number = one.row([held[column.name] for column in one.key])
            try:
                clear = self._sealers[one.ring].open(one.place, number, sealed)
            except ValueError:
                raise RefusedError(f"{self._path}: these keys do not open it ({one.place})") from None
            if one.place == "case.url":
                self._compare(clear.decode(), held["digest"])

    def _compare(self, url: str, digest: bytes) -> None:
        if urls.digest(url, self._keys.derived("url")) != digest:
            raise RefusedError(f"{self._path}: the digest key is another than the one it was made with")


def refuse_in_use(database: Database) -> None:
    """Raises RefusedError when a database holds anything, or jobs work on it."""
    with database.read() as connection:
        used = next(archive.in_use(connection), None)
        if somebody_works(connection):
            raise RefusedError("`nta jobs` runs on this database; end it first")
    if used is not None:
        raise RefusedError(f"the database is in use ({used} holds rows): restore into an empty one")


def restore(
    database: Database,
    path: Path,
    manifest: Manifest,
    now: datetime,
    *,
    checkpoint: Callable[[str], None] = lambda name: None,
    progress: Callable[[int], None] = lambda count: None,
) -> None:
    """Put a backup that was read to its end into an empty database, and bring it to this code's version.

    It is there at once, with sending stopped, or not at all.
    """
    if not schema.is_known(manifest.schema):
        raise RefusedError(
            f"{path} is of version {manifest.schema}, newer than this code ({schema.head()}): "
            "install the newer nta"
        )
    if not database.is_sqlite:
        _fill(database, path, manifest, now, checkpoint, progress)
        return
    place = Path(database.url.database or "")
    draft = place.with_name(f".{place.name}.restored")
    beside = [Path(f"{file}{end}") for file in (draft, place) for end in ("-wal", "-shm")]
    for left in (draft, *beside[:2]):
        left.unlink(missing_ok=True)  # of a restore that was killed
    made = Database(f"sqlite:///{draft}")
    try:
        _fill(made, path, manifest, now, checkpoint, progress)
        with made.bare().connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        made.dispose()
    database.dispose()
    checkpoint("restore.made")
    for left in beside:
        left.unlink(missing_ok=True)
    draft.chmod(0o600)
    draft.replace(place)


def _fill(
    database: Database,
    path: Path,
    manifest: Manifest,
    now: datetime,
    checkpoint: Callable[[str], None],
    progress: Callable[[int], None],
) -> None:
    if schema.current(database) is not None:
        schema.downgrade(database, "base")  # it is empty, and may be of another version
    schema.upgrade(database, manifest.schema)
    checkpoint("restore.schema")
    with database.write() as connection:
        _put_rows(connection, path, manifest, progress)
        _quieten(connection, manifest, now)
        checkpoint("restore.filled")
    checkpoint("restore.committed")
    schema.upgrade(database)


def _put_rows(
    connection: Connection, path: Path, manifest: Manifest, progress: Callable[[int], None]
) -> None:
    tables = {table.name: table for table in archive.tables_of(connection)}
    for table in tables.values():  # a migration may have put rows there
        connection.execute(delete(table))
    done = 0

    def put(part: ArchivePart) -> None:
        nonlocal done
        if part.table not in _SESSIONS:
            rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
            connection.execute(insert(tables[part.table]), rows)
        done += len(part.rows)
        progress(done)

    archive.read(path, put)
    _compare_counts(connection, path, manifest, tables)
    _go_on_counting(connection, list(tables.values()))


def _compare_counts(connection: Connection, path: Path, manifest: Manifest, tables: dict[str, Table]) -> None:
    for name, count in manifest.rows.items():
        found = connection.execute(select(func.count()).select_from(tables[name])).scalar()
        if name not in _SESSIONS and found != count:
            raise RefusedError(f"{path}: {name} has {count} rows there, {found} came out of it")


def _go_on_counting(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL's sequences go on after the numbers that rows already have."""
    if is_sqlite(connection):
        return
    seen = inspect(connection)
    for table in tables:
        for name in seen.get_pk_constraint(table.name)["constrained_columns"]:
            asked = text("SELECT pg_get_serial_sequence(:table, :column)")
            sequence = connection.execute(asked, {"table": f'"{table.name}"', "column": name}).scalar()
            last = connection.execute(select(func.max(table.c[name]))).scalar() if sequence else None
            if last is not None:
                connection.execute(
                    text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last}
                )


class _Next:
    """Ids after the last of the audit trail: a restore is no process with a number of its own."""

    def __init__(self, last: int) -> None:
        self._last = last

    def take(self, count: int) -> Sequence[int]:
        self._last += count
        return range(self._last - count + 1, self._last + 1)


def _quieten(connection: Connection, manifest: Manifest, now: datetime) -> None:
    """Stop sending until a lead allows it, free all work, end all log-ins, and say so in the trail."""
    who: Any = "command"
    connection.execute(delete(Switch).where(Switch.name == "sending"))
    connection.execute(insert(Switch).values(name="sending", value="off", at=now, who=who))
    connection.execute(update(Due).values(taken_by=None, taken_until=None))  # of whatever version it is
    for number in connection.execute(select(DeskUser.id)).scalars().all():
        end = update(DeskUser).where(DeskUser.id == number)
        connection.execute(end.values(fs_uniquifier=secrets.token_hex(32)))
    last = connection.execute(select(func.max(AuditEntry.id))).scalar() or 0
    detail = f"backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC; sending is stopped"
    audit.note(connection, _Next(last), at=now, who=who, act="restored", detail=detail)
