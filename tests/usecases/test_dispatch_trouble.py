"""Dispatching in trouble: sending off or stopped, refusals, no relay, a killed process, two holders."""

import email
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest

from nta.ports import HandOver
from nta.settings import Sending
from nta.store.db.handle import Store
from nta.store.notices.notice_rows import CONTENT
from nta.store.tables import Addressee, Contact, Due, PortalLink
from nta.store.work import due
from tests.builders_notices import (
    World,
    served_by,
)
from tests.conftest import NINE, hours
from tests.telling import KilledError, Killer, Manner, Service

NOW = NINE + timedelta(minutes=10)
ABUSE = "abuse@hosting.example"
NAMES = ("dispatch.taken", "dispatch.read", "dispatch.composed", "dispatch.handed", "dispatch.recorded")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def queued(world: World, service: Service, count: int = 1, **terms: Any) -> list[int]:
    """Return episodes of one queued notice, due at NOW, with fresh facts and looks."""
    made = [world.ready(**terms) for _ in range(count)]
    service.escalate(NINE)
    service.notify(NOW)
    return made


def text_of(content: bytes) -> str:
    return str(parsed(content).get_content())


def release(store: Store) -> None:
    """Let the leases of a killed process be gone."""
    with store.db.write() as connection:
        due.release_all(connection)


def parsed(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=default)


def test_a_lead_stops_all_sending(world: World, service: Service) -> None:
    queued(world, service)
    world.switch("off", NOW)

    assert service.dispatch(NOW) == 0
    assert service.relay.given == []
    assert world.notices()[0].state == "queued"


def test_sending_stopped_while_a_notice_was_composed_keeps_it(world: World, service: Service) -> None:
    queued(world, service)
    stop = lambda name: world.switch("off", NOW) if name == "dispatch.read" else None  # noqa: E731

    service.dispatch(NOW, stop)

    (notice,) = world.notices()
    assert service.relay.given == []
    assert (notice.state, world.due(due.SEND, notice.id)) == ("queued", NOW)


def test_with_sending_off_a_notice_is_composed_and_never_leaves(
    world: World, service: Service, store: Store
) -> None:
    service.manner = Manner(sending=Sending("off"), sender=None, return_path=None)
    (episode,) = queued(world, service)

    service.dispatch(NOW)

    (notice,) = world.notices()
    assert notice.state == "not_sent"
    assert world.urls[episode] in text_of(store.sealer.open(CONTENT, notice.id, notice.content_sealed))
    assert world.task(episode) == "sending is off"
    assert world.state(episode).stage == "ready"

    service.manner = Manner()
    with store.db.write() as connection:
        due.want(connection, due.ESCALATE, [episode], NOW)
    service.tell(NOW + hours(48))
    assert service.relay.given == []
    assert len(world.notices()) == 1


def test_a_redirected_notice_goes_to_us_and_says_for_whom_it_was(world: World, service: Service) -> None:
    service.manner = Manner(sending=Sending("redirect", "trial@hotline.test"))
    queued(world, service)

    service.dispatch(NOW)

    (sent,) = service.relay.given
    assert sent.address.to == parsed(sent.content)["To"] == "trial@hotline.test"
    assert ABUSE in text_of(sent.content)
    assert world.notices()[0].sent_to == "trial@hotline.test"


def test_what_was_composed_for_a_party_is_not_sent_once_sending_is_redirected(
    world: World, service: Service, store: Store
) -> None:
    (episode,) = queued(world, service)
    with pytest.raises(KilledError):
        service.dispatch(NOW, Killer("dispatch.composed"))
    release(store)
    service.manner = Manner(sending=Sending("redirect", "trial@hotline.test"))

    service.dispatch(NOW)

    assert service.relay.given == []
    assert world.notices()[0].state == "not_sent"
    assert world.task(episode) == "sending is off"


def test_a_redirected_refusal_says_nothing_of_the_party(world: World, service: Service) -> None:
    service.manner = Manner(sending=Sending("redirect", "trial@hotline.test"))
    service.relay.says["trial@hotline.test"] = (HandOver.UNREACHABLE, "550 5.1.1 no such mailbox")
    queued(world, service)

    service.dispatch(NOW)

    assert [c.health for c in world.rows(Contact)] == ["fine"]
    assert world.notices()[0].state == "refused"


def test_a_passing_refusal_is_tried_again_later_and_later(world: World, service: Service) -> None:
    service.relay.says[ABUSE] = (HandOver.LATER, "450 4.2.0 greylisted")
    (episode,) = queued(world, service)
    (notice,) = world.notices()

    at, pauses = NOW, []
    for _ in range(4):
        service.dispatch(at)
        next_at = world.due(due.SEND, notice.id)
        assert next_at is not None
        pauses.append(next_at - at)
        at = next_at

    assert pauses == [minutes(5), minutes(15), minutes(60), minutes(60)]
    assert world.notice_events() == ["queued"] + ["delayed"] * 4
    assert len({m.content for m in service.relay.given}) == 1
    assert world.state(episode).stage == "ready"
    service.relay.says.clear()
    service.dispatch(at)
    assert world.state(episode).stage == "notified"


