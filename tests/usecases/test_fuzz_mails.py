"""Spoilt mails, always the same ones: none stops the inbox, none is lost, and good ones between count."""

import mailbox
from datetime import timedelta
from pathlib import Path
from random import Random

from nta.adapters.mail.maildir import MaildirInbox
from nta.domain.notices.kept_mail import LONGEST_KEPT, head_kept, text_kept
from nta.domain.notices.mail_parts import UnreadableError, read_mail
from nta.domain.notices.returned_mail import Meaning, explain_bytes
from nta.domain.notices.vouching import (
    Ours,
    is_vouched_answer,
    is_vouched_report,
    writer_of,
)
from nta.store.db.handle import Store
from nta.store.tables import Mail
from nta.usecases.inbox import read_inbox
from tests import mails
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.fuzzing import rounds, spoil
from tests.mails import OURS, bounce, letter
from tests.spoilt_mails import SPOILT
from tests.telling import Service

_MAILS = Path(__file__).parents[1] / "data" / "mails"
SEEDS = [path.read_bytes() for path in sorted(_MAILS.glob("*.eml"))]
SIGNED = (
    b"Authentication-Results: mx.hotline.test (a (b)); dkim=pass header.d=hosting.test; spf=pass\n"
    b" smtp.mailfrom=a@hosting.test\n" + SEEDS[0]
)
SIGNED_BY = Ours(OURS.return_path, OURS.hosts, "mx.hotline.test")
SMALL = [*SEEDS, SIGNED, *(content for content in SPOILT.values() if len(content) < 2_000)]
NOW = NINE + timedelta(minutes=10)
LATER = NOW + hours(2)


def test_no_spoilt_mail_breaks_a_reader_of_it() -> None:
    for seed in rounds(600):
        random = Random(seed)
        content = spoil(random.choice(SMALL), random)

        meaning = explain_bytes(content, OURS.return_path or "")
        try:
            message = read_mail(content)
            kept = text_kept(message, content)
            writer = writer_of(message, meaning, SIGNED_BY)
            is_vouched_answer(writer, "abuse@hosting.test", SIGNED_BY)
            is_vouched_report(writer, "abuse@hosting.test", SIGNED_BY)
        except UnreadableError:
            kept = head_kept(content)

        assert isinstance(meaning, Meaning), seed
        assert len(kept) <= LONGEST_KEPT, seed
        said = [meaning.token, meaning.original_message_id, *meaning.in_reply_to]
        said += [text for r in meaning.recipients for text in (r.address, r.action, r.status, r.reason)]
        assert "\x00" not in "".join(filter(None, said)), seed
        "".join(filter(None, said)).encode()


def test_no_spoilt_mail_stops_the_inbox_or_takes_a_good_one_with_it(store: Store, tmp_path: Path) -> None:
    world, service = World(store), Service(store)
    mails.told(world, service, NOW)
    at = NOW + hours(1)
    world.ready(at=at)
    world.fresh(at)
    service.escalate(at)
    service.notify(at + timedelta(minutes=10))
    service.dispatch(at + timedelta(minutes=10))
    first, second = world.notices()
    token, id_ = service.relay.given[0].return_path.encode(), (first.message_id or "").encode()
    folder = mailbox.Maildir(tmp_path / "maildir")
    inbox = MaildirInbox(tmp_path / "maildir")
    good = 0
    for seed in rounds(5):
        random = Random(seed)
        for _ in range(20):
            content = random.choice(SMALL).replace(b"return+K7QF3M@hotline.test", token)
            folder.add(spoil(content.replace(b"<notice-1@hotline.test>", id_), random))
        good += 1
        thread = f"In-Reply-To: {second.message_id}\nX-Number: {seed}\n"
        folder.add(letter("notices@hotline.test", extra=thread))

        while read_inbox(store, inbox=inbox, now=LATER, ours=OURS):
            pass

    folder.add(bounce(service))
    read_inbox(store, inbox=inbox, now=LATER, ours=OURS)
    folder.close()

    assert inbox.waiting(1) == []
    assert world.notices()[1].bounced_at == LATER
    assert [m.notice_id for m in world.rows(Mail)].count(second.id) == good + 1
    assert [m for m in world.rows(Mail) if m.notice_id is None and world.task(m.id) is None] == []
