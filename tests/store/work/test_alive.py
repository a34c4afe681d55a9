"""Who is alive on PostgreSQL: whoever holds its lock, and for a while whoever may be taking it again."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import insert, select

from nta.store.db.database import Database
from nta.store.tables import Due
from nta.store.work import alive, due
from nta.store.work.alive import Alive
from tests.conftest import NINE


class Ticks:
    """Seconds that pass when a test says so."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def watcher(postgres: Database, ticks: Ticks) -> Iterator[Alive]:
    made = Alive(postgres, 1, monotonic=ticks)
    assert made.holds()
    yield made
    made.close()


def lease(database: Database, node: int) -> None:
    """Let a node hold the lease of the subject that bears its number."""
    with database.write() as connection:
        row = {"kind": due.LOOK, "subject": node, "due_at": NINE, "tries": 1}
        connection.execute(insert(Due).values(**row, taken_by=f"node-{node}", taken_until=NINE))


def held(database: Database) -> set[int]:
    with database.read() as connection:
        return set(connection.execute(select(Due.subject).where(Due.taken_by.is_not(None))).scalars())


def cut_off(database: Database) -> None:
    """End every session of the database but the one that does so, as a restart does."""
    which = "datname = current_database() AND pid <> pg_backend_pid()"
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {which}"
        )


def test_a_process_is_alive_until_it_gives_its_lock_back(postgres: Database, watcher: Alive) -> None:
    other = Alive(postgres, 2)
    assert other.take()

    with postgres.read() as connection:
        both = alive.living(connection)
    other.close()

    assert both == {"node-1", "node-2"}
    with postgres.read() as connection:
        assert alive.living(connection) == {"node-1"}
    assert not other.holds()


def test_the_leases_of_the_dead_are_freed_when_their_lock_was_seen_free_for_a_while(
    postgres: Database, watcher: Alive, ticks: Ticks
) -> None:
    lease(postgres, 1)
    lease(postgres, 2)

    early = watcher.free_the_dead(), held(postgres)
    ticks.at += alive.GRACE_S
    late = watcher.free_the_dead(), held(postgres)

    assert early == (True, {1, 2})
    assert late == (False, {1})


def test_who_is_back_in_time_keeps_its_leases(postgres: Database, watcher: Alive, ticks: Ticks) -> None:
    lease(postgres, 2)
    watcher.free_the_dead()
    ticks.at += alive.GRACE_S - 1
    other = Alive(postgres, 2)
    assert other.holds()
    watcher.free_the_dead()
    other.close()

    ticks.at += 1
    watcher.free_the_dead()

    assert held(postgres) == {2}


def test_a_lost_session_is_noticed_and_its_lock_taken_again(postgres: Database) -> None:
    one = Alive(postgres, 3)
    assert one.take()

    cut_off(postgres)

    assert one.holds()
    with postgres.read() as connection:
        assert alive.living(connection) == {"node-3"}
    one.close()


def test_what_was_seen_before_our_own_session_was_lost_counts_no_more(
    postgres: Database, watcher: Alive, ticks: Ticks
) -> None:
    lease(postgres, 2)
    watcher.free_the_dead()
    ticks.at += alive.GRACE_S

    cut_off(postgres)
    assert watcher.holds()

    assert watcher.free_the_dead()
    assert held(postgres) == {2}


def test_a_session_that_only_the_server_still_knows_is_ended(postgres: Database, watcher: Alive) -> None:
    """A line that broke without a word leaves it, and with it the lock, for hours."""
    kept, watcher._session = watcher._session, None

    assert any(watcher.holds() for _ in range(100))

    assert kept is not None
    raw = kept.connection.dbapi_connection
    assert raw is not None
    with pytest.raises(psycopg.OperationalError):
        raw.execute("SELECT 1")
    raw.close()


def test_whose_number_is_anothers_is_told_so_after_a_while(
    postgres: Database, watcher: Alive, ticks: Ticks
) -> None:
    cut_off(postgres)
    with postgres.engine.connect() as other:
        other.exec_driver_sql("SELECT pg_advisory_lock(7788, 1)")

        first = watcher.holds(), watcher.is_replaced
        ticks.at += alive.REPLACED_S
        last = watcher.holds(), watcher.is_replaced

        other.exec_driver_sql("SELECT pg_advisory_unlock(7788, 1)")
    assert (first, last) == ((False, False), (False, True))
    assert (watcher.holds(), watcher.is_replaced) == (True, False)


def test_nobody_works_while_the_server_is_out_of_reach(postgres: Database, watcher: Alive) -> None:
    cut_off(postgres)
    gone = Database(postgres.url.set(database="nobody"))
    watcher._database = gone

    assert not watcher.holds()
    assert not watcher.is_replaced

    watcher._database = postgres
    assert watcher.holds()
