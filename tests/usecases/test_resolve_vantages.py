"""A host that shows one country another provider: both are found, kept and told."""

from collections.abc import Iterator

import pytest

from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.dns.vantage_names import names_of
from nta.adapters.net.concurrency import Askers
from nta.domain.hosting.lookups import LookupKind
from nta.domain.notices.contact_choice import choose
from nta.domain.roles import Role
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import Addressee
from nta.store.work import due
from nta.usecases.escalate import escalate_due
from tests.adapters.servers import DnsServer, Zone
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, LATER, FakeAsker, due_at, events, host, made, parties, resolve, state

NETWORKS = {
    "192.0.2.0/24": {
        "holder": "ORG-1",
        "abuse": [{"email": "abuse@one.example", "source": "rdap", "confidence": 0.9}],
    },
    "198.51.100.0/24": {
        "holder": "ORG-2",
        "abuse": [{"email": "abuse@two.example", "source": "rdap", "confidence": 0.9}],
    },
}


class Places:
    """Two servers that say different things, and an asker that knows both."""

    def __init__(self, here: DnsServer, there: DnsServer) -> None:
        self.here, self.there = here, there
        places = {"nl": [here.address], "de": [there.address]}
        names = names_of(places, (), lambda servers: DnsAsker(servers, timeout_s=5, tries=1))
        registries = dict.fromkeys(LookupKind, FakeAsker(networks=dict(NETWORKS)))
        self.asker = Askers({**registries, LookupKind.ADDRESSES: names})


@pytest.fixture
def places() -> Iterator[Places]:
    zones = Zone("a.test 300 A 192.0.2.1"), Zone("a.test 300 A 198.51.100.1")
    with DnsServer(zones[0]) as here, DnsServer(zones[1]) as there:
        yield Places(here, there)


def test_who_serves_one_country_alone_is_told_beside_who_serves_the_other(
    store: Store, places: Places
) -> None:
    case = made(store, "http://a.test/x")

    resolve(store, places.asker, known=EVERYWHERE)
    escalate_due(store, catalogue=EVERYWHERE, holder="one", now=NINE)

    assert parties(store, host(store, case).arrangement_id) == {
        "192.0.2.1": "rdap:ORG-1",
        "198.51.100.1": "rdap:ORG-2",
    }
    assert {a.party for a in World(store).rows(Addressee)} == {"rdap:ORG-1", "rdap:ORG-2"}
    with store.db.read() as connection:
        kept = host_arrangements.facts(connection, store, host(store, case).arrangement_id)
    assert {a.ip: a.seen_from for a in kept.addresses} == {"192.0.2.1": ("nl",), "198.51.100.1": ("de",)}
    told = choose(Role.HOST, kept, EVERYWHERE, {})
    assert {c.address.to for c in told} == {"abuse@one.example", "abuse@two.example"}


def test_a_vantage_point_that_cannot_ask_stops_nothing_and_is_asked_again_soon(
    store: Store, places: Places
) -> None:
    places.there.zone.refused = {"a.test"}
    case = made(store, "http://a.test/x")

    resolve(store, places.asker, known=EVERYWHERE)

    assert state(store, case).stage == "ready"
    assert parties(store, host(store, case).arrangement_id) == {"192.0.2.1": "rdap:ORG-1"}
    again = due_at(store, due.RESOLVE, case.host_id)
    assert again < NINE + hours(12)

    places.there.zone.refused = set()
    resolve(store, places.asker, again, known=EVERYWHERE)

    assert set(parties(store, host(store, case).arrangement_id).values()) == {"rdap:ORG-1", "rdap:ORG-2"}
    assert "party_joined" in events(store, case)


def test_both_go_on_serving_when_one_country_is_shown_nothing_for_a_while(
    store: Store, places: Places
) -> None:
    case = made(store, "http://a.test/x")
    resolve(store, places.asker, known=EVERYWHERE)
    arrangement = host(store, case).arrangement_id
    places.there.zone.refused = {"a.test"}

    resolve(store, places.asker, LATER, known=EVERYWHERE)

    assert host(store, case).arrangement_id == arrangement
    assert set(parties(store, arrangement).values()) == {"rdap:ORG-1", "rdap:ORG-2"}
