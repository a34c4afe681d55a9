"""Mail that is broken, huge or built to do harm: it is kept aside, and the next one is read."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from nta.domain.errors import OutsideError
from nta.jobs.runner import Runner
from nta.jobs.schedule import JobStep
from nta.store.db.handle import Store
from nta.store.notices import kept_mails, notice_rows
from nta.store.tables import Contact, Mail
from tests import mails
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.fakes import SetClock
from tests.mails import bounce, letter
from tests.spoilt_mails import SPOILT, nested
from tests.telling import Post, Service

NOW = NINE + timedelta(minutes=10)
LATER = NOW + hours(1)
UNREADABLE = "a mail that could not be read"


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


@pytest.fixture
def post() -> Post:
    return Post()


def told(world: World, service: Service) -> list[int]:
    return mails.told(world, service, NOW)


def read(store: Store, post: Post) -> int:
    return mails.read(store, post, LATER)


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_mail_becomes_a_task_and_the_bounce_behind_it_counts(
    world: World, service: Service, store: Store, post: Post, name: str
) -> None:
    told(world, service)
    post.put(SPOILT[name])
    post.put(bounce(service))

    read(store, post)

    assert world.notices()[0].bounced_at == LATER
    assert [c.health for c in world.rows(Contact)] == ["dead"]
    assert post.waiting(10) == []
    assert [world.task(m.id) is not None for m in world.rows(Mail) if m.notice_id is None] == [True]


@pytest.mark.parametrize("name", ["status with NULs", "id with a NUL", "boundary in no charset"])
def test_a_spoilt_mail_with_our_token_is_read_beside_its_notice(
    world: World, service: Service, store: Store, post: Post, name: str
) -> None:
    told(world, service)
    head = f"To: {service.relay.given[-1].return_path}\n".encode()
    post.put(head + SPOILT[name])

    read(store, post)

    assert [m.notice_id for m in world.rows(Mail)] == [n.id for n in world.notices()]


@pytest.mark.parametrize("name", ["1,500 parts within parts", "20,000 parts", "boundary in no charset"])
def test_what_cannot_be_read_is_kept_aside_and_moves_nothing(
    world: World, service: Service, store: Store, post: Post, name: str
) -> None:
    (episode,) = told(world, service)
    (notice,) = world.notices()
    head = (
        f"To: {service.relay.given[-1].return_path}\nFrom: abuse@hosting.example\nSubject: Re: x\n".encode()
    )
    post.put(head + SPOILT[name])

    read(store, post)

    assert world.events(episode) == ["told"]
    assert world.mail_task() == f"{UNREADABLE}"
    (mail,) = world.rows(Mail)
    assert (mail.kind, mail.notice_id) == ("unreadable", notice.id)
    kept = store.sealer.open("mail.content", mail.id, mail.content_sealed)
    assert b"Subject: Re: x" in kept
    assert len(kept) < 70_000


def test_nothing_of_the_body_of_an_unreadable_mail_is_kept(store: Store, world: World, post: Post) -> None:
    post.put(b"Subject: broken\nContent-Type: multipart/mixed; boundary*=x''%ff\n\n--a\n\nQUJDREVG\n")

    read(store, post)

    (mail,) = world.rows(Mail)
    kept = store.sealer.open("mail.content", mail.id, mail.content_sealed)
    assert b"broken" in kept
    assert b"QUJDREVG" not in kept


def test_an_image_far_down_in_a_mail_is_not_kept(store: Store, world: World, post: Post) -> None:
    image = b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nQUJDREVG\n"
    post.put(nested(20).replace(b"Content-Type: text/plain\n\nbottom\n", image))
    post.put(nested(60).replace(b"Content-Type: text/plain\n\nbottom\n", image))

    read(store, post)

    for mail in world.rows(Mail):
        assert b"QUJDREVG" not in store.sealer.open("mail.content", mail.id, mail.content_sealed)


def test_a_mail_that_cannot_be_recorded_is_kept_aside_and_stops_nobody(
    world: World, service: Service, store: Store, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that nobody foresaw: stood in for, since every one that is known is mended."""
    (episode,) = told(world, service)
    real = notice_rows.tied

    def tied(connection: Connection, digest: bytes | None, ids: Sequence[str]) -> object:
        if "<trap@c.example>" in ids:
            raise ZeroDivisionError
        return real(connection, digest, ids)

    monkeypatch.setattr(notice_rows, "tied", tied)
    post.put(letter(service.relay.given[-1].return_path, extra="In-Reply-To: <trap@c.example>\n"))
    post.put(bounce(service))

    assert read(store, post) == 2

    assert world.events(episode) == ["told", "bounced"]
    (aside,) = [m for m in world.rows(Mail) if m.kind == "unreadable"]
    assert world.task(aside.id) == UNREADABLE
    assert read(store, post) == 0


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("INSERT", {}, Exception("database or disk is full")),
        OutsideError("the database does not answer", temporary=True),
    ],
    ids=["disk", "server"],
)
def test_a_mail_is_left_where_it_is_while_the_database_is_out_of_reach(
    store: Store, world: World, post: Post, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(*_given: object) -> bool:
        raise fault

    post.put(letter("notices@hotline.test"))
    with monkeypatch.context() as patched:
        patched.setattr(kept_mails, "keep", broken)
        with pytest.raises((OutsideError, OperationalError)):  # a server that is lost is one of the outside
            read(store, post)

    assert (len(post.waiting(10)), world.count(Mail)) == (1, 0)
    assert read(store, post) == 1


def test_an_unreadable_mail_that_comes_twice_is_one_task(store: Store, world: World, post: Post) -> None:
    post.put(SPOILT["20,000 parts"])
    post.put(SPOILT["20,000 parts"])

    assert read(store, post) == 2
    assert world.count(Mail) == 1


def test_90_000_ids_are_a_few_questions_to_the_database(
    world: World, service: Service, store: Store, post: Post
) -> None:
    (episode,) = told(world, service)
    ours = world.notices()[0].message_id
    others = "".join(f" <{number}@c>\n" for number in range(90_000))
    post.put(letter("notices@hotline.test", extra=f"References: <first@c>\n{others} {ours}\n"))
    asked: list[str] = []
    event.listen(
        store.db.engine, "before_cursor_execute", lambda _c, _x, statement, *_rest: asked.append(statement)
    )

    read(store, post)

    assert [m.notice_id for m in world.rows(Mail)] == [n.id for n in world.notices()]
    assert world.events(episode) == ["told", "accepted"]
    assert len(asked) < 60


@pytest.mark.parametrize("step", ["resolve", "dispatch"])
def test_the_steps_behind_the_inbox_go_on(store: Store, post: Post, step: str) -> None:
    for content in SPOILT.values():
        post.put(content)
    done: list[str] = []
    steps = (
        JobStep("inbox", 10.0, lambda now: mails.read(store, post, now)),
        JobStep(step, 2.0, lambda now: done.append(step) or 0),
    )
    runner = Runner(steps, SetClock(LATER), lambda now: {"inbox", step}, threading.Event())

    runner.turn()

    assert done
    assert runner.failures == 0
    assert post.waiting(100) == []
