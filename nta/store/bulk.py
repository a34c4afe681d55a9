"""Bulk statements: many rows of one table through the driver's executemany, no object a row."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

_MOST_ASKED = 512


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of plain driver values (moments as microseconds) in the order of `columns`."""
    if rows:
        connection.exec_driver_sql(_insert(table.name, columns, connection.dialect.name), rows)


def update_rows(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Update rows by key: each row holds the values of `columns`, then those of `key`."""
    if rows:
        connection.exec_driver_sql(_update(table.name, columns, key, connection.dialect.name), rows)


def found_by(
    connection: Connection, asked: str, values: Sequence[str] | Sequence[bytes]
) -> Iterator[Sequence[Any]]:
    """Yield the rows that `asked` finds for any of the values; it ends in a column's name.

    Values go to the driver as they are. On SQLite their number is rounded
    up by repeating the last, so that few statements are prepared.
    """
    if not values:
        return
    if connection.dialect.name != "sqlite":
        yield from connection.exec_driver_sql(f"{asked} = ANY(%s)", ([*values],))
        return
    for start in range(0, len(values), _MOST_ASKED):
        part = tuple(values[start : start + _MOST_ASKED])
        wide = 1 << (len(part) - 1).bit_length()
        padded = part + part[-1:] * (wide - len(part))
        yield from connection.exec_driver_sql(_among(asked, wide), padded)


def table_of(mapped: Any) -> Table:
    """Return the table of a mapped class."""
    table = mapped.__table__
    assert isinstance(table, Table)
    return table


def mark(dialect: str) -> str:
    """Return the driver's placeholder."""
    return "?" if dialect == "sqlite" else "%s"


@cache
def _among(asked: str, wide: int) -> str:
    return f"{asked} IN ({', '.join('?' * wide)})"


@cache
def _insert(table: str, columns: tuple[str, ...], dialect: str) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join([mark(dialect)] * len(columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608  # names of our own tables


@cache
def _update(table: str, columns: tuple[str, ...], key: tuple[str, ...], dialect: str) -> str:
    sets = ", ".join(f'"{column}" = {mark(dialect)}' for column in columns)
    where = " AND ".join(f'"{column}" = {mark(dialect)}' for column in key)
    return f'UPDATE "{table}" SET {sets} WHERE {where}'  # noqa: S608  # names of our own tables
