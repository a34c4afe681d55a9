"""Resolving: what registries say of domains, proxies that rotate, and who is known to stand behind them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.escalation.ladders import Ladder, Rung, When
from nta.domain.hosting.facts import HostingFacts, LookupProblem
from nta.domain.parties.organisations import (
    Catalogue,
    NoticeRoute,
    Provider,
    Registrar,
    Registry,
)
from nta.domain.reasons import other
from nta.domain.roles import NoticeKind, Role
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements, override_rows
from nta.store.tables import Addressee, Arrangement, Domain, Due, Host, NoticeItem
from nta.store.work import due
from nta.usecases.escalate import escalate_due
from nta.usecases.notify import notify_waiting
from nta.usecases.recheck import recheck_due
from tests.builders import MadeCase
from tests.builders_notices import catalogue
from tests.conftest import NINE, hours
from tests.lookup_plain import saying
from tests.resolving import LATER, FakeAsker, an_asker, due_at, events, host, made, parties, resolve, state
from tests.usecases.eyes import World

URL = "http://a.test/x"
CHECKED = NINE.date()
REGISTRAR = {
    "name": "Registrar B.V.",
    "iana_id": "9995",
    "abuse": [{"email": "abuse@registrar.example", "source": "rdap", "confidence": 0.9}],
}
SHIELD = Provider(
    "proxy:shield",
    "Shield",
    "US",
    NoticeRoute("abuse@shield.example"),
    "x",
    CHECKED,
    ranges=("203.0.113.0/24", "198.51.100.0/24"),
)
BOTH = Ladder(
    "both",
    When(),
    (
        Rung("first", (Role.HOST, Role.PROXY), NoticeKind.FIRST, timedelta(hours=24)),
        Rung("registrar", (Role.REGISTRAR,), NoticeKind.REGISTRAR, timedelta(hours=24)),
    ),
    "1",
)
KNOWN = replace(
    catalogue(ladders=(BOTH,)),
    proxies={SHIELD.id: SHIELD},
    registries={
        "registry:test": Registry(
            "registry:test", "Test", "NL", NoticeRoute("a@nic.example"), "x", CHECKED, ("test",)
        )
    },
    registrars={"registrar:known": Registrar("registrar:known", "Known", "NL", None, "x", CHECKED, "9995")},
)
ORIGIN = {
    "holder": "ORG-9",
    "holder_name": "Nine",
    "country": "NL",
    "abuse": [{"email": "abuse@nine.example", "source": "rdap", "confidence": 0.9}],
}


@pytest.fixture
def asker() -> FakeAsker:
    """One who knows a name behind a proxy, the proxy's ranges, and a machine elsewhere."""
    asker = an_asker()
    asker.names["a.test"] = ("203.0.113.1",)
    asker.networks = {
        "203.0.113.0/24": {"country": "US"},
        "198.51.100.0/24": {"country": "US"},
        "192.0.2.0/24": ORIGIN,
    }
    asker.domains["a.test"] = {"registrar": REGISTRAR}
    return asker


@pytest.fixture
def case(store: Store) -> MadeCase:
    return made(store, URL)


def domain(store: Store) -> tuple[Any, ...]:
    with store.db.read() as connection:
        query = select(Domain.registrar_party, Domain.registry_party, Domain.status)
        return tuple(connection.execute(query).one())


def facts(store: Store, case: MadeCase) -> HostingFacts:
    with store.db.read() as connection:
        number = host(store, case).arrangement_id
        assert number is not None
        return host_arrangements.facts(connection, store, number)


def name_origin(store: Store, case: MadeCase, until: datetime | None = None, now: datetime = NINE) -> None:
    with store.db.write() as connection:
        override_rows.put(
            connection, store, case.host_id, reason="its headers", until=until, origin="192.0.2.77"
        )
        due.want(connection, due.RESOLVE, [case.host_id], now)


def told(store: Store) -> set[tuple[str, str]]:
    with store.db.read() as connection:
        return {(role, party) for role, party in connection.execute(select(Addressee.role, Addressee.party))}


def escalate(store: Store, now: datetime = NINE, known: Catalogue = KNOWN) -> None:
    escalate_due(store, catalogue=known, holder="one", now=now)


