"""Columns that nothing used go from a database that is in use, and older code finds them again, empty."""

from typing import Any

from sqlalchemy import text

from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.handle import Store
from tests.builders import make_case
from tests.conftest import NINE


def run(database: Database, statement: str) -> list[Any]:
    with database.write() as connection:
        result = connection.execute(text(statement))
        return list(result) if result.returns_rows else []


def test_what_stands_beside_them_stays(database: Database, store: Store) -> None:
    case = make_case(store, "http://quick.example/x", NINE)
    schema.downgrade(database, "0013")
    run(database, "UPDATE host SET canary_answer = '404', canaries = '{}'")
    run(
        database,
        "INSERT INTO authority_order (id, episode_id, authority, issued_at, term) "
        f"VALUES (1, {case.episode_id}, 'Example Authority', 0, 0)",
    )

    schema.upgrade(database)

    assert run(database, "SELECT canaries FROM host") == [("{}",)]

    schema.downgrade(database, "0013")

    assert run(database, "SELECT canaries, canary_answer FROM host") == [("{}", None)]
    assert run(database, "SELECT 1 FROM authority_order") == []
