"""The inbox on a real Maildir."""

import mailbox
import os
from pathlib import Path

import pytest

from nta.adapters.mail.maildir import MaildirInbox
from nta.domain.errors import OutsideError


@pytest.fixture
def maildir(tmp_path):
    made = mailbox.Maildir(tmp_path / "maildir")
    yield made
    made.close()


@pytest.fixture
def inbox(maildir, tmp_path):
    return MaildirInbox(tmp_path / "maildir")


def deliver(maildir: mailbox.Maildir, text: bytes, at: int) -> str:
    key = maildir.add(text)
    os.utime(f"{maildir._path}/new/{key}", (at, at))
    return key


def test_messages_wait_oldest_first_up_to_the_limit(maildir, inbox):
    deliver(maildir, b"third", 3_000)
    deliver(maildir, b"first", 1_000)
    deliver(maildir, b"second", 2_000)

    assert [message.content.strip() for message in inbox.waiting(2)] == [b"first", b"second"]


def test_a_settled_message_is_seen_and_waits_no_more(maildir, inbox):
    deliver(maildir, b"one", 1_000)
    deliver(maildir, b"two", 2_000)
    (first, second) = inbox.waiting(10)

    inbox.settle([first.key])

    assert [message.key for message in inbox.waiting(10)] == [second.key]
    assert [flags.get_flags() for flags in map(maildir.get_message, [first.key])] == ["S"]


def test_settling_again_does_no_harm(maildir, inbox):
    deliver(maildir, b"one", 1_000)
    (message,) = inbox.waiting(10)

    inbox.settle([message.key])
    inbox.settle([message.key, "never-there"])

    assert inbox.waiting(10) == []
    assert len(maildir) == 1


def test_a_huge_message_is_cut(maildir, inbox):
    deliver(maildir, b"x" * (3 << 20), 1_000)

    (message,) = inbox.waiting(10)

    assert len(message.content) == 1 << 20


def test_messages_being_delivered_are_left_alone(maildir, inbox, tmp_path):
    (tmp_path / "maildir" / "tmp" / "half").write_bytes(b"half")
    (tmp_path / "maildir" / "new" / ".hidden").write_bytes(b"")

    assert inbox.waiting(10) == []


def test_a_folder_that_is_not_there_is_an_outside_error(tmp_path):
    with pytest.raises(OutsideError) as caught:
        MaildirInbox(tmp_path / "nowhere").waiting(10)

    assert caught.value.temporary


def test_a_key_never_leaves_the_folder(inbox):
    with pytest.raises(ValueError, match="key"):
        inbox.settle(["../../etc/passwd"])


def test_a_message_whose_name_leaves_no_room_for_the_mark_is_settled_too(inbox, tmp_path):
    (tmp_path / "maildir" / "new" / ("n" * 254)).write_bytes(b"long")

    inbox.settle([message.key for message in inbox.waiting(10)])

    assert inbox.waiting(10) == []
    assert [path.read_bytes() for path in (tmp_path / "maildir" / "cur").iterdir()] == [b"long"]


def test_a_message_that_may_not_be_opened_holds_up_no_other(maildir, inbox, monkeypatch):
    """Stood in for: the tests may run as root, whom nothing is refused."""
    refused = deliver(maildir, b"refused", 1_000)
    deliver(maildir, b"good", 2_000)
    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *mode: _refuse() if path.name == refused else real(path, *mode)
    )

    (message,) = inbox.waiting(10)
    inbox.settle([message.key])

    assert message.content.strip() == b"good"
    with pytest.raises(OutsideError):
        inbox.waiting(10)


def _refuse():
    raise PermissionError(13, "Permission denied")
