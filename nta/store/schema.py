"""The schema's version: brought up to date, taken back, and refused when newer than the code."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from nta.domain.errors import RefusedError
from nta.shipped import shipped
from nta.store.db.database import WRITE, Database
from nta.store.tables import Base

_LOCK = 7787


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; there is no ini file."""
    made = Config()
    made.set_main_option("script_location", str(shipped("migrations")))
    made.set_main_option("path_separator", "os")
    made.attributes["metadata"] = Base.metadata
    if connection is not None:
        made.attributes["connection"] = connection
    return made


def head() -> str:
    """Return the newest version that this code knows."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert newest is not None
    return newest


def current(database: Database) -> str | None:
    """Return the version of the database, None when it is empty."""
    with database.read() as connection:
        return version_of(connection)


def version_of(connection: Connection) -> str | None:
    """Return the version that a connection sees, None when the database is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def check(database: Database) -> None:
    """Refuse a database that is empty, older or newer than the code, saying what to do."""
    found = current(database)
    if found == head():
        return
    if found is None or is_known(found):
        raise RefusedError(
            f"the database is at version {found or 'none'}, the code at {head()}: run `nta db upgrade`"
        )
    raise RefusedError(
        f"the database is at version {found}, newer than this code ({head()}): install the newer nta"
    )


def upgrade(database: Database, to: str = "head") -> None:
    """Bring the database up to date; a database newer than the code is refused and not touched."""
    found = current(database)
    if found == head() and to == "head":
        return
    if found is not None and not is_known(found):
        raise RefusedError(
            f"the database is at version {found}, newer than this code ({head()}): install the newer nta"
        )
    _run(database, command.upgrade, to)


def downgrade(database: Database, to: str) -> None:
    """Take the schema back to an earlier version."""
    _run(database, command.downgrade, to)


def _run(database: Database, what: Any, to: str) -> None:
    """Migrate in one transaction; of two processes that begin at once, the second finds it done."""
    with database.engine.connect() as plain:
        connection = plain.execution_options(**{WRITE: True})
        _enforce(database, connection, "OFF")  # batch mode rebuilds tables
        try:
            with connection.begin():
                if not database.is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                what(config(connection), to)
        finally:
            _enforce(database, connection, "ON")


def _enforce(database: Database, connection: Connection, word: str) -> None:
    """Switch SQLite's foreign keys; past SQLAlchemy, for within a transaction the switch does nothing."""
    if database.is_sqlite:
        raw: Any = connection.connection.dbapi_connection
        raw.execute(f"PRAGMA foreign_keys={word}")


def is_known(revision: str) -> bool:
    """Tell whether this code knows a version; one it does not know is newer."""
    scripts = ScriptDirectory.from_config(config())
    return any(script.revision == revision for script in scripts.walk_revisions())


def folder() -> Path:
    """Return where the migrations are, for the tests that read them."""
    return shipped("migrations") / "versions"
