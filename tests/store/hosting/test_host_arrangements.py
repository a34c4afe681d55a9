"""Arrangements: believed, suspected, renewed, joined, and followed by the next."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from nta.domain.checks.targets import Served
from nta.domain.hosting.facts import AddressFacts, HostingFacts, Network
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.hosting.host_arrangements import HostRow
from nta.store.tables import Arrangement, ArrangementParty
from tests.builders import MadeCase, make_case
from tests.conftest import NINE, hours


def served_by(
    ip: str, party: str | None = "hosting:one", *, proxy: str | None = None, cidr: tuple[str, ...] = ()
) -> AddressFacts:
    network = Network("NET-1", "EXAMPLE", cidr, "NL", None, None) if cidr else None
    return AddressFacts(ip, 64500, "EXAMPLE", network, party, "One", proxy, (), NINE)


def facts(*addresses: AddressFacts, at: datetime = NINE) -> HostingFacts:
    return HostingFacts("a.test", at, (), addresses, "NL", None, ())


ONE = facts(served_by("192.0.2.1"))
TWO = facts(served_by("198.51.100.1", "hosting:two"))


def made(store: Store) -> MadeCase:
    return make_case(store, "http://a.test:8080/x", NINE, resolved=False)


def host(store: Store, case: MadeCase) -> HostRow:
    with store.db.read() as connection:
        return host_arrangements.hosts(connection, store, [case.host_id])[case.host_id]


def held(store: Store, number: int | None) -> HostingFacts:
    assert number is not None
    with store.db.read() as connection:
        return host_arrangements.facts(connection, store, number)


def ended(store: Store) -> dict[int, datetime | None]:
    with store.db.read() as connection:
        return dict(tuple(row) for row in connection.execute(select(Arrangement.id, Arrangement.ended_at)))


def begin(store: Store, case: MadeCase, what: HostingFacts, *, suspected: bool = False) -> int:
    with store.db.write() as connection:
        return host_arrangements.begin(connection, store, case.host_id, what, NINE, suspected=suspected)


def test_a_host_is_read_with_its_name(store: Store) -> None:
    case = made(store)

    assert host(store, case) == HostRow(
        case.host_id, "a.test", 8080, False, case.domain_id, None, None, 0, None
    )
    with store.db.read() as connection:
        assert host_arrangements.domain_of(connection, store, case.domain_id) == ("a.test", "test")
        assert host_arrangements.domain_of(connection, store, None) is None
        assert host_arrangements.hosts(connection, store, []) == {}


def test_an_arrangement_comes_into_force_with_its_facts_and_parties(store: Store) -> None:
    case = made(store)
    what = facts(
        served_by("192.0.2.1", cidr=("198.51.100.0/24", "192.0.2.0/25")),
        served_by("203.0.113.5", None, proxy="proxy:two"),
        served_by("192.0.2.200", None),
    )

    number = begin(store, case, what)

    assert (host(store, case).arrangement_id, host(store, case).suspect_id) == (number, None)
    assert held(store, number) == what
    with store.db.read() as connection:
        assert host_arrangements.served(connection, [number]) == {
            number: [
                Served("192.0.2.1", "hosting:one", "192.0.2.0/25", NINE),
                Served("192.0.2.200", None, None, NINE),
                Served("203.0.113.5", "proxy:two", None, NINE),
            ]
        }


def test_a_suspected_arrangement_is_not_in_force(store: Store) -> None:
    case = made(store)
    first = begin(store, case, ONE)
    second = begin(store, case, TWO, suspected=True)

    assert (host(store, case).arrangement_id, host(store, case).suspect_id) == (first, second)


def test_renewed_facts_take_the_place_of_the_old(store: Store) -> None:
    case = made(store)
    number = begin(store, case, ONE)
    newer = facts(served_by("192.0.2.1"), served_by("192.0.2.2"), at=NINE + hours(12))

    with store.db.write() as connection:
        host_arrangements.renew(connection, store, number, newer)

    assert held(store, number) == newer
    with store.db.read() as connection:
        assert connection.execute(select(Arrangement.facts_at)).scalar() == NINE + hours(12)
        assert connection.execute(select(ArrangementParty.address)).scalars().all() == [
            "192.0.2.1",
            "192.0.2.2",
        ]


def test_an_address_that_was_seen_is_younger_in_the_facts(store: Store) -> None:
    case = made(store)
    number = begin(store, case, facts(served_by("192.0.2.1"), served_by("192.0.2.2")))

    with store.db.write() as connection:
        host_arrangements.seen_here(
            connection, [(number, "192.0.2.2"), (number, "203.0.113.9")], NINE + hours(3)
        )

    assert [a.seen_at for a in held(store, number).addresses] == [NINE, NINE + hours(3)]


def test_parties_that_were_only_suspected_join(store: Store) -> None:
    case = made(store)
    first = begin(store, case, ONE)
    begin(store, case, facts(served_by("192.0.2.1", "hosting:other"), *TWO.addresses), suspected=True)

    with store.db.write() as connection:
        host_arrangements.join(connection, store, host(store, case))
        host_arrangements.seen_again(connection, host(store, case), NINE + hours(1))

    assert [(a.ip, a.party) for a in held(store, first).addresses] == [
        ("192.0.2.1", "hosting:one"),
        ("198.51.100.1", "hosting:two"),
    ]
    assert host(store, case).suspect_id is None
    assert list(ended(store).values()) == [None, NINE + hours(1)]


def test_there_is_nothing_to_join_without_a_suspicion(store: Store) -> None:
    case = made(store)
    number = begin(store, case, ONE)

    with store.db.write() as connection:
        host_arrangements.join(connection, store, host(store, case))

    assert held(store, number) == ONE


def test_missed_looks_are_counted_from_the_first(store: Store) -> None:
    case = made(store)
    begin(store, case, ONE)
    for moment in (NINE + hours(1), NINE + hours(2)):
        with store.db.write() as connection:
            host_arrangements.missed(connection, host(store, case), moment)

    assert (host(store, case).missed_looks, host(store, case).missed_since) == (2, NINE + hours(1))
    with store.db.write() as connection:
        host_arrangements.seen_again(connection, host(store, case), NINE + hours(3))
    assert (host(store, case).missed_looks, host(store, case).missed_since) == (0, None)


def test_the_suspected_arrangement_takes_the_place_of_the_one_in_force(store: Store) -> None:
    case = made(store)
    first = begin(store, case, ONE)
    second = begin(store, case, TWO, suspected=True)
    with store.db.write() as connection:
        host_arrangements.missed(connection, host(store, case), NINE)
        assert host_arrangements.supersede(connection, host(store, case), NINE + hours(1)) == second

    found = host(store, case)
    assert (found.arrangement_id, found.suspect_id, found.missed_looks) == (second, None, 0)
    assert ended(store) == {first: NINE + hours(1), second: None}


def test_facts_are_sealed_for_their_row(store: Store) -> None:
    case = made(store)
    begin(store, case, replace(ONE, cname=("edge.test",)))

    with store.db.read() as connection:
        sealed = bytes(connection.execute(select(Arrangement.facts_sealed)).scalar_one())
    assert b"a.test" not in sealed
    assert b"edge" not in sealed
