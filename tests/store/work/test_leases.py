"""The leases of a batch under way: lengthened in time, and what another took is known."""

from datetime import datetime

from nta.store.db.database import Database
from nta.store.work import due
from nta.store.work.leases import Leases
from tests.conftest import NINE
from tests.store.work.test_due import put, row, take

LEASE = due.LEASE


class Machine:
    """The machine's time, as a test sets it."""

    at = NINE

    def __call__(self) -> datetime:
        return self.at


def begun(database: Database, *subjects: int) -> tuple[Machine, Leases]:
    put(database, *subjects)
    machine = Machine()
    return machine, Leases(database, due.LOOK, "one", take(database), machine)


def test_leases_are_lengthened_when_a_third_is_over_and_not_before(database: Database) -> None:
    machine, leases = begun(database, 1)

    machine.at = NINE + LEASE * 0.3
    leases.keep()
    early = row(database, 1).taken_until
    machine.at = NINE + LEASE * 0.4
    leases.keep()

    assert early == NINE + LEASE
    assert row(database, 1).taken_until == NINE + LEASE * 1.4
    assert leases.lost == set()


def test_after_a_long_stop_it_is_known_what_another_took(database: Database) -> None:
    machine, leases = begun(database, 1, 2, 3)
    machine.at = NINE + LEASE * 9
    assert take(database, "two", limit=1, machine=machine.at) == [1]

    leases.keep()

    assert leases.lost == {1}
    assert row(database, 1)[1] == "two"
    assert {row(database, n).taken_until for n in (2, 3)} == {machine.at + LEASE}


def test_what_was_given_back_is_neither_lengthened_nor_lost(database: Database) -> None:
    machine, leases = begun(database, 1, 2)
    with database.write() as connection:
        due.record_many(connection, due.LOOK, [(1, NINE)])
    leases.given_back([1])
    machine.at = NINE + LEASE

    leases.keep()

    assert leases.lost == set()
    assert row(database, 1)[1:3] == (None, None)


def test_when_they_are_due_is_told_without_asking_the_database(database: Database) -> None:
    machine, leases = begun(database, 1)

    machine.at = NINE + LEASE * 0.3
    early = leases.are_due()
    machine.at = NINE + LEASE * 0.4
    late = leases.are_due()

    assert (early, late) == (False, True)
    assert row(database, 1).taken_until == NINE + LEASE
