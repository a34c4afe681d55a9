"""Reading the inbox: what came back moves clocks once, and a person reads the rest."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from nta.store.db.handle import Store
from nta.store.tables import Addressee, Contact, Mail, TaskRow
from nta.store.work import due
from nta.usecases.inbox import read_inbox
from tests import mails
from tests.builders_notices import World, served_by
from tests.conftest import NINE, hours
from tests.mails import bounce, letter, report
from tests.telling import KilledError, Killer, Post, Service

NOW = NINE + timedelta(minutes=10)
LATER = NOW + hours(1)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


@pytest.fixture
def post() -> Post:
    return Post()


def told(world: World, service: Service, count: int = 1) -> list[int]:
    """Return episodes of one notice that was handed over at NOW."""
    return mails.told(world, service, NOW, count)


def read(store: Store, post: Post, now: datetime = LATER) -> int:
    return mails.read(store, post, now)


def test_a_bounce_kills_the_contact_and_brings_the_ladder_on(
    world: World, service: Service, store: Store, post: Post
) -> None:
    made = told(world, service, 2)
    post.put(bounce(service))

    assert read(store, post) == 1

    (notice,) = world.notices()
    (contact,) = world.rows(Contact)
    assert (notice.state, notice.bounced_at, notice.accepted_at) == ("handed_over", LATER, None)
    assert (contact.health, contact.health_at) == ("dead", LATER)
    assert contact.health_why.count("5.1.1") == 1, "a line that has the status already is not given it again"
    assert "@" not in contact.health_why
    assert [a.bounced_at for a in world.rows(Addressee)] == [LATER, LATER]
    assert [world.events(e) for e in made] == [["told", "bounced"]] * 2
    assert world.notice_events() == ["queued", "handed_over", "bounced"]
    assert [world.due(due.ESCALATE, e) for e in made] == [NOW, NOW]
    assert post.settled == ["mail-0"]
    assert [(m.kind, m.notice_id) for m in world.rows(Mail)] == [("bounce", notice.id)]

    world.searched()
    service.tell(LATER)
    assert {world.state(e).stage for e in made} == {"exhausted"}  # no other contact, not a dedicated domain


def test_a_passing_failure_says_nothing_of_a_contact_until_it_is_not_the_first(
    world: World, service: Service, store: Store, post: Post
) -> None:
    for day in (0, 1):
        at = NOW + hours(24 * day)
        world.ready(at=at)
        world.fresh(at)
        service.escalate(at)
        service.notify(at + hours(0.2))
        service.dispatch(at + hours(0.2))
        post.put(report(service, "failed", "4.2.2", f"452 4.2.2 mailbox full on day {day}"))
        read(store, post, at + hours(1))

        assert [c.health for c in world.rows(Contact)] == [["fine"], ["doubtful"]][day]
    assert sum(n.bounced_at is not None for n in world.notices()) == 2


def test_a_delivery_report_is_acceptance(world: World, service: Service, store: Store, post: Post) -> None:
    (episode,) = told(world, service)
    post.put(report(service, "delivered", "2.0.0", "250 ok"))

    read(store, post)

    (addressee,) = world.rows(Addressee)
    assert (addressee.accepted_at, addressee.presumed) == (LATER, False)
    assert world.notices()[0].accepted_at == LATER
    assert world.events(episode) == ["told", "accepted"]


def test_the_earliest_acceptance_counts(world: World, service: Service, store: Store, post: Post) -> None:
    (episode,) = told(world, service)
    post.put(report(service, "delivered", "2.0.0", "250 ok"))
    read(store, post)
    post.put(report(service, "relayed", "2.0.0", "250 ok"))
    read(store, post, LATER + hours(1))

    assert world.rows(Addressee)[0].accepted_at == world.notices()[0].accepted_at == LATER
    assert world.events(episode) == ["told", "accepted"]
    assert world.notice_events().count("accepted") == 2


def test_a_bounce_after_an_acceptance_counts(
    world: World, service: Service, store: Store, post: Post
) -> None:
    (episode,) = told(world, service)
    post.put(report(service, "delivered", "2.0.0", "250 ok"))
    read(store, post)
    post.put(bounce(service))
    read(store, post, LATER + hours(1))

    (notice,) = world.notices()
    assert (notice.accepted_at, notice.bounced_at) == (LATER, LATER + hours(1))
    assert world.events(episode) == ["told", "accepted", "bounced"]
    world.searched()
    service.tell(LATER + hours(1))
    assert world.state(episode).stage == "exhausted"


def test_a_second_report_of_one_failure_changes_nothing(
    world: World, service: Service, store: Store, post: Post
) -> None:
    (episode,) = told(world, service)
    post.put(bounce(service))
    post.put(bounce(service).replace(b"Report.", b"Report again."))

    read(store, post)

    assert world.events(episode) == ["told", "bounced"]
    assert world.notice_events() == ["queued", "handed_over", "bounced", "bounced"]


def test_a_delay_is_noted_and_waited_for(world: World, service: Service, store: Store, post: Post) -> None:
    (episode,) = told(world, service)
    post.put(report(service, "delayed", "4.4.1", "no answer yet"))

    read(store, post)

    assert world.notice_events()[-1] == "delayed"
    assert world.events(episode) == ["told"]
    assert world.rows(Addressee)[0].accepted_at is None


@pytest.mark.parametrize(
    ("subject", "body", "task"),
    [
        pytest.param("Ticket opened", "Thank you.", None, id="automatic-answer"),
        pytest.param(
            "Sender verification", "Please confirm your address.", "a mail filter wants", id="challenge"
        ),
    ],
)
def test_what_a_machine_says_is_neither_answer_nor_acceptance(
    world: World, service: Service, store: Store, post: Post, subject: str, body: str, task: str | None
) -> None:
    (episode,) = told(world, service)
    to = service.relay.given[0].return_path
    post.put(letter(to, subject=subject, body=body, extra="Auto-Submitted: auto-replied\n"))

    read(store, post)

    (addressee,) = world.rows(Addressee)
    assert (addressee.accepted_at, addressee.presumed, addressee.first_answer_at) == (None, True, None)
    assert world.events(episode) == ["told"]
    assert (world.mail_task() or "").startswith(task or "")
    assert (world.mail_task() is None) == (task is None)


def test_a_reply_of_a_person_is_the_first_sign_of_having_it(
    world: World, service: Service, store: Store, post: Post
) -> None:
    (episode,) = told(world, service)
    post.put(letter(service.relay.given[0].return_path))

    read(store, post)

    (addressee,) = world.rows(Addressee)
    assert (addressee.accepted_at, addressee.presumed) == (LATER, False)
    assert world.events(episode) == ["told", "accepted"]


def test_delays_of_several_notices_make_a_contact_doubtful_and_a_delivery_clears_it(
    world: World, service: Service, store: Store, post: Post
) -> None:
    told(world, service)
    post.put(report(service, "delayed", "4.4.1", "no answer yet"))
    post.put(report(service, "delayed", "4.4.1", "still no answer"))
    read(store, post)
    assert [c.health for c in world.rows(Contact)] == ["fine"]  # one notice, twice

    world.ready(at=LATER)
    world.fresh(LATER)
    service.tell(LATER)
    service.tell(LATER + hours(0.2))
    post.put(report(service, "delayed", "4.4.1", "no answer again"))
    read(store, post, LATER + hours(1))
    assert [c.health for c in world.rows(Contact)] == ["doubtful"]

    post.put(report(service, "delivered", "2.0.0", "250 ok"))
    read(store, post, LATER + hours(2))
    assert [c.health for c in world.rows(Contact)] == ["fine"]


def test_an_address_that_bounced_is_not_written_to_for_another_case(
    world: World, service: Service, store: Store, post: Post
) -> None:
    told(world, service)
    post.put(bounce(service))
    read(store, post)

    other = world.ready(at=LATER)
    world.fresh(LATER)
    service.tell(LATER)

    assert len(service.relay.given) == 1
    assert world.state(other).stage == "unresolved"


def test_a_bounce_makes_the_same_rung_be_sent_again_at_once_to_another_contact(
    world: World, service: Service, store: Store, post: Post
) -> None:
    episode = world.ready(addresses=(served_by(abuse=["new@hosting.example"]),))
    service.escalate(NINE)
    service.notify(NOW)
    service.dispatch(NOW)
    post.put(bounce(service))
    read(store, post)
    world.fresh(LATER)

    service.tell(LATER)

    assert [m.address.to for m in service.relay.given] == ["abuse@hosting.example", "new@hosting.example"]
    assert [n.rung for n in world.notices()] == ["first", "first"]
    assert world.events(episode) == ["told", "bounced", "contact_replaced", "told"]


@pytest.mark.parametrize("way", ["return path", "message id", "reference"])
def test_a_reply_is_a_persons_however_it_finds_its_notice(
    world: World, service: Service, store: Store, post: Post, way: str
) -> None:
    told(world, service)
    (notice,) = world.notices()
    to, extra, subject = "notices@hotline.test", "", "Re: your notice"
    if way == "return path":
        to = service.relay.given[0].return_path
    elif way == "message id":
        extra = f"In-Reply-To: {notice.message_id}\n"
    else:
        subject = f"Re: [{notice.reference}] Melding"
    post.put(letter(to, subject=subject, extra=extra))

    read(store, post)

    remark = "; only its subject names the notice" if way == "reference" else ""
    assert world.mail_task() == f"a reply to read{remark}"
    assert [m.notice_id for m in world.rows(Mail)] == [notice.id]


def test_mail_that_fits_nothing_is_a_task_of_its_own(store: Store, world: World, post: Post) -> None:
    post.put(b"Hello there\n")

    read(store, post)

    (mail,) = world.rows(Mail)
    assert (mail.kind, mail.notice_id) == ("unknown", None)
    assert world.task(mail.id) == "a mail to read"


def test_a_return_path_of_another_installation_is_no_notice(
    world: World, service: Service, store: Store, post: Post
) -> None:
    told(world, service)
    post.put(
        bounce(service).replace(service.relay.given[0].return_path.encode(), b"return+00ff@hotline.test")
    )

    read(store, post)

    assert world.notices()[0].bounced_at is None


def test_a_token_in_other_letters_is_still_known(
    world: World, service: Service, store: Store, post: Post
) -> None:
    told(world, service)
    path = service.relay.given[0].return_path
    post.put(bounce(service).replace(path.encode(), path.upper().encode()))

    read(store, post)

    assert world.notices()[0].bounced_at == LATER


def test_a_mail_is_kept_sealed_and_found_by_nobody_else(
    world: World, service: Service, store: Store, post: Post
) -> None:
    told(world, service)
    post.put(bounce(service))
    read(store, post)

    (mail,) = world.rows(Mail)
    assert b"no such user" not in mail.content_sealed
    assert b"no such user" in store.sealer.open("mail.content", mail.id, mail.content_sealed)


def test_an_attachment_is_never_kept(world: World, service: Service, store: Store, post: Post) -> None:
    told(world, service)
    extra = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
    body = (
        "--b\nContent-Type: text/plain\n\nSee attached.\n"
        "--b\nContent-Type: text/html\n\n<p>See <img src='data:image/png;base64,QUJD'></p>\n"
        "--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nQUJDREVG\n--b--"
    )
    post.put(letter(service.relay.given[0].return_path, extra=extra, body=body))
    only_html = "MIME-Version: 1.0\nContent-Type: text/html\n"
    post.put(
        letter(service.relay.given[0].return_path, extra=only_html, body="<img src='data:a/b;QUJDREVG'>Hi")
    )

    read(store, post)

    kept = [store.sealer.open("mail.content", m.id, m.content_sealed).decode() for m in world.rows(Mail)]
    assert "See attached." in kept[0]
    assert "(a part of type image/png was left out)" in kept[0]
    assert "Hi" in kept[1]
    assert not [text for text in kept if "QUJD" in text]


@pytest.mark.parametrize("name", ["inbox.read", "inbox.recorded", "inbox.settled"])
def test_a_killed_reader_reads_each_mail_once(
    world: World, service: Service, store: Store, post: Post, name: str
) -> None:
    (episode,) = told(world, service)
    post.put(report(service, "delivered", "2.0.0", "250 ok"))
    post.put(bounce(service))
    with pytest.raises(KilledError):
        read_inbox(store, inbox=post, now=LATER, checkpoint=Killer(name))

    read(store, post)

    assert world.events(episode) == ["told", "accepted", "bounced"]
    assert world.notice_events() == ["queued", "handed_over", "accepted", "bounced"]
    assert world.count(Mail) == 2
    assert post.waiting(10) == []


def test_mail_about_a_notice_we_died_with_shows_that_the_relay_took_it(
    world: World, service: Service, store: Store, post: Post
) -> None:
    episode = world.ready()
    service.escalate(NINE)
    service.notify(NOW)
    with pytest.raises(KilledError):
        service.dispatch(NOW, Killer("dispatch.handed"))
    post.put(report(service, "delivered", "2.0.0", "250 ok"))

    read(store, post)

    (notice,) = world.notices()
    assert (notice.state, notice.handed_at, notice.accepted_at) == ("handed_over", LATER, LATER)
    assert world.events(episode) == ["told", "accepted"]
    assert world.state(episode).stage == "notified"
    assert world.due(due.SEND, notice.id) is None
    assert service.dispatch(LATER) == 0
    assert len(service.relay.given) == 1


def test_two_replies_of_one_notice_do_not_hide_each_other(
    world: World, service: Service, store: Store, post: Post
) -> None:
    told(world, service, 2)
    path = service.relay.given[0].return_path
    post.put(letter(path, body="One."))
    post.put(letter(path, body="Two."))

    read(store, post)

    assert [world.task(mail.id) is not None for mail in world.rows(Mail)] == [True, True]


def test_a_mail_in_pieces_stops_nobody(world: World, service: Service, store: Store, post: Post) -> None:
    for content in (
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/report\n\n--",
        b"To: \x00\nSubject: =?x?q?=\n\n",
    ):
        post.put(content)

    assert read(store, post) == 4
    assert world.count(Mail) == 4
    with store.db.read() as connection:
        owners = connection.execute(select(TaskRow.owner)).scalars().all()
    assert set(owners) == {"analyst"}
