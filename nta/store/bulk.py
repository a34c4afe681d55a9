"""Bulk statements: many rows of one table through the driver's executemany, no object a row."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table


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


def table_of(mapped: Any) -> Table:
    """Return the table of a mapped class."""
    table = mapped.__table__
    assert isinstance(table, Table)
    return table


def mark(dialect: str) -> str:
    """Return the driver's placeholder."""
    return "?" if dialect == "sqlite" else "%s"


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
