"""Findings, sighting spans, due rows, the audit trail, switches, frozen reports."""

from datetime import datetime, timedelta

from sqlalchemy import Boolean, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from nta.domain.reasons import Reason
from nta.store.db.types import Sealed, word
from nta.store.tables.base import Base


class FindingRow(Base):
    """One answer to one look-up, or why there was none. The subject is a digest: names stay sealed."""

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_subject", "digest", "asked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(word(16))
    digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    source: Mapped[str] = mapped_column(word(64))
    asked_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    value_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    problem: Mapped[str | None]
    temporary: Mapped[bool | None]


class FindingRange(Base):
    """The address range a network finding is valid for; bounds as 16 bytes, IPv4 mapped."""

    __tablename__ = "finding_range"
    __table_args__ = (Index("ix_finding_range_last", "last", "first"), {"sqlite_with_rowid": False})

    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), primary_key=True, autoincrement=False)
    first: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    last: Mapped[bytes] = mapped_column(LargeBinary(16))


class SightingSpan(Base):
    """A run of equal looks at one episode from one vantage point. `current` marks the one that goes on."""

    __tablename__ = "sighting_span"
    __table_args__ = (
        Index(
            "ix_sighting_span_current",
            "episode_id",
            "vantage",
            unique=True,
            sqlite_where=text("current"),
            postgresql_where=text("current"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"))
    vantage: Mapped[str] = mapped_column(word())
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int]
    longest_gap: Mapped[timedelta]
    verdict: Mapped[str] = mapped_column(word(12))
    cause: Mapped[str] = mapped_column(word(20))
    rule: Mapped[str] = mapped_column(word(32))
    status: Mapped[int | None]
    length: Mapped[int | None]
    address: Mapped[str | None] = mapped_column(word(45))
    current: Mapped[bool] = mapped_column(Boolean, default=True)
    first_trace: Mapped[str | None] = mapped_column(word(160))  # of the page when first seen from there


class Due(Base):
    """One step that waits. `subject` is a host (resolve), notice (send), episode (look, escalate)."""

    __tablename__ = "due"
    __table_args__ = (Index("ix_due_when", "kind", "due_at"), {"sqlite_with_rowid": False})

    kind: Mapped[str] = mapped_column(word(8), primary_key=True)
    subject: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    due_at: Mapped[datetime]  # service time
    taken_by: Mapped[str | None] = mapped_column(word(32))
    taken_until: Mapped[datetime | None]  # machine time
    wanted_at: Mapped[datetime | None]  # service time; wanted while taken, due then when given back
    tries: Mapped[int] = mapped_column(default=0, server_default="0")


class TaskRow(Base):
    """One thing that a person is asked about an episode, a notice, a contact or a mail."""

    __tablename__ = "task"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    subject: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(word(32), primary_key=True)  # of the reason: one task says one thing
    reason: Mapped[Reason]
    owner: Mapped[str] = mapped_column(word())  # analyst, lead
    due_at: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Base):
    """An act of a person, a token or a setting; every reveal of a URL. Never a URL itself."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(word(96))
    act: Mapped[str] = mapped_column(word(32))
    subject: Mapped[str | None] = mapped_column(word(64))
    detail: Mapped[str | None]
    batch: Mapped[int | None] = mapped_column(index=True)


class AuditBatch(Base):
    """A sealed run of entries: the Merkle root over them, chained to the batch before (RFC 6962 hashing)."""

    __tablename__ = "audit_batch"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed_at: Mapped[datetime]
    entries: Mapped[int]
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    chained: Mapped[bytes] = mapped_column(LargeBinary(32))


class Switch(Base):
    """A state that people set: `sending` is `on` until a lead stops it."""

    __tablename__ = "switch"

    name: Mapped[str] = mapped_column(word(32), primary_key=True)
    value: Mapped[str] = mapped_column(word(32))
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(word(96))


class ProcessStart(Base):
    """Counts processes; the count gives each its node number for ids."""

    __tablename__ = "process_start"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class FrozenReport(Base):
    """A published report with the data it was made from, so that each figure can be computed again."""

    __tablename__ = "frozen_report"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(word(32))
    made_at: Mapped[datetime]
    who: Mapped[str] = mapped_column(word(96))
    parameters: Mapped[str] = mapped_column(word(2000))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    figures: Mapped[bytes] = mapped_column(LargeBinary)
