"""What the page of a resolution reads, after the step has resolved: sources, moments, failures."""

from dataclasses import replace
from datetime import datetime

import pytest

from nta.domain.hosting.overrides import Scope
from nta.domain.lifecycle import EventKind
from nta.domain.reasons import other
from nta.domain.references import reference
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.hosting import override_rows
from nta.store.reads.hosting_page import ResolutionPage, resolution
from tests.builders import MadeCase
from tests.conftest import NINE, hours
from tests.resolving import DOWN, EVERYWHERE, LATER, NO_DNS, FakeAsker, an_asker, host, made, resolve

DESK = {"abuse": [{"email": "abuse@first.example", "source": "rdap", "confidence": 0.9}]}


@pytest.fixture
def asker() -> FakeAsker:
    asker = an_asker()
    asker.networks["192.0.2.0/24"] |= DESK  # type: ignore[operator]
    return asker


@pytest.fixture
def case(store: Store) -> MadeCase:
    return made(store, "http://a.test/x")


def read(store: Store, case: MadeCase, now: datetime = NINE) -> ResolutionPage:
    with store.db.read() as connection:
        found = resolution(connection, store, EVERYWHERE, case.reference, now)
    assert found is not None
    return found


def test_each_address_says_by_which_answers_it_is_known_and_since_when(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    other = made(store, "http://b.test/")
    asker.names["b.test"] = ("192.0.2.200",)
    resolve(store, asker, known=EVERYWHERE)

    page, beside = read(store, case), read(store, other)

    (one,), (neighbour,) = page.places, beside.places
    assert (one.known.ip, one.party) == ("192.0.2.1", "One")
    assert [(a.kind, a.source, a.at, a.until) for a in one.asked] == [
        ("rdap_ip", "rdap", NINE, NINE + hours(12))
    ]
    assert [a.kind for a in neighbour.asked] == ["rdap_ip"]  # one answer covers both
    assert page.names is not None
    assert (page.names.source, page.names.at) == ("dns", NINE)
    assert (page.last_at, page.next_at) == (NINE, NINE + hours(12))
    assert (Role.HOST, "abuse@first.example") in [(t.choice.role, t.choice.address.to) for t in page.told]
    assert page.failed == ()


def test_what_could_not_be_asked_is_said_until_it_was_answered(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.names["a.test"] = ("192.0.2.1", "198.51.100.1")
    working, asker.networks["198.51.100.0/24"] = asker.networks["198.51.100.0/24"], DOWN
    resolve(store, asker, known=EVERYWHERE)
    before = read(store, case)
    asker.networks["198.51.100.0/24"] = working
    resolve(store, asker, NINE + hours(1), known=EVERYWHERE)
    after = read(store, case, NINE + hours(1))

    assert [(f.kind, f.about, f.reason and sentence(f.reason)) for f in before.failed] == [
        ("rdap_ip", "198.51.100.1", "the server does not answer")
    ]
    assert [p.party for p in before.places] == ["One", None]
    assert after.failed == ()
    assert [p.party for p in after.places] == ["One", "Two"]


def test_a_registry_that_another_way_stood_in_for_is_nothing_that_failed(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.domains["a.test"] = replace(DOWN, step="rdap_domain")
    resolve(store, asker, known=EVERYWHERE)

    page = read(store, case)

    assert page.failed == ()
    assert page.domain is not None
    assert [(a.kind, a.source) for a in page.domain.asked] == [("whois_domain", "whois")]


def test_what_was_known_stays_while_the_name_cannot_be_asked(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=EVERYWHERE)
    asker.names["a.test"] = NO_DNS
    resolve(store, asker, LATER, known=EVERYWHERE)

    page = read(store, case, LATER)

    assert [p.known.ip for p in page.places] == ["192.0.2.1"]
    assert [(f.kind, f.reason, f.at, f.temporary) for f in page.failed] == [
        ("dns", other("no answer"), LATER, True)
    ]
    assert page.last_at == LATER


def test_earlier_arrangements_stand_beside_the_one_in_force(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=EVERYWHERE)
    asker.names["a.test"] = ("198.51.100.1",)
    resolve(store, asker, LATER, known=EVERYWHERE)

    page = read(store, case, LATER)

    assert [spell.state for spell in page.past.spells] == ["suspected", "in_force"]
    assert [p.party for p in page.places] == ["One"]


@pytest.mark.parametrize(
    ("now", "states"),
    [
        pytest.param(NINE, ["in_force", "behind"], id="the-hosts-own-first"),
        pytest.param(NINE + hours(2), ["over", "in_force"], id="then-the-domains"),
        pytest.param(NINE + hours(9), ["over", "over"], id="then-none"),
    ],
)
def test_what_a_person_entered_says_whether_it_counts(
    store: Store, case: MadeCase, now: datetime, states: list[str]
) -> None:
    assert case.domain_id is not None
    with store.db.write() as connection:
        put = {"reason": "its invoice", "by": "analyst@hotline.test", "at": NINE}
        override_rows.put(connection, store, case.host_id, until=NINE + hours(2), party="hosting:one", **put)  # type: ignore[arg-type]
        domain = {"scope": Scope.DOMAIN, "origin": "198.51.100.1", "until": NINE + hours(9)}
        override_rows.put(connection, store, case.domain_id, **put, **domain)  # type: ignore[arg-type]

    page = read(store, case, now)

    assert [e.state for e in page.entered] == states
    assert [(e.entry.forced.party, e.entry.forced.origin) for e in page.entered] == [
        ("hosting:one", None),
        (None, "198.51.100.1"),
    ]


def test_an_entry_from_before_a_move_says_so(store: Store, case: MadeCase) -> None:
    with store.db.write() as connection:
        for number, at in ((case.host_id, NINE), (case.domain_id, LATER)):
            scope = Scope.HOST if number == case.host_id else Scope.DOMAIN
            override_rows.put(
                connection,
                store,
                number or 0,
                reason="x",
                until=None,
                party="hosting:one",
                scope=scope,
                at=at,
            )
        states = episodes.open_on_host(connection, case.host_id)
        episodes.note(connection, store.ids, states, EventKind.MOVED, at=NINE + hours(1), who="service")

    page = read(store, case, LATER)

    assert [(e.entry.scope, e.has_moved) for e in page.entered] == [(Scope.HOST, True), (Scope.DOMAIN, False)]


def test_a_host_that_nobody_asked_about_yet_has_a_page(store: Store, case: MadeCase) -> None:
    page = read(store, case)

    assert (page.places, page.told, page.last_at, page.next_at) == ((), (), None, NINE)
    assert page.is_open
    assert host(store, case).arrangement_id is None


def test_there_is_no_page_of_an_unknown_case(store: Store, case: MadeCase) -> None:
    other = reference("C", 7, 2026, store.keys.derived("reference"))

    with store.db.read() as connection:
        assert resolution(connection, store, EVERYWHERE, other, NINE) is None
