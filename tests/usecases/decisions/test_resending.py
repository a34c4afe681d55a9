"""What never left can be sent again: by a lead, as a new notice, on fresh facts."""

import pytest
from sqlalchemy import update

from nta.domain.errors import RefusedError
from nta.domain.reasons import Code
from nta.settings import Sending
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.tables import AuditEntry, Notice, NoticeItem
from nta.store.work import due
from nta.usecases.decisions.resending import send_again
from tests import person_tasks
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.people import by
from tests.telling import Manner, Service

NOW = NINE + hours(0.25)
LATER = NOW + hours(3)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def kept_back(world: World, service: Service) -> int:
    """Return an episode whose first notice was composed while sending was off."""
    service.manner = Manner(sending=Sending("off"))
    episode = world.ready()
    service.escalate(NINE)
    world.fresh(NOW)
    service.tell(NOW)
    assert [n.state for n in world.notices()] == ["not_sent"]
    service.manner = Manner()
    return episode


def test_a_notice_kept_back_is_sent_anew(world: World, service: Service, store: Store) -> None:
    episode = kept_back(world, service)
    (before,) = world.notices()
    service.tell(LATER)
    assert service.relay.given == []  # not by itself, though sending is on by now
    assert world.task(episode) == "sending is off"

    assert send_again(store, before.reference, by("lead"), LATER) == 1
    world.fresh(LATER)
    service.tell(LATER)
    world.fresh(LATER + hours(0.2))
    service.tell(LATER + hours(0.2))

    first, second = world.notices()
    assert (first.state, second.state, second.rung) == ("not_sent", "handed_over", "first")
    assert first.reference != second.reference
    assert world.task(episode) is None
    assert world.state(episode).stage == "notified"
    assert [i.left_why for i in world.rows(NoticeItem)] == ["again", None]
    assert [(a.act, a.who, a.subject) for a in world.rows(AuditEntry)] == [
        ("send_again", "lead", first.reference)
    ]


def test_a_declined_notice_is_sent_anew(world: World, service: Service, store: Store) -> None:
    episode = kept_back(world, service)
    (before,) = world.notices()
    with store.db.write() as connection:
        connection.execute(update(Notice).values(state="declined"))

    send_again(store, before.reference, by("lead"), LATER)

    assert world.due(due.ESCALATE, episode) == LATER


def test_a_task_about_something_else_stays(world: World, service: Service, store: Store) -> None:
    episode = kept_back(world, service)
    (before,) = world.notices()
    with store.db.write() as connection:
        person_tasks.drop(connection, episode)
        person_tasks.give(connection, episode, LATER, owner="analyst", code=Code.READ_REPLY)

    send_again(store, before.reference, by("lead"), LATER)

    assert world.task(episode) == "a reply to read"


def test_what_left_or_tells_of_nothing_open_is_refused(world: World, service: Service, store: Store) -> None:
    episode = kept_back(world, service)
    (before,) = world.notices()
    with store.db.write() as connection:
        connection.execute(update(Notice).values(state="handed_over"))
    with pytest.raises(RefusedError, match="notice_may_leave"):
        send_again(store, before.reference, by("lead"), LATER)

    with store.db.write() as connection:
        connection.execute(update(Notice).values(state="not_sent"))
        outcome, actor = episodes.Outcome.WITHDRAWN, episodes.Actor.ANALYST
        endings.end(connection, store.ids, episode, outcome, actor, at=LATER, who="analyst")
    with pytest.raises(RefusedError, match="nothing_open_to_send"):
        send_again(store, before.reference, by("lead"), LATER)
    assert world.count(AuditEntry) == 0
