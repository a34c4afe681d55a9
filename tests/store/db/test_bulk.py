"""Many rows in few words: what goes in comes out, whatever it holds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, IntegrityError

from nta.domain.errors import OutsideError
from nta.store.db.bulk import (
    found_by,
    insert_rows,
    set_rows,
    table_of,
    update_rows,
)
from nta.store.db.database import Database
from nta.store.tables import Due, Switch

NAMES = ("kind", "subject", "due_at", "tries", "taken_by", "wanted_at")
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=200)
ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 2**53),
        st.none() | WORDS.map(lambda word: word[:32]),
        st.none() | st.integers(0, 2**53),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[0],
)
EACH = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EACH
@given(ROWS)
def test_rows_come_back_as_they_were_given(database: Database, rows) -> None:
    given = [("look", subject, at, 0, by, wanted) for subject, at, by, wanted in rows]
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM due")
        insert_rows(connection, table_of(Due), NAMES, given)
        asked = "SELECT kind, subject, due_at, tries, taken_by, wanted_at FROM due WHERE subject"
        found = found_by(connection, asked, [row[0] for row in rows])

    assert sorted(map(tuple, found), key=str) == sorted(given, key=str)


@EACH
@given(ROWS)
def test_rows_are_changed_by_their_key(database: Database, rows) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM due")
        insert_rows(connection, table_of(Due), NAMES, [("look", s, 0, 0, None, None) for s, *_ in rows])
        changed = [(at, wanted, subject) for subject, at, _, wanted in rows]
        update_rows(connection, table_of(Due), ("due_at", "wanted_at"), ("subject",), changed)
        set_rows(connection, table_of(Due), {"tries": 3, "taken_by": None}, "subject", [rows[0][0]])
        asked = "SELECT subject, due_at, wanted_at, tries FROM due WHERE subject"
        found = found_by(connection, asked, [row[0] for row in rows])

    tries = {row[0]: 0 for row in rows} | {rows[0][0]: 3}
    expected = [(subject, at, wanted, tries[subject]) for subject, at, _, wanted in rows]
    assert sorted(map(tuple, found), key=str) == sorted(expected, key=str)


@EACH
@given(WORDS)
def test_a_word_can_be_asked_for(database: Database, word: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM switch")
        insert_rows(
            connection, table_of(Switch), ("name", "value", "at", "who"), [(word[:32], "on", 0, "lead")]
        )
        found = found_by(connection, "SELECT name FROM switch WHERE name", [word[:32], "another"])

    assert [row[0] for row in found] == [word[:32]]


def test_a_fault_of_the_database_is_told_as_from_everywhere_else(database: Database) -> None:
    rows = [("look", 1, 0, 0, None, 0)] * 2

    with pytest.raises(IntegrityError) as caught, database.write() as connection:
        insert_rows(connection, table_of(Due), NAMES, rows)
    with pytest.raises(DBAPIError), database.read() as connection:
        found_by(connection, "SELECT subject FROM nowhere WHERE subject", [1])

    assert "their words" not in str(caught.value).partition("DETAIL")[0]
    with database.read() as connection:
        assert found_by(connection, "SELECT subject FROM due WHERE subject", [1]) == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_connection_that_was_cut_is_not_used_again(database: Database) -> None:
    def cut() -> None:
        with database.write() as connection:
            (number,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
            with database.read() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (number,))
            found_by(connection, "SELECT subject FROM due WHERE subject", [1])

    with pytest.raises(OutsideError):
        cut()

    with database.write() as connection:
        assert found_by(connection, "SELECT subject FROM due WHERE subject", [1]) == []
