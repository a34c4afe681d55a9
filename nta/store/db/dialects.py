"""What differs between SQLite and PostgreSQL: nothing else asks which of the two it speaks to."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql, sqlite

Upsert = postgresql.Insert | sqlite.Insert


def is_sqlite(connection: Connection) -> bool:
    """Tell whether this is an embedded database: its writer is alone, and its file is local."""
    return connection.dialect.name == "sqlite"


def upsert(connection: Connection, table: Any) -> Upsert:
    """Return an INSERT into a table, or a mapped class, that can say what happens on a conflict."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def marked(connection: Connection, statement: str) -> str:
    """Return a statement in words of ours with the driver's placeholder for each `?`."""
    return statement if is_sqlite(connection) else _with_percent(statement)


def lesser(connection: Connection) -> str:
    """Return the name of the function that gives the lesser of two values."""
    return "min" if is_sqlite(connection) else "least"


def take_turn(connection: Connection, number: int) -> None:
    """Let those who take turns by this number write one after the other; on SQLite they do."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def try_alone(connection: Connection, number: int, second: int) -> bool:
    """Take a lock until this write ends. False: another process holds it. On SQLite a writer is alone."""
    asked = text("SELECT pg_try_advisory_xact_lock(:number, :second)")
    given = {"number": number, "second": second}
    return is_sqlite(connection) or bool(connection.execute(asked, given).scalar())


@cache
def _with_percent(statement: str) -> str:
    return statement.replace("?", "%s")
