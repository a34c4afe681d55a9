"""Resolving: who serves a host, asked once for all, and what a failure leaves as it was."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nta.domain.hosting.facts import LookupProblem
from nta.domain.intake.urls import parse
from nta.domain.reasons import other
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.tables import Arrangement, ArrangementParty, Due, FindingRow, Host, PartyRow
from nta.store.work import due
from nta.usecases.resolve import ROUNDS, resolve_url
from tests import person_tasks
from tests.builders import MadeCase
from tests.builders_notices import LADDER, catalogue
from tests.conftest import NINE, hours
from tests.resolving import (
    DOWN,
    EVERYWHERE,
    LATER,
    NO_DNS,
    ONE,
    REFUSED,
    TWO,
    FakeAsker,
    Said,
    an_asker,
    count,
    due_at,
    events,
    host,
    made,
    parties,
    resolve,
    state,
)
from tests.telling import KilledError, Killer


@pytest.fixture
def asker() -> FakeAsker:
    return an_asker()


@pytest.fixture
def case(store: Store) -> MadeCase:
    return made(store, "http://a.test/x")


def test_a_case_becomes_ready_with_its_arrangement_and_its_ladder(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    assert resolve(store, asker) == 1

    found = state(store, case)
    assert (found.stage, found.ladder, found.ladder_version) == ("ready", LADDER.id, LADDER.version)
    assert found.arrangement_id == host(store, case).arrangement_id
    assert parties(store, found.arrangement_id) == {"192.0.2.1": "rdap:ORG-1"}
    assert events(store, case) == ["submitted", "resolved"]
    assert due_at(store, due.ESCALATE, case.episode_id) == NINE
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(12)
    assert resolve(store, asker) == 0


def test_each_question_is_asked_once_for_a_set_of_hosts_and_one_network_a_range(
    store: Store, asker: FakeAsker
) -> None:
    for number in range(6):
        asker.names[f"s{number}.test"] = (f"192.0.2.{number}", "198.51.100.7")
        made(store, f"http://s{number}.test/1")
        made(store, f"http://s{number}.test/2")
        made(store, f"http://s{number}.test:8080/3")

    assert resolve(store, asker) == 12

    assert sorted(asker.asked) == ["192.0.2.0", "198.51.100.7", *(f"s{n}.test" for n in range(6))]
    with store.db.read() as connection:
        assert set(connection.execute(select(ArrangementParty.party)).scalars()) == {
            "rdap:ORG-1",
            "rdap:ORG-2",
        }


def test_many_small_ranges_in_one_neighbourhood_are_all_found(store: Store) -> None:
    asker = FakeAsker()
    for number in range(100, 140):
        asker.names[f"s{number}.test"] = (f"192.0.2.{number}",)
        asker.networks[f"192.0.2.{number}/32"] = {"holder": f"ORG-{number}"}
        made(store, f"http://s{number}.test/")
    asker._range = lambda address: (f"{address}/32", asker.networks[f"{address}/32"])

    assert resolve(store, asker) == 40

    with store.db.read() as connection:
        assert len(set(connection.execute(select(ArrangementParty.party)).scalars())) == 40
    assert asker.rounds <= ROUNDS


def test_a_host_with_too_many_ranges_goes_on_where_it_was(store: Store) -> None:
    addresses = tuple(f"192.0.2.{number}" for number in range(100, 125))
    asker = FakeAsker({"a.test": addresses}, {f"{ip}/32": {"holder": f"ORG-{ip}"} for ip in addresses})
    asker._range = lambda address: (f"{address}/32", asker.networks[f"{address}/32"])
    case = made(store, "http://a.test/")

    resolve(store, asker)
    assert state(store, case).stage == "submitted"
    soon = due_at(store, due.RESOLVE, case.host_id)
    assert soon == NINE + timedelta(minutes=1)
    resolve(store, asker, soon)

    assert len(parties(store, state(store, case).arrangement_id)) == 25
    assert sorted(asker.asked) == sorted({*addresses, "a.test"})


def test_findings_are_used_again_while_they_are_valid(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    resolve(store, asker)
    asker.names["new.test"] = ("192.0.2.200",)
    other = made(store, "http://new.test/")
    again = made(store, "http://a.test:8080/")
    asker.asked.clear()

    resolve(store, asker, NINE + timedelta(minutes=59))

    assert asker.asked == ["new.test"]
    assert state(store, other).stage == state(store, again).stage == "ready"
    asker.asked.clear()
    resolve(store, asker, LATER)
    assert sorted(asker.asked) == ["192.0.2.1", "a.test", "new.test"]


def test_a_failure_is_not_asked_about_again_while_it_is_valid(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.networks["192.0.2.0/24"] = DOWN
    resolve(store, asker)
    asker.asked.clear()

    resolve(store, asker, NINE + timedelta(minutes=1))

    assert asker.asked == []


def test_an_address_is_asked_about_without_a_name(store: Store, asker: FakeAsker) -> None:
    asker.networks["2001:db8::1/128"] = TWO
    four, six = made(store, "http://192.0.2.9/x"), made(store, "http://[2001:db8::1]/x")

    resolve(store, asker)

    assert sorted(asker.asked) == ["192.0.2.9", "2001:db8::1"]
    assert [state(store, c).stage for c in (four, six)] == ["ready", "ready"]


@pytest.mark.parametrize(
    ("name", "networks"),
    [
        pytest.param(NO_DNS, ONE, id="the-name-cannot-be-asked"),
        pytest.param(("192.0.2.1",), DOWN, id="the-network-cannot-be-asked"),
    ],
)
def test_a_look_up_that_failed_changes_no_stage_and_comes_again(
    store: Store, asker: FakeAsker, case: MadeCase, name: Said, networks: Any
) -> None:
    asker.names["a.test"], asker.networks["192.0.2.0/24"] = name, networks
    good = made(store, "http://b.test/")

    assert resolve(store, asker) == 2

    assert (state(store, case).stage, events(store, case)) == ("submitted", ["submitted"])
    assert host(store, case).arrangement_id is None
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + timedelta(minutes=1)
    assert person_tasks.until(store, case.episode_id) is None
    assert state(store, good).stage == "ready"

    asker.names["a.test"], asker.networks["192.0.2.0/24"] = ("192.0.2.1",), ONE
    resolve(store, asker, NINE + timedelta(minutes=3))
    assert state(store, case).stage == "ready"


def test_a_person_hears_of_a_host_that_cannot_be_asked_about_for_a_day(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.names["a.test"] = NO_DNS

    resolve(store, asker, NINE + hours(23))
    assert person_tasks.until(store, case.episode_id) is None
    resolve(store, asker, NINE + hours(24))

    assert state(store, case).stage == "submitted"
    assert person_tasks.until(store, case.episode_id) == NINE + hours(48)
    asker.names["a.test"] = ("192.0.2.1",)
    resolve(store, asker, NINE + hours(25))
    assert state(store, case).stage == "ready"
    assert person_tasks.until(store, case.episode_id) is None


def test_a_failure_that_stays_is_a_persons_and_is_still_asked_about(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.names["a.test"] = REFUSED

    resolve(store, asker)

    assert state(store, case).stage == "unresolved"
    assert events(store, case) == ["submitted", "unresolved"]
    assert person_tasks.until(store, case.episode_id) == NINE + hours(24)
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(12)

    asker.names["a.test"] = ("192.0.2.1",)
    resolve(store, asker, LATER)
    assert state(store, case).stage == "ready"
    assert person_tasks.until(store, case.episode_id) is None


def test_a_network_nobody_answers_for_leaves_a_party_without_a_name(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.networks["192.0.2.0/24"] = LookupProblem(
        "rdap_ip", other("no registry answers for this address"), False
    )

    resolve(store, asker, known=EVERYWHERE)

    assert state(store, case).stage == "ready"
    assert parties(store, state(store, case).arrangement_id) == {"192.0.2.1": None}


def test_a_case_that_no_ladder_is_meant_for_is_a_persons_and_stops_no_other(
    store: Store, asker: FakeAsker
) -> None:
    dutch, foreign = made(store, "http://a.test/"), made(store, "http://b.test/")
    asker.networks["192.0.2.0/24"] = ONE | {"country": "DE"}

    resolve(store, asker)

    assert (state(store, dutch).stage, state(store, foreign).stage) == ("unresolved", "ready")
    assert person_tasks.until(store, dutch.episode_id) is not None


def test_a_name_that_leads_nowhere_waits_for_the_looks(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    asker.names["a.test"] = "dead"

    resolve(store, asker)

    assert state(store, case).stage == "submitted"
    assert host(store, case).arrangement_id is None
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(1)


def test_a_host_without_open_episodes_is_not_asked_about_again(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    with store.db.write() as connection:
        endings.end(
            connection,
            store.ids,
            case.episode_id,
            episodes.Outcome.WITHDRAWN,
            episodes.Actor.ANALYST,
            at=NINE,
            who="lead",
        )

    assert resolve(store, asker) == 1

    assert due_at(store, due.RESOLVE, case.host_id) is None


def test_what_a_lost_lease_brought_is_dropped(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    other = made(store, "http://b.test/")

    def somebody_takes_over() -> None:
        asker.before = None
        with store.db.write() as connection:
            due.release_of(connection, "one")
            due.take(connection, due.RESOLVE, "two", NINE, 1)

    asker.before = somebody_takes_over
    resolve(store, asker)

    taken = [c for c in (case, other) if state(store, c).stage == "submitted"]
    assert len(taken) == 1 + 1  # one was taken over, the other released: neither is ours
    assert count(store, Arrangement) == 0
    with store.db.read() as connection:
        assert (
            connection.execute(select(Due.taken_by).where(Due.kind == due.RESOLVE))
            .scalars()
            .all()
            .count("two")
            == 1
        )
        due_rows = connection.execute(select(Due.due_at).where(Due.kind == due.RESOLVE)).scalars().all()
    assert due_rows == [NINE, NINE]


def test_a_host_wanted_while_it_is_asked_about_is_concluded_anew_and_nothing_is_asked_twice(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    others: list[int] = []

    def somebody_wants() -> None:
        asker.before = None
        with store.db.write() as connection:
            due.want(connection, due.RESOLVE, [case.host_id], NINE)
            others.extend(due.take(connection, due.RESOLVE, "two", NINE, 1))

    asker.before = somebody_wants
    resolve(store, asker)
    asked = list(asker.asked)

    assert (others, state(store, case).stage) == ([], "submitted")
    assert due_at(store, due.RESOLVE, case.host_id) == NINE
    assert resolve(store, asker) == 1
    assert asker.asked == asked
    assert events(store, case) == ["submitted", "resolved"]
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(12)


@pytest.mark.parametrize("name", ["resolve.taken", "resolve.asked", "resolve.recorded"])
def test_a_crash_at_any_point_does_no_harm(store: Store, asker: FakeAsker, name: str) -> None:
    cases = [made(store, "http://a.test/"), made(store, "http://b.test/")]

    with pytest.raises(KilledError):
        resolve(store, asker, checkpoint=Killer(name))
    with store.db.write() as connection:
        due.release_all(connection)
    resolve(store, asker)

    assert [state(store, c).stage for c in cases] == ["ready", "ready"]
    assert [events(store, c) for c in cases] == [["submitted", "resolved"]] * 2
    assert count(store, Arrangement) == 2
    assert resolve(store, asker) == 0


def test_nothing_of_a_name_stands_in_clear_in_findings(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    resolve(store, asker)

    with store.db.read() as connection:
        rows = connection.execute(select(*FindingRow.__table__.c)).all()
        sealed = connection.execute(select(Host.name_sealed)).scalars().all()
    assert len(rows) == 4  # name, network, its AS, domain
    assert not any("a.test" in str(tuple(row)) for row in rows)
    assert not any(b"a.test" in bytes(name) for name in sealed)


def test_resolving_one_url_writes_nothing_and_counts_its_questions(store: Store, asker: FakeAsker) -> None:
    found = resolve_url(parse("http://a.test/x"), asker=asker, catalogue=catalogue(), now=NINE)

    assert found.facts.parties == {"rdap:ORG-1"}
    assert found.asked == {"dns": 1, "rdap_ip": 1, "rdap_as": 1, "rdap_domain": 1}
    assert count(store, FindingRow) == 0


def test_who_serves_a_host_has_a_name_before_anybody_is_told(store: Store) -> None:
    made(store, "http://a.test/p")
    made(store, "http://b.test/p")

    resolve(store, an_asker())

    with store.db.read() as connection:
        found = connection.execute(select(PartyRow.id, PartyRow.name).order_by(PartyRow.id)).all()
    assert [tuple(row) for row in found] == [("rdap:ORG-1", "One"), ("rdap:ORG-2", "Two")]
