"""The holder's security.txt, who announces a network, and the site's owner: asked once and kept."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from nta.domain.hosting.facts import HostingFacts, LookupProblem
from nta.domain.notices.contact_choice import Choice, Health, choose
from nta.domain.parties.contact_addresses import mailbox_of
from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import other
from nta.domain.roles import Role
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import Contact, Episode
from tests.builders import MadeCase
from tests.builders_notices import NL, catalogue
from tests.conftest import NINE, hours
from tests.resolving import LATER, ONE, FakeAsker, an_asker, host, made, resolve, state

FILE = {"contacts": ["security@holder.example"], "expires": None}
DESK = {"email": "abuse@net.example", "source": "rdap", "confidence": 0.9}
CARRIER = {
    "as_name": "CARRIER",
    "holder": "ORG-9",
    "abuse": [{"email": "abuse@carrier.example", "source": "upstream", "confidence": 0.5}],
}


def holder_without_desk() -> FakeAsker:
    """Return one who knows two hosts in one network, whose registration names a domain and no contact."""
    asker = an_asker()
    asker.names = {"a.test": ("192.0.2.1",), "b.test": ("192.0.2.2",)}
    asker.networks = {"192.0.2.0/24": ONE | {"domains": ["holder.example"]}}
    return asker


def facts(store: Store, case: MadeCase) -> HostingFacts:
    with store.db.read() as connection:
        return host_arrangements.facts(connection, store, host(store, case).arrangement_id)


def told(
    store: Store, case: MadeCase, role: Role = Role.HOST, known: Catalogue | None = None
) -> list[Choice]:
    return list(choose(role, facts(store, case), known or catalogue(), {}))


def test_the_holders_file_is_asked_once_for_all_hosts_and_kept(store: Store) -> None:
    asker = holder_without_desk()
    asker.files = {"holder.example": FILE}
    case = made(store, "http://a.test/")
    resolve(store, asker)
    other = made(store, "http://b.test/")

    resolve(store, asker, NINE + timedelta(minutes=5))

    assert asker.asked_files == ["holder.example"]
    for one in (case, other):
        (choice,) = told(store, one)
        assert (choice.address.to, choice.source) == ("security@holder.example", "security_txt")


def test_where_there_is_no_file_the_holders_mailbox_is_guessed_and_marked(store: Store) -> None:
    asker = holder_without_desk()
    case = made(store, "http://a.test/")

    resolve(store, asker)

    (choice,) = told(store, case)
    assert (choice.address.to, choice.source) == ("abuse@holder.example", "guess")
    assert state(store, case).stage == "ready"


def test_nobody_is_guessed_while_the_as_may_yet_answer(store: Store) -> None:
    asker = holder_without_desk()
    asker.systems = {"64500": LookupProblem("rdap_as", other("no answer"), True)}
    case = made(store, "http://a.test/")

    resolve(store, asker)

    assert state(store, case).stage == "submitted"
    assert host(store, case).arrangement_id is None
    assert asker.asked_files == []

    asker.systems = {"64500": CARRIER}
    resolve(store, asker, NINE + hours(1))

    (choice,) = told(store, case)
    assert choice.address.to == "abuse@carrier.example"


@pytest.mark.parametrize("trouble", [{"health": "dead"}, {"refused_at": NINE}], ids=["dead", "refused"])
def test_a_dead_or_refused_contact_has_the_next_ways_tried(store: Store, trouble: dict[str, Any]) -> None:
    asker = holder_without_desk()
    asker.networks = {"192.0.2.0/24": ONE | {"abuse": [DESK], "domains": ["holder.example"]}}
    case = made(store, "http://a.test/")
    resolve(store, asker)
    assert (asker.asked_systems, asker.asked_files) == ([], [])
    with store.db.write() as connection:
        contact = {"id": store.new_id(), "party": "rdap:ORG-1", "way": "email", "address": DESK["email"]}
        contact |= {"language": "en", "format": "text", "source": "rdap", "confidence": 0.9} | trouble
        connection.execute(insert(Contact).values(contact))

    resolve(store, asker, LATER)

    assert (asker.asked_systems, asker.asked_files) == (["64500"], ["holder.example"])
    health = {mailbox_of("abuse@net.example"): Health.DEAD}
    (choice,) = choose(Role.HOST, facts(store, case), catalogue(), health)
    assert (choice.address.to, choice.source) == ("abuse@holder.example", "guess")


def named_network() -> FakeAsker:
    asker = an_asker()
    asker.names = {"a.test": ("192.0.2.1",), "b.test": ("192.0.2.2",)}
    asker.networks = {"192.0.2.0/24": ONE | {"abuse": [DESK]}}
    asker.systems = {"64500": CARRIER}
    asker.files = {"a.test": {"contacts": ["owner@a.test"], "expires": None}}
    return asker


def test_who_announces_a_network_is_asked_about_when_somebody_was_told(store: Store) -> None:
    asker = named_network()
    case = made(store, "http://a.test/")
    resolve(store, asker)
    assert asker.asked_systems == []
    assert told(store, case, Role.UPSTREAM) == []
    with store.db.write() as connection:
        connection.execute(update(Episode).values(stage="notified"))

    resolve(store, asker, LATER)

    assert asker.asked_systems == ["64500"]
    (choice,) = told(store, case, Role.UPSTREAM)
    assert (choice.party, choice.address.to) == ("as:64500", "abuse@carrier.example")
    assert [c.address.to for c in told(store, case)] == ["abuse@net.example"]


def test_a_sites_owner_is_asked_about_only_where_the_country_lets_it_be_told(store: Store) -> None:
    lets = catalogue(countries={"NL": replace(NL, site_owner=True)})
    asker = named_network()
    first = made(store, "http://b.test/")
    resolve(store, asker)
    assert asker.asked_files == []
    case = made(store, "http://a.test/")

    resolve(store, asker, NINE + hours(1), lets)

    assert asker.asked_files == ["a.test"]
    assert [c.address.to for c in told(store, case, Role.SITE_OWNER, lets)] == ["owner@a.test"]
    assert told(store, case, Role.SITE_OWNER) == []
    assert told(store, first, Role.SITE_OWNER, lets) == []
