"""A person finishes tasks and reads mail; what the machine has to go on with goes on."""

import pytest
from sqlalchemy import update

from nta.domain.errors import RefusedError
from nta.domain.policy import DeskRoleName
from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, Episode
from nta.store.work import due
from nta.usecases.decisions import task_completion
from tests import person_tasks
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.mails import keep
from tests.people import by

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
        person_tasks.give(connection, episode, LATER, owner=owner, code=Code.READ_REPLY)
        if stage:
            connection.execute(update(Episode).values(stage=stage))
    return episode


def mail(store: Store) -> int:
    with store.db.write() as connection:
        number = keep(connection, store, received=LETTER, kept=LETTER, kind="reply", notice_id=None, at=NINE)
        assert number is not None
        person_tasks.give(connection, number, LATER, owner="analyst", code=Code.READ_MAIL)
    return number


def acts(world: World) -> list[tuple[str, str, str | None]]:
    return [(a.act, a.who, a.detail) for a in world.rows(AuditEntry)]


def test_what_waits_behind_a_finished_task_goes_on(store: Store, world: World) -> None:
    episode = asked(world)

    task_completion.finish(store, episode, "read_reply", " answered by mail ", by("analyst"), LATER)

    assert world.task(episode) is None
    assert world.due(due.ESCALATE, episode) == world.due(due.LOOK, episode) == LATER
    assert acts(world) == [("task_done", "analyst", "read_reply: answered by mail")]


def test_a_task_about_a_mail_is_finished_alone(store: Store, world: World) -> None:
    number = mail(store)

    task_completion.finish(store, number, "read_mail", None, by("analyst"), LATER)

    assert world.task(number) is None
    assert acts(world) == [("task_done", "analyst", "read_mail")]


@pytest.mark.parametrize(
    ("stage", "code"),
    [("unresolved", Code.NOBODY_FOUND), ("exhausted", Code.NOBODY_LEFT), ("held", Code.HELD)],
)
def test_done_is_no_decision_about_a_case(store: Store, world: World, stage: str, code: Code) -> None:
    episode = asked(world, stage=stage)
    with store.db.write() as connection:
        person_tasks.give(connection, episode, LATER, owner="lead", code=code)

    with pytest.raises(RefusedError, match="case_wants_decision"):
        task_completion.finish(store, episode, code, "done", by("lead"), LATER)
    task_completion.finish(store, episode, "read_reply", "answered", by("lead"), LATER)

    assert person_tasks.asked(store, episode) == [code]


@pytest.mark.parametrize("code", ["", "read_mail", "no such code"])
def test_what_is_not_asked_cannot_be_done(store: Store, world: World, code: str) -> None:
    episode = asked(world)

    with pytest.raises(RefusedError, match="task_done_before"):
        task_completion.finish(store, episode, code, None, by("lead"), LATER)


def test_a_leads_task_is_a_leads(store: Store, world: World) -> None:
    episode = asked(world, owner="lead")

    with pytest.raises(RefusedError, match="task_of_lead"):
        task_completion.finish(store, episode, "read_reply", None, by("analyst", DeskRoleName.ANALYST), LATER)
    task_completion.finish(store, episode, "read_reply", None, by("lead"), LATER)
    with pytest.raises(RefusedError, match="task_done_before"):
        task_completion.finish(store, episode, "read_reply", None, by("lead"), LATER)


def test_whoever_reads_a_mail_is_noted(store: Store, world: World) -> None:
    number = mail(store)

    text = task_completion.read_mail(store, number, by("analyst"), LATER)

    assert (text.sender, text.subject) == ("Frühdienst <desk@hosting.example>", "Re: notice")
    assert text.body == "We see nöthing there."
    assert [a.act for a in world.rows(AuditEntry)] == ["read_mail"]
    with pytest.raises(RefusedError, match="no_mail"):
        task_completion.read_mail(store, 77, by("analyst"), LATER)
