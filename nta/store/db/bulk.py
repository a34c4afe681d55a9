"""Bulk statements: many rows of one table in few words to the driver, no object a row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from nta.store.db.dialects import is_sqlite, marked

_MOST_ASKED = 512

CHUNK = 500
"""Ids that both databases take in one statement of SQLAlchemy's."""


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of plain driver values (moments as microseconds) in the order of `columns`."""
    if not rows:
        return
    if is_sqlite(connection):
        _run_many(connection, _insert(table.name, columns), rows)
    else:
        _run(connection, _insert_arrays(table, columns), _arrays(rows))


def insert_alike(
    connection: Connection,
    table: Table,
    pair: tuple[str, str],
    pairs: Sequence[tuple[int, int]],
    same: Mapping[str, Any],
) -> None:
    """Insert rows that differ in two columns of numbers alone; `same` holds the others, as driver values."""
    if not is_sqlite(connection):
        rows = [(*both, *same.values()) for both in pairs]
        insert_rows(connection, table, (*pair, *same), rows)
    elif pairs:
        # One statement over an array: half of what a row each takes.
        text = f"[{','.join(f'[{first},{second}]' for first, second in pairs)}]"
        _run(connection, _insert_pairs(table.name, (*pair, *same)), (*same.values(), text))


def update_rows(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Update rows by key: each row holds the values of `columns`, then those of `key`."""
    if not rows:
        return
    if is_sqlite(connection):
        _run_many(connection, _update(table.name, columns, key), rows)
    else:
        _run(connection, _update_arrays(table, columns, key), _arrays(rows))


def set_rows(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    key: str,
    keys: Sequence[int],
    where: str = "",
    also: str = "",
    given: tuple[Any, ...] = (),
) -> None:
    """Give all rows of these keys the same values; `where` narrows, `also` sets more, in words of ours.

    `given` is for the marks in `also`.
    """
    names, first = tuple(values), (*values.values(), *given)
    more = f" AND {where}" if where else ""
    if not is_sqlite(connection):
        statement = f"{_set(table.name, names, also)} WHERE {key} = ANY(?){more}"
        if keys:
            _run(connection, marked(connection, statement), (*first, _array(keys)))
        return
    for start in range(0, len(keys), _MOST_ASKED):
        part = _padded(keys[start : start + _MOST_ASKED])
        statement = _among(f"{_set(table.name, names, also)} WHERE {key}", len(part)) + more
        _run(connection, statement, first + part)


def found_by(
    connection: Connection,
    asked: str,
    values: Sequence[str] | Sequence[bytes] | Sequence[int],
    *,
    given: tuple[Any, ...] = (),
    lock: bool = False,
    order: str = "",
) -> Sequence[Sequence[Any]]:
    """Return the rows that `asked` finds for any of the values; it ends in the name of a column.

    Values go to the driver as they are, `given` for the marks before them.
    `lock` keeps others from writing the rows until this write ends, taking
    them in the order of the column, or of `order`, and lets rows be added
    that name them; on SQLite a writer is alone as it is.
    """
    if not values:
        return []
    if not is_sqlite(connection):
        ending = f" ORDER BY {order or asked.rpartition(' ')[2]} FOR NO KEY UPDATE" if lock else ""
        statement = f"{asked} = ANY(?){ending}"
        return _fetched(connection, marked(connection, statement), (*given, _array(values)))
    found: list[Sequence[Any]] = []
    for start in range(0, len(values), _MOST_ASKED):
        part = _padded(values[start : start + _MOST_ASKED])
        found += _fetched(connection, _among(asked, len(part)), given + part)
    return found


def execute_plain(connection: Connection, statement: str, given: tuple[Any, ...]) -> int:
    """Execute one statement in words of ours; `?` stands for a value as the driver takes it.

    Return how many rows it changed.

    For what is written for each of thousands: SQLAlchemy takes several times
    as long to build a statement as SQLite to execute it.
    """
    return _run(connection, marked(connection, statement), given)


