"""Who may act by mail: our relay and the domain that was written to; a stranger is read by a person."""

from datetime import timedelta

import pytest

from nta.domain.notices.contact_choice import Health
from nta.domain.notices.vouching import Ours
from nta.store.db.handle import Store
from nta.store.notices import addressees
from nta.store.tables import Addressee, Contact, Mail
from nta.store.work import due
from tests import mails
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.mails import OURS, bounce, letter, report
from tests.telling import KilledError, Killer, Post, Service

NOW = NINE + timedelta(minutes=10)
LATER = NOW + hours(1)
SIGNED = Ours(OURS.return_path, OURS.hosts, "mx.hotline.test")


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


@pytest.fixture
def post() -> Post:
    return Post()


def told(world: World, service: Service) -> int:
    (episode,) = mails.told(world, service, NOW)
    return episode


def doubt(world: World, store: Store) -> None:
    """Let the contact be in doubt, as after mail that failed."""
    (contact,) = world.rows(Contact)
    with store.db.write() as connection:
        addressees.set_health(connection, contact.id, Health.DOUBTFUL, "came back", NOW)


def in_thread(content: bytes, message_id: str | None) -> bytes:
    """Return a mail that answers a Message-ID."""
    return f"In-Reply-To: {message_id}\n".encode() + content


def health(world: World) -> list[str]:
    return [c.health for c in world.rows(Contact)]


def accepted(world: World) -> list[object]:
    return [a.accepted_at for a in world.rows(Addressee)]


