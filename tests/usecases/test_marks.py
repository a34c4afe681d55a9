"""A proxy that only a header field of the answers tells of: told beside the host, never instead of it."""

import pytest
from sqlalchemy import select, update

from nta.store.db.handle import Store
from nta.store.tables import Due, Host
from nta.store.work import due
from nta.usecases.recheck import recheck_due
from tests.builders import MadeCase
from tests.conftest import NINE, hours
from tests.resolving import FakeAsker, an_asker, due_at, events, made, resolve
from tests.usecases.eyes import World, shown
from tests.usecases.test_resolve_domains import KNOWN, SHIELD, escalate, facts, told

HERE = "192.0.2.1"
PAGE = shown(1200, mark=SHIELD.id)


@pytest.fixture
def world() -> World:
    world = World()
    world.name(HERE)
    world.page(PAGE)
    return world


@pytest.fixture
def asker() -> FakeAsker:
    asker = an_asker()
    network = asker.networks["192.0.2.0/24"]
    assert isinstance(network, dict)
    abuse = [{"email": "abuse@one.example", "source": "rdap", "confidence": 0.9}]
    asker.networks["192.0.2.0/24"] = {**network, "abuse": abuse}
    return asker


@pytest.fixture
def case(store: Store, asker: FakeAsker) -> MadeCase:
    case = made(store, "http://a.test/p")
    resolve(store, asker, known=KNOWN)
    return case


def look(store: Store, world: World, hour: float = 0) -> None:
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=NINE))
    assert recheck_due(store, eyes=world.eyes(), holder="me", now=NINE + hours(hour))


def mark(store: Store) -> str | None:
    with store.db.read() as connection:
        return connection.execute(select(Host.proxy_mark)).scalar_one()


def test_a_marked_proxy_is_told_beside_the_host(
    store: Store, world: World, asker: FakeAsker, case: MadeCase
) -> None:
    look(store, world)
    resolve(store, asker, known=KNOWN)
    escalate(store)

    assert mark(store) == SHIELD.id
    assert facts(store, case).mark == SHIELD.id
    assert told(store) == {("host", "rdap:ORG-1"), ("proxy", SHIELD.id)}
    assert "party_joined" in events(store, case)


def test_a_mark_that_is_known_asks_for_nothing_again(
    store: Store, world: World, asker: FakeAsker, case: MadeCase
) -> None:
    look(store, world)
    resolve(store, asker, known=KNOWN)
    later = due_at(store, due.RESOLVE, case.host_id)

    look(store, world, 1)

    assert later is not None
    assert due_at(store, due.RESOLVE, case.host_id) == later > NINE + hours(1)


def test_answers_of_a_proxys_own_address_are_no_news(store: Store, world: World, asker: FakeAsker) -> None:
    asker.names["a.test"] = ("203.0.113.1",)
    asker.networks = {"203.0.113.0/24": {"country": "US"}}
    case = made(store, "http://a.test/p")
    resolve(store, asker, known=KNOWN)
    later = due_at(store, due.RESOLVE, case.host_id)
    world.name("203.0.113.1")

    look(store, world)

    assert mark(store) is None
    assert due_at(store, due.RESOLVE, case.host_id) == later


def test_a_mark_does_not_outlive_a_move(store: Store, world: World, asker: FakeAsker, case: MadeCase) -> None:
    look(store, world)
    resolve(store, asker, known=KNOWN)
    world.name("198.51.100.1")
    asker.names["a.test"] = ("198.51.100.1",)
    world.page(shown(1200))

    for hour in (2, 3):
        look(store, world, hour)
        resolve(store, asker, NINE + hours(hour), known=KNOWN)

    assert mark(store) is None
