"""A worker that was stopped for long and resumed: what another took over it neither asks for nor records."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from nta.domain.checks.verdicts import ProbeAnswer
from nta.ports import LookRequest, NameAnswer
from nta.store.db.handle import Store
from nta.store.tables import Due, FindingRow, Host, SightingSpan
from nta.store.work import due
from nta.usecases.recheck import recheck_due
from tests.builders import MadeCase, make_case, make_notice
from tests.conftest import NINE, hours
from tests.resolving import an_asker, count, events, made, resolve, state
from tests.usecases.eyes import World, shown

URL = "http://images.quick.example/p/1"


class Machine(World):
    """A world in which a worker can be stopped while it asks names or looks."""

    while_naming: Callable[[], None] = staticmethod(lambda: None)

    def addresses(self, hosts: Collection[str], vantage: str) -> Mapping[str, NameAnswer]:
        answers = super().addresses(hosts, vantage)
        stop, self.while_naming = self.while_naming, lambda: None
        stop()
        return answers


@pytest.fixture
def world() -> Machine:
    return Machine()


@pytest.fixture
def machine() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def look(store: Store, world: World, holder: str, *vantages: str) -> int:
    return recheck_due(store, eyes=world.eyes(*vantages), holder=holder, now=NINE)


def taken_over(store: Store, machine: time_machine.Traveller, kind: str = due.LOOK) -> list[int]:
    """Let an hour pass, and another worker take what is due."""
    machine.shift(3600)
    with store.db.write() as connection:
        return due.take(connection, kind, "other", NINE, 100)


def value(store: Store, column: Any) -> Any:
    with store.db.read() as connection:
        return connection.execute(select(column)).scalar_one()


def test_looks_that_another_took_over_are_made_and_recorded_once(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    make_case(store, URL, NINE)

    def stopped() -> None:
        world.before_looking = lambda: None
        machine.shift(3600)
        assert look(store, world, "other") == 1

    world.before_looking = stopped
    look(store, world, "me")

    assert [vantage for vantage, *_ in world.asked] == ["nl", "de"], "by the other alone"
    with store.db.read() as connection:
        assert connection.execute(select(SightingSpan.count)).scalars().all() == [1, 1]


def test_names_asked_before_a_long_stop_move_no_host(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    case = made(store, "http://a.test/x")
    resolve(store, an_asker())
    world.name("198.51.100.7")
    world.while_naming = lambda: taken_over(store, machine) and None

    look(store, world, "me")

    assert value(store, Host.missed_looks) == 0
    assert "moved" not in events(store, case)


def test_a_host_lost_while_its_name_was_asked_is_neither_looked_at_nor_recorded(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    make_case(store, URL, NINE)
    world.while_naming = lambda: taken_over(store, machine) and None

    look(store, world, "me")

    assert world.asked == []
    assert count(store, SightingSpan) == 0


def test_a_page_that_its_name_may_have_parked_is_not_asked_for_after_a_long_stop(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    case = make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    make_notice(store, [case], NINE, party="registrar:9101", role="registrar", kind="registrar")
    world.name("203.0.113.9")
    world.while_naming = lambda: taken_over(store, machine) and None

    look(store, world, "me", "nl")

    assert world.canaries == []


def test_what_is_lost_while_names_were_asked_stops_nothing_that_is_still_held(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    lost, kept = (make_case(store, f"http://{name}.quick.example/", NINE) for name in ("a", "b"))

    def stopped() -> None:
        machine.shift(3600)
        with store.db.write() as connection:
            assert due.take(connection, due.LOOK, "other", NINE, 1) == [lost.episode_id]

    world.while_naming = stopped
    look(store, world, "me", "nl")

    assert [url for _, url, _ in world.asked] == ["http://b.quick.example/"]
    with store.db.read() as connection:
        looked = connection.execute(select(SightingSpan.episode_id)).scalars().all()
    assert looked == [kept.episode_id]


def test_a_mark_seen_before_a_long_stop_is_not_written(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    made(store, "http://a.test/x")
    resolve(store, an_asker())
    world.name("192.0.2.1")
    world.page(shown(1200, mark="proxy:shield"))
    world.before_looking = lambda: taken_over(store, machine) and None

    look(store, world, "me", "nl")

    assert value(store, Host.proxy_mark) is None


def test_a_canary_asked_before_a_long_stop_is_not_kept(
    store: Store, world: Machine, machine: time_machine.Traveller
) -> None:
    make_case(store, URL, NINE)

    def stopped() -> None:
        if world.asked:  # the page has answered: now its canary is asked
            taken_over(store, machine)

    world.before_looking = stopped
    look(store, world, "me", "nl")

    assert world.canaries
    assert value(store, Host.canaries) is None


class SlowWorld(World):
    """A world in which each answer takes two minutes."""

    def __init__(self, machine: time_machine.Traveller) -> None:
        super().__init__()
        self._machine = machine
        self.while_looking: Callable[[], None] = lambda: None

    def look(self, requests: Iterable[LookRequest], vantage: str) -> Iterator[tuple[int, ProbeAnswer]]:
        for answered in super().look(list(requests), vantage):
            self._machine.shift(timedelta(minutes=2))
            self.while_looking()
            yield answered


def test_looks_that_take_long_keep_their_leases(store: Store, machine: time_machine.Traveller) -> None:
    cases = [make_case(store, f"{URL}/{number}", NINE) for number in range(30)]
    world = SlowWorld(machine)
    others: list[int] = []

    def another_is_idle() -> None:
        with store.db.write() as connection:
            others.extend(due.take(connection, due.LOOK, "other", NINE, 100))

    world.while_looking = another_is_idle
    look(store, world, "me", "nl")

    assert others == []
    with store.db.read() as connection:
        asked = select(Due.due_at).where(Due.kind == due.LOOK)
        assert connection.execute(asked).scalars().all() == [NINE + hours(1)] * len(cases)


def test_a_host_that_another_took_over_is_asked_about_and_recorded_no_further(
    store: Store, machine: time_machine.Traveller
) -> None:
    case: MadeCase = made(store, "http://a.test/x")
    asker = an_asker()
    asker.before = lambda: taken_over(store, machine, due.RESOLVE)

    resolve(store, asker)

    assert asker.asked == ["a.test"], "its name, and no network of its address"
    assert count(store, FindingRow) == 0
    assert state(store, case).stage == "submitted"
