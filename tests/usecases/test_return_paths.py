"""The way back of a notice: derived from its id, so that no token stands in the database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.notices.notice_rows import forget_return_paths
from nta.store.tables import Base, Notice
from nta.store.work import due
from tests.builders_notices import World
from tests.conftest import NINE
from tests.telling import KilledError, Killer, Service

NOW = NINE + timedelta(minutes=10)
OF_BEFORE = f"return+{'5e' * 16}@hotline.test"


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def composed(world: World, service: Service) -> Any:
    """Return a notice that was composed when the process was killed; its lease is gone."""
    world.ready()
    service.escalate(NINE)
    service.notify(NOW)
    with pytest.raises(KilledError):
        service.dispatch(NOW, Killer("dispatch.composed"))
    with service.store.db.write() as connection:
        due.release_all(connection)
    (notice,) = world.notices()
    return notice


def words(database: Database) -> list[str]:
    """Return every text that stands in the database in clear."""
    with database.read() as connection:
        rows = [row for table in Base.metadata.sorted_tables for row in connection.execute(select(table))]
    return [cell for row in rows for cell in row if isinstance(cell, str)]


def put(database: Database, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(update(Notice).values(**values))


def test_no_token_stands_in_the_database_at_any_time(world: World, service: Service) -> None:
    composed(world, service)
    before = words(service.store.db)
    service.dispatch(NOW)
    after = words(service.store.db)

    token = service.relay.given[0].return_path.removeprefix("return+").partition("@")[0]
    assert len(token) == 32
    assert [word for word in before + after if token in word] == []


def test_the_path_stays_the_same_when_the_setting_changes(world: World, service: Service) -> None:
    composed(world, service)
    with pytest.raises(KilledError):
        service.dispatch(NOW, Killer("dispatch.handed"))
    with service.store.db.write() as connection:
        due.release_all(connection)
    service.manner = replace(service.manner, return_path="other+{token}@elsewhere.test")

    service.dispatch(NOW)

    first, second = service.relay.given
    assert (second.return_path, second.content) == (first.return_path, first.content)


def test_a_notice_composed_before_keeps_its_path_until_it_has_left(world: World, service: Service) -> None:
    composed(world, service)
    put(service.store.db, return_path=OF_BEFORE)

    service.dispatch(NOW)

    assert service.relay.given[0].return_path == OF_BEFORE
    assert world.notices()[0].return_path is None


@pytest.mark.parametrize("leaves", [False, True])
def test_a_migration_forgets_the_paths_of_what_has_left(leaves: bool, world: World, service: Service) -> None:
    composed(world, service)
    if leaves:
        service.dispatch(NOW)
    put(service.store.db, return_path=OF_BEFORE)

    schema.downgrade(service.store.db, "0007")
    schema.upgrade(service.store.db)

    assert world.notices()[0].return_path == (None if leaves else OF_BEFORE)


def test_what_old_code_left_behind_is_forgotten_at_the_next_start(world: World, service: Service) -> None:
    composed(world, service)
    service.dispatch(NOW)
    put(service.store.db, return_path=OF_BEFORE)

    with service.store.db.write() as connection:
        found = [forget_return_paths(connection) for _ in range(2)]

    assert found == [1, 0]
    assert OF_BEFORE not in words(service.store.db)
