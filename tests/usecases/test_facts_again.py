"""Facts are asked for again while a case lives and before a notice; what was known before is kept."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from nta.domain.checks.outcomes import Outcome
from nta.domain.parties.organisations import Catalogue
from nta.store.db.handle import Store
from nta.store.reads.hosting_history import History, history
from nta.store.tables import Arrangement, Due
from nta.store.work import due
from nta.usecases.decisions import case_decisions
from nta.usecases.recheck import recheck_due
from tests.builders import MadeCase, make_case
from tests.builders_notices import HOSTING, World, catalogue
from tests.conftest import NINE, hours
from tests.people import by
from tests.resolving import LATER, ONE, TWO, FakeAsker, an_asker, due_at, host, made, resolve, state
from tests.telling import Service
from tests.usecases import eyes

NOTICE_AT = NINE + timedelta(minutes=10)
URL = "http://images.quick.example/p/1"


@pytest.fixture
def asker() -> FakeAsker:
    return an_asker()


def facts_at(store: Store, case: MadeCase) -> datetime | None:
    arrangement = host(store, case).arrangement_id
    with store.db.read() as connection:
        return connection.execute(select(Arrangement.facts_at).where(Arrangement.id == arrangement)).scalar()


def past(store: Store, host_id: int) -> History:
    with store.db.read() as connection:
        return history(connection, store, host_id)


def test_all_facts_are_asked_for_again_every_twelve_hours_while_a_case_lives(
    store: Store, asker: FakeAsker
) -> None:
    case = made(store, "http://a.test/x")
    moments = [NINE + hours(12 * turn) for turn in range(4)]
    for now in moments:
        asker.asked.clear()
        asker.asked_domains.clear()

        assert resolve(store, asker, now) == 1

        assert sorted(asker.asked) == ["192.0.2.1", "a.test"]
        assert asker.asked_domains == ["rdap_domain a.test"]
        assert facts_at(store, case) == now
        assert due_at(store, due.RESOLVE, case.host_id) == now + hours(12)

    case_decisions.end_case(
        store, case.reference, Outcome.WITHDRAWN, "a mistake", by("analyst@hotline.test"), moments[-1]
    )
    resolve(store, asker, moments[-1] + hours(12))

    assert due_at(store, due.RESOLVE, case.host_id) is None


def test_facts_are_as_old_as_the_answer_they_are_from(store: Store, asker: FakeAsker) -> None:
    """Or a notice would go out on what was true an hour before the hour that is allowed."""
    made(store, "http://a.test/x")
    resolve(store, asker)
    other = made(store, "http://a.test:8080/")

    resolve(store, asker, NINE + timedelta(minutes=59))
    assert facts_at(store, other) == NINE
    with store.db.write() as connection:
        due.want(connection, due.RESOLVE, [other.host_id], NINE + hours(1))
    asker.asked.clear()
    resolve(store, asker, NINE + hours(1))

    assert asker.asked == ["a.test"]  # who holds the network is known for twelve hours
    assert facts_at(store, other) == NINE + hours(1)


def known() -> Catalogue:
    """Return a catalogue that knows the host of the notices by its AS number."""
    return catalogue(hosting={HOSTING.id: replace(HOSTING, asns=(64500,))})


def a_notice(store: Store) -> tuple[Service, int, int]:
    """Return the telling steps with one notice to go out, its episode and its host, found out at nine."""
    world, service = World(store), Service(store, known=known())
    episode = world.ready()
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.RESOLVE).values(due_at=NINE + hours(12)))
    service.escalate(NINE)
    service.notify(NOTICE_AT)
    return service, episode, world.state(episode).host_id


def test_a_notice_waits_until_its_old_facts_were_asked_for_again_and_then_goes(store: Store) -> None:
    service, episode, place = a_notice(store)
    at = NINE + hours(1)
    asker = FakeAsker({"site1.test": ("192.0.2.1",)}, {"192.0.2.0/24": {"holder": "ORG-1"}})
    World(store).looked(episode, "up", at)

    service.dispatch(at)
    assert service.relay.given == []
    assert due_at(store, due.RESOLVE, place) == at
    assert resolve(store, asker, at, known()) == 1
    service.dispatch(at + timedelta(minutes=1))

    assert asker.asked == ["site1.test", "192.0.2.1"]
    assert len(service.relay.given) == 1


def test_a_notice_with_facts_younger_than_an_hour_asks_nothing_and_goes(store: Store) -> None:
    service, episode, place = a_notice(store)
    at = NINE + timedelta(minutes=59)
    World(store).looked(episode, "up", at)

    service.dispatch(at)

    assert len(service.relay.given) == 1
    assert due_at(store, due.RESOLVE, place) == NINE + hours(12)


def test_what_was_asked_and_answered_before_stays_to_be_read(store: Store, asker: FakeAsker) -> None:
    case = made(store, "http://a.test/x")
    resolve(store, asker)
    asker.names["a.test"] = ("192.0.2.2",)
    resolve(store, asker, LATER)

    found = past(store, case.host_id)

    names = [(one.asked_at, one.says) for one in found.answered if one.kind == "dns"]
    assert names == [(LATER, "192.0.2.2"), (NINE, "192.0.2.1")]
    networks = [one.says for one in found.answered if one.kind == "rdap_ip"]
    assert networks == ["One, AS64500"]  # of an address that nothing leads to any more, no more is told
    (spell,) = found.spells
    assert (spell.state, spell.began_at, spell.facts_at) == ("in_force", NINE, LATER)
    assert [at.address for at in spell.served] == ["192.0.2.2"]


def test_another_arrangement_is_suspected_first_and_believed_on_the_second_look(store: Store) -> None:
    """Looks and look-ups together: what each leaves is what the other finds."""
    case = make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    names = eyes.World()
    names.name("198.51.100.7")
    asker = FakeAsker(
        {"images.quick.example": ("198.51.100.7",)}, {"198.51.100.0/24": TWO, "192.0.2.0/24": ONE}
    )

    for turn, states in ((1, ["suspected", "in_force"]), (2, ["in_force", "past"])):
        at = NINE + hours(turn)
        with store.db.write() as connection:
            due.want(connection, due.LOOK, [case.episode_id], at)
        recheck_due(store, eyes=names.eyes(), holder="me", now=at)
        resolve(store, asker, at)
        found = past(store, case.host_id)
        assert [spell.state for spell in found.spells] == states

    new, old = found.spells
    assert [at.address for at in new.served] == ["198.51.100.7"]
    assert (old.ended_at, [at.address for at in old.served]) == (NINE + hours(2), ["192.0.2.10"])
    assert state(store, case).outcome == "moved_before_notice"
    assert new.facts_at == NINE + hours(2)
