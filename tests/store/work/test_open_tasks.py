"""Tasks of persons: one for each reason about each subject, as it was first asked."""

from nta.domain.reasons import Code, Reason, because
from nta.store.db.database import Database
from nta.store.work import open_tasks
from tests.conftest import NINE, hours

REPLY = Reason(Code.READ_REPLY, besides=(Reason(Code.VOUCHED_BY_NOBODY),))
WRONG = because(Code.SERVED_OTHERWISE, text="It's; all: wrong")


def test_a_task_stays_as_it_is_until_it_is_done(database: Database) -> None:
    with database.write() as connection:
        open_tasks.ask(connection, 1, REPLY, owner="lead", deadline=NINE)
        open_tasks.ask(connection, 1, Reason(Code.READ_REPLY), owner="analyst", deadline=NINE + hours(1))

    with database.read() as connection:
        assert open_tasks.of(connection, 1, Code.READ_REPLY) == (REPLY, "lead")


def test_each_reason_is_a_task_of_its_own(database: Database) -> None:
    with database.write() as connection:
        open_tasks.ask(connection, 1, REPLY, owner="analyst", deadline=NINE)
        open_tasks.ask(connection, 1, WRONG, owner="lead", deadline=NINE)
        open_tasks.ask(connection, 2, WRONG, owner="lead", deadline=NINE)

        open_tasks.done(connection, [1, 7], [Code.READ_REPLY, Code.HELD])

    with database.read() as connection:
        assert open_tasks.of(connection, 1, Code.READ_REPLY) is None
        assert open_tasks.of(connection, 1, Code.SERVED_OTHERWISE) == (WRONG, "lead")
        assert open_tasks.asked_about(connection, [1, 2, 3], Code.SERVED_OTHERWISE) == {1, 2}


def test_what_ends_takes_all_its_tasks_with_it(database: Database) -> None:
    with database.write() as connection:
        for subject in range(700):
            open_tasks.ask(connection, subject, REPLY, owner="analyst", deadline=NINE)
            open_tasks.ask(connection, subject, WRONG, owner="lead", deadline=NINE)

        open_tasks.drop(connection, range(699))

    with database.read() as connection:
        assert open_tasks.asked_about(connection, range(700), Code.READ_REPLY) == {699}
