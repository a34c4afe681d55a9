"""Delivery reports (RFC 3464) as a mail system writes them, and the maildir they are left in."""

from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path

from nta.lab.mail import EnvelopeRecipient, RelayedMail

TEXTS = {
    "delivered": "Your message was delivered to the mailbox below.",
    "failed": "Your message could not be delivered. There is no such mailbox.",
}
STATUS = {"delivered": "2.0.0", "failed": "5.1.1"}
SAYS = {"delivered": "250 2.0.0 delivered", "failed": "550 5.1.1 no such user here"}


def report(mail: RelayedMail, recipient: EnvelopeRecipient, action: str, at: datetime) -> bytes:
    """Return the report on one recipient. Of the mail it quotes no more than its head, as RET=HDRS asks."""
    domain = recipient.address.partition("@")[2]
    boundary = sha256(f"{mail.message_id} {recipient.address} {action}".encode()).hexdigest()[:24]
    per_message = [f"Reporting-MTA: dns; mail.{domain}"]
    if mail.envelope_id:
        per_message.append(f"Original-Envelope-Id: {mail.envelope_id}")
    per_message.append(f"Arrival-Date: {format_datetime(mail.at)}")
    per_recipient = [f"Original-Recipient: {recipient.original}"] if recipient.original else []
    per_recipient += [
        f"Final-Recipient: rfc822; {recipient.address}",
        f"Action: {action}",
        f"Status: {STATUS[action]}",
        f"Remote-MTA: dns; mail.{domain}",
        f"Diagnostic-Code: smtp; {SAYS[action]}",
        f"Last-Attempt-Date: {format_datetime(at)}",
    ]
    subject = "Delivery status notification" + (" (failure)" if action == "failed" else "")
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{domain}>",
        f"To: <{mail.return_path}>",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{boundary}@mail.{domain}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        "",
        TEXTS[action],
        "",
        f"    {recipient.address}",
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        *per_message,
        "",
        *per_recipient,
        "",
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
        *mail.head.splitlines(),
        "",
        f"--{boundary}--",
        "",
    ]
    return "\n".join(lines).encode()


def auto_reply(mail: RelayedMail, recipient: EnvelopeRecipient, at: datetime) -> bytes:
    """Return what a ticket system answers by itself (RFC 3834); it says nothing about any page."""
    domain = recipient.address.partition("@")[2]
    number = sha256(f"{mail.message_id} {recipient.address} ticket".encode()).hexdigest()
    subject = next((x for x in mail.head.splitlines() if x.lower().startswith("subject:")), "Subject: ")
    lines = [
        f"From: Abuse desk <{recipient.address}>",
        f"To: <{mail.return_path}>",
        f"Subject: Automatic reply: {subject.partition(':')[2].strip()}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{number[:24]}@mail.{domain}>",
        f"In-Reply-To: {mail.message_id}",
        f"References: {mail.message_id}",
        "Auto-Submitted: auto-replied",
        "Precedence: auto_reply",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"Thank you for your message. Your ticket is {int(number[:8], 16)}.",
        "We will look into it as soon as we can.",
        "",
    ]
    return "\n".join(lines).encode()


class Maildir:
    """The service's mailbox, as a delivery agent fills it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        for name in ("tmp", "new", "cur"):
            (path / name).mkdir(parents=True, exist_ok=True)

    def deliver(self, name: str, content: bytes) -> None:
        """Put a mail into new/, whole or not at all. The same name again is the same mail again."""
        (self._path / "tmp" / name).write_bytes(content)
        (self._path / "tmp" / name).rename(self._path / "new" / name)
