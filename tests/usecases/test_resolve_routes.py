"""Resolving where routes are asked for too: kept like any answer, and never in the way of a case."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nta.domain.hosting.facts import LookupProblem
from nta.domain.intake.urls import parse
from nta.domain.reasons import other
from nta.store.db.handle import Store
from nta.store.work import due
from nta.usecases.resolve import resolve_url
from tests.builders import MadeCase
from tests.builders_notices import HOSTING, catalogue
from tests.conftest import NINE, hours
from tests.resolving import (
    DOWN,
    LATER,
    FakeAsker,
    an_asker,
    due_at,
    events,
    host,
    made,
    parties,
    resolve,
    state,
)

MINE = catalogue(hosting={HOSTING.id: replace(HOSTING, asns=(64501,))})
NO_ROUTE = LookupProblem("route", other("no DNS server answers"), True)


@pytest.fixture
def asker() -> FakeAsker:
    asker = an_asker()
    asker.routes = {"192.0.2.0/24": 64501, "198.51.100.0/24": None}
    return asker


@pytest.fixture
def case(store: Store) -> MadeCase:
    return made(store, "http://a.test/x")


def of(store: Store, case: MadeCase) -> dict[str, str | None]:
    return parties(store, host(store, case).arrangement_id)


def test_one_question_a_block_and_the_answer_is_kept(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    asker.names |= {f"s{n}.test": (f"192.0.2.{n}",) for n in range(6)}
    others = [made(store, f"http://s{n}.test/") for n in range(6)]

    resolve(store, asker, known=MINE, routes=True)
    asker.names["late.test"] = ("192.0.2.200",)
    late = made(store, "http://late.test/")
    resolve(store, asker, NINE + hours(1), known=MINE, routes=True)

    assert asker.asked_routes == ["192.0.2.0"]
    assert {party for one in (case, *others, late) for party in of(store, one).values()} == {HOSTING.id}


def test_without_the_setting_no_route_is_asked_for(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    resolve(store, asker, known=MINE)

    assert asker.asked_routes == []
    assert of(store, case) == {"192.0.2.1": "rdap:ORG-1"}


def test_a_route_that_cannot_be_asked_stops_no_case_and_is_soon_asked_again(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.routes["192.0.2.0/24"] = NO_ROUTE
    resolve(store, asker, known=MINE, routes=True)

    assert (state(store, case).stage, of(store, case)) == ("ready", {"192.0.2.1": "rdap:ORG-1"})
    again = due_at(store, due.RESOLVE, case.host_id)
    assert again is not None
    assert NINE < again < NINE + hours(12)


def test_a_silent_route_server_changes_nobody_who_was_known(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=MINE, routes=True)
    asker.routes["192.0.2.0/24"] = NO_ROUTE

    resolve(store, asker, LATER, known=MINE, routes=True)

    assert of(store, case) == {"192.0.2.1": HOSTING.id}
    assert events(store, case) == ["submitted", "resolved"]


def test_who_is_known_without_a_contact_waits_for_the_network_to_tell_one(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    """A host of the catalogue often has no mailbox there; the registry's is not passed over in a hurry."""
    silent = catalogue(hosting={HOSTING.id: replace(HOSTING, asns=(64501,), notices=None)})
    good, asker.networks["192.0.2.0/24"] = asker.networks["192.0.2.0/24"], DOWN
    resolve(store, asker, known=silent, routes=True)
    assert state(store, case).stage == "submitted"
    asker.networks["192.0.2.0/24"] = {
        **good,
        "abuse": [{"email": "a@one.test", "source": "rdap", "confidence": 1}],
    }

    resolve(store, asker, NINE + timedelta(minutes=3), known=silent, routes=True)

    assert (state(store, case).stage, of(store, case)) == ("ready", {"192.0.2.1": HOSTING.id})


def test_one_url_is_resolved_with_routes_too(asker: FakeAsker) -> None:
    found = resolve_url(parse("http://a.test/"), asker=asker, catalogue=MINE, now=NINE, routes=True)

    assert found.facts.parties == {HOSTING.id}
    assert found.asked["route"] == 1
