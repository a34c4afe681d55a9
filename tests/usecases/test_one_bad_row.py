"""One subject whose data cannot be read or written: every step goes on with the others, and it waits."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.deadlines import back_off
from nta.domain.questions import Finding, Lookup, LookupKind
from nta.store import audit, due, findings
from nta.store.base import Store
from nta.store.tables import (
    Addressee,
    AnswerRow,
    Arrangement,
    AuditEntry,
    Case,
    Due,
    Event,
    FindingRow,
    Host,
    Notice,
    NoticeItem,
    SightingSpan,
)
from nta.store.types import to_us
from nta.usecases import answer, recheck
from nta.usecases.notify import next_gathering
from tests.builders import make_case, make_notice
from tests.builders_notices import World, served_by
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, FakeAsker, due_at, made, resolve, state
from tests.telling import Manner, Service
from tests.usecases import eyes

SPOILT = b"\x01spoilt"
"""Sealed bytes that no key opens."""
GATHERED = NINE + timedelta(minutes=10)
FAR = NINE + hours(1_000)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def spoil(store: Store, table: Any, number: int, **values: Any) -> None:
    """Write what no step can read."""
    with store.db.write() as connection:
        connection.execute(update(table).where(table.id == number).values(**values))


def task(store: Store, subject: int) -> str | None:
    with store.db.read() as connection:
        query = select(Due.reason).where(Due.kind == due.TASK, Due.subject == subject)
        return connection.execute(query).scalar()


def handed(store: Store) -> set[int]:
    with store.db.read() as connection:
        query = select(NoticeItem.episode_id).join(Notice, Notice.id == NoticeItem.notice_id)
        return set(connection.execute(query.where(Notice.state == "handed_over")).scalars())


def served(holder: str, **more: Any) -> dict[str, Any]:
    email = f"abuse@{holder[:9].lower()}.example"
    return {
        "holder": holder,
        "holder_name": holder,
        "abuse": [{"email": email, "source": "rdap", "confidence": 0.9}],
        **more,
    }


def three_hosts(store: Store, network: dict[str, Any]) -> tuple[list[Any], FakeAsker]:
    """Return cases on three hosts, the second in a network of which a registry says this."""
    ips = {"a.test": "192.0.2.1", "b.test": "198.51.100.1", "c.test": "203.0.113.1"}
    networks = {
        "192.0.2.0/24": served("ORG-A"),
        "198.51.100.0/24": network,
        "203.0.113.0/24": served("ORG-C"),
    }
    cases = [made(store, f"http://{name}/x") for name in ips]
    return cases, FakeAsker({name: (ip,) for name, ip in ips.items()}, networks)


TOO_MUCH = {
    "an AS number of 2**63": served("ORG-B", asn=2**63),
    "a holder of 300 characters": served("B" * 300),
    "a country that is no text": served("ORG-B", country=7),
    "a range that is none": served("ORG-B", cidr=["rubbish"]),
    "a contact without an address": served("ORG-B", abuse=[{"source": "rdap"}]),
    "half a character": served("ORG-\ud800"),
    "a NUL": served("ORG-\x00"),
}


@pytest.mark.parametrize("network", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_host_whose_facts_cannot_be_written_stops_no_other_host(
    store: Store, network: dict[str, Any]
) -> None:
    cases, asker = three_hosts(store, network)

    assert resolve(store, asker, known=EVERYWHERE) == 3

    a, b, c = (state(store, case).stage for case in cases)
    assert (a, c) == ("ready", "ready")
    if b != "ready":  # SQLite holds a text of any length
        assert due_at(store, due.RESOLVE, cases[1].host_id) == NINE + back_off(1)


def test_a_host_that_cannot_be_resolved_waits_longer_each_time_and_then_a_lead_hears_of_it(
    store: Store,
) -> None:
    cases, asker = three_hosts(store, served("ORG-B", cidr=["rubbish"]))
    waits, now = [], NINE
    for _ in range(5):
        assert task(store, cases[1].episode_id) is None
        resolve(store, asker, now, EVERYWHERE)
        then = due_at(store, due.RESOLVE, cases[1].host_id)
        assert then is not None
        waits.append(then - now)
        now = then

    assert waits == [timedelta(minutes=m) for m in (1, 5, 15, 30, 60)]
    assert task(store, cases[1].episode_id) == "finding out who serves it fails again and again"
    assert task(store, cases[0].episode_id) is None


def test_a_host_whose_name_cannot_be_unsealed_stops_no_other_host(store: Store) -> None:
    cases, asker = three_hosts(store, served("ORG-B"))
    spoil(store, Host, cases[1].host_id, name_sealed=SPOILT)

    assert resolve(store, asker, known=EVERYWHERE) == 3

    assert [state(store, case).stage for case in cases] == ["ready", "submitted", "ready"]
    assert due_at(store, due.RESOLVE, cases[1].host_id) == NINE + back_off(1)


def test_a_finding_that_cannot_be_read_is_asked_for_again(store: Store) -> None:
    cases, asker = three_hosts(store, served("ORG-B"))
    lookup = Lookup(LookupKind.NETWORK, "198.51.100.1")
    kept = Finding(lookup, served("ORG-B"), "rdap", NINE, FAR, None, ("198.51.100.0/24",))
    with store.db.write() as connection:
        findings.save(connection, store, [kept])
        connection.execute(update(FindingRow).values(value_sealed=SPOILT))

    resolve(store, asker, known=EVERYWHERE)

    assert [state(store, case).stage for case in cases] == ["ready"] * 3
    assert "198.51.100.1" in asker.asked


def test_what_was_answered_is_kept_where_one_host_cannot_be_asked_about(store: Store) -> None:
    cases, asker = three_hosts(store, served("ORG-B", abuse=[{"source": "rdap"}]))

    resolve(store, asker, known=EVERYWHERE)

    assert [state(store, case).stage for case in cases] == ["ready", "submitted", "ready"]
    assert len(asker.asked) == len(set(asker.asked))  # nobody was asked twice


def watched(store: Store) -> list[Any]:
    cases = [make_case(store, f"http://site{n}.example/p", NINE, ip=f"192.0.2.{n}") for n in (1, 2, 3)]
    with store.db.write() as connection:
        due.want(connection, due.LOOK, [case.episode_id for case in cases], NINE)
    return cases


def look(store: Store, now: datetime) -> int:
    there = eyes.World()
    for number in (1, 2, 3):
        there.name(f"192.0.2.{number}", host=f"site{number}.example")
    return recheck.recheck_due(store, eyes=there.eyes("nl"), holder="one", now=now)


def test_a_case_whose_url_cannot_be_unsealed_stops_no_other_look(store: Store) -> None:
    cases = watched(store)
    spoil(store, Case, cases[1].case_id, url_sealed=SPOILT)

    assert look(store, NINE) == 3

    assert [state(store, case).presence for case in cases] == ["up", "unseen", "up"]
    assert due_at(store, due.LOOK, cases[1].episode_id) == NINE + back_off(1)


def test_a_host_whose_name_cannot_be_unsealed_stops_no_other_look(store: Store) -> None:
    cases = watched(store)
    spoil(store, Host, cases[1].host_id, name_sealed=SPOILT)

    look(store, NINE)

    assert [state(store, case).presence for case in cases] == ["up", "unseen", "up"]
    assert due_at(store, due.LOOK, cases[1].episode_id) == NINE + back_off(1)


RUBBISH = {
    "a verdict that is none": {"verdict": "rubbish"},
    "a first look that cannot be read": {"first_trace": "rubbish"},
    "a count beyond 64 bits": {"count": 2**63 - 1},
    "a moment beyond the years": {"last_at": to_us(FAR)},
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_earlier_looks_that_cannot_be_read_stop_no_other_look(store: Store, rubbish: dict[str, Any]) -> None:
    cases = watched(store)
    look(store, NINE)
    with store.db.write() as connection:
        if "last_at" in rubbish:
            sql = "UPDATE sighting_span SET first_at = 9223372036854775807 WHERE episode_id = "
            connection.exec_driver_sql(f"{sql}{cases[1].episode_id}")
        else:
            which = SightingSpan.episode_id == cases[1].episode_id
            connection.execute(update(SightingSpan).where(which).values(**rubbish))
        due.want(connection, due.LOOK, [case.episode_id for case in cases], NINE + hours(1))

    look(store, NINE + hours(1))

    assert [state(store, cases[n]).looked_at for n in (0, 2)] == [NINE + hours(1)] * 2
    again = due_at(store, due.LOOK, cases[1].episode_id)
    assert again is not None
    assert NINE + hours(1) < again <= NINE + hours(2)


def test_a_canary_that_cannot_be_read_stops_no_look(store: Store) -> None:
    cases = watched(store)
    spoil(store, Host, cases[1].host_id, canary_answer='{"nl": "rubbish"}')

    look(store, NINE)

    assert [state(store, case).presence for case in cases] == ["up"] * 3


def test_a_network_that_is_none_stops_no_other_look(store: Store) -> None:
    cases = watched(store)
    with store.db.write() as connection:
        connection.exec_driver_sql(
            "UPDATE arrangement_party SET network = 'rubbish', address = '192.0.2.99' "
            "WHERE address = '192.0.2.2'"
        )

    look(store, NINE)

    assert [state(store, cases[n]).presence for n in (0, 2)] == ["up"] * 2


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
