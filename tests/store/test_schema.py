"""Migrations go up and down on both databases, and a database newer than the code is refused."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from nta.domain.errors import RefusedError
from nta.store import schema
from nta.store.db.database import Database
from nta.store.tables import Base


def test_every_migration_goes_down_and_up_again(database: Database) -> None:
    schema.downgrade(database, "base")
    with database.read() as connection:
        left = set(inspect(connection).get_table_names()) - {"alembic_version"}
    schema.upgrade(database)

    assert left == set()
    assert schema.current(database) == schema.head()


def test_migrations_make_what_the_code_declares(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection)
        differences = [d for d in compare_metadata(context, Base.metadata) if d[0] != "modify_default"]

    assert differences == []


def test_a_database_newer_than_the_code_is_refused_and_untouched(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(RefusedError, match="newer than this code"):
        schema.upgrade(database)
    with pytest.raises(RefusedError, match="newer than this code"):
        schema.check(database)

    assert schema.current(database) == "9999"


def test_migrations_import_nothing_of_ours() -> None:
    texts = [path.read_text() for path in schema.folder().glob("*.py")]

    assert texts
    assert not [text for text in texts if "import nta" in text or "from nta" in text]
