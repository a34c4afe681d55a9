"""Mail that came back, put where a test wants it: into the store, or as somebody would have written it."""

from datetime import datetime

from sqlalchemy import Connection

from nta.domain.notices.batching import PlanRules
from nta.domain.notices.vouching import Ours
from nta.store.db.handle import Store
from nta.store.notices import kept_mails
from nta.usecases.inbox import read_inbox
from tests.builders_notices import World
from tests.telling import Post, Service

OURS = Ours("return+{token}@hotline.test", ("hotline.test",))


def keep(
    connection: Connection,
    store: Store,
    *,
    received: bytes,
    kept: bytes,
    kind: str,
    notice_id: int | None,
    at: datetime,
) -> int | None:
    """Keep a mail and return its id; None when it was read before."""
    mail = kept_mails.prepare(store, received=received, kept=kept, kind=kind)
    return mail.id if kept_mails.keep(connection, mail, notice_id, at) else None


def told(world: World, service: Service, at: datetime, count: int = 1) -> list[int]:
    """Return episodes of one notice that was handed over at a moment."""
    made = [world.ready() for _ in range(count)]
    service.escalate(at - PlanRules().gather)
    service.notify(at)
    service.dispatch(at)
    return made


def report(
    service: Service, action: str, status: str, line: str, *, by: str = "mx.hosting.example", to: str = ""
) -> bytes:
    """Return a delivery status report (RFC 3464) on the message sent last, as a host writes it."""
    return (
        f"From: MAILER-DAEMON@{by}\nTo: {to or service.relay.given[-1].return_path}\n"
        "Subject: Delivery status\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nReport.\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; {by}\n\n"
        f"Final-Recipient: rfc822; abuse@hosting.example\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {line}\n\n--b--\n"
    ).encode()


def bounce(service: Service, *, by: str = "mx.hosting.example", to: str = "") -> bytes:
    line = "550 5.1.1 <abuse@hosting.example>: no such user"
    return report(service, "failed", "5.1.1", line, by=by, to=to)


def letter(
    to: str,
    *,
    subject: str = "Re: notice",
    extra: str = "",
    body: str = "Thank you.",
    sender: str = "desk@hosting.example",
) -> bytes:
    """Return what a desk writes by hand."""
    return f"From: Desk <{sender}>\nTo: {to}\nSubject: {subject}\n{extra}\n{body}\n".encode()


def read(store: Store, post: Post, now: datetime, ours: Ours = OURS) -> int:
    return read_inbox(store, inbox=post, now=now, ours=ours)
