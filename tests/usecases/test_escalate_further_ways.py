"""Telling a site's owner where its country lets us, and an upstream that the catalogue does not know."""

from dataclasses import replace

import pytest

from nta.domain.escalation.ladders import Rung
from nta.domain.hosting.facts import FoundContact, HostingFacts, Upstream
from nta.domain.roles import NoticeKind, Role
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import Addressee, PartyRow
from tests.builders_notices import LADDER, NL, World, catalogue
from tests.conftest import NINE, hours
from tests.telling import Service

OWNER = Rung("owner", (Role.SITE_OWNER,), NoticeKind.SITE_OWNER, hours(72))
UPSTREAM = Rung("upstream", (Role.UPSTREAM,), NoticeKind.ESCALATION, hours(24))
CARRIER = Upstream("as:64500", "CARRIER", (FoundContact("abuse@carrier.example", "upstream", 0.5),))


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def service(store: Store, rung: Rung, *, lets: bool = True) -> Service:
    ladder = replace(LADDER, rungs=(rung,))
    return Service(store, known=catalogue(ladders=(ladder,), countries={"NL": replace(NL, site_owner=lets)}))


def learned(store: Store, episode: int, **more: object) -> HostingFacts:
    """Write more facts of the episode's host, as resolve would."""
    with store.db.write() as connection:
        held = episodes.load(connection, [episode])[episode].arrangement_id
        assert held is not None
        facts = replace(host_arrangements.facts(connection, store, held), **more)
        host_arrangements.renew(connection, store, held, facts)
    return facts


def owned(store: Store, episode: int) -> str:
    found = FoundContact(f"owner@site{episode}.test", "security_txt", 0.45)
    learned(store, episode, owner=(found,))
    return found.email


def test_each_sites_owner_is_told_of_its_own_pages_alone(store: Store, world: World) -> None:
    one, two = world.ready(), world.ready()
    mailboxes = {owned(store, one), owned(store, two)}
    telling = service(store, OWNER)

    telling.tell(NINE)
    world.fresh(NINE + hours(0.25))
    telling.tell(NINE + hours(0.25))

    rows = world.rows(Addressee)
    assert {(row.episode_id, row.role) for row in rows} == {(one, "site_owner"), (two, "site_owner")}
    assert len({row.party for row in rows}) == 2
    assert {message.address.to for message in telling.relay.given} == mailboxes
    assert len(telling.relay.given) == 2
    assert all("site" not in party.name.replace("the site's owner", "") for party in world.rows(PartyRow))


def test_without_the_countrys_word_no_owner_is_told(store: Store, world: World) -> None:
    owned(store, world.ready())

    service(store, OWNER, lets=False).tell(NINE)

    assert world.rows(Addressee) == []


def test_who_announces_the_network_is_told_by_its_registration(store: Store, world: World) -> None:
    episode = world.ready()
    learned(store, episode, upstreams=(CARRIER,))

    service(store, UPSTREAM).escalate(NINE)

    (row,) = world.rows(Addressee)
    assert (row.party, row.role) == ("as:64500", "upstream")
    assert [party.name for party in world.rows(PartyRow)] == ["CARRIER"]
