"""Readers and writers: who waits for whom, and what an error leaves behind."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from nta.domain.errors import OutsideError, RefusedError
from nta.store import schema
from nta.store.db.database import Database, FairLock, reachable
from nta.store.db.handle import Store
from nta.store.tables import ProcessStart
from tests.databases import Cluster

MOST_S = 10
"""A bound against hanging; nothing waits for it to pass."""


def start(connection: Connection, number: int) -> None:
    connection.execute(insert(ProcessStart).values(number=number))


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(ProcessStart)).scalar_one()


def test_what_is_written_is_there_for_the_next_reader(database: Database) -> None:
    with database.write() as connection:
        start(connection, 1)
    with database.write(lazy=True) as connection:
        start(connection, 2)

    with database.read() as connection:
        assert count(connection) == 2


def test_an_error_leaves_nothing_of_the_write(database: Database) -> None:
    def broken(fault: Exception) -> None:
        with database.write() as connection:
            start(connection, 1)
            raise fault

    def impossible() -> None:
        with database.write() as connection:
            start(connection, 2)
            start(connection, 2)

    with pytest.raises(RuntimeError, match="midway"):
        broken(RuntimeError("midway"))
    with pytest.raises(IntegrityError):
        impossible()

    with database.write() as connection:
        assert count(connection) == 0
        start(connection, 3)


def test_a_reader_does_not_wait_for_a_writer_and_sees_what_was_before(database: Database) -> None:
    with database.write() as writer:
        start(writer, 1)
        with database.read() as reader:
            assert count(reader) == 0

    with database.read() as reader:
        assert count(reader) == 1


def test_a_reader_keeps_its_state_of_sqlite_while_others_write(lite: Store) -> None:
    with lite.db.read() as reader:
        assert count(reader) == 0
        with lite.db.write() as writer:
            start(writer, 1)
        assert count(reader) == 0


def test_a_writer_that_first_reads_is_not_refused_for_what_others_wrote(lite: Store) -> None:
    """A transaction that begins as a reader fails with SQLITE_BUSY_SNAPSHOT here, however long it waits."""
    other = Database(lite.db.url)
    begun = threading.Event()

    def second() -> None:
        with other.write() as connection:
            begun.set()
            start(connection, count(connection) + 1)

    with ThreadPoolExecutor(1) as pool:
        with lite.db.write() as connection:
            seen = count(connection)
            waiting = pool.submit(second)
            assert not begun.is_set()
            start(connection, seen + 1)
        waiting.result(MOST_S)
    other.dispose()

    with lite.db.read() as connection:
        assert connection.execute(
            select(ProcessStart.number).order_by(ProcessStart.number)
        ).scalars().all() == [1, 2]


def test_writers_of_several_processes_wait_for_each_other(lite: Store) -> None:
    """Each connection of its own pool stands for a process: SQLite's own lock is all they share."""
    others = [Database(lite.db.url) for _ in range(3)]

    def writer(database: Database, first: int) -> None:
        for number in range(first, first + 20):
            with database.write() as connection:
                start(connection, number)

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(writer, database, 100 * n) for n, database in enumerate(others)]
        for call in calls:
            call.result(30)
    for database in others:
        database.dispose()

    with lite.db.read() as connection:
        assert count(connection) == 60


def test_a_lock_is_given_in_the_order_in_which_it_was_asked_for() -> None:
    lock = FairLock()
    order: list[int] = []
    threads: list[threading.Thread] = []

    def ask(number: int) -> None:
        with lock:
            order.append(number)

    with lock:
        for number in range(5):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while len(lock._queue) <= number:
                threads[-1].join(0.001)
    for thread in threads:
        thread.join(MOST_S)

    assert order == [0, 1, 2, 3, 4]
    with lock:
        order.append(5)
    assert order[-1] == 5


