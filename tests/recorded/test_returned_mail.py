"""Recorded bounces, delays and answers: each of them is explained."""

import email

from nta.domain.notices.returned_mail import MailKind, explain
from tests.recorded.records import place


def test_every_recorded_mail_is_explained() -> None:
    mails = place("bounces", "cases").glob("*.eml")

    kinds = {explain(email.message_from_bytes(mail.read_bytes())).kind for mail in mails}

    assert kinds >= {MailKind.BOUNCE, MailKind.DELAY, MailKind.AUTO_REPLY, MailKind.FEEDBACK, MailKind.REPLY}
