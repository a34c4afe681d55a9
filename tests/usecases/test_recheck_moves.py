"""What the names say between looks: a party that joins, one that only seems to, and a host that moved."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from nta.domain.checks.verdicts import ProbeAnswer
from nta.domain.hosting.facts import AddressFacts, HostingFacts
from nta.ports import LookRequest, NameAnswer
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import Arrangement, ArrangementParty, Due, Episode, Event, Host
from nta.store.work import due
from nta.usecases.recheck import recheck_due
from tests.builders import MadeCase, make_case, make_notice
from tests.conftest import NINE, hours
from tests.usecases.eyes import HOME, World

URL = "http://images.quick.example/p/1"
ELSEWHERE = "198.51.100.7"
FAR = NINE + hours(10_000)


@pytest.fixture
def world() -> World:
    return World()


def served_case(store: Store, url: str, at: datetime, **state: Any) -> MadeCase:
    """Make a case whose arrangement knows the range that its address lies in."""
    case = make_case(store, url, at, **state)
    with store.db.write() as connection:
        connection.execute(update(ArrangementParty).values(network="192.0.2.0/24"))
    return case


def looks(store: Store, world: World, *rounds: float) -> None:
    """Look so many hours after nine."""
    for hour in rounds:
        at = NINE + hours(hour)
        with store.db.write() as connection:
            connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=at))
        assert recheck_due(store, eyes=world.eyes(), holder="me", now=at) > 0


def suspect(store: Store, case: MadeCase, now: datetime) -> int:
    """Look up where the name leads now, as resolve does after a first look that missed."""
    address = AddressFacts(ELSEWHERE, 64501, "OTHER-AS", None, "hosting:other", "Other", None, ())
    facts = HostingFacts("images.quick.example", now, (), (address,), "NL", None, ())
    with store.db.write() as connection:
        return host_arrangements.begin(connection, store, case.host_id, facts, now, suspected=True)


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.db.read() as connection:
        found = [tuple(row) for row in connection.execute(select(*columns))]
    return sorted(found, key=repr) if any(None in row for row in found) else sorted(found)


def kinds(store: Store) -> list[str]:
    return [kind for _, kind in rows(store, Event.id, Event.kind)]


def host(store: Store) -> tuple[Any, ...]:
    [found] = rows(store, Host.arrangement_id, Host.suspect_id, Host.missed_looks, Host.missed_since)
    return found


def test_one_look_that_misses_the_host_is_only_a_suspicion(store: Store, world: World) -> None:
    case = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.RESOLVE).values(due_at=FAR))
    in_force = host(store)[0]
    world.name(ELSEWHERE)

    looks(store, world, 1)

    one = NINE + hours(1)
    assert host(store) == (in_force, None, 1, one)
    found = rows(store, Episode.number, Episode.stage, Episode.presence, Episode.last_verdict)
    assert found == [(1, "ready", "up", "moved")]
    assert (due.RESOLVE, case.host_id, one) in rows(store, Due.kind, Due.subject, Due.due_at)
    assert world.asked == []  # a stranger's page says nothing about the host that was told


@pytest.mark.parametrize(
    ("handed", "outcome", "actor"),
    [
        pytest.param(True, "moved_after_notice", "unknown", id="told"),
        pytest.param(False, "moved_before_notice", "nobody", id="not-told"),
    ],
)
def test_a_move_is_believed_on_the_second_look_and_dated_by_the_first(
    store: Store, world: World, handed: bool, outcome: str, actor: str
) -> None:
    case = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    if handed:
        make_notice(store, [case], NINE)
    world.name(ELSEWHERE)

    looks(store, world, 1)
    to = suspect(store, case, NINE + hours(1))
    looks(store, world, 2)

    one, two = NINE + hours(1), NINE + hours(2)
    [old, new] = rows(
        store,
        Episode.number,
        Episode.stage,
        Episode.outcome,
        Episode.actor,
        Episode.first_gone_at,
        Episode.ended_at,
        Episode.began_at,
        Episode.received_at,
    )
    assert old == (1, "ended", outcome, actor, one, two, NINE, NINE)
    assert new == (2, "submitted", None, None, None, None, two, NINE)
    assert kinds(store)[-2:] == ["moved", "followed"]
    assert host(store) == (to, None, 0, None)
    new_id = rows(store, Episode.number, Episode.id)[1][1]
    waiting = rows(store, Due.kind, Due.subject)
    assert (due.LOOK, new_id) in waiting
    assert (due.RESOLVE, case.host_id) in waiting
    assert case.episode_id not in [subject for kind, subject in waiting]


def test_what_follows_a_move_is_looked_at_where_it_is_now(store: Store, world: World) -> None:
    case = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    world.name(ELSEWHERE)
    looks(store, world, 1)
    suspect(store, case, NINE + hours(1))
    looks(store, world, 2)

    looks(store, world, 2)

    assert {(url, address) for _, url, address in world.asked} == {(URL, ELSEWHERE)}
    assert rows(store, Episode.number, Episode.presence)[1] == (2, "up")


def test_a_move_takes_along_every_open_case_of_the_host_and_no_other(store: Store, world: World) -> None:
    first = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    served_case(store, "http://images.quick.example/p/2", NINE)
    served_case(store, "http://calm.example/", NINE, presence="up", last_up_at=NINE)
    world.name(ELSEWHERE, host="images.quick.example")

    looks(store, world, 1)
    suspect(store, first, NINE + hours(1))
    looks(store, world, 2)

    found = rows(store, Episode.case_id, Episode.number, Episode.stage)
    assert [row[1:] for row in found] == [
        (1, "ended"),
        (2, "submitted"),
        (1, "ended"),
        (2, "submitted"),
        (1, "ready"),
    ]


@pytest.mark.parametrize("presence", ["absent", "removed"])
def test_what_was_gone_before_the_move_stays_and_is_watched_where_the_name_leads(
    store: Store, world: World, presence: str
) -> None:
    case = served_case(
        store,
        URL,
        NINE,
        presence=presence,
        last_up_at=NINE,
        first_gone_at=NINE + hours(0.5),
        paused_since=NINE + hours(0.5),
    )
    world.name(ELSEWHERE)
    world.page(404)

    looks(store, world, 1)
    to = suspect(store, case, NINE + hours(1))
    looks(store, world, 2, 3)

    found = rows(store, Episode.number, Episode.presence, Episode.first_gone_at, Episode.outcome)
    assert found == [(1, presence, NINE + hours(0.5), None)]
    assert host(store)[0] == to
    assert {address for _, _, address in world.asked} == {ELSEWHERE}
    assert "moved" not in kinds(store)


def test_a_host_that_rotates_joins_without_a_false_move(store: Store, world: World) -> None:
    case = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    make_notice(store, [case], NINE)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.ESCALATE).values(due_at=FAR))
    in_force = host(store)[0]

    world.name(ELSEWHERE)
    looks(store, world, 1)
    suspected = suspect(store, case, NINE + hours(1))
    world.name(HOME)
    looks(store, world, 2)
    world.name(ELSEWHERE)
    looks(store, world, 3, 4, 5)

    assert host(store) == (in_force, None, 0, None)
    assert rows(store, Arrangement.id, Arrangement.ended_at) == [
        (in_force, None),
        (suspected, NINE + hours(2)),
    ]
    parties = rows(store, ArrangementParty.arrangement_id, ArrangementParty.address, ArrangementParty.party)
    assert [row[1:] for row in parties if row[0] == in_force] == [
        (HOME, "hosting:quick"),
        (ELSEWHERE, "hosting:other"),
    ]
    assert rows(store, Episode.number, Episode.stage, Episode.presence) == [(1, "notified", "up")]
    assert kinds(store).count("party_joined") == 1
    assert "moved" not in kinds(store)
    # The party that joined is still to be told.
    assert (due.ESCALATE, case.episode_id, NINE + hours(2)) in rows(store, Due.kind, Due.subject, Due.due_at)


def test_a_suspicion_that_was_never_looked_up_is_forgotten(store: Store, world: World) -> None:
    served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    in_force = host(store)[0]

    world.name(ELSEWHERE)
    looks(store, world, 1)
    world.name(HOME)
    looks(store, world, 2)
    world.name(ELSEWHERE)
    looks(store, world, 3)

    assert host(store) == (in_force, None, 1, NINE + hours(3))
    assert "moved" not in kinds(store)
    assert "party_joined" not in kinds(store)


def test_a_second_party_beside_the_first_is_looked_up(store: Store, world: World) -> None:
    case = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.RESOLVE).values(due_at=FAR))
    world.name(HOME, ELSEWHERE)

    looks(store, world, 1)

    assert (due.RESOLVE, case.host_id, NINE + hours(1)) in rows(store, Due.kind, Due.subject, Due.due_at)
    assert host(store)[2:] == (0, None)
    assert {address for _, _, address in world.asked} == {HOME}


def test_one_vantage_point_that_still_sees_the_host_holds_off_a_move(store: Store, world: World) -> None:
    served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    world.name(ELSEWHERE, vantage="de")

    looks(store, world, 1, 2, 3)

    assert host(store)[2:] == (0, None)
    assert rows(store, Episode.number, Episode.presence) == [(1, "up")]


@pytest.mark.parametrize("error", ["nxdomain", "dns_failure"])
def test_a_name_without_an_answer_is_no_move(store: Store, world: World, error: str) -> None:
    served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    world.name(error=error)

    looks(store, world, 1, 2, 3)

    assert host(store)[2:] == (0, None)
    assert "moved" not in kinds(store)


def test_addresses_that_the_name_leads_to_are_noted_as_seen(store: Store, world: World) -> None:
    served_case(store, URL, NINE)

    looks(store, world, 0, 0.5, 5)

    assert rows(store, ArrangementParty.address, ArrangementParty.seen_at) == [(HOME, NINE + hours(5))]


class CutOffError(BaseException):
    """The process ends here: nothing may catch it."""


def test_a_move_cut_off_before_it_is_given_back_is_made_once(store: Store, world: World) -> None:
    case = served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    world.name(ELSEWHERE)
    looks(store, world, 1)
    suspect(store, case, NINE + hours(1))
    two = NINE + hours(2)

    def cut(name: str) -> None:
        if name == "recheck.recorded":
            raise CutOffError

    with pytest.raises(CutOffError):
        recheck_due(store, eyes=world.eyes(), holder="me", now=two, checkpoint=cut)
    with store.db.write() as connection:
        due.release_of(connection, "me")
    recheck_due(store, eyes=world.eyes(), holder="next", now=two)

    assert rows(store, Episode.number, Episode.presence) == [(1, "up"), (2, "up")]
    assert kinds(store).count("moved") == 1
    assert case.episode_id not in [subject for (subject,) in rows(store, Due.subject)]


class DrawingWorld(World):
    """A world where names and looks take two minutes; its prober draws all there is before it answers."""

    def __init__(self, store: Store, machine: time_machine.Traveller) -> None:
        super().__init__()
        self._store, self._machine = store, machine
        self.drawn: list[tuple[object, object]] = []
        """What was stored before and after each drawing."""

    def addresses(self, hosts: Collection[str], vantage: str) -> Mapping[str, NameAnswer]:
        self._machine.shift(timedelta(minutes=2))
        return super().addresses(hosts, vantage)

    def look(self, requests: Iterable[LookRequest], vantage: str) -> Iterable[tuple[int, ProbeAnswer]]:
        before = self._stored()
        self._machine.shift(timedelta(minutes=2))
        listed = list(requests)
        self.drawn.append((before, self._stored()))
        yield from super().look(listed, vantage)

    def _stored(self) -> object:
        leases = rows(self._store, Due.kind, Due.subject, Due.taken_by, Due.taken_until)
        return rows(self._store, Host.id, Host.missed_looks), leases


def test_nothing_is_written_while_the_prober_draws_what_to_look_at(store: Store) -> None:
    served_case(store, "http://gone.test/x", NINE, presence="up", last_up_at=NINE)
    served_case(store, URL, NINE, presence="up", last_up_at=NINE)
    with time_machine.travel(NINE, tick=False) as machine:
        world = DrawingWorld(store, machine)
        world.name(ELSEWHERE, host="gone.test")

        looks(store, world, 1)

    assert [before for before, _ in world.drawn] == [after for _, after in world.drawn]
    assert len({repr(before) for before, _ in world.drawn}) > 1, "leases were lengthened in between"
    assert rows(store, Host.missed_looks) == [(0,), (1,)]
    assert {vantage for vantage, *_ in world.asked} == {"nl", "de"}