def test_a_writer_that_finds_the_database_busy_says_so(lite: Store) -> None:
    blocker = sqlite3.connect(str(lite.db.url.database), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    hasty = Database(lite.db.url)
    with hasty.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1")

    with pytest.raises(OperationalError, match="database is locked"), hasty.write() as connection:
        start(connection, 1)
    blocker.execute("ROLLBACK")
    blocker.close()

    with hasty.write() as connection:
        start(connection, 1)
    hasty.dispose()


def test_sqlite_is_opened_durable_with_foreign_keys_and_patience(lite: Store) -> None:
    def pragma(connection: Connection, name: str) -> object:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    with lite.db.write() as connection:
        assert pragma(connection, "synchronous") == 2
    with lite.db.write(lazy=True) as connection:
        assert pragma(connection, "synchronous") == 1
    with lite.db.write() as connection:
        assert pragma(connection, "synchronous") == 2
    with lite.db.read() as connection:
        assert [pragma(connection, n) for n in ("journal_mode", "foreign_keys", "busy_timeout")] == [
            "wal",
            1,
            30000,
        ]


def test_on_postgresql_only_looks_may_be_lost_on_a_power_cut(postgres: Database) -> None:
    asked = text("SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'")

    with postgres.write(lazy=True) as connection:
        assert tuple(connection.execute(asked).one()) == ("off", "session")
    with postgres.write() as connection:
        assert connection.execute(asked).one().source == "configuration file"


def test_each_statement_of_a_bare_engine_is_a_transaction_of_its_own(database: Database) -> None:
    with database.bare().connect() as bare:
        start(bare, 1)
        with database.write() as connection:
            start(connection, 2)
        assert count(bare) == 2


def test_a_server_that_does_not_answer_is_out_of_reach(cluster: Cluster) -> None:
    with pytest.raises(OutsideError) as fault:
        reachable(Database("postgresql+psycopg://nta:s3cret@127.0.0.1:1/nta"))

    assert fault.value.temporary
    assert str(fault.value).startswith("database postgresql+psycopg://nta:***@127.0.0.1:1/nta: ")
    assert "\n" not in str(fault.value)
    assert "s3cret" not in str(fault.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "nta.sqlite"
    path.write_bytes(b"a letter, not a database" * 100)

    with pytest.raises(RefusedError, match="file is not a database"):
        reachable(Database(f"sqlite:///{path}"))
    with pytest.raises(RefusedError, match="unable to open database file"):
        reachable(Database(f"sqlite:///{tmp_path / 'none' / 'nta.sqlite'}"))
    assert path.read_bytes() == b"a letter, not a database" * 100


def test_processes_that_begin_on_a_new_database_migrate_it_once(tmp_path: Path, cluster: Cluster) -> None:
    urls = [f"sqlite:///{tmp_path / 'new.sqlite'}"]
    with cluster.fresh("template1") as uri:
        urls.append(uri)
        for url in urls:
            databases = [Database(url) for _ in range(3)]
            begin = threading.Barrier(3)

            def upgrade(database: Database, begin: threading.Barrier = begin) -> str | None:
                begin.wait(MOST_S)
                schema.upgrade(database)
                return schema.current(database)

            with ThreadPoolExecutor(3) as pool:
                found = list(pool.map(upgrade, databases))
            for database in databases:
                database.dispose()

            assert found == [schema.head()] * 3


def test_foreign_keys_hold_again_after_migrating(lite: Store) -> None:
    schema.downgrade(lite.db, "base")
    schema.upgrade(lite.db)

    with lite.db.read() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_server_that_goes_away_is_the_worlds_fault_and_the_next_write_finds_it_again(
    postgres: Database,
) -> None:
    end = "SELECT pg_terminate_backend(pg_backend_pid())"

    with pytest.raises(OutsideError, match="the database cannot be reached") as gone, postgres.write() as one:
        one.exec_driver_sql(end)
    with pytest.raises(ProgrammingError), postgres.read() as two:
        two.exec_driver_sql("SELECT nonsense")

    assert gone.value.temporary
    with postgres.write() as three:
        assert three.exec_driver_sql("SELECT 1").scalar() == 1
