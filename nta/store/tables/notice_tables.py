"""Parties, contacts, addressees, notices, their items and events, answers and stored mail."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nta.domain.reasons import Reason
from nta.store.db.types import PortalSealed, Sealed, word
from nta.store.tables.base import Base


class PartyRow(Base):
    """An organisation that was or may be told; the id is the catalogue's, or `rdap:HANDLE`."""

    __tablename__ = "party"

    id: Mapped[str] = mapped_column(word(96), primary_key=True)
    name: Mapped[str]
    country: Mapped[str | None] = mapped_column(word(2))
    source: Mapped[str] = mapped_column(word(32))
    seen_at: Mapped[datetime]


class Contact(Base):
    """One way to reach a party, with its health, and what a person said of it."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("party", "way", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    party: Mapped[str] = mapped_column(ForeignKey("party.id"))
    way: Mapped[str] = mapped_column(word(8))  # email
    address: Mapped[str] = mapped_column(word(254))
    language: Mapped[str] = mapped_column(word(8))
    format: Mapped[str] = mapped_column(word(8))
    source: Mapped[str] = mapped_column(word(32))
    confidence: Mapped[float]
    health: Mapped[str] = mapped_column(word(8), default="fine", server_default="fine")
    health_why: Mapped[str | None]
    health_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(word(64))
    approved_at: Mapped[datetime | None]
    refused_by: Mapped[str | None] = mapped_column(word(96))  # the last word counts: never both
    refused_at: Mapped[datetime | None]
    word_why: Mapped[str | None]  # in a person's words, why it was approved, refused or revived
    waits_until: Mapped[datetime | None]  # then it is used without a word
    revived_at: Mapped[datetime | None]


class Addressee(Base):
    """One party to be told about one episode in one role. Clocks B and C live here."""

    __tablename__ = "addressee"
    __table_args__ = (
        UniqueConstraint("episode_id", "party", "role"),
        Index(
            "ix_addressee_waiting",
            "waiting_since",
            sqlite_where=text("waiting_since IS NOT NULL"),
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
        Index(
            "ix_addressee_unreached",
            "contact_id",
            sqlite_where=text("first_handed_at IS NULL OR bounced_at IS NOT NULL"),
            postgresql_where=text("first_handed_at IS NULL OR bounced_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"))
    party: Mapped[str] = mapped_column(ForeignKey("party.id"))
    role: Mapped[str] = mapped_column(word(12))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    why: Mapped[Reason]
    rung: Mapped[str] = mapped_column(word(32))
    kind: Mapped[str] = mapped_column(word(12))
    waiting_since: Mapped[datetime | None]  # a notice of this rung is still to be made
    first_handed_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    presumed: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    opened_at: Mapped[datetime | None]
    first_answer_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(word(16))
    bounced_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_why: Mapped[str | None]


class Notice(Base):
    """One message to one addressed party. `content_sealed` is the message as sent, byte for byte."""

    __tablename__ = "notice"
    __table_args__ = (
        Index(
            "ix_notice_return_path",
            "id",
            sqlite_where=text("return_path IS NOT NULL"),
            postgresql_where=text("return_path IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(word(16), unique=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.id"), index=True)
    role: Mapped[str] = mapped_column(word(12))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    kind: Mapped[str] = mapped_column(word(12))
    rung: Mapped[str] = mapped_column(word(32))
    language: Mapped[str] = mapped_column(word(8))
    format: Mapped[str] = mapped_column(word(8))
    channel: Mapped[str] = mapped_column(word(8), default="email")
    severity: Mapped[str] = mapped_column(word(8))
    state: Mapped[str] = mapped_column(
        word(12)
    )  # queued, composed, handed_over, refused, not_sent, empty, waiting_lead, declined
    leads: Mapped[int] = mapped_column(default=0, server_default="0")  # how many different leads let it go
    queued_at: Mapped[datetime]
    composed_at: Mapped[datetime | None]
    message_id: Mapped[str | None] = mapped_column(word(128), unique=True)
    return_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16), unique=True)
    sent_to: Mapped[str | None] = mapped_column(word(254))  # differs from the contact when redirected
    return_path: Mapped[str | None] = mapped_column(word(254))  # `{token}` in it; none once it has left
    content_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    handed_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]


class Approval(Base):
    """A lead's word that a notice may go; each lead has one. The portal can neither read nor write it."""

    __tablename__ = "approval"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True, autoincrement=False)
    who: Mapped[str] = mapped_column(word(96), primary_key=True)
    at: Mapped[datetime]
    why: Mapped[str | None]


class NoticeItem(Base):
    """One location told in one notice, as told. Sealed twice: for us, and for the portal's own key."""

    __tablename__ = "notice_item"
    __table_args__ = (UniqueConstraint("notice_id", "addressee_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    addressee_id: Mapped[int] = mapped_column(ForeignKey("addressee.id"), index=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    position: Mapped[int]
    case_reference: Mapped[str] = mapped_column(word(16))
    location_sealed: Mapped[bytes] = mapped_column(Sealed)
    portal_sealed: Mapped[bytes] = mapped_column(PortalSealed)
    addresses: Mapped[str | None]
    port: Mapped[int | None]
    last_up_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    law: Mapped[str | None] = mapped_column(word(64))
    scope: Mapped[str] = mapped_column(word(12))
    left_at: Mapped[datetime | None]
    left_why: Mapped[str | None] = mapped_column(word())


class NoticeEvent(Base):
    """What became of a notice (queued, handed_over, accepted, delayed, bounced, opened …), with its proof."""

    __tablename__ = "notice_event"
    __table_args__ = (
        Index(
            "ix_notice_event_new",
            "id",
            sqlite_where=text("settled = false"),
            postgresql_where=text("settled = false"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(word(16))
    proof: Mapped[str | None] = mapped_column(word(400))  # a server's line without addresses, or a SentProof
    settled: Mapped[bool] = mapped_column(
        default=True, server_default=text("true")
    )  # false: the portal wrote it, the jobs have yet to act on it


class PortalLink(Base):
    """The link in one notice: a token kept as digest, which expires and can be revoked."""

    __tablename__ = "portal_link"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AnswerRow(Base):
    """What a provider says of one item; never proof."""

    __tablename__ = "answer"
    __table_args__ = (
        Index(
            "ix_answer_new",
            "id",
            sqlite_where=text("settled = false"),
            postgresql_where=text("settled = false"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(ForeignKey("notice_item.id"), index=True)
    at: Mapped[datetime]
    way: Mapped[str] = mapped_column(word(8))  # portal, api, mail, desk
    says: Mapped[str] = mapped_column(
        word(16)
    )  # removed, disabled, account_closed, forwarded, not_ours, refused, need_information
    until: Mapped[datetime | None]
    whose: Mapped[str | None]
    why_sealed: Mapped[bytes | None] = mapped_column(PortalSealed)
    settled: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class Mail(Base):
    """One message that came back, kept sealed; its digest makes reading it twice harmless."""

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    received_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(word())
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    content_sealed: Mapped[bytes] = mapped_column(Sealed)
