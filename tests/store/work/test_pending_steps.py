"""Which steps have work: read before a turn, so that idle steps write nothing."""

import pytest
from sqlalchemy import insert, update

from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.tables import Addressee, AnswerRow, Due
from nta.store.work import audit, due
from nta.store.work.pending_steps import pending
from tests import person_tasks
from tests.builders import make_case, make_notice
from tests.conftest import NINE, hours


def steps(store: Store, now=NINE) -> set[str]:
    with store.db.read() as connection:
        return pending(connection, now)


def test_nothing_waits_in_an_empty_database(store: Store) -> None:
    assert steps(store) == set()


@pytest.mark.parametrize(
    ("kind", "step"),
    [(due.RESOLVE, "resolve"), (due.LOOK, "recheck"), (due.ESCALATE, "escalate"), (due.SEND, "dispatch")],
)
def test_a_due_row_makes_its_step_wait_from_its_moment_on(store: Store, kind: str, step: str) -> None:
    with store.db.write() as connection:
        due.want(connection, kind, [7], NINE)

    assert steps(store, NINE - hours(1)) == set()
    assert steps(store) == {step}


def test_a_persons_task_makes_no_step_wait(store: Store) -> None:
    with store.db.write() as connection:
        person_tasks.give(connection, 7, NINE, owner="lead", code=Code.NOBODY_LEFT)

    assert steps(store, NINE + hours(48)) == set()


def test_entries_to_seal_wait_until_they_are_sealed(store: Store) -> None:
    with store.db.write() as connection:
        audit.note(connection, store.ids, at=NINE, who="lead", act="reveal")
    assert steps(store) == {"seal"}
    with store.db.write() as connection:
        audit.seal(connection, NINE)

    assert steps(store) == set()


def test_addressees_and_answers_wait_until_they_are_dealt_with(store: Store) -> None:
    notice = make_notice(store, [make_case(store, "http://a.test/", NINE)], NINE)
    with store.db.write() as connection:
        connection.execute(update(Due).values(due_at=NINE + hours(99)))
    assert steps(store) == set()

    with store.db.write() as connection:
        connection.execute(update(Addressee).values(waiting_since=NINE))
    assert steps(store) == {"notify"}
    with store.db.write() as connection:
        connection.execute(update(Addressee).values(waiting_since=None))
        connection.execute(
            insert(AnswerRow).values(
                id=1, item_id=notice.item_ids[0], at=NINE, way="portal", says="removed", settled=False
            )
        )
    assert steps(store) == {"answers"}
