"""Hand-ins, submissions, domains, hosts, cases, episodes and their events."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nta.domain.reasons import Reason
from nta.store.db.types import Sealed, word
from nta.store.tables.base import Base


class HandIn(Base):
    """One paste, file, mail or API call. `key` makes a repetition harmless."""

    __tablename__ = "hand_in"
    __table_args__ = (UniqueConstraint("who", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    who: Mapped[str] = mapped_column(word(64))
    key: Mapped[str] = mapped_column(word(64))
    way: Mapped[str] = mapped_column(word())  # paste, file, mail, api, command
    received_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    accepted: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)


class HandInLine(Base):
    """What became of one line: the submission it made, or why it was refused."""

    __tablename__ = "hand_in_line"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    hand_in_id: Mapped[int] = mapped_column(ForeignKey("hand_in.id"), primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    submission_id: Mapped[int | None]
    reason: Mapped[Reason | None]
    input_sealed: Mapped[bytes | None] = mapped_column(Sealed)  # refused lines alone


class Submission(Base):
    """One hand-in of a URL by somebody. reported <= received <= confirmed <= submitted."""

    __tablename__ = "submission"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    hand_in_id: Mapped[int | None] = mapped_column(ForeignKey("hand_in.id"))
    source: Mapped[str] = mapped_column(word(64))
    their_reference: Mapped[str | None]
    their_group: Mapped[str | None]
    reported_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    submitted_at: Mapped[datetime]
    class_scheme: Mapped[str] = mapped_column(word())
    class_value: Mapped[str] = mapped_column(word())
    law: Mapped[str | None] = mapped_column(word(64))
    severity: Mapped[str] = mapped_column(word(8))
    programme: Mapped[str | None] = mapped_column(word(64))
    scope: Mapped[str] = mapped_column(word(12))  # file, page, directory, site
    referrer_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    withdrawn_at: Mapped[datetime | None]


class Domain(Base):
    """One registrable domain. `dedicated` is set by a lead or by a rule; unknown is not yes."""

    __tablename__ = "domain"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    name_sealed: Mapped[bytes] = mapped_column(Sealed)
    suffix: Mapped[str] = mapped_column(word(64))
    registrar_party: Mapped[str | None] = mapped_column(word(96))
    registry_party: Mapped[str | None] = mapped_column(word(96))
    status: Mapped[str | None]
    dedicated: Mapped[str] = mapped_column(word(8), default="unknown", server_default="unknown")
    dedicated_by: Mapped[str | None] = mapped_column(word(64))
    dedicated_at: Mapped[datetime | None]
    dedicated_why: Mapped[str | None]
    forced_party: Mapped[str | None] = mapped_column(word(96))  # of each host without an entry of its own
    forced_origin_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    forced_reason: Mapped[str | None]
    forced_until: Mapped[datetime | None]
    forced_by: Mapped[str | None] = mapped_column(word(96))
    forced_at: Mapped[datetime | None]


class Host(Base):
    """One host name and port. `arrangement_id` is the arrangement in force."""

    __tablename__ = "host"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    name_sealed: Mapped[bytes] = mapped_column(Sealed)
    port: Mapped[int]
    is_ip: Mapped[bool]
    domain_id: Mapped[int | None] = mapped_column(ForeignKey("domain.id"), index=True)
    arrangement_id: Mapped[int | None]
    suspect_id: Mapped[int | None]  # an arrangement seen instead of the one in force, not yet believed
    missed_looks: Mapped[int] = mapped_column(default=0, server_default="0")
    missed_since: Mapped[datetime | None]  # the first of those looks
    forced_party: Mapped[str | None] = mapped_column(word(96))
    forced_origin_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    forced_reason: Mapped[str | None]
    forced_until: Mapped[datetime | None]
    forced_by: Mapped[str | None] = mapped_column(word(96))
    forced_at: Mapped[datetime | None]
    proxy_mark: Mapped[str | None] = mapped_column(word(96))  # a proxy whose header field its answers bear
    canaries: Mapped[str | None] = mapped_column(Text)
    canary_at: Mapped[datetime | None]


class Arrangement(Base):
    """The set of parties that serve a host at the same time, as first and last found."""

    __tablename__ = "arrangement"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    host_id: Mapped[int] = mapped_column(ForeignKey("host.id"), index=True)
    country: Mapped[str | None] = mapped_column(word(2))
    facts_sealed: Mapped[bytes] = mapped_column(Sealed)  # hosting.to_plain as JSON
    facts_at: Mapped[datetime]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ArrangementParty(Base):
    """One address of an arrangement and who answers for it; in clear, for figures group by it."""

    __tablename__ = "arrangement_party"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    arrangement_id: Mapped[int] = mapped_column(
        ForeignKey("arrangement.id"), primary_key=True, autoincrement=False
    )
    address: Mapped[str] = mapped_column(word(45), primary_key=True)
    party: Mapped[str | None] = mapped_column(word(96))
    proxy: Mapped[str | None] = mapped_column(word(96))
    asn: Mapped[int | None]
    network: Mapped[str | None]
    country: Mapped[str | None] = mapped_column(word(2))
    seen_at: Mapped[datetime]  # when the name last led here


class Case(Base):
    """One URL and all that happens to it; never refused as a duplicate."""

    __tablename__ = "case"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(word(16), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("host.id"), index=True)
    url_sealed: Mapped[bytes] = mapped_column(Sealed)
    class_scheme: Mapped[str] = mapped_column(word())
    class_value: Mapped[str] = mapped_column(word())  # the strictest of its submissions
    severity: Mapped[str] = mapped_column(word(8))
    scope: Mapped[str] = mapped_column(word(12))
    received_at: Mapped[datetime]  # the first submission's: clock A begins here
    referrer_sealed: Mapped[bytes | None] = mapped_column(Sealed)  # sealed as of this row, for looking


class Episode(Base):
    """One spell of a case under one hosting arrangement. Only `episodes.move` writes stage and presence."""

    __tablename__ = "episode"
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        Index(
            "ix_episode_open_host",
            "host_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    host_id: Mapped[int] = mapped_column(ForeignKey("host.id"))
    number: Mapped[int]
    arrangement_id: Mapped[int | None]
    ladder: Mapped[str | None] = mapped_column(word(64))
    ladder_version: Mapped[str | None] = mapped_column(word())
    severity: Mapped[str] = mapped_column(word(8))
    stage: Mapped[str] = mapped_column(word(12))
    presence: Mapped[str] = mapped_column(word(8))
    outcome: Mapped[str | None] = mapped_column(word())
    actor: Mapped[str | None] = mapped_column(word(12))  # who ended it
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    received_at: Mapped[datetime]  # clock A of this episode
    looked_at: Mapped[datetime | None]  # the last look that was tried
    last_verdict: Mapped[str | None] = mapped_column(word(12))
    last_cause: Mapped[str | None] = mapped_column(word(20))
    last_up_at: Mapped[datetime | None]
    first_gone_at: Mapped[datetime | None]  # of the absence in force; clears on a return
    proven_gone_at: Mapped[datetime | None]
    paused_since: Mapped[datetime | None]  # when deadlines stopped
    paused: Mapped[timedelta] = mapped_column(default=timedelta(0), server_default="0")
    one_vantage: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    returns: Mapped[int] = mapped_column(default=0, server_default="0")
    first_handed_at: Mapped[datetime | None]  # first notice of any addressee
    held_until: Mapped[datetime | None]  # when a hold ends by itself


class Event(Base):
    """One change of an episode: when, who, why. Events are the truth of it."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(word())
    who: Mapped[str] = mapped_column(word(96))
    why: Mapped[Reason | None]
    stage: Mapped[str] = mapped_column(word(12))  # after the change
    presence: Mapped[str] = mapped_column(word(8))
    subject: Mapped[int | None] = mapped_column(BigInteger)  # the notice, addressee or answer it speaks of
