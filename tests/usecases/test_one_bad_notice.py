"""An episode, a notice, an answer that cannot be read or written: the others go on, and it waits."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.adapters.channels.smtp import SmtpMailer
from nta.domain.deadlines import back_off
from nta.store.db.handle import Store
from nta.store.tables import (
    Addressee,
    AnswerRow,
    Arrangement,
    AuditEntry,
    Case,
    Due,
    Event,
    Notice,
    NoticeItem,
)
from nta.store.work import audit, due
from nta.usecases import answer
from nta.usecases.notify import next_gathering
from tests.adapters.servers import SmtpServer
from tests.builders import make_case, make_notice
from tests.builders_notices import World, served_by
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, due_at, resolve, state
from tests.telling import Manner, Service
from tests.usecases.spoiling import SPOILT, served, spoil, task, three_hosts

GATHERED = NINE + timedelta(minutes=10)
FAR = NINE + hours(1_000)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def handed(store: Store) -> set[int]:
    with store.db.read() as connection:
        query = select(NoticeItem.episode_id).join(Notice, Notice.id == NoticeItem.notice_id)
        return set(connection.execute(query.where(Notice.state == "handed_over")).scalars())


def test_an_episode_whose_facts_cannot_be_read_stops_no_other_rung(world: World, service: Service) -> None:
    first, second, third = (world.ready() for _ in range(3))
    held = world.state(second).arrangement_id
    assert held is not None
    spoil(world.store, Arrangement, held, facts_sealed=SPOILT)

    assert service.escalate(NINE) == 3

    assert {a.episode_id for a in world.rows(Addressee)} == {first, third}
    assert world.due(due.ESCALATE, second) == NINE + back_off(1)


UNREAD = {
    "a health that is none": "health = 'rubbish'",
    "a refusal beyond the years": "refused_at = 9223372036854775807",
    "a revival beyond the years": "revived_at = 9223372036854775807",
}


@pytest.mark.parametrize("change", UNREAD.values(), ids=UNREAD)
def test_a_contact_that_cannot_be_read_stops_no_party_but_its_own(
    world: World, service: Service, store: Store, change: str
) -> None:
    world.ready(addresses=(served_by("rdap:ORG-2", abuse=["abuse@second.example"], name="Second"),))
    service.escalate(NINE)
    with store.db.write() as connection:
        connection.exec_driver_sql(f"UPDATE contact SET {change}")
    cases, asker = three_hosts(store, served("ORG-B"))
    third = world.ready()
    asker.names |= {f"site{number}.test": ("192.0.2.1",) for number in (1, 2)}

    assert resolve(store, asker, known=EVERYWHERE) == 5
    service.escalate(NINE)

    assert [state(store, case).stage for case in cases] == ["ready"] * 3
    assert third in {a.episode_id for a in world.rows(Addressee)}


def test_a_party_that_cannot_be_kept_stops_no_other_rung(world: World, service: Service) -> None:
    first = world.ready()
    second = world.ready(addresses=(served_by(f"rdap:{'L' * 120}", abuse=["abuse@long.example"]),))
    third = world.ready()

    service.escalate(NINE)

    assert {first, third} <= {a.episode_id for a in world.rows(Addressee)}
    if len(world.rows(Addressee)) == 2:  # SQLite holds a text of any length
        assert world.due(due.ESCALATE, second) == NINE + back_off(1)


def test_a_case_whose_url_cannot_be_unsealed_leaves_its_notice_to_the_others(
    world: World, service: Service
) -> None:
    first, second, third = (world.ready() for _ in range(3))
    service.escalate(NINE)
    spoil(world.store, Case, world.state(second).case_id, url_sealed=SPOILT)

    assert service.notify(GATHERED) == 2
    assert service.notify(GATHERED) == 0

    assert len(world.notices()) == 1  # one list, not parted in two
    assert [item.episode_id for item in world.rows(NoticeItem)] == [first, third]
    assert next_gathering(world.store, GATHERED) == GATHERED + back_off(1)


def test_who_cannot_be_told_is_tried_again_later_each_time_and_told_when_it_goes(
    world: World, service: Service
) -> None:
    episode = world.ready()
    service.escalate(NINE)
    case = world.state(episode).case_id
    with world.store.db.read() as connection:
        sealed = connection.execute(select(Case.url_sealed).where(Case.id == case)).scalar_one()
    spoil(world.store, Case, case, url_sealed=SPOILT)
    waits, now = [], GATHERED
    for _ in range(5):
        assert service.notify(now) == 0
        then = next_gathering(world.store, now)
        assert then is not None
        waits.append(then - now)
        now = then
    asked = task(world.store, episode)
    spoil(world.store, Case, case, url_sealed=sealed)

    assert service.notify(now) == 1

    assert waits == [timedelta(minutes=m) for m in (1, 5, 15, 30, 60)]
    assert asked == "making a notice about it fails again and again"
    with world.store.db.read() as connection:
        assert connection.execute(select(Due.kind).where(Due.kind == "aside")).all() == []


@pytest.mark.parametrize("kind", ["url", "party", "template"])
def test_a_notice_that_cannot_be_composed_stops_no_other(
    world: World, service: Service, kind: str, tmp_path: Path
) -> None:
    first = world.ready()
    second = world.ready(addresses=(served_by("rdap:ORG-2", abuse=["abuse@second.example"], name="Second"),))
    service.escalate(NINE)
    service.notify(GATHERED)
    bad = next(n for n in world.notices() if n.party == "rdap:ORG-2")
    if kind == "url":
        (item,) = (i for i in world.rows(NoticeItem) if i.episode_id == second)
        spoil(world.store, NoticeItem, item.id, location_sealed=SPOILT)
    elif kind == "party":
        spoil(world.store, Notice, bad.id, kind="rubbish")
    else:
        (tmp_path / "notices" / "nl").mkdir(parents=True)
        text = "{% if party == 'Second' %}{{ nobody_gave_this }}{% endif %}"
        (tmp_path / "notices" / "nl" / "first.txt").write_text(text)
        service.manner = Manner(templates=tmp_path)

    assert service.dispatch(GATHERED) == 2

    assert handed(world.store) == {first}
    assert world.due(due.SEND, bad.id) == GATHERED + back_off(1)


def test_a_relay_that_answers_a_nul_is_recorded_and_given_nothing_twice(
    world: World, service: Service
) -> None:
    world.ready()
    service.escalate(NINE)
    service.notify(GATHERED)
    with SmtpServer(replies={"dot": "250 taken\x00as 7"}) as server:
        service.relay = SmtpMailer(f"smtp://127.0.0.1:{server.port}")  # type: ignore[assignment]
        service.dispatch(GATHERED)
        with world.store.db.write() as connection:
            due.release_all(connection)
        service.dispatch(GATHERED + hours(1))

    assert len(server.messages) == 1
    (notice,) = world.notices()
    assert notice.state == "handed_over"


def test_a_composed_notice_that_cannot_be_unsealed_stops_no_other(world: World, service: Service) -> None:
    first = world.ready()
    world.ready(addresses=(served_by("rdap:ORG-2", abuse=["abuse@second.example"], name="Second"),))
    service.escalate(NINE)
    service.notify(GATHERED)
    bad = next(n for n in world.notices() if n.party == "rdap:ORG-2")
    spoilt = {"state": "composed", "composed_at": NINE, "content_sealed": SPOILT, "return_path": "a@b.test"}
    spoil(world.store, Notice, bad.id, **spoilt, sent_to="abuse@second.example")

    service.dispatch(GATHERED)

    assert handed(world.store) == {first}
    assert world.due(due.SEND, bad.id) == GATHERED + back_off(1)


def told(store: Store) -> tuple[list[Any], Any]:
    cases = [make_case(store, f"http://site{n}.example/p", NINE, stage="notified") for n in (1, 2, 3)]
    with store.db.write() as connection:
        due.want(connection, due.LOOK, [case.episode_id for case in cases], FAR)
    return cases, make_notice(store, cases, NINE)


def test_an_answer_that_cannot_be_acted_on_stops_no_other_answer(store: Store) -> None:
    cases, notice = told(store)
    with store.db.write() as connection:
        for item in notice.item_ids:
            connection.execute(
                AnswerRow.__table__.insert().values(
                    id=store.new_id(), item_id=item, at=NINE, way="portal", says="removed", settled=False
                )
            )
        which = AnswerRow.item_id == notice.item_ids[1]
        connection.execute(update(AnswerRow).where(which).values(says="rubbish"))

    assert answer.settle(store, NINE) == 2
    assert answer.settle(store, NINE) == 0

    with store.db.read() as connection:
        query = select(Event.episode_id).where(Event.kind == "answered_removed").order_by(Event.id)
        assert set(connection.execute(query).scalars()) == {cases[0].episode_id, cases[2].episode_id}
    for number in (0, 2):
        assert due_at(store, due.LOOK, cases[number].episode_id) == NINE


def test_an_answer_that_cannot_be_acted_on_comes_again_later_and_then_a_lead_hears_of_it(
    store: Store,
) -> None:
    cases, notice = told(store)
    with store.db.write() as connection:
        connection.execute(
            AnswerRow.__table__.insert().values(
                id=7, item_id=notice.item_ids[0], at=NINE, way="portal", says="rubbish", settled=False
            )
        )
    for hour in range(5):
        assert task(store, cases[0].episode_id) is None
        assert answer.settle(store, NINE + hours(2 * hour)) == 0

    reason = "taking in what a provider said of it fails again and again"
    assert task(store, cases[0].episode_id) == reason
    spoil(store, AnswerRow, 7, says="removed")
    assert answer.settle(store, NINE + hours(20)) == 1


def test_an_entry_that_cannot_be_read_leaves_the_others_sealed(store: Store) -> None:
    with store.db.write() as connection:
        for who in ("one", "two", "three"):
            audit.note(connection, store.ids, at=NINE, who=who, act="test")
        connection.exec_driver_sql("UPDATE audit_entry SET at = 9223372036854775807 WHERE who = 'two'")

    with store.db.write() as connection:
        assert audit.seal(connection, NINE) == 2
    with store.db.write() as connection:
        assert audit.seal(connection, NINE) == 0

    spoil(store, AuditEntry, _entry(store, "two"), at=NINE)
    with store.db.write() as connection:
        assert audit.seal(connection, NINE + hours(1)) == 1
        assert audit.verify(connection) == []


def _entry(store: Store, who: str) -> int:
    with store.db.read() as connection:
        return connection.execute(select(AuditEntry.id).where(AuditEntry.who == who)).scalar_one()
