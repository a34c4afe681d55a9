"""Due rows: taken by one at a time, given back by who holds them, wanted by anyone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import insert, select, text

from nta.domain.reasons import Code
from nta.store.db.database import Database
from nta.store.notices import outbox
from nta.store.tables import Due
from nta.store.work import due
from tests import person_tasks
from tests.conftest import NINE, hours

LATE = NINE + hours(24)
"""Long after everything that the tests make due."""


def put(database: Database, *subjects: int, kind: str = due.LOOK, at: datetime = NINE) -> None:
    with database.write() as connection:
        connection.execute(
            insert(Due), [{"kind": kind, "subject": s, "due_at": at, "tries": 0} for s in subjects]
        )


def take(
    database: Database,
    holder: str = "one",
    *,
    kind: str = due.LOOK,
    now: datetime = LATE,
    limit: int = 100,
    machine: datetime = NINE,
) -> list[int]:
    with database.write() as connection:
        return due.take(connection, kind, holder, now, limit, machine=lambda: machine)


def row(database: Database, subject: int, kind: str = due.LOOK):
    with database.read() as connection:
        return connection.execute(
            select(Due.due_at, Due.taken_by, Due.taken_until, Due.tries).where(
                Due.kind == kind, Due.subject == subject
            )
        ).first()


def test_what_is_due_is_taken_longest_due_first_and_no_more_than_asked_for(database: Database) -> None:
    put(database, 5, 3, at=NINE)
    put(database, 9, at=NINE - hours(1))
    put(database, 1, at=LATE + hours(1))
    put(database, 2, kind=due.ESCALATE)

    assert take(database, limit=2) == [9, 3]
    assert take(database) == [5]
    assert take(database) == []
    assert row(database, 9)[1:4] == ("one", NINE + due.LEASE, 1)
    assert row(database, 1)[1] is None


def test_rows_long_overdue_are_taken_once(database: Database) -> None:
    put(database, *range(50), at=NINE - timedelta(days=30))

    first, again = take(database, "one", now=NINE), take(database, "two", now=NINE)

    assert (len(first), len(again)) == (50, 0)


def test_a_lease_that_is_past_is_taken_over_and_its_first_holder_records_nothing(database: Database) -> None:
    put(database, 1, 2)
    take(database, "one", limit=1)

    within = take(database, "two", machine=NINE + due.LEASE - timedelta(seconds=1), limit=1)
    after = take(database, "two", machine=NINE + due.LEASE + timedelta(seconds=1), limit=1)

    assert (within, after) == ([2], [1])
    with database.write() as connection:
        assert due.still_mine(connection, due.LOOK, [1, 2], "one") == set()
        assert due.still_mine(connection, due.LOOK, [1, 2], "two") == {1, 2}
    assert row(database, 1)[0:2] == (NINE, "two")
    assert row(database, 1).tries == 2


def test_many_rows_are_given_back_at_once_and_no_others(database: Database) -> None:
    put(database, *range(1, 8))
    put(database, 1, 2, kind=due.ESCALATE)
    take(database)

    with database.write() as connection:
        due.record_many(
            connection, due.LOOK, [(1, LATE), (2, None), (3, LATE), (4, LATE + hours(1)), (5, None)]
        )

    found = {number: row(database, number) for number in range(1, 8)}
    assert [found[n] and found[n].due_at for n in range(1, 6)] == [LATE, None, LATE, LATE + hours(1), None]
    assert {tuple(found[n])[1:4] for n in (1, 3, 4)} == {(None, None, 0)}
    assert {found[n].taken_by for n in (6, 7)} == {"one"}
    assert row(database, 1, due.ESCALATE)[0] == NINE
    assert row(database, 2, due.ESCALATE)[0] == NINE


def test_a_step_is_wanted_at_the_earlier_moment(database: Database) -> None:
    with database.write() as connection:
        due.want(connection, due.LOOK, [1, 2], NINE)
        due.want(connection, due.LOOK, [1], LATE)
        due.want(connection, due.LOOK, {2}, NINE - hours(1))
        due.want(connection, due.LOOK, [], NINE)

    assert [row(database, n)[0] for n in (1, 2)] == [NINE, NINE - hours(1)]
    assert row(database, 1).tries == 0


@pytest.mark.parametrize("kind", [due.LOOK, due.RESOLVE, due.ESCALATE, due.SEND])
def test_a_step_wanted_while_somebody_is_at_it_is_left_to_them_and_due_again_after(
    database: Database, kind: str
) -> None:
    put(database, 1, 2, 3, kind=kind)
    take(database, kind=kind)

    with database.write() as connection:
        due.want(connection, kind, [1, 2], NINE + hours(2))
        due.want(connection, kind, [1, 2], NINE + hours(1))
        due.want(connection, kind, [1, 2], NINE + hours(3))

    assert take(database, "two", kind=kind) == []
    with database.write() as connection:
        assert due.still_mine(connection, kind, [1, 2, 3], "one") == {1, 2, 3}
        assert due.wanted_meanwhile(connection, kind, [1, 2, 3]) == {1, 2}
        due.record_many(connection, kind, [(1, LATE), (2, None), (3, None)])
    for number in (1, 2):
        assert tuple(row(database, number, kind))[:4] == (NINE + hours(1), None, None, 0)
    assert row(database, 3, kind) is None
    assert take(database, "two", kind=kind) == [1, 2]


def test_what_is_due_earlier_than_it_was_wanted_stays_due_earlier(database: Database) -> None:
    put(database, 1)
    take(database)

    with database.write() as connection:
        due.want(connection, due.LOOK, [1], LATE)
        due.record_many(connection, due.LOOK, [(1, NINE + hours(1))])

    assert row(database, 1)[0] == NINE + hours(1)


def test_a_wish_is_met_by_whoever_takes_the_row_after_it(database: Database) -> None:
    put(database, 1)
    take(database, "dead")
    with database.write() as connection:
        due.want(connection, due.LOOK, [1], NINE)
        due.release_of(connection, "dead")

    taken = take(database, "two")
    with database.write() as connection:
        due.record_many(connection, due.LOOK, [(1, LATE)])

    assert taken == [1]
    assert row(database, 1)[0] == LATE


def test_a_message_that_is_tried_again_is_due_when_it_was_wanted(database: Database) -> None:
    put(database, 1, 2, kind=due.SEND)
    take(database, kind=due.SEND)

    with database.write() as connection:
        due.want(connection, due.SEND, [1], NINE)
        outbox.postpone(connection, [(1, LATE), (2, LATE)], "one")

    assert [tuple(row(database, n, due.SEND))[:3] for n in (1, 2)] == [(NINE, None, None), (LATE, None, None)]


def test_rows_are_dropped_whoever_holds_them(database: Database) -> None:
    put(database, *range(700))
    put(database, 1, kind=due.ESCALATE)
    take(database, limit=10)

    with database.write() as connection:
        due.drop(connection, [(due.LOOK, number) for number in range(699)])
        due.drop(connection, [])

    with database.read() as connection:
        assert connection.execute(select(Due.kind, Due.subject).order_by(Due.kind)).all() == [
            (due.ESCALATE, 1),
            (due.LOOK, 699),
        ]


def test_the_next_moment_is_the_earliest_jobs_and_no_persons(database: Database) -> None:
    with database.write() as connection:
        assert due.next_at(connection) is None
        person_tasks.give(connection, 1, NINE - hours(5), owner="lead", code=Code.NOBODY_LEFT)
        assert due.next_at(connection) is None
        due.want(connection, due.SEND, [1], LATE)
        due.want(connection, due.LOOK, [1], NINE)

        assert due.next_at(connection) == NINE
        assert due.next_at(connection, [due.SEND]) == LATE


def test_leases_are_released_of_all_or_of_one(database: Database) -> None:
    put(database, 1, 2, 3, 4)
    take(database, "node-1", limit=1)
    take(database, "node-2", limit=2)

    with database.write() as connection:
        assert sorted(due.holders(connection)) == ["node-1", "node-2"]
        assert due.release_of(connection, "node-2") == 2
        assert due.holders(connection) == ["node-1"]
        assert due.release_all(connection) == 1
        assert due.holders(connection) == []
    assert take(database, "three") == [1, 2, 3, 4]


def test_takers_side_by_side_never_share_a_row(database: Database) -> None:
    put(database, *range(400))
    begin = Barrier(4)

    def taker(number: int) -> list[int]:
        begin.wait()
        found: list[int] = []
        while part := take(database, f"node-{number}", limit=7):
            assert len(part) <= 7
            found += part
        return found

    with ThreadPoolExecutor(4) as pool:
        shares = [call.result() for call in [pool.submit(taker, n) for n in range(4)]]

    assert sorted(subject for share in shares for subject in share) == list(range(400))
    assert sum(row(database, subject).tries for subject in range(400)) == 400


def test_on_postgresql_rows_that_another_just_takes_are_passed_over(postgres: Database) -> None:
    put(postgres, 1, 2, 3)

    with postgres.write() as first, postgres.write() as second:
        assert due.take(first, due.LOOK, "one", LATE, 2, machine=lambda: NINE) == [1, 2]
        assert due.take(second, due.LOOK, "two", LATE, 2, machine=lambda: NINE) == [3]


def test_on_postgresql_no_plan_takes_more_than_asked_for(postgres: Database) -> None:
    """A subquery that a plan runs again for each row would skip what it has locked, and lock more."""
    put(postgres, *range(40))

    with postgres.write() as connection:
        for way in ("hashjoin", "hashagg", "mergejoin", "material", "sort", "memoize"):
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        assert due.take(connection, due.LOOK, "one", LATE, 3, machine=lambda: NINE) == [0, 1, 2]
    with postgres.read() as connection:
        assert connection.execute(select(Due.subject).where(Due.taken_by == "one")).scalars().all() == [
            0,
            1,
            2,
        ]


def test_a_lease_is_lengthened_for_its_holder_alone(database: Database) -> None:
    put(database, 1, 2, 3)
    take(database, "paused", limit=2)
    later = NINE + due.LEASE * 2
    take(database, "another", limit=1, machine=later)

    with database.write() as connection:
        kept = due.keep(connection, due.LOOK, [1, 2, 3], "paused", machine=lambda: later)

    assert kept == {2}
    assert row(database, 1)[1:3] == ("another", later + due.LEASE)
    assert row(database, 2)[1:3] == ("paused", later + due.LEASE)
    assert row(database, 3)[1:3] == (None, None)
