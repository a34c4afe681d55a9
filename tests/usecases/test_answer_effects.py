"""What each answer does: who is told next, what is looked at, what a person reads, how long we wait."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.figures.removal_times import RemovalClock
from nta.domain.hosting.facts import LookupProblem
from nta.domain.notices.answers import ItemAnswer
from nta.domain.reasons import Code, other
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.hosting import override_rows
from nta.store.tables import (
    Addressee,
    Arrangement,
    AuditEntry,
    Due,
    Episode,
    Event,
    Notice,
    NoticeItem,
    TaskRow,
)
from nta.store.work import due
from nta.usecases import answer
from nta.usecases.report import removal_times
from tests import person_tasks
from tests.builders import MadeCase
from tests.builders_notices import LADDER, RUNGS
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, FakeAsker, made, resolve
from tests.telling import Service

NOW = NINE + hours(0.25)
LATER = NOW + hours(3)
SILENT = LATER + hours(24)
"""When the silence of the first rung is over: an answer at LATER proves that the notice arrived then."""


def network(holder: str) -> Mapping[str, Any]:
    email = f"abuse@{holder.lower()}.example"
    return {
        "holder": holder,
        "holder_name": holder,
        "country": "NL",
        "abuse": [{"email": email, "source": "rdap", "confidence": 0.9}],
    }


@pytest.fixture
def asker() -> FakeAsker:
    return FakeAsker({"a.test": ("192.0.2.1",)}, {"192.0.2.0/24": network("ORG-1")})


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store, known=EVERYWHERE)


@pytest.fixture
def case(store: Store, asker: FakeAsker, service: Service) -> MadeCase:
    """A case whose host was told at NOW."""
    case = made(store, "http://a.test/1")
    resolve(store, asker, NINE, EVERYWHERE)
    service.escalate(NINE)
    fresh(store, NOW)
    service.tell(NOW)
    assert [m.address.to for m in service.relay.given] == ["abuse@org-1.example"]
    return case


def fresh(store: Store, at: datetime) -> None:
    """Let every open episode have been seen up just now, its facts as young."""
    with store.db.write() as c:
        seen = {"presence": "up", "looked_at": at, "last_up_at": at, "last_verdict": "up"}
        c.execute(update(Episode).where(Episode.ended_at.is_(None)).values(**seen))
        c.execute(update(Arrangement).values(facts_at=at))


def say(store: Store, service: Service, says: str, at: datetime, **more: Any) -> None:
    """Answer the item of the notice sent last, as its reader would, and let the jobs act on it."""
    with store.db.read() as c:
        item = c.execute(select(NoticeItem.id).order_by(NoticeItem.notice_id.desc())).scalar()
    found = re.search(rb"/n/([\w-]+)", service.relay.given[-1].content.replace(b"=\n", b""))
    assert found
    taken = answer.answer(store, found[1].decode(), [ItemAnswer(item or 0, says, **more)], at)
    assert not taken.slips
    answer.settle(store, at)


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.db.read() as c:
        return [tuple(row) for row in c.execute(select(*columns).order_by(columns[0]))]


def due_at(store: Store, kind: str, subject: int) -> datetime | None:
    with store.db.read() as c:
        return c.execute(select(Due.due_at).where(Due.kind == kind, Due.subject == subject)).scalar()


def tasks(store: Store, subject: int) -> list[tuple[str, str, datetime]]:
    with store.db.read() as c:
        query = select(TaskRow.owner, TaskRow.code, TaskRow.due_at).where(TaskRow.subject == subject)
        return [(owner, code, at) for owner, code, at in c.execute(query.order_by(TaskRow.code))]


def stage(store: Store, case: MadeCase) -> str:
    with store.db.read() as c:
        return str(c.execute(select(Episode.stage).where(Episode.id == case.episode_id)).scalar_one())


def told_next(store: Store) -> list[tuple[str, str]]:
    with store.db.read() as c:
        query = select(Addressee.party, Addressee.rung).where(Addressee.waiting_since.is_not(None))
        return [tuple(row) for row in c.execute(query)]  # type: ignore[misc]


def test_not_ours_tells_whom_newer_facts_name(
    store: Store, asker: FakeAsker, service: Service, case: MadeCase
) -> None:
    asker.networks["192.0.2.0/24"] = network("ORG-2")

    say(store, service, "not_ours", LATER, whose="Org 2")
    resolve(store, asker, LATER, EVERYWHERE)
    service.escalate(LATER)

    assert rows(store, Addressee.party, Addressee.released_at, Addressee.released_why, Addressee.answer) == [
        ("rdap:ORG-1", LATER, "not_ours", "not_ours"),
        ("rdap:ORG-2", None, None, None),
    ]
    assert told_next(store) == [("rdap:ORG-2", "first")]
    kinds = [kind for _, kind in rows(store, Event.id, Event.kind)]
    assert kinds[-2:] == ["answered", "party_joined"]
    assert due_at(store, due.LOOK, case.episode_id) == NINE


def test_not_ours_with_nobody_else_lets_the_next_rung_come_without_waiting(
    store: Store, asker: FakeAsker, service: Service, case: MadeCase
) -> None:
    service.known = replace(
        EVERYWHERE,
        ladders=(replace(EVERYWHERE.ladders[0], rungs=(*RUNGS[:2], replace(RUNGS[2], only_if=None))),),
    )

    say(store, service, "not_ours", LATER)
    fresh(store, LATER)
    resolve(store, asker, LATER, service.known)
    service.escalate(LATER)

    assert asker.asked.count("192.0.2.1") == 2  # asked anew, though the first answer was still good
    assert told_next(store) == [("registry:test", "registry")]
    passed = [sentence(why) for kind, why in rows(store, Event.kind, Event.why) if kind == "rung_passed_over"]
    assert passed == ["reminder: Nobody in the role of host can be reached."]


def test_not_ours_waits_a_little_for_a_look_up_that_fails(
    store: Store, asker: FakeAsker, service: Service, case: MadeCase
) -> None:
    asker.networks["192.0.2.0/24"] = LookupProblem("rdap_ip", other("no answer in time"), True)

    say(store, service, "not_ours", LATER)
    for minute in range(16):
        at = LATER + timedelta(minutes=minute)
        resolve(store, asker, at, EVERYWHERE)
        service.escalate(at)
        assert (stage(store, case) == "exhausted") == (minute == 15)

    assert tasks(store, case.episode_id)


def test_a_notice_on_its_way_to_who_was_released_is_not_made(
    store: Store, asker: FakeAsker, service: Service, case: MadeCase
) -> None:
    reminded = NOW + hours(24)
    fresh(store, reminded)
    service.escalate(reminded)
    service.notify(reminded + hours(0.25))
    assert [state for _, state in rows(store, Notice.id, Notice.state)] == ["handed_over", "queued"]

    with store.db.read() as c:
        first = c.execute(select(NoticeItem.id).order_by(NoticeItem.notice_id)).scalar()
    found = re.search(rb"/n/([\w-]+)", service.relay.given[-1].content.replace(b"=\n", b""))
    assert found
    answer.answer(store, found[1].decode(), [ItemAnswer(first or 0, "not_ours")], reminded + hours(0.3))
    answer.settle(store, reminded + hours(0.3))

    assert [state for _, state in rows(store, Notice.id, Notice.state)] == ["handed_over", "empty"]
    assert service.dispatch(reminded + hours(0.3)) == 0
    assert len(service.relay.given) == 1


def test_who_takes_not_ours_back_is_asked_again(
    store: Store, asker: FakeAsker, service: Service, case: MadeCase
) -> None:
    say(store, service, "not_ours", LATER)
    say(store, service, "removed", LATER + hours(0.1))

    resolve(store, asker, LATER + hours(0.1), EVERYWHERE)
    service.escalate(LATER + hours(0.1))

    assert rows(store, Addressee.released_at, Addressee.released_why, Addressee.answer) == [
        (None, None, "removed")
    ]
    assert due_at(store, due.ESCALATE, case.episode_id) == SILENT


def test_a_removal_after_a_release_is_not_the_released_partys(
    store: Store, asker: FakeAsker, service: Service, case: MadeCase
) -> None:
    say(store, service, "not_ours", LATER)
    resolve(store, asker, LATER, EVERYWHERE)
    gone, proven = LATER + hours(5), LATER + hours(7)
    with store.db.write() as c:
        c.execute(
            update(Episode).values(
                presence="removed", last_up_at=gone - hours(1), first_gone_at=gone, proven_gone_at=proven
            )
        )
        person_tasks.give(c, case.episode_id, proven, owner="lead", code=Code.ESCALATING_FAILS)

    group = removal_times(store, clock=RemovalClock.C, by="provider", as_of=proven + hours(1)).groups[0]

    assert (group.party, group.n, group.gone, group.set_apart, group.open) == ("rdap:ORG-1", 1, 0, 1, 0)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("refused", Code.WILL_NOT_REMOVE),
        ("need_information", Code.WANTS_INFORMATION),
    ],
)
def test_a_refusal_or_a_question_is_a_persons_while_the_clock_runs_on(
    store: Store, service: Service, case: MadeCase, says: str, reason: Code
) -> None:
    say(store, service, says, LATER, why="we see nothing there")

    assert tasks(store, case.episode_id) == [("analyst", reason, LATER + hours(24))]
    assert rows(store, Addressee.released_at) == [(None,)]
    fresh(store, SILENT)
    service.escalate(SILENT)
    assert told_next(store) == [("rdap:ORG-1", "reminder")]


def test_a_question_is_a_task_beside_others_and_but_one(
    store: Store, service: Service, case: MadeCase
) -> None:
    with store.db.write() as c:
        person_tasks.give(c, case.episode_id, NOW + hours(9), owner="lead", code=Code.NOBODY_LEFT)

    say(store, service, "need_information", LATER, why="which page?")
    say(store, service, "need_information", LATER + hours(1), why="which page, please?")

    assert tasks(store, case.episode_id) == [
        ("lead", Code.NOBODY_LEFT, NOW + hours(9)),
        ("analyst", Code.WANTS_INFORMATION, LATER + hours(24)),
    ]


@pytest.mark.parametrize(
    ("until", "end"),
    [
        pytest.param(SILENT + hours(6), SILENT + hours(6), id="as-asked"),
        pytest.param(SILENT + hours(72), SILENT + hours(24), id="at-most-a-day-longer"),
        pytest.param(NOW + hours(5), SILENT, id="never-shorter"),
    ],
)
def test_passed_on_stretches_the_silence(
    store: Store, service: Service, case: MadeCase, until: datetime, end: datetime
) -> None:
    say(store, service, "forwarded", LATER, until=until, whose="a customer")

    fresh(store, SILENT)
    service.escalate(SILENT)
    if end > SILENT:
        assert due_at(store, due.ESCALATE, case.episode_id) == end
        fresh(store, end)
        service.escalate(end)

    assert told_next(store) == [("rdap:ORG-1", "reminder")]


def test_who_refuses_after_passing_it_on_is_waited_for_no_longer(
    store: Store, service: Service, case: MadeCase
) -> None:
    say(store, service, "forwarded", LATER, until=SILENT + hours(16))
    say(store, service, "refused", LATER + hours(1), why="the customer disagrees")

    fresh(store, SILENT)
    service.escalate(SILENT)

    assert told_next(store) == [("rdap:ORG-1", "reminder")]


@pytest.mark.parametrize("says", ["removed", "disabled", "account_closed"])
def test_what_is_said_to_be_gone_is_looked_at_now_and_ends_nothing(
    store: Store, service: Service, case: MadeCase, says: str
) -> None:
    with store.db.write() as c:
        due.drop(c, [(due.LOOK, case.episode_id)])
        due.want(c, due.LOOK, [case.episode_id], LATER + hours(9))

    say(store, service, says, LATER)

    assert due_at(store, due.LOOK, case.episode_id) == LATER
    assert stage(store, case) == "notified"
    assert rows(store, Event.id, Event.kind)[-1][1] == "answered_removed"


@pytest.mark.parametrize("says", ["forwarded", "not_ours"])
def test_a_proxy_that_names_the_machine_behind_it_makes_its_host_be_found(
    store: Store, service: Service, case: MadeCase, says: str
) -> None:
    with store.db.write() as c:
        c.execute(update(Addressee).values(role="proxy"))

    say(store, service, says, LATER, whose="198.51.100.7", until=LATER + hours(9))

    with store.db.read() as c:
        known = override_rows.of_hosts(c, store, [case.host_id], LATER)
    assert known[case.host_id].origin == "198.51.100.7"
    assert due_at(store, due.RESOLVE, case.host_id) == LATER
    assert rows(store, AuditEntry.act, AuditEntry.who, AuditEntry.subject) == [
        ("name_origin", "rdap:ORG-1", case.reference)
    ]


def test_what_a_host_names_is_no_origin(store: Store, service: Service, case: MadeCase) -> None:
    say(store, service, "not_ours", LATER, whose="198.51.100.7")

    with store.db.read() as c:
        assert override_rows.of_hosts(c, store, [case.host_id], LATER) == {}


def test_an_answer_about_an_ended_episode_leads_to_nothing(
    store: Store, service: Service, case: MadeCase
) -> None:
    with store.db.write() as c:
        c.execute(update(Episode).values(stage="ended", outcome="withdrawn", ended_at=LATER))
        due.drop(c, [(kind, case.episode_id) for kind in (due.LOOK, due.ESCALATE)])
        due.drop(c, [(due.RESOLVE, case.host_id)])

    say(store, service, "not_ours", LATER + hours(1))
    say(store, service, "refused", LATER + hours(2), why="no")

    assert rows(store, Due.kind) == []
    assert rows(store, Addressee.released_at, Addressee.answer) == [(None, "refused")]


assert LADDER.rungs[1].wait == timedelta(hours=24)  # the moments above hang on it