def rows_of(connection: Connection, asked: str, given: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
    """Return what one question in words of ours finds, as `execute_plain` puts it."""
    return _fetched(connection, marked(connection, asked), given)


def table_of(mapped: Any) -> Table:
    """Return the table of a mapped class."""
    table = mapped.__table__
    assert isinstance(table, Table)
    return table


def _fetched(connection: Connection, asked: str, given: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Return the driver's own tuples."""
    with _cursor(connection, asked) as cursor:
        cursor.execute(asked, given)
        rows: Sequence[Sequence[Any]] = cursor.fetchall()
    return rows


def _run(connection: Connection, statement: str, given: Sequence[Any]) -> int:
    with _cursor(connection, statement) as cursor:
        cursor.execute(statement, given)
        return cursor.rowcount


def _run_many(connection: Connection, statement: str, given: Sequence[Sequence[Any]]) -> None:
    with _cursor(connection, statement) as cursor:
        cursor.executemany(statement, given)


class _cursor:  # noqa: N801  # a context manager by hand: a generator costs as much as a short statement
    """The driver's cursor; a fault is SQLAlchemy's, as from everywhere else.

    `exec_driver_sql` describes each result anew, which takes several times as
    long as SQLite takes over a short statement.
    """

    __slots__ = ("_connection", "_cursor", "_statement")

    def __init__(self, connection: Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._cursor = connection.connection.cursor()

    def __enter__(self) -> DBAPICursor:
        return self._cursor

    def __exit__(self, _: object, fault: BaseException | None, __: object) -> None:
        connection, dialect = self._connection, self._connection.dialect
        if not isinstance(fault, dialect.loaded_dbapi.Error):
            self._cursor.close()
            return
        told = DBAPIError.instance(
            self._statement, None, fault, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
        )
        if dialect.is_disconnect(fault, connection.connection, self._cursor):
            connection.invalidate(fault)
        else:
            self._cursor.close()
        raise told from fault


def _arrays(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the rows as one array per column: PostgreSQL takes them in one statement."""
    return tuple(map(_array, zip(*rows, strict=True)))


def _array(values: Sequence[Any]) -> Any:
    """Return a column as PostgreSQL's text for an array (PostgreSQL manual, 8.15.2); others as a list.

    psycopg writes a list element by element, which took a fifth of a round
    of looks.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        return f"{{{','.join(map(str, values))}}}"
    if kinds <= {int, NoneType}:
        return f"{{{','.join('NULL' if value is None else str(value) for value in values)}}}"
    if kinds <= {str, NoneType}:
        return f"{{{','.join(map(_quoted, values))}}}"
    return list(values)


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _padded(values: Sequence[Any]) -> tuple[Any, ...]:
    """Repeat the last until the number is a power of two, so that few statements are prepared."""
    part = tuple(values)
    return part + part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))


@cache
def _set(table: str, names: tuple[str, ...], also: str) -> str:
    sets = ", ".join([*(f'"{name}" = ?' for name in names), *([also] if also else [])])
    return f'UPDATE "{table}" SET {sets}'  # noqa: S608  # names of our own tables


@cache
def _among(asked: str, wide: int) -> str:
    return f"{asked} IN ({', '.join('?' * wide)})"


@cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f'INSERT INTO "{table}" ({_names(columns)}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608


@cache
def _insert_pairs(table: str, columns: tuple[str, ...]) -> str:
    taken = ["json_extract(value, '$[0]')", "json_extract(value, '$[1]')", *"?" * (len(columns) - 2)]
    return f'INSERT INTO "{table}" ({_names(columns)}) SELECT {", ".join(taken)} FROM json_each(?)'  # noqa: S608


@cache
def _update(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    sets = ", ".join(f'"{column}" = ?' for column in columns)
    where = " AND ".join(f'"{column}" = ?' for column in key)
    return f'UPDATE "{table}" SET {sets} WHERE {where}'  # noqa: S608  # names of our own tables


@cache
def _insert_arrays(table: Table, columns: tuple[str, ...]) -> str:
    names = _names(columns)
    return f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM {_unnested(table, columns)}'  # noqa: S608


@cache
def _update_arrays(table: Table, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    sets = ", ".join(f'"{column}" = given."{column}"' for column in columns)
    where = " AND ".join(f'held."{column}" = given."{column}"' for column in key)
    given = _unnested(table, columns + key)
    return f'UPDATE "{table.name}" AS held SET {sets} FROM {given} WHERE {where}'  # noqa: S608


def _unnested(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{_postgresql_type(table, column)}[]" for column in columns)
    return f"unnest({arrays}) AS given ({_names(columns)})"


def _postgresql_type(table: Table, column: str) -> str:
    return table.c[column].type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    """Yield ids in rising order, as many at a time as both databases take in one statement."""
    listed = sorted(set(ids))
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]
