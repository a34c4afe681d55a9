"""The file of a backup: every row of one moment, and a manifest by which it is known to be whole.

Lines of JSON, packed with gzip: what it is, then per table its name and its
rows, then how many there are and the digest of all before. Bytes are base 64
in a list. The same on both databases, so that either is restored from either.
"""

import gzip
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, MetaData, Table, inspect, select

from nta.domain.errors import RefusedError
from nta.store.db.dialects import is_sqlite
from nta.store.db.whole_files import written_whole

_KIND: Final = "nta-backup-1"
_VERSION_TABLE: Final = "alembic_version"
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: the schema's version, when it was made, the rows of each table, its digest."""

    schema: str
    made_at: datetime
    rows: Mapping[str, int]
    sha256: str

    @property
    def total(self) -> int:
        """Return how many rows there are."""
        return sum(self.rows.values())


def tables_of(connection: Connection) -> list[Table]:
    """Return the tables as the database has them, of whatever version, each after those it points at."""
    seen, found = inspect(connection), MetaData()
    names = [name for name, _ in seen.get_sorted_table_and_fkc_names() if name]
    return [
        Table(name, found, *(SqlColumn(c["name"], c["type"]) for c in seen.get_columns(name)))
        for name in names
        if name != _VERSION_TABLE
    ]


def write(
    connection: Connection,
    path: Path,
    *,
    schema: str,
    made_at: datetime,
    progress: Callable[[int], None] = lambda count: None,
) -> Manifest:
    """Write all rows that a connection sees into a new file. It is there whole or not at all."""
    rows: dict[str, int] = {}
    with written_whole(path) as plain, gzip.GzipFile("", "wb", 5, plain, 0) as packed:
        out = _Out(packed)
        out.line({"kind": _KIND, "schema": schema, "made_at": made_at.isoformat()})
        done = 0
        for table in tables_of(connection):
            out.line({"table": table.name, "columns": table.columns.keys()})
            rows[table.name] = 0
            found = connection.execution_options(yield_per=_AT_ONCE).execute(select(table))
            for part in found.partitions():
                for row in part:
                    out.line([_plain(cell) for cell in row])
                rows[table.name] += len(part)
                done += len(part)
                progress(done)
        digest = out.digest.hexdigest()
        out.line({"rows": rows, "sha256": digest})
    return Manifest(schema, made_at, rows, digest)


@dataclass(slots=True)
class ArchivePart:
    """Some rows of one table, in the order of its columns."""

    table: str
    columns: Sequence[str]
    rows: list[list[Any]] = field(default_factory=list)


def read(path: Path, each: Callable[[ArchivePart], None] = lambda part: None) -> Manifest:
    """Read a backup to its end, telling `each` all rows in parts. Return its manifest.

    Raises: RefusedError when it is no backup, or not whole. That is known at
    the end alone: read it once before anything is done with it.
    """
    try:
        with path.open("rb") as plain, gzip.GzipFile(fileobj=plain) as packed:
            return _read(packed, each)
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError, KeyError, TypeError, IndexError):
        raise RefusedError(f"{path} is no backup of nta, or is damaged") from None
    except OSError as fault:
        raise RefusedError(f"{path}: {fault.strerror}") from None


class _Out:
    """Writes lines and keeps the digest of them."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed
        self.digest = sha256()

    def line(self, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._packed.write(text)
        self.digest.update(text)


def _read(packed: gzip.GzipFile, each: Callable[[ArchivePart], None]) -> Manifest:
    digest, lines = sha256(), iter(packed)
    begun = next(lines, b"{}")
    head = json.loads(begun)
    if head.get("kind") != _KIND:
        raise ValueError("another kind")
    digest.update(begun)
    counted: dict[str, int] = {}
    part: ArchivePart | None = None
    for line in lines:
        value = json.loads(line)
        if isinstance(value, dict) and "rows" in value:
            _tell(part, each)
            if (value["rows"], value["sha256"]) != (counted, digest.hexdigest()) or next(lines, b""):
                raise ValueError("not whole")
            made_at = datetime.fromisoformat(head["made_at"])
            return Manifest(str(head["schema"]), made_at, counted, value["sha256"])
        digest.update(line)
        if isinstance(value, dict):
            _tell(part, each)
            part = ArchivePart(value["table"], value["columns"])
            counted[part.table] = 0
            continue
        if part is None or len(value) != len(part.columns):
            raise ValueError("a row of no table")
        part.rows.append([b64decode(cell[0]) if isinstance(cell, list) else cell for cell in value])
        counted[part.table] += 1
        if len(part.rows) >= _AT_ONCE:
            _tell(part, each)
            part = ArchivePart(part.table, part.columns)
    raise ValueError("no end")


def _tell(part: ArchivePart | None, each: Callable[[ArchivePart], None]) -> None:
    if part is not None and part.rows:
        each(part)


def _plain(cell: Any) -> Any:
    return [b64encode(cell).decode()] if isinstance(cell, bytes | memoryview) else cell


def in_use(connection: Connection) -> Iterator[str]:
    """Yield the tables of a database that hold rows; numbers of processes alone are no use."""
    for table in tables_of(connection):
        if table.name != "process_start" and connection.execute(select(table).limit(1)).first():
            yield table.name


def refuse_damaged(connection: Connection) -> None:
    """Raises RefusedError when SQLite finds its own file damaged; PostgreSQL looks after its pages itself."""
    if is_sqlite(connection):
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise RefusedError(f"the database is damaged: {str(found).splitlines()[0]}")
