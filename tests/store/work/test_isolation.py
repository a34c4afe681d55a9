"""What one subject's data spoils: found by halving, put off for longer each time, told to a person."""

from collections.abc import Sequence

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from nta.domain.errors import OutsideError, RefusedError
from nta.store.db.handle import Store
from nta.store.tables import Due, ProcessStart
from nta.store.work import due, isolation
from tests.builders import make_case
from tests.conftest import NINE, hours


def refuse(*bad: int, fault: Exception | None = None, calls: list[Sequence[int]] | None = None):
    def act(part: Sequence[int]) -> list[int]:
        if calls is not None:
            calls.append(part)
        if set(bad) & set(part):
            raise fault or ValueError("spoilt")
        return list(part)

    return act


def test_all_go_together_where_none_is_spoilt() -> None:
    calls: list[Sequence[int]] = []

    done, spoilt = isolation.apart(range(100), refuse(calls=calls))

    assert (done, spoilt, len(calls)) == ([list(range(100))], {}, 1)


def test_the_spoilt_are_found_by_halves_and_the_rest_go_in_order() -> None:
    calls: list[Sequence[int]] = []

    done, spoilt = isolation.apart(range(1_000), refuse(3, 700, calls=calls))

    assert [n for part in done for n in part] == [n for n in range(1_000) if n not in (3, 700)]
    assert set(spoilt) == {3, 700}
    assert len(calls) < 50


def test_nobodys_subjects_are_no_act() -> None:
    assert isolation.apart([], refuse()) == ([], {})


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("", {}, Exception("disk full")),
        OutsideError("the relay is gone", temporary=True),
        OSError("no space"),
        MemoryError(),
    ],
)
def test_what_is_nobodys_data_is_raised(fault: Exception) -> None:
    with pytest.raises(type(fault)):
        isolation.apart([1, 2], refuse(1, fault=fault))


@pytest.mark.parametrize(
    "fault",
    [
        DataError("", {}, Exception()),
        IntegrityError("", {}, Exception()),
        OverflowError(),
        KeyError("x"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"),
        RecursionError(),
        RefusedError("a step that may not be"),
    ],
)
def test_what_is_its_data_is_told_of_it_alone(fault: Exception) -> None:
    assert isolation.apart([1, 2], refuse(1, fault=fault)) == ([[2]], {1: fault})


def test_what_the_database_refuses_is_written_by_none_and_for_no_other(store: Store) -> None:
    def write(part: Sequence[int]) -> int:
        with store.db.write() as connection:
            connection.execute(insert(ProcessStart), [{"number": number} for number in part])
        return len(part)

    done, spoilt = isolation.apart([1, 2, 2**63, 3], write)

    assert (sum(done), list(spoilt)) == (3, [2**63])
    with store.db.read() as connection:
        assert set(connection.execute(select(ProcessStart.number)).scalars()) == {1, 2, 3}


def test_a_row_that_another_took_over_is_left_to_it(store: Store) -> None:
    case = make_case(store, "http://a.example/x", NINE)
    with store.db.write() as connection:
        due.take(connection, due.ESCALATE, "two", NINE, 10)

    isolation.put_off(store, due.ESCALATE, {case.episode_id: ValueError()}, "one", NINE)

    with store.db.read() as connection:
        row = connection.execute(select(Due.taken_by, Due.due_at).where(Due.kind == due.ESCALATE)).one()
    assert tuple(row) == ("two", NINE)


def test_success_begins_the_count_anew(store: Store) -> None:
    case = make_case(store, "http://a.example/x", NINE)
    for hour in range(3):
        with store.db.write() as connection:
            due.take(connection, due.ESCALATE, "one", NINE + hours(hour), 10)
        isolation.put_off(store, due.ESCALATE, {case.episode_id: ValueError()}, "one", NINE + hours(hour))
    with store.db.write() as connection:
        due.take(connection, due.ESCALATE, "one", NINE + hours(9), 10)
        due.record_many(connection, due.ESCALATE, [(case.episode_id, NINE + hours(9))])
        due.take(connection, due.ESCALATE, "one", NINE + hours(9), 10)

    isolation.put_off(store, due.ESCALATE, {case.episode_id: ValueError()}, "one", NINE + hours(9))

    with store.db.read() as connection:
        row = connection.execute(select(Due.due_at, Due.tries).where(Due.kind == due.ESCALATE)).one()
    assert tuple(row) == (NINE + hours(9 + 1 / 60), 1)


def test_the_log_names_the_subject_and_no_word_of_the_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    isolation.say("resolve", {7: ValueError("http://secret.example/path")})

    said = capsys.readouterr().out
    assert "7" in said
    assert "ValueError" in said
    assert "secret" not in said
