"""Notifying: who waits is gathered into notices, each addressee in exactly one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.notices.batching import PlanRules
from nta.domain.references import read
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.tables import Addressee, Contact, NoticeItem
from nta.store.work import due
from nta.usecases import notify
from nta.usecases.notify import next_gathering
from tests.builders_notices import (
    LADDER,
    REGISTRY,
    RUNGS,
    World,
    catalogue,
    served_by,
)
from tests.conftest import NINE, hours
from tests.telling import KilledError, Killer, Service

GATHERED = NINE + timedelta(minutes=10)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def test_normal_items_gather_into_one_notice(world: World, service: Service) -> None:
    first = world.ready(law="NL")
    service.escalate(NINE)
    second = world.ready(at=NINE + timedelta(minutes=5))
    service.escalate(NINE + timedelta(minutes=5))

    assert service.notify(GATHERED - timedelta(seconds=1)) == 0
    assert service.notify(GATHERED) == 2

    (notice,) = world.notices()
    items = world.rows(NoticeItem)
    assert (notice.party, notice.role, notice.kind, notice.rung) == (
        "hosting:example",
        "host",
        "first",
        "first",
    )
    assert (notice.language, notice.state, notice.queued_at) == ("nl", "queued", GATHERED)
    assert read(notice.reference) == notice.reference
    assert [i.episode_id for i in items] == [first, second]
    assert [(i.position, i.addresses, i.port, i.scope, i.law) for i in items] == [
        (1, "192.0.2.1", 80, "file", "NL"),
        (2, "192.0.2.1", 80, "file", None),
    ]
    assert {a.waiting_since for a in world.rows(Addressee)} == {None}
    assert world.due(due.SEND, notice.id) == GATHERED
    assert world.notice_events() == ["queued"]


def test_the_location_is_sealed_for_us_and_for_the_portal(
    world: World, service: Service, store: Store
) -> None:
    episode = world.ready()
    service.escalate(NINE)
    service.notify(GATHERED)

    (item,) = world.rows(NoticeItem)
    url = world.urls[episode]
    assert store.sealer.text("notice_item.location", item.id, item.location_sealed) == url
    assert store.portal_sealer.text("notice_item.portal", item.id, item.portal_sealed) == url
    assert url.encode() not in item.location_sealed + item.portal_sealed


@pytest.mark.parametrize("severity", ["high", "urgent"])
def test_hurried_items_go_at_once(world: World, service: Service, severity: str) -> None:
    world.ready(severity=severity)
    service.escalate(NINE)

    assert service.notify(NINE) == 1
    assert world.notices()[0].severity == severity


def test_the_next_gathering_is_when_the_oldest_has_waited_long_enough(
    world: World, service: Service, store: Store
) -> None:
    assert next_gathering(store, NINE) is None
    world.ready()
    service.escalate(NINE)
    world.ready(at=NINE + timedelta(minutes=5))
    service.escalate(NINE + timedelta(minutes=5))

    assert next_gathering(store, NINE + timedelta(minutes=6)) == GATHERED
    assert next_gathering(store, GATHERED + hours(1)) == GATHERED + hours(1)
    service.notify(GATHERED)
    assert next_gathering(store, GATHERED) is None


def test_a_hurried_one_makes_the_next_gathering_now(world: World, service: Service, store: Store) -> None:
    world.ready()
    world.ready(severity="urgent")
    service.escalate(NINE)

    assert next_gathering(store, NINE + timedelta(minutes=1)) == NINE + timedelta(minutes=1)
    service.notify(NINE + timedelta(minutes=1))


def test_each_reader_gets_a_notice_of_its_own(world: World, service: Service) -> None:
    world.ready()
    world.ready(addresses=(served_by("rdap:ORG-2", abuse=["abuse@second.example"], name="Second"),))
    service.escalate(NINE)
    service.notify(GATHERED)

    found = {(n.party, n.language) for n in world.notices()}
    assert found == {("hosting:example", "nl"), ("rdap:ORG-2", "nl")}
    assert world.count(NoticeItem) == 2


def test_a_host_is_told_of_its_own_addresses_alone(world: World, service: Service) -> None:
    second = served_by("rdap:ORG-2", ip="192.0.2.9", abuse=["abuse@second.example"], name="Second")
    world.ready(addresses=(served_by(), second))
    service.escalate(NINE)
    service.notify(GATHERED)

    assert {i.addresses for i in world.rows(NoticeItem)} == {"192.0.2.1", "192.0.2.9"}


def test_a_registry_is_told_of_all_addresses(world: World, service: Service) -> None:
    service.known = catalogue(ladders=(replace(LADDER, rungs=(replace(RUNGS[2], only_if=None),)),))
    world.ready(addresses=(served_by(), served_by(ip="2001:db8::1")))
    service.escalate(NINE)
    service.notify(GATHERED)

    assert [i.addresses for i in world.rows(NoticeItem)] == ["192.0.2.1, 2001:db8::1"]


def test_more_items_than_a_list_holds_are_parted(world: World, service: Service) -> None:
    service.rules = PlanRules(most_items=2)
    for _ in range(5):
        world.ready()
    service.escalate(NINE)

    assert service.notify(NINE) == 4  # full lists go at once
    assert service.notify(GATHERED) == 1
    assert len({n.reference for n in world.notices()}) == 3
    assert len({i.addressee_id for i in world.rows(NoticeItem)}) == 5


def test_a_burst_to_one_party_waits_for_a_lead(world: World, service: Service) -> None:
    service.rules = PlanRules(burst_items=2)
    made = [world.ready() for _ in range(3)]
    service.escalate(NINE)
    service.notify(GATHERED)

    (notice,) = world.notices()
    assert notice.state == "waiting_lead"
    assert world.due(due.SEND, notice.id) is None
    assert world.task(notice.id) == "many notices to one party at once"
    assert notice.leads == 1
    assert not any(world.task(e) for e in made)
    world.fresh(GATHERED)
    assert service.dispatch(GATHERED) == 0


def test_what_was_sent_today_counts_towards_a_burst(world: World, service: Service) -> None:
    service.rules = PlanRules(burst_items=2)
    for number in range(3):
        world.ready(at=NINE + hours(number))
        service.escalate(NINE + hours(number))
        service.notify(NINE + hours(number + 0.5))

    assert [n.state for n in world.notices()] == ["queued", "queued", "waiting_lead"]


def test_a_rung_that_needs_approval_waits_for_a_lead(world: World, service: Service) -> None:
    rung = replace(RUNGS[2], only_if=None, approval="four-eyes")
    service.known = catalogue(ladders=(replace(LADDER, rungs=(rung,)),), registries={REGISTRY.id: REGISTRY})
    episode = world.ready()
    service.escalate(NINE)
    service.notify(GATHERED)

    assert [n.state for n in world.notices()] == ["waiting_lead"]
    assert world.task(world.notices()[0].id) == "this step of the ladder needs two leads"
    assert world.notices()[0].leads == 2
    assert world.events(episode) == ["approval_asked"]


def test_a_reference_that_is_taken_is_not_given_twice(world: World, service: Service, store: Store) -> None:
    world.ready()
    service.escalate(NINE)
    service.notify(GATHERED)
    (notice,) = world.notices()
    with store.db.write() as connection:
        first = notify._references(connection, store, [notice.id], GATHERED)
        both = notify._references(connection, store, [notice.id, 77], GATHERED)

    assert first[notice.id] != notice.reference
    assert len({notice.reference, *both.values()}) == 3


def test_content_that_is_gone_is_not_told(world: World, service: Service) -> None:
    episode = world.ready()
    service.escalate(NINE)
    world.looked(episode, "gone", NINE + timedelta(minutes=5), "absent")

    assert service.notify(GATHERED) == 1

    assert world.notices() == []
    assert world.events(episode) == ["seen_gone", "left_notice"]
    world.looked(episode, "up", NINE + hours(1), "up")
    service.escalate(NINE + hours(1))
    assert [a.waiting_since for a in world.rows(Addressee)] == [NINE + hours(1)]


def test_an_episode_that_ended_is_not_told(world: World, service: Service, store: Store) -> None:
    episode = world.ready()
    service.escalate(NINE)
    with store.db.write() as connection:
        endings.end(connection, store.ids, episode, Outcome.WITHDRAWN, Actor.ANALYST, at=NINE, who="analyst")

    assert service.notify(GATHERED) == 1
    assert world.notices() == []
    assert next_gathering(store, GATHERED) is None


def test_a_contact_that_died_meanwhile_is_chosen_anew(world: World, service: Service, store: Store) -> None:
    episode = world.ready(addresses=(served_by(abuse=["other@hosting.example"]),))
    service.escalate(NINE)
    with store.db.write() as connection:
        connection.execute(update(Contact).values(health="dead"))

    service.notify(GATHERED)
    assert world.due(due.ESCALATE, episode) == GATHERED
    service.escalate(GATHERED)

    (addressee,) = world.rows(Addressee)
    contacts = {c.id: c.address for c in world.rows(Contact)}
    assert contacts[addressee.contact_id] == "other@hosting.example"
    assert addressee.waiting_since == GATHERED


def test_the_limit_takes_the_hurried_and_the_oldest_first(
    world: World, service: Service, store: Store
) -> None:
    world.ready()
    service.escalate(NINE)
    urgent = world.ready(severity="urgent")
    service.escalate(NINE)

    done = notify.notify_waiting(store, catalogue=service.known, now=NINE, limit=1)

    assert done == 1
    assert [i.episode_id for i in world.rows(NoticeItem)] == [urgent]


@pytest.mark.parametrize("name", ["notify.made", "notify.recorded"])
def test_a_killed_step_run_again_tells_each_addressee_once(world: World, service: Service, name: str) -> None:
    made = [world.ready(), world.ready()]
    service.escalate(NINE)
    with pytest.raises(KilledError):
        service.notify(GATHERED, Killer(name))

    service.notify(GATHERED)

    assert sorted(i.episode_id for i in world.rows(NoticeItem)) == made
    assert len(world.notices()) == 1


def test_a_lock_of_another_process_leaves_the_list_whole(
    world: World, service: Service, store: Store
) -> None:
    world.ready()
    service.escalate(NINE)
    seen: list[int] = []

    def meanwhile(name: str) -> None:
        if name == "notify.made" and not store.db.is_sqlite:
            seen.append(service.notify(GATHERED))

    assert service.notify(GATHERED, meanwhile) == 1
    assert seen in ([], [0])
    assert len(world.notices()) == 1
