"""A person finishes tasks and reads mail; what the machine has to go on with goes on."""

import pytest
from sqlalchemy import update

from nta.domain.errors import RefusedError
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, Episode
from nta.store.work import due
from nta.usecases.decisions import task_completion
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.mails import keep

LATER = NINE + hours(2)
LETTER = (
    b"From: =?utf-8?q?Fr=C3=BChdienst?= <desk@hosting.example>\n"
    b"Subject: Re: notice\nContent-Transfer-Encoding: quoted-printable\n\nWe see n=C3=B6thing there.\n"
)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def asked(world: World, *, owner: str = "analyst", stage: str | None = None) -> int:
    """Return an episode of which a person is asked something, with nothing else due."""
    episode = world.ready()
    with world.store.db.write() as connection:
        due.drop(connection, [(kind, episode) for kind in (due.ESCALATE, due.LOOK)])
        due.task(connection, episode, LATER, owner=owner, reason="a reply to read")
        if stage:
            connection.execute(update(Episode).values(stage=stage))
    return episode


def mail(store: Store) -> int:
    with store.db.write() as connection:
        number = keep(connection, store, received=LETTER, kept=LETTER, kind="reply", notice_id=None, at=NINE)
        assert number is not None
        due.task(connection, number, LATER, owner="analyst", reason="a mail to read")
    return number


def acts(world: World) -> list[tuple[str, str, str | None]]:
    return [(a.act, a.who, a.detail) for a in world.rows(AuditEntry)]


def test_what_waits_behind_a_finished_task_goes_on(store: Store, world: World) -> None:
    episode = asked(world)

    task_completion.finish(store, episode, " answered by mail ", "analyst", LATER, is_lead=False)

    assert world.task(episode) is None
    assert world.due(due.ESCALATE, episode) == world.due(due.LOOK, episode) == LATER
    assert acts(world) == [("task_done", "analyst", "a reply to read: answered by mail")]


def test_a_task_about_a_mail_is_finished_alone(store: Store, world: World) -> None:
    number = mail(store)

    task_completion.finish(store, number, None, "analyst", LATER, is_lead=False)

    assert world.task(number) is None
    assert acts(world) == [("task_done", "analyst", "a mail to read")]


@pytest.mark.parametrize("stage", ["unresolved", "exhausted", "held"])
def test_done_is_no_decision_about_a_case(store: Store, world: World, stage: str) -> None:
    episode = asked(world, stage=stage)

    with pytest.raises(RefusedError, match="waits for a decision"):
        task_completion.finish(store, episode, "done", "lead", LATER, is_lead=True)

    assert world.task(episode) == "a reply to read"


def test_a_leads_task_is_a_leads(store: Store, world: World) -> None:
    episode = asked(world, owner="lead")

    with pytest.raises(RefusedError, match="a lead's"):
        task_completion.finish(store, episode, None, "analyst", LATER, is_lead=False)
    task_completion.finish(store, episode, None, "lead", LATER, is_lead=True)
    with pytest.raises(RefusedError, match="done before"):
        task_completion.finish(store, episode, None, "lead", LATER, is_lead=True)


def test_whoever_reads_a_mail_is_noted(store: Store, world: World) -> None:
    number = mail(store)

    text = task_completion.read_mail(store, number, "analyst", LATER)

    assert (text.sender, text.subject) == ("Frühdienst <desk@hosting.example>", "Re: notice")
    assert text.body == "We see nöthing there."
    assert [a.act for a in world.rows(AuditEntry)] == ["read_mail"]
    with pytest.raises(RefusedError, match="no such mail"):
        task_completion.read_mail(store, 77, "analyst", LATER)
