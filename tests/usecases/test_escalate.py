"""Escalating: who is told next, when, and what happens when nobody is left."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from nta.domain.episode_state import EpisodeChange
from nta.domain.parties.organisations import NoticeRoute
from nta.domain.reasons import Code, said
from nta.ports import HandOver
from nta.render.reason_sentences import sentence
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.tables import Addressee, Contact, Domain, Due, Notice, PartyRow
from nta.store.work import due
from tests import person_tasks
from tests.builders_notices import (
    HOSTING,
    LADDER,
    REGISTRY,
    RUNGS,
    World,
    catalogue,
    served_by,
)
from tests.conftest import NINE, hours
from tests.telling import KilledError, Killer, Service

AFTER_FIRST = NINE + hours(0.25)
SILENT = AFTER_FIRST + hours(24)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def told(world: World, service: Service, *, dedicated: str = "unknown") -> int:
    """Return an episode whose host was told, at AFTER_FIRST."""
    episode = world.ready(dedicated=dedicated)
    service.escalate(NINE)
    world.fresh(AFTER_FIRST)
    service.tell(AFTER_FIRST)
    return episode


def test_the_first_rung_makes_an_addressee_wait_to_be_told(world: World, service: Service) -> None:
    episode = world.ready()

    assert service.escalate(NINE) == 1

    (addressee,) = world.rows(Addressee)
    (contact,) = world.rows(Contact)
    assert (addressee.episode_id, addressee.party, addressee.role) == (episode, "hosting:example", "host")
    assert (addressee.rung, addressee.kind, addressee.waiting_since) == ("first", "first", NINE)
    assert sentence(addressee.why) == "The catalogue's contact, last checked on 2026-03-01."
    assert addressee.contact_id == contact.id
    assert (contact.party, contact.address, contact.language) == (
        "hosting:example",
        "abuse@hosting.example",
        "nl",
    )
    assert [p.name for p in world.rows(PartyRow)] == ["Example Hosting B.V."]
    assert world.due(due.ESCALATE, episode) is None
    assert world.state(episode).stage == "ready"


def test_several_hosts_of_one_arrangement_are_each_told(world: World, service: Service) -> None:
    world.ready(
        addresses=(
            served_by(),
            served_by("rdap:ORG-2", ip="192.0.2.9", abuse=["abuse@second.example"], name="Second"),
        )
    )

    service.escalate(NINE)

    assert {(a.party, a.rung) for a in world.rows(Addressee)} == {
        ("hosting:example", "first"),
        ("rdap:ORG-2", "first"),
    }


def test_episodes_of_one_party_share_its_contact(world: World, service: Service) -> None:
    world.ready()
    world.ready()

    assert service.escalate(NINE) == 2

    assert world.count(Addressee) == 2
    assert world.count(Contact) == 1


def test_a_host_has_its_24_hours(world: World, service: Service) -> None:
    episode = told(world, service)

    assert world.due(due.ESCALATE, episode) == SILENT
    assert service.escalate(SILENT - hours(0.01)) == 0
    service.escalate(SILENT)

    (addressee,) = world.rows(Addressee)
    assert (addressee.rung, addressee.kind, addressee.waiting_since) == ("reminder", "reminder", SILENT)
    assert addressee.first_handed_at == AFTER_FIRST


def test_silence_runs_from_acceptance_where_it_is_known(world: World, service: Service, store: Store) -> None:
    episode = told(world, service)
    with store.db.write() as connection:
        connection.execute(update(Notice).values(accepted_at=AFTER_FIRST + hours(2)))

    service.escalate(SILENT)

    assert world.due(due.ESCALATE, episode) == SILENT + hours(2)


def test_no_deadline_runs_while_the_content_is_gone(world: World, service: Service) -> None:
    episode = told(world, service)
    world.looked(episode, "gone", AFTER_FIRST + hours(20), "absent")

    service.escalate(SILENT)
    assert world.due(due.ESCALATE, episode) is None

    back = SILENT + hours(26)
    world.looked(episode, "up", back, "up")
    service.escalate(back)
    assert world.due(due.ESCALATE, episode) == back + hours(4)  # the time it had left

    world.fresh(back + hours(4))
    service.escalate(back + hours(4))
    assert world.rows(Addressee)[0].rung == "reminder"


def test_the_registry_is_told_only_of_a_dedicated_domain(world: World, service: Service) -> None:
    episodes_told = [told(world, service, dedicated=word) for word in ("yes", "unknown")]
    for now in (SILENT, SILENT + hours(25)):
        world.fresh(now)
        service.tell(now)
        world.fresh(now + hours(0.5))
        service.tell(now + hours(0.5))
    late = SILENT + hours(25.5) + hours(24)
    world.fresh(late)
    service.tell(late)

    roles = {(a.episode_id, a.role) for a in world.rows(Addressee)}
    assert roles == {(episodes_told[0], "host"), (episodes_told[0], "registry"), (episodes_told[1], "host")}
    assert world.state(episodes_told[1]).stage == "exhausted"
    assert world.events(episodes_told[1])[-2:] == ["rung_passed_over", "exhausted"]
    assert world.task(episodes_told[1]) == "nobody is left to notify"
    assert world.due(due.LOOK, episodes_told[1]) is not None


def test_a_rung_on_stale_evidence_waits_for_a_look(world: World, service: Service, store: Store) -> None:
    service.known = catalogue(ladders=(replace(LADDER, rungs=(RUNGS[2],)),))
    episode = world.ready(dedicated="yes")
    later = NINE + hours(7)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=later + hours(5)))

    service.escalate(later)

    assert world.count(Addressee) == 0
    assert world.due(due.LOOK, episode) == later
    assert world.due(due.ESCALATE, episode) == later + hours(0.25)

    world.looked(episode, "up", later + hours(0.1))
    service.escalate(later + hours(0.25))
    assert [a.role for a in world.rows(Addressee)] == ["registry"]


def test_nobody_to_tell_at_all_is_a_persons(world: World, service: Service) -> None:
    service.known = catalogue(hosting={})
    episode = world.ready(addresses=(served_by("net:NET-1"),))

    service.escalate(NINE)

    assert world.state(episode).stage == "unresolved"
    assert world.events(episode) == ["rung_passed_over", "rung_passed_over", "rung_passed_over", "unresolved"]
    assert world.task(episode) == "nobody can be reached"
    assert world.due(due.ESCALATE, episode) is None


def test_a_rung_is_passed_over_with_its_reason_once(world: World, service: Service, store: Store) -> None:
    service.known = catalogue(hosting={})
    episode = world.ready(addresses=(served_by("net:NET-1"),), dedicated="yes")
    service.escalate(NINE)
    assert world.events(episode) == ["rung_passed_over"] * 2
    (why, *_) = [sentence(n.why) for n in _noted(store, episode) if n.kind == "rung_passed_over"]
    assert why == "first: Nobody in the role of host can be reached."

    world.fresh(NINE + hours(0.2))
    service.tell(NINE + hours(0.2))
    world.fresh(NINE + hours(73))
    service.escalate(NINE + hours(73))

    assert world.events(episode).count("rung_passed_over") == 2
    assert world.state(episode).stage == "exhausted"


def test_another_contact_is_tried_when_one_failed(world: World, service: Service) -> None:
    party = replace(HOSTING, notices=NoticeRoute("old@hosting.example", "en"))
    service.known = catalogue(hosting={party.id: party})
    service.relay.says["old@hosting.example"] = (HandOver.UNREACHABLE, "550 5.1.1 no such mailbox")
    episode = world.ready(addresses=(served_by(abuse=["new@hosting.example"]),))
    service.escalate(NINE)
    world.fresh(AFTER_FIRST)
    service.tell(AFTER_FIRST)

    (addressee,) = world.rows(Addressee)
    assert [m.address.to for m in service.relay.given] == ["old@hosting.example", "new@hosting.example"]
    assert [n.rung for n in world.notices()] == ["first", "first"]
    assert world.events(episode) == ["bounced", "contact_replaced", "told"]
    assert addressee.bounced_at is None
    assert addressee.first_handed_at == AFTER_FIRST
    assert world.state(episode).stage == "notified"


def test_without_another_contact_the_ladder_goes_on_once_the_host_was_asked_about(
    world: World, service: Service
) -> None:
    service.relay.says["abuse@hosting.example"] = (HandOver.UNREACHABLE, "550 5.1.1 no such mailbox")
    episode = world.ready(dedicated="yes")
    service.escalate(NINE)
    world.fresh(AFTER_FIRST)
    service.tell(AFTER_FIRST)
    world.searched()
    service.tell(AFTER_FIRST + hours(0.02))
    service.tell(AFTER_FIRST + hours(0.2))

    assert [(a.role, a.rung) for a in world.rows(Addressee)] == [("host", "first"), ("registry", "registry")]
    assert world.events(episode) == ["bounced", "rung_passed_over", "told_registry"]
    assert world.state(episode).stage == "notified"


def test_a_party_that_joined_is_told_as_the_others_were(world: World, service: Service, store: Store) -> None:
    episode = told(world, service)
    second = served_by("rdap:ORG-2", ip="192.0.2.9", abuse=["abuse@second.example"], name="Second")
    world.serve(episode, (served_by(), second), AFTER_FIRST + hours(1))

    service.escalate(AFTER_FIRST + hours(1))

    assert [(a.party, a.rung, a.waiting_since) for a in world.rows(Addressee)] == [
        ("hosting:example", "first", None),
        ("rdap:ORG-2", "first", AFTER_FIRST + hours(1)),
    ]


def released(world: World, service: Service, store: Store) -> int:
    """Return an episode whose host said at AFTER_FIRST that it is not theirs."""
    episode = told(world, service)
    with store.db.write() as connection:
        connection.execute(update(Addressee).values(released_at=AFTER_FIRST, released_why="not_ours"))
        due.want(connection, due.ESCALATE, [episode], AFTER_FIRST)
    return episode


def test_a_party_that_was_released_is_not_told_again(world: World, service: Service, store: Store) -> None:
    episode = released(world, service, store)
    world.serve(episode, (served_by(),), AFTER_FIRST)

    service.escalate(AFTER_FIRST)

    assert world.state(episode).stage == "exhausted"
    assert len(service.relay.given) == 1


def test_after_a_release_another_party_of_the_role_is_told(
    world: World, service: Service, store: Store
) -> None:
    episode = released(world, service, store)
    other = served_by("rdap:ORG-2", abuse=["abuse@second.example"], name="Second")
    world.serve(episode, (other,), AFTER_FIRST + hours(0.05))

    service.escalate(AFTER_FIRST + hours(0.05))

    told_now = [(a.party, a.rung) for a in world.rows(Addressee) if a.waiting_since is not None]
    assert told_now == [("rdap:ORG-2", "first")]


def test_nobody_is_told_after_a_release_before_the_facts_are_asked_again(
    world: World, service: Service, store: Store
) -> None:
    episode = released(world, service, store)

    service.escalate(AFTER_FIRST)

    assert world.state(episode).stage == "notified"
    assert world.due(due.ESCALATE, episode) == AFTER_FIRST + hours(1 / 60)


def test_a_look_up_that_fails_does_not_hold_the_ladder_up(
    world: World, service: Service, store: Store
) -> None:
    episode = released(world, service, store)

    service.escalate(AFTER_FIRST + hours(0.25))

    assert world.state(episode).stage == "exhausted"


def test_a_rung_for_one_party_speaks_to_no_other(world: World, service: Service) -> None:
    other = replace(REGISTRY, id="registry:other")
    rung = replace(RUNGS[2], only_if=None, party="other")
    service.known = catalogue(
        ladders=(replace(LADDER, rungs=(rung,)),), registries={REGISTRY.id: REGISTRY, other.id: other}
    )
    episode = world.ready()

    service.escalate(NINE)

    assert world.count(Addressee) == 0
    assert world.state(episode).stage == "unresolved"


def test_a_ladder_that_changed_is_followed_and_noted(world: World, service: Service) -> None:
    service.known = catalogue(ladders=(replace(LADDER, version="v2"),))
    world.ready()

    service.escalate(NINE)

    (addressee,) = world.rows(Addressee)
    assert sentence(addressee.why).endswith("The ladder has changed since the case began.")


@pytest.mark.parametrize("queued", [False, True])
def test_a_notice_under_way_is_waited_for(world: World, service: Service, store: Store, queued: bool) -> None:
    episode = world.ready()
    service.escalate(NINE)
    if queued:
        service.notify(AFTER_FIRST)
    with store.db.write() as connection:
        due.want(connection, due.ESCALATE, [episode], AFTER_FIRST)

    service.escalate(AFTER_FIRST)

    assert world.due(due.ESCALATE, episode) is None
    assert [a.waiting_since for a in world.rows(Addressee)] == [None if queued else NINE]


def test_a_contact_that_failed_for_another_reason_is_not_tried_twice_for_a_rung(
    world: World, service: Service
) -> None:
    service.relay.says["abuse@hosting.example"] = (HandOver.REFUSED, "550 5.7.1 refused by policy")
    episode = world.ready()
    service.escalate(NINE)
    world.fresh(AFTER_FIRST)
    service.tell(AFTER_FIRST)

    assert world.rows(Contact)[0].health == "doubtful"
    assert [(a.rung, a.waiting_since) for a in world.rows(Addressee)] == [("reminder", AFTER_FIRST)]
    assert world.events(episode) == ["bounced"]


@pytest.mark.parametrize("stage", ["unresolved", "held"])
def test_an_episode_that_waits_for_a_person_is_left_alone(
    world: World, service: Service, store: Store, stage: str
) -> None:
    episode = world.ready()
    with store.db.write() as connection:
        before = episodes.load(connection, [episode])[episode]
        change = EpisodeChange(before, before._replace(stage=stage), episodes.EventKind.HELD, NINE, "lead")
        episodes.move(connection, store.ids, [change])
        code = Code.NOBODY_FOUND if stage == "unresolved" else Code.HELD
        person_tasks.give(connection, episode, NINE, owner="lead", code=code)

    service.escalate(NINE)

    assert world.count(Addressee) == 0
    assert world.due(due.ESCALATE, episode) is None


def test_a_lead_who_calls_a_domain_dedicated_brings_an_exhausted_episode_on(
    world: World, service: Service, store: Store
) -> None:
    service.known = catalogue(ladders=(replace(LADDER, rungs=RUNGS[::2]),))
    episode = told(world, service)
    world.fresh(SILENT)
    service.escalate(SILENT)
    assert world.state(episode).stage == "exhausted"
    with store.db.write() as connection:
        connection.execute(update(Domain).values(dedicated="yes"))
        due.want(connection, due.ESCALATE, [episode], SILENT)

    service.escalate(SILENT)
    world.fresh(SILENT + hours(0.2))
    service.tell(SILENT + hours(0.2))

    assert world.state(episode).stage == "escalated"
    assert world.events(episode)[-2:] == ["exhausted", "told_registry"]


@pytest.mark.parametrize("name", ["escalate.taken", "escalate.read", "escalate.recorded"])
def test_a_killed_step_run_again_makes_each_addressee_once(
    world: World, service: Service, store: Store, name: str
) -> None:
    episode = world.ready()
    with pytest.raises(KilledError):
        service.escalate(NINE, Killer(name))
    with store.db.write() as connection:
        due.release_all(connection)

    service.escalate(NINE)

    assert [a.episode_id for a in world.rows(Addressee)] == [episode]


def test_only_the_holder_of_the_lease_records(world: World, service: Service, store: Store) -> None:
    episode = world.ready()

    def overtaken(name: str) -> None:
        if name == "escalate.read":
            with store.db.write() as connection:
                due.release_all(connection)
            service.escalate(NINE, holder="two")
            with store.db.write() as connection:
                connection.execute(update(Addressee).values(why=said("by two")))

    service.escalate(NINE, overtaken)

    assert [a.why for a in world.rows(Addressee)] == [said("by two")]
    assert world.due(due.ESCALATE, episode) is None


def _noted(store: Store, episode: int):  # type: ignore[no-untyped-def]
    from nta.store.notices.escalation_facts import events

    with store.db.read() as connection:
        return events(connection, [episode])[episode]


def test_an_episode_wanted_while_it_is_judged_is_judged_anew_by_what_is_known_then(
    world: World, service: Service, store: Store
) -> None:
    episode = world.ready()
    others: list[int] = []

    def somebody_wants(name: str) -> None:
        if name == "escalate.read":
            with store.db.write() as connection:
                due.want(connection, due.ESCALATE, [episode], NINE)
                others.extend(due.take(connection, due.ESCALATE, "two", NINE, 9))

    service.escalate(NINE, somebody_wants)
    judged = len(world.rows(Addressee))
    service.escalate(NINE)

    assert (others, judged) == ([], 0)
    assert [a.episode_id for a in world.rows(Addressee)] == [episode]
    assert world.due(due.ESCALATE, episode) is None
