"""What happens while a batch is being handed over: holds, lost leases, a slow relay, a machine that slept."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from nta.domain.episode_state import EpisodeChange
from nta.domain.lifecycle import EventKind
from nta.domain.reasons import Code
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.tables import Due, NoticeItem
from nta.store.work import due
from nta.usecases.dispatch import Lease
from tests import person_tasks
from tests.builders_notices import World, served_by
from tests.conftest import NINE
from tests.telling import Service

NOW = NINE + timedelta(minutes=10)


class Machine:
    """A clock that stands where a test puts it, and a lease by it."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def now(self) -> datetime:
        return NINE + timedelta(seconds=self.at_s)

    @property
    def lease(self) -> Lease:
        return Lease(timedelta(seconds=300), self.now, lambda: self.at_s)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(world: World, store: Store) -> Service:
    """Three notices to three parties are queued."""
    made = Service(store)
    for party in range(3):
        own = served_by(f"rdap:ORG-{party}", abuse=[f"abuse@host{party}.example"], name=f"Host {party}")
        world.ready(addresses=(own,))
    made.escalate(NINE)
    made.notify(NOW)
    return made


def at_first(name: str, act: Callable[[], None]) -> Callable[[str], None]:
    """Return a checkpoint that acts when it is passed for the first time."""
    passed: list[str] = []

    def checkpoint(passing: str) -> None:
        if passing == name and not passed:
            passed.append(passing)
            act()

    return checkpoint


def sent(service: Service) -> list[int]:
    return [message.notice_id for message in service.relay.given]


def in_order(world: World) -> list[int]:
    return sorted(notice.id for notice in world.notices())


def hold(world: World, store: Store, notice_id: int) -> None:
    with store.db.write() as connection:
        asked = select(NoticeItem.episode_id).where(NoticeItem.notice_id == notice_id)
        episode = connection.execute(asked).scalar_one()
        before = episodes.load(connection, [episode])[episode]
        after = before._replace(stage="held")
        episodes.move(connection, store.ids, [EpisodeChange(before, after, EventKind.HELD, NOW, "lead")])
        person_tasks.give(connection, episode, NOW, owner="lead", code=Code.HELD)


def test_a_hold_placed_during_a_batch_keeps_the_notice(world: World, service: Service, store: Store) -> None:
    first, second, third = in_order(world)

    service.dispatch(NOW, at_first("dispatch.handed", lambda: hold(world, store, second)))

    assert sent(service) == [first, third]
    assert world.due(due.SEND, second) == NOW + timedelta(minutes=15)
    assert [n.state for n in sorted(world.notices(), key=lambda n: n.id)] == [
        "handed_over",
        "composed",
        "handed_over",
    ]


def test_what_another_took_over_is_left_to_it(world: World, service: Service, store: Store) -> None:
    machine = Machine()

    def overtaken() -> None:
        machine.at_s += 301
        service.dispatch(NOW, holder="two", lease=machine.lease)

    service.dispatch(NOW, at_first("dispatch.recorded", overtaken), lease=machine.lease)

    assert sent(service) == in_order(world)
    assert world.notice_events() == ["queued"] * 3 + ["handed_over"] * 3


def test_one_that_slept_over_its_leases_goes_on_with_what_nobody_took(world: World, service: Service) -> None:
    machine = Machine()

    def sleep() -> None:
        machine.at_s += 50

    service.dispatch(
        NOW,
        at_first("dispatch.recorded", sleep),
        lease=Lease(timedelta(seconds=40), machine.now, lambda: machine.at_s),
    )

    assert sent(service) == in_order(world)


def test_a_lease_is_lengthened_before_its_notice_goes(world: World, service: Service, store: Store) -> None:
    machine = Machine()
    _, second, third = in_order(world)
    until: dict[int, datetime | None] = {}

    def note(name: str) -> None:
        if name == "dispatch.handed" and not until:
            machine.at_s += 30
        if name == "dispatch.recorded" and not until:
            with store.db.read() as connection:
                asked = select(Due.subject, Due.taken_until).where(Due.kind == due.SEND)
                until.update((subject, at) for subject, at in connection.execute(asked))

    began = machine.now()
    service.dispatch(NOW, note, lease=machine.lease)

    assert until == {second: began + timedelta(seconds=330), third: began + timedelta(seconds=300)}


def test_a_batch_ends_after_a_minute_and_the_rest_is_due_at_once(world: World, service: Service) -> None:
    machine = Machine()
    first, second, third = in_order(world)

    def wait() -> None:
        machine.at_s += 61

    service.dispatch(NOW, at_first("dispatch.handed", wait), lease=machine.lease)

    assert sent(service) == [first, second], "the second was announced already"
    assert world.due(due.SEND, third) == NOW
    assert world.count(Due, Due.taken_by.is_not(None)) == 0
    assert service.dispatch(NOW, lease=machine.lease) == 1
    assert sent(service) == [first, second, third]


def test_what_a_stop_kept_back_is_due_at_once_when_the_relay_went_too(world: World, service: Service) -> None:
    _, second, third = in_order(world)
    service.relay.down_after = 1

    service.dispatch(NOW, at_first("dispatch.handed", lambda: world.switch("off", NOW)))

    assert len(sent(service)) == 1
    assert [world.due(due.SEND, number) for number in (second, third)] == [NOW, NOW]