MAKERS = {
    "reply": lambda service, subject: letter("notices@hotline.test", subject=f"Re: {subject}"),
    "automatic": lambda service, subject: letter(
        "notices@hotline.test", subject=subject, extra="Auto-Submitted: auto-replied\n"
    ),
    "delivered": lambda service, subject: report(
        service, "delivered", "2.0.0", "250 ok", to="notices@hotline.test"
    ).replace(b"Delivery status", subject.encode()),
    "delayed": lambda service, subject: report(
        service, "delayed", "4.4.1", "no answer", to="notices@hotline.test"
    ).replace(b"Delivery status", subject.encode()),
    "bounce": lambda service, subject: bounce(service, to="notices@hotline.test").replace(
        b"Delivery status", subject.encode()
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_reference_in_a_subject_moves_no_clock_and_revives_no_contact(
    world: World, service: Service, store: Store, post: Post, kind: str
) -> None:
    episode = told(world, service)
    doubt(world, store)
    (notice,) = world.notices()
    post.put(MAKERS[kind](service, f"[{notice.reference}] x"))

    mails.read(store, post, LATER)

    (after,) = world.notices()
    assert (accepted(world), after.accepted_at, after.bounced_at) == ([None], None, None)
    assert health(world) == ["doubtful"]
    assert world.events(episode) == ["told"]
    assert world.notice_events() == ["queued", "handed_over"]
    assert [m.notice_id for m in world.rows(Mail)] == [notice.id]
    asked = "a reply to read" if kind == "reply" else "a report to read"
    assert world.mail_task() == f"{asked}; only its subject names the notice"


def test_a_reference_in_a_subject_does_not_show_that_the_relay_took_a_notice(
    world: World, service: Service, store: Store, post: Post
) -> None:
    """Else whoever names a reference keeps a notice from being sent."""
    world.ready()
    service.escalate(NINE)
    service.notify(NOW)
    with pytest.raises(KilledError):
        service.dispatch(NOW, Killer("dispatch.handed"))
    (notice,) = world.notices()
    post.put(letter("notices@hotline.test", subject=f"Re: [{notice.reference}]"))

    mails.read(store, post, LATER)

    assert world.notices()[0].state == "composed"
    assert world.due(due.SEND, notice.id) is not None


@pytest.mark.parametrize("way", ["token", "thread"])
@pytest.mark.parametrize(
    ("sender", "counts"),
    [
        pytest.param("abuse@hosting.example", True, id="the-contact"),
        pytest.param("Jan@Desk.HOSTING.example", True, id="its-domain"),
        pytest.param("customer@elsewhere.example", False, id="a-stranger"),
        pytest.param("x@hosting.example.evil.example", False, id="a-name-alike"),
        pytest.param("a@hosting.example>, <b@evil.example", False, id="two-senders"),
    ],
)
def test_a_reply_is_acceptance_only_from_the_domain_that_was_written_to(
    world: World, service: Service, store: Store, post: Post, way: str, sender: str, counts: bool
) -> None:
    told(world, service)
    doubt(world, store)
    (notice,) = world.notices()
    to = service.relay.given[-1].return_path if way == "token" else "notices@hotline.test"
    mail = letter(to, sender=sender)
    post.put(mail if way == "token" else in_thread(mail, notice.message_id))

    mails.read(store, post, LATER)

    assert accepted(world) == [LATER if counts else None]
    assert health(world) == ["fine" if counts else "doubtful"]
    remark = "" if counts else "; nobody we know stands behind it"
    assert world.mail_task() == f"a reply to read{remark}"


@pytest.mark.parametrize("way", ["token", "thread"])
@pytest.mark.parametrize(
    ("by", "after"),
    [
        pytest.param("mx.hosting.example", "dead", id="the-contacts-domain"),
        pytest.param("mail.hotline.test", "dead", id="our-relay"),
        pytest.param("mx.elsewhere.example", "doubtful", id="nobody-we-know"),
    ],
)
def test_a_bounce_kills_a_contact_only_if_somebody_we_know_stands_behind_it(
    world: World, service: Service, store: Store, post: Post, way: str, by: str, after: str
) -> None:
    told(world, service)
    (notice,) = world.notices()
    mail = bounce(service, by=by, to="" if way == "token" else "notices@hotline.test")
    post.put(mail if way == "token" else in_thread(mail, notice.message_id))

    mails.read(store, post, LATER)

    assert health(world) == [after]


def test_a_strangers_bounce_by_the_message_id_alone_is_read_by_a_person_and_moves_nothing(
    world: World, service: Service, store: Store, post: Post
) -> None:
    """A customer to whom the notice was passed on knows the id."""
    episode = told(world, service)
    (notice,) = world.notices()
    post.put(
        in_thread(bounce(service, by="mx.elsewhere.example", to="notices@hotline.test"), notice.message_id)
    )

    mails.read(store, post, LATER)

    assert world.notices()[0].bounced_at is None
    assert world.events(episode) == ["told"]
    assert world.mail_task() == "a report to read; nobody we know stands behind it"


@pytest.mark.parametrize(
    ("by", "at"),
    [("mx.hosting.example", LATER), ("mail.hotline.test", LATER), ("mx.elsewhere.example", None)],
)
def test_a_delivery_report_is_acceptance_only_if_somebody_we_know_stands_behind_it(
    world: World, service: Service, store: Store, post: Post, by: str, at: object
) -> None:
    told(world, service)
    doubt(world, store)
    post.put(report(service, "delivered", "2.0.0", "250 ok", by=by))

    mails.read(store, post, LATER)

    assert accepted(world) == [at]
    assert health(world) == ["fine" if at else "doubtful"]


PASSED = "mx.hotline.test; dkim=pass header.d=hosting.example; spf=none smtp.helo=mx.hosting.example"
FAILED = (
    "mx.hotline.test; dkim=none; spf=fail smtp.mailfrom=hosting.example; dmarc=fail header.from=a.example"
)
FORGED = "mx.hotline.test; dkim=pass header.d=hosting.example; dmarc=pass header.from=hosting.example"


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        pytest.param([PASSED], True, id="verified"),
        pytest.param([FAILED], False, id="not-verified"),
        pytest.param([FAILED, FORGED], False, id="forged-below-ours"),
        pytest.param(["elsewhere.example; dkim=pass header.d=hosting.example"], False, id="anothers-word"),
        pytest.param([], False, id="nothing-written"),
        pytest.param(
            ["mx.hotline.test; dkim=pass (header.d=hosting.example) header.d=evil.example"],
            False,
            id="comment",
        ),
        pytest.param(
            ["mx.hotline.test (a (b) c) 1; dmarc=pass header.from=Hosting.Example"], True, id="version"
        ),
    ],
)
def test_where_our_relay_writes_what_it_verified_only_that_counts(
    world: World, service: Service, store: Store, post: Post, fields: list[str], counts: bool
) -> None:
    told(world, service)
    written = "".join(f"Authentication-Results: {field}\n" for field in fields).encode()
    post.put(written + letter(service.relay.given[-1].return_path, sender="abuse@hosting.example"))

    mails.read(store, post, LATER, SIGNED)

    assert accepted(world) == [LATER if counts else None]


@pytest.mark.parametrize(
    ("fields", "by", "after"),
    [
        pytest.param([PASSED], "mx.hosting.example", "dead", id="verified"),
        pytest.param([FAILED], "mx.hosting.example", "doubtful", id="not-verified"),
        pytest.param([], "mail.hotline.test", "dead", id="our-relay-writes-none-on-its-own"),
        pytest.param([FAILED], "mail.hotline.test", "doubtful", id="came-from-outside-as-our-relay"),
        pytest.param([], "mx.hosting.example", "doubtful", id="says-to-be-theirs-and-came-from-within"),
    ],
)
def test_a_bounce_is_believed_as_far_as_our_relay_verified_it(
    world: World, service: Service, store: Store, post: Post, fields: list[str], by: str, after: str
) -> None:
    told(world, service)
    written = "".join(f"Authentication-Results: {field}\n" for field in fields).encode()
    post.put(written + bounce(service, by=by))

    mails.read(store, post, LATER, SIGNED)

    assert health(world) == [after]
