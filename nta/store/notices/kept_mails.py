"""Mail that came back: kept once, sealed, without anything that is not text."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from nta.store.db.dialects import upsert
from nta.store.db.handle import Store
from nta.store.db.sealing import digest16
from nta.store.tables import Mail, Notice

PLACE = "mail.content"
"""Where `Mail.content_sealed` is sealed for."""


class Prepared(NamedTuple):
    """A mail as it is kept: known again by its digest, sealed, of one kind."""

    id: int
    digest: bytes
    kind: str
    content_sealed: bytes


def prepare(store: Store, *, received: bytes, kept: bytes, kind: str) -> Prepared:
    """Return a mail ready to be written, so that no work on its bytes is left for the write.

    `received` are the bytes it came as, by whose digest it is known again;
    `kept` is what of them is stored.
    """
    number = store.new_id()
    digest = digest16(store.keys.derived("mail"), received)
    return Prepared(number, digest, kind, store.sealer.seal(PLACE, number, kept))


def keep(connection: Connection, mail: Prepared, notice_id: int | None, at: datetime) -> bool:
    """Keep a mail. False: it was read before."""
    written = connection.execute(
        upsert(connection, Mail)
        .values(**mail._asdict(), received_at=at, notice_id=notice_id)
        .on_conflict_do_nothing()
        .returning(Mail.id)
    )
    return written.scalar() is not None


def notice_of(connection: Connection, mail_id: int) -> str | None:
    """Return the reference of the notice that a mail is about, or None."""
    query = select(Notice.reference).join(Mail, Mail.notice_id == Notice.id).where(Mail.id == mail_id)
    return connection.execute(query).scalar()