def test_a_refusal_that_does_not_pass_ends_as_one(world: World, service: Service) -> None:
    service.relay.says[ABUSE] = (HandOver.LATER, "450 4.2.0 greylisted")
    (episode,) = queued(world, service)
    (notice,) = world.notices()
    at = NOW
    while (next_at := world.due(due.SEND, notice.id)) is not None and at < NOW + hours(48):
        at = next_at
        service.dispatch(at)

    assert NOW + hours(24) <= at <= NOW + hours(25)
    assert world.notices()[0].state == "refused"
    assert [c.health for c in world.rows(Contact)] == ["doubtful"]
    assert world.events(episode) == ["bounced"]


@pytest.mark.parametrize(
    ("result", "health"), [(HandOver.UNREACHABLE, "dead"), (HandOver.REFUSED, "doubtful")]
)
def test_a_refusal_for_good_counts_as_a_bounce(
    world: World, service: Service, result: HandOver, health: str
) -> None:
    line = "the server's own words"
    service.relay.says[ABUSE] = (result, line)
    (episode,) = queued(world, service)

    service.dispatch(NOW)

    (notice,) = world.notices()
    (addressee,) = world.rows(Addressee)
    (contact,) = world.rows(Contact)
    assert (notice.state, notice.bounced_at, notice.handed_at) == ("refused", NOW, None)
    assert (addressee.bounced_at, addressee.first_handed_at) == (NOW, None)
    assert (contact.health, contact.health_why, contact.health_at) == (health, line, NOW)
    assert world.events(episode) == ["bounced"]
    assert world.due(due.ESCALATE, episode) == NOW
    assert world.due(due.SEND, notice.id) is None


def test_a_relay_out_of_reach_loses_nothing(world: World, service: Service) -> None:
    service.relay.down_after = 0
    queued(world, service)
    (notice,) = world.notices()

    at, pauses = NOW, []
    for _ in range(5):
        assert service.dispatch(at) == 1
        next_at = world.due(due.SEND, notice.id)
        assert next_at is not None
        pauses.append(next_at - at)
        at = next_at

    assert pauses == [minutes(m) for m in (2, 4, 8, 15, 15)]
    assert world.notices()[0].state == "composed"
    service.relay.down_after = None
    service.dispatch(at)
    assert len(service.relay.given) == 1
    assert world.notices()[0].message_id == parsed(service.relay.given[0].content)["Message-ID"]


def test_a_relay_that_breaks_off_keeps_what_it_took(world: World, service: Service) -> None:
    for party in range(3):
        world.ready(url=f"http://site{party + 1}.test/x", addresses=_own(party))
    service.escalate(NINE)
    service.notify(NOW)
    service.relay.down_after = 1

    service.dispatch(NOW)

    assert sorted(n.state for n in world.notices()) == ["composed", "composed", "handed_over"]
    assert world.count(Due, Due.kind == due.SEND, Due.due_at == NOW + minutes(2)) == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("passing", [1, 2])
def test_a_killed_dispatch_run_again_loses_and_doubles_nothing(
    world: World, service: Service, store: Store, name: str, passing: int
) -> None:
    made = [world.ready(addresses=_own(party)) for party in range(3)]
    service.escalate(NINE)
    service.notify(NOW)
    if passing == 2 and name not in ("dispatch.handed", "dispatch.recorded"):
        service.dispatch(NOW)  # passed once for all three: there is no second time
    else:
        with pytest.raises(KilledError):
            service.dispatch(NOW, Killer(name, passing))
    release(store)

    while service.dispatch(NOW):
        pass

    assert [n.state for n in world.notices()] == ["handed_over"] * 3
    assert [world.events(e) for e in made] == [["told"]] * 3
    assert world.notice_events() == ["queued"] * 3 + ["handed_over"] * 3
    copies: dict[int, set[bytes]] = {}
    for message in service.relay.given:
        copies.setdefault(message.notice_id, set()).add(message.content)
    assert {len(c) for c in copies.values()} == {1}
    kept = {n.id: n.message_id for n in world.notices()}
    assert {i: parsed(c.copy().pop())["Message-ID"] for i, c in copies.items()} == kept
    assert world.count(PortalLink) == 3
    assert len(service.relay.given) == (4 if name == "dispatch.handed" else 3)


def test_only_the_holder_of_the_lease_records(world: World, service: Service, store: Store) -> None:
    (episode,) = queued(world, service)

    def overtaken(name: str) -> None:
        if name == "dispatch.handed":
            release(store)
            service.dispatch(NOW + minutes(1), holder="two")

    service.dispatch(NOW, overtaken)

    first, second = service.relay.given
    assert first.content == second.content
    assert world.events(episode) == ["told"]
    assert world.notices()[0].handed_at == NOW + minutes(1)


def _own(party: int) -> tuple[Any, ...]:
    return (served_by(f"rdap:ORG-{party}", abuse=[f"abuse@host{party}.example"], name=f"Host {party}"),)
