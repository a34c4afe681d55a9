"""What is sealed: which columns, under whose keys, and bringing rows from an old key to the newest."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Table, bindparam, func, select, tuple_
from sqlalchemy import update as sql_update

from nta.store.cases.hand_ins import line_row
from nta.store.db.dialects import is_sqlite
from nta.store.db.sealing import HEAD
from nta.store.db.types import PortalSealed, Sealed
from nta.store.tables import Base

Ring = Literal["sealing", "portal"]
"""Whose keys: the service's own, or the portal's."""

_MARK = 16
"""Version, key and nonce: no two sealings begin alike."""

_ROWS: Final[dict[str, Callable[..., int]]] = {"hand_in_line": line_row}
"""Tables with a key of several columns: the row number that is sealed in follows from them so."""


class SealedColumn(NamedTuple):
    """One column of sealed bytes."""

    table: Table
    column: Column[Any]
    key: tuple[Column[Any], ...]
    place: str
    ring: Ring

    def row(self, key: Sequence[Any]) -> int:
        """Return the row number that was sealed in, by the primary key's values."""
        return _ROWS[self.table.name](*key) if len(key) > 1 else int(key[0])


def sealed_columns(ring: Ring | None = None) -> list[SealedColumn]:
    """Return every column whose type says that it is sealed, under these keys or any."""
    found = [
        SealedColumn(
            table, column, tuple(table.primary_key.columns), place_of(table.name, column.name), whose
        )
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed)
        for whose in (_ring(column.type),)
    ]
    return [one for one in found if ring in (None, one.ring)]


def place_of(table: str, column: str) -> str:
    """Return the place that a column's bytes are sealed for, `case.url` for `case.url_sealed`."""
    return f"{table}.{column.removesuffix('_sealed')}"


def a_strange_head(connection: Connection, one: SealedColumn, known: Collection[bytes]) -> bytes | None:
    """Return what bytes of this column begin with that no key of ours sealed; None: there are none."""
    head = _first(one, HEAD)
    query = select(head).where(one.column.is_not(None), head.not_in(sorted(known))).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def under_old_keys(
    connection: Connection, one: SealedColumn, newest: bytes, after: Sequence[Any] | None, limit: int
) -> list[tuple[tuple[Any, ...], bytes]]:
    """Return rows not sealed under the newest key, by primary key, from after one on: (key, sealed bytes)."""
    query = select(*one.key, one.column).where(one.column.is_not(None), _first(one, HEAD) != newest)
    if after is not None:
        query = query.where(tuple_(*one.key) > tuple_(*after))
    rows = connection.execute(query.order_by(*one.key).limit(limit))
    return [(tuple(row[:-1]), bytes(row[-1])) for row in rows]


def put(
    connection: Connection, one: SealedColumn, rows: Sequence[tuple[tuple[Any, ...], bytes, bytes]]
) -> int:
    """Write bytes sealed anew, (key, before, after), where nobody has written since; return how many.

    Rows that another holds are passed over: who waits for nobody can be in
    no deadlock with the jobs, and the next pass finds them.
    """
    free = _free(connection, one, [key for key, _, _ in rows])
    same = [column == bindparam(f"_key{number}") for number, column in enumerate(one.key)]
    same.append(_first(one, _MARK) == bindparam("_before", type_=LargeBinary))
    statement = sql_update(one.table).where(*same).values({one.column.name: bindparam("_after")})
    given = [
        {f"_key{number}": value for number, value in enumerate(key)}
        | {"_before": before[:_MARK], "_after": after}
        for key, before, after in rows
        if key in free
    ]
    return connection.execute(statement, given).rowcount if given else 0


def _free(connection: Connection, one: SealedColumn, keys: Sequence[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Return those of the rows that nobody else is writing, kept for this write; on SQLite it is alone."""
    if is_sqlite(connection):
        return set(keys)
    query = select(*one.key).where(tuple_(*one.key).in_(keys))
    locked = query.with_for_update(key_share=True, skip_locked=True)
    return {tuple(row) for row in connection.execute(locked)}


def _first(one: SealedColumn, count: int) -> ColumnElement[bytes]:
    return func.substr(one.column, 1, count, type_=LargeBinary)


def _ring(kind: Sealed) -> Ring:
    return "portal" if isinstance(kind, PortalSealed) else "sealing"
