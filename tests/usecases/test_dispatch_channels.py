"""Dispatching over several channels: each has its own document and queue, and holds up no other."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from nta.adapters.channels.http_post import HTTP, HttpPoster
from nta.adapters.net.address_policy import Gate
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.parties.organisations import NoticeRoute
from nta.ports import Document, Handed, HandOver, Outgoing
from nta.settings import Reach, Sending
from nta.store.db.handle import Store
from nta.store.notices.notice_rows import CONTENT
from nta.store.tables import Addressee, Contact
from nta.store.work import due
from nta.usecases.dispatch import Lease
from tests.adapters.servers import WebServer, http
from tests.builders_notices import HOSTING, World, catalogue, served_by
from tests.conftest import NINE
from tests.telling import Manner, Relay, Service

NOW = NINE + timedelta(minutes=10)
URL = "https://abuse.hosting.example/xarf"


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def poster() -> Relay:
    return Relay(carries=Document.JSON)


@pytest.fixture
def service(store: Store, poster: Relay) -> Service:
    return posting(Service(store, others={HTTP: poster}), URL)


def posting(service: Service, url: str) -> Service:
    """Let the host of the catalogue take its notices by HTTP."""
    host = replace(HOSTING, notices=NoticeRoute(url, "en", "xarf", HTTP))
    service.known = catalogue(hosting={host.id: host})
    return service


def by_mail(party: int) -> tuple[object, ...]:
    """Return the address of a host that is written to by mail."""
    return (served_by(f"rdap:ORG-{party}", abuse=[f"abuse@host{party}.example"], name=f"Host {party}"),)


def queued(world: World, service: Service, mails: int = 0, posts: int = 1) -> list[int]:
    made = [world.ready(addresses=by_mail(number)) for number in range(mails)]
    made += [world.ready() for _ in range(posts)]
    service.escalate(NINE)
    service.notify(NOW)
    return made


def states(world: World) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for notice in world.notices():
        found.setdefault(notice.channel, []).append(notice.state)
    return {channel: sorted(them) for channel, them in found.items()}


def test_a_provider_gets_its_report_over_the_channel_that_it_names(
    world: World, service: Service, store: Store
) -> None:
    episode = world.ready()
    with WebServer({"POST /xarf": http(202)}) as server:
        url = f"http://127.0.0.1:{server.port}/xarf"
        loopback = Gate(Reach(public=False, ranges=(ip_network("127.0.0.0/8"),)))
        service.others = {HTTP: HttpPoster(loopback, resolve=lambda host: ())}
        posting(service, url)
        service.tell(NINE)

    (request,) = server.asked
    (notice,) = world.notices()
    (contact,) = world.rows(Contact)
    (addressee,) = world.rows(Addressee)
    report = json.loads(request.body)
    assert (report["type"], report["url"]) == ("csam", world.urls[episode])
    assert f"notice:{notice.reference.lower()}" in report["tags"]
    assert request.body == store.sealer.open(CONTENT, notice.id, notice.content_sealed)
    assert (contact.way, contact.address) == (notice.channel, notice.sent_to) == (HTTP, url)
    assert (notice.state, notice.handed_at, addressee.first_handed_at) == ("handed_over", NINE, NINE)
    assert (notice.accepted_at, addressee.accepted_at, addressee.presumed) == (NINE, NINE, False)
    assert (notice.message_id, notice.return_digest, notice.return_path) == (None, None, None)
    assert world.events(episode) == ["told", "accepted"]
    assert service.relay.given == []


@pytest.mark.parametrize("down", ["email", HTTP])
def test_a_channel_that_is_down_holds_up_no_other(
    world: World, service: Service, poster: Relay, down: str
) -> None:
    queued(world, service, mails=2, posts=2)
    (service.relay if down == "email" else poster).down_after = 0

    assert service.dispatch(NOW) == 4

    up = HTTP if down == "email" else "email"
    assert states(world) == {down: ["composed"] * 2, up: ["handed_over"] * 2}
    waiting = [notice.id for notice in world.notices() if notice.channel == down]
    assert {world.due(due.SEND, number) for number in waiting} == {NOW + timedelta(minutes=2)}


@dataclass
class Slow(Relay):
    """A relay that takes twenty seconds for each message, by a clock that it turns itself."""

    at_s: float = 0.0

    def _take(self, message: Outgoing) -> Handed:
        self.at_s += 20
        return super()._take(message)


def test_a_slow_channel_leaves_the_next_its_part_of_the_batchs_minute(
    world: World, service: Service, poster: Relay
) -> None:
    queued(world, service, mails=4, posts=1)
    slow = Slow()
    service.relay = slow

    service.dispatch(NOW, lease=Lease(awake_s=lambda: slow.at_s))

    assert states(world) == {"email": ["composed"] * 2 + ["handed_over"] * 2, HTTP: ["handed_over"]}
    waiting = [notice.id for notice in world.notices() if notice.state == "composed"]
    assert {world.due(due.SEND, number) for number in waiting} == {NOW}


def test_redirected_notices_go_by_mail_whatever_the_contacts_channel(
    world: World, service: Service, poster: Relay
) -> None:
    service.manner = Manner(sending=Sending("redirect", "trial@hotline.test"))
    queued(world, service, mails=1, posts=1)

    service.dispatch(NOW)

    assert poster.given == []
    assert {m.address for m in service.relay.given} == {ContactAddress("email", "trial@hotline.test")}
    assert any(f"made for {URL}".encode() in m.content for m in service.relay.given)
    assert {(n.channel, n.sent_to) for n in world.notices()} == {("email", "trial@hotline.test")}


@pytest.mark.parametrize("sending", [Sending("off"), Sending("redirect", "trial@hotline.test")])
def test_what_was_composed_for_a_channel_never_leaves_once_sending_is_off_or_redirected(
    world: World, service: Service, poster: Relay, sending: Sending
) -> None:
    queued(world, service)
    poster.down_after = 0
    service.dispatch(NOW)
    poster.down_after = None
    service.manner = Manner(sending=sending)

    service.dispatch(NOW + timedelta(minutes=5))

    assert states(world) == {HTTP: ["not_sent"]}
    assert (poster.given, service.relay.given) == ([], [])


def test_a_redirected_notice_of_before_is_not_taken_for_one_to_its_contact(
    world: World, service: Service, poster: Relay
) -> None:
    service.manner = Manner(sending=Sending("redirect", "trial@hotline.test"))
    queued(world, service)
    service.relay.down_after = 0
    service.dispatch(NOW)
    service.relay.down_after = None
    service.manner = Manner()

    service.dispatch(NOW + timedelta(minutes=5))

    assert states(world) == {"email": ["not_sent"]}
    assert (poster.given, service.relay.given) == ([], [])


def test_an_address_that_is_gone_is_dead_on_its_channel(
    world: World, service: Service, poster: Relay
) -> None:
    poster.says[URL] = (HandOver.UNREACHABLE, "HTTP 410")
    (episode,) = queued(world, service)

    service.dispatch(NOW)

    (contact,) = world.rows(Contact)
    assert (contact.way, contact.health, contact.health_why) == (HTTP, "dead", "HTTP 410")
    assert states(world) == {HTTP: ["refused"]}
    assert world.events(episode) == ["bounced"]


def test_a_channel_that_this_version_does_not_know_stops_nothing_else(
    world: World, service: Service, poster: Relay
) -> None:
    queued(world, service, mails=1, posts=1)
    service.others = {}

    service.dispatch(NOW)

    assert states(world) == {"email": ["handed_over"], HTTP: ["queued"]}
    (waiting,) = [notice.id for notice in world.notices() if notice.channel == HTTP]
    again_at = world.due(due.SEND, waiting)
    assert again_at is not None
    service.others = {HTTP: poster}
    service.dispatch(again_at)
    assert states(world)[HTTP] == ["handed_over"]