def test_the_domains_row_says_what_its_registry_says(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    resolve(store, asker, known=KNOWN)

    assert domain(store) == ("registrar:known", "registry:test", "active")
    assert facts(store, case).domain.registrar.name == "Registrar B.V."  # type: ignore[union-attr]


def test_a_domain_is_asked_for_once_for_all_its_hosts(store: Store, asker: FakeAsker) -> None:
    for number in range(4):
        asker.names[f"h{number}.a.test"] = ("203.0.113.1",)
        made(store, f"http://h{number}.a.test/")

    resolve(store, asker, known=KNOWN)
    made(store, "http://h0.a.test:8080/")
    resolve(store, asker, NINE + hours(11), known=KNOWN)

    assert asker.asked_domains == ["rdap_domain a.test"]


def test_a_company_that_gives_out_names_is_asked_about_its_own(store: Store, asker: FakeAsker) -> None:
    for name in ("one.blogspot.com", "two.blogspot.com"):
        asker.names[name] = ("203.0.113.1",)
        made(store, f"http://{name}/")

    resolve(store, asker, known=KNOWN)

    assert asker.asked_domains == ["rdap_domain blogspot.com"]


def test_a_domain_that_cannot_be_asked_for_holds_up_no_host_and_is_asked_for_again(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    silent = LookupProblem("rdap_domain", other("the server does not answer in time"), True)
    asker.domains["a.test"] = silent
    asker._domain = lambda lookup, now: replace(  # type: ignore[method-assign]
        FakeAsker._domain(asker, lookup, now), value=None, problem=replace(silent, step=lookup.kind.value)
    )

    resolve(store, asker, known=KNOWN)

    assert asker.asked_domains == ["rdap_domain a.test", "whois_domain a.test"]
    assert state(store, case).stage == "ready"
    assert domain(store) == (None, "registry:test", None)
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(1)


def test_what_was_known_of_a_domain_stays_when_it_cannot_be_asked_for(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN)
    asker.domains["a.test"] = LookupProblem("rdap_domain", other("no"), True)
    asker._domain = lambda lookup, now: replace(  # type: ignore[method-assign]
        FakeAsker._domain(asker, lookup, now),
        value=None,
        problem=LookupProblem(lookup.kind.value, other("no"), True),
    )

    resolve(store, asker, LATER, known=KNOWN)

    assert domain(store) == ("registrar:known", "registry:test", "active")
    assert facts(store, case).domain.registrar is not None  # type: ignore[union-attr]


def test_a_status_that_changed_is_written_also_when_the_name_leads_nowhere(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN)
    asker.names["a.test"] = "dead"
    asker.domains["a.test"] = {"registrar": REGISTRAR, "status": ["client hold"]}

    resolve(store, asker, LATER, known=KNOWN)
    assert domain(store) == ("registrar:known", "registry:test", "client hold")
    asker.domains["a.test"] = {"registered": False, "registrar": None, "status": []}
    resolve(store, asker, LATER + hours(13), known=KNOWN)

    assert domain(store) == ("registrar:known", "registry:test", "not registered")


def test_a_proxy_is_told_as_a_proxy_and_nobody_as_host(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN)
    escalate(store)

    assert told(store) == {("proxy", "proxy:shield")}


def test_a_known_origin_is_told_as_host_and_changes_no_arrangement(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN)
    before = host(store, case)
    escalate(store)
    notify_waiting(store, catalogue=KNOWN, now=NINE)
    name_origin(store, case)

    resolve(store, asker, known=KNOWN)
    with store.db.write() as connection:  # the notice to the proxy is out
        connection.execute(update(Due).where(Due.kind == due.SEND).values(due_at=NINE + hours(99)))
    resolved = events(store, case)

    assert resolved[-1] == "party_joined"
    assert due_at(store, due.ESCALATE, case.episode_id) == NINE
    assert host(store, case) == before
    assert parties(store, before.arrangement_id) == {"203.0.113.1": None}
    assert facts(store, case).hidden_hosts == {"rdap:ORG-9"}


def test_the_host_behind_a_proxy_reads_its_own_address(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    name_origin(store, case)
    resolve(store, asker, known=KNOWN)

    escalate(store)
    notify_waiting(store, catalogue=KNOWN, now=NINE + hours(1))

    assert told(store) == {("proxy", "proxy:shield"), ("host", "rdap:ORG-9")}
    with store.db.read() as connection:
        query = select(Addressee.role, NoticeItem.addresses).join(
            Addressee, Addressee.id == NoticeItem.addressee_id
        )
        named = connection.execute(query).all()
    assert dict(map(tuple, named)) == {"proxy": "203.0.113.1", "host": "192.0.2.77"}


def test_an_origin_runs_out(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    until = NINE + hours(3)
    name_origin(store, case, until)
    resolve(store, asker, known=KNOWN)
    assert due_at(store, due.RESOLVE, case.host_id) == until
    assert facts(store, case).hidden_hosts == {"rdap:ORG-9"}

    resolve(store, asker, until, known=KNOWN)

    assert facts(store, case).hidden_hosts == frozenset()
    assert due_at(store, due.RESOLVE, case.host_id) == until + hours(12)


def test_an_origin_is_sealed(store: Store, case: MadeCase) -> None:
    name_origin(store, case)

    with store.db.read() as connection:
        (sealed,) = connection.execute(select(Host.forced_origin_sealed)).scalars()
        found = override_rows.of_hosts(connection, store, [case.host_id], NINE)
    assert b"192.0.2.77" not in bytes(sealed)
    assert found[case.host_id].origin == "192.0.2.77"


def test_a_forced_host_is_told_instead_and_is_no_move(store: Store, case: MadeCase) -> None:
    asker = an_asker()
    one = Provider("hosting:one", "One", "NL", NoticeRoute("abuse@one.example"), "x", CHECKED)
    known = replace(KNOWN, hosting={one.id: one})
    resolve(store, asker, known=known)
    before = host(store, case)
    with store.db.write() as connection:
        override_rows.put(connection, store, case.host_id, reason="its reseller", until=None, party=one.id)
        due.want(connection, due.RESOLVE, [case.host_id], NINE)

    resolve(store, asker, known=known)
    escalate(store, known=known)

    assert host(store, case) == before
    assert told(store) == {("host", "hosting:one")}


def look(store: Store, world: World, at: datetime) -> None:
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=at))
    eyes = replace(world.eyes(), proxy_of=lambda ip: _id(KNOWN.proxy_of(ip, None)))
    recheck_due(store, eyes=eyes, holder="one", now=at)


def _id(found: Any) -> str | None:
    return found.id if found else None


def test_a_proxy_that_rotates_over_its_addresses_never_moves(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    world = World()
    resolve(store, asker, known=KNOWN)
    for number, address in enumerate(("203.0.113.9", "198.51.100.1", "198.51.100.200", "203.0.113.77"), 1):
        at = NINE + hours(number)
        world.name(address)
        asker.names["a.test"] = (address,)
        look(store, world, at)
        resolve(store, asker, at, known=KNOWN)

    assert {address for _, _, address in world.asked} == {
        "203.0.113.9",
        "198.51.100.1",
        "198.51.100.200",
        "203.0.113.77",
    }
    assert set(events(store, case)) == {"submitted", "resolved", "seen_up"}
    assert (host(store, case).missed_looks, host(store, case).missed_since) == (0, None)


def test_a_proxy_known_by_its_aliases_alone_is_no_move_either(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    """The look does not know its addresses; the look-up after it does, and takes the suspicion back."""
    named = replace(SHIELD, ranges=(), cnames=("edge.shield.example",))
    known = replace(KNOWN, proxies={named.id: named})
    aliased = asker._name
    asker._name = lambda lookup, now: saying(  # type: ignore[method-assign]  # this once with an alias
        aliased(lookup, now), cname=["x.edge.shield.example"]
    )
    world = World()
    resolve(store, asker, known=known)
    for number, address in enumerate(("198.51.100.1", "192.0.2.5", "203.0.113.77"), 1):
        at = NINE + hours(2 * number)
        world.name(address)
        asker.names["a.test"] = (address,)
        with store.db.write() as connection:
            connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=at))
        recheck_due(store, eyes=world.eyes(), holder="one", now=at)
        resolve(store, asker, at, known=known)

    assert (host(store, case).missed_looks, host(store, case).missed_since) == (0, None)
    assert "moved" not in events(store, case)
    with store.db.read() as connection:
        assert len(connection.execute(select(Arrangement.id)).all()) == 1
