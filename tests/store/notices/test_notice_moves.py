"""The writers of a notice's state refuse what does not follow, and change nothing then."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from nta.domain.errors import RefusedError
from nta.domain.notices.notice_state import NoticeStep
from nta.store.db.handle import Store
from nta.store.notices import notice_rows
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.telling import Service

GATHERED = NINE + hours(0.25)


@pytest.fixture
def queued(store: Store) -> int:
    """A notice that waits to be composed."""
    world, service = World(store), Service(store)
    world.ready()
    service.escalate(NINE)
    service.notify(GATHERED)
    return int(world.notices()[0].id)


def _handed_over(connection: Connection, notice: int) -> None:
    notice_rows.handed_over(connection, notice, GATHERED)


def _refused(connection: Connection, notice: int) -> None:
    notice_rows.move(connection, notice, NoticeStep.REFUSE)


def test_what_is_queued_no_more_is_not_composed(store: Store, queued: int) -> None:
    row = {f"_{name}": None for name in notice_rows.COMPOSING} | {"_id": queued, "_state": "composed"}
    with store.db.write() as connection:
        notice_rows.move(connection, queued, NoticeStep.DROP)

    with pytest.raises(RefusedError, match="cannot take the step compose"), store.db.write() as connection:
        notice_rows.put_composed(connection, [row])

    assert World(store).notices()[0].state == "empty"


@pytest.mark.parametrize("write", [_handed_over, _refused])
def test_what_was_never_composed_cannot_leave(
    store: Store, queued: int, write: Callable[[Connection, int], None]
) -> None:
    with pytest.raises(RefusedError, match="cannot take the step"), store.db.write() as connection:
        write(connection, queued)

    assert World(store).notices()[0].state == "queued"


def test_a_notice_is_dropped_once(store: Store, queued: int) -> None:
    with store.db.write() as connection:
        notice_rows.move(connection, queued, NoticeStep.DROP)

    with pytest.raises(RefusedError, match="cannot take the step"), store.db.write() as connection:
        notice_rows.move(connection, queued, NoticeStep.DROP)
    assert World(store).notices()[0].state == "empty"
