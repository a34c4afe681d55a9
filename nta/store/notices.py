"""Notices, their items and what became of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from nta.ports import Ids
from nta.store.addressees import chunks
from nta.store.due import SEND
from nta.store.tables import (
    Addressee,
    Arrangement,
    Case,
    Contact,
    Due,
    Episode,
    Notice,
    NoticeEvent,
    NoticeItem,
    PartyRow,
    PortalLink,
    Submission,
    Switch,
)

QUEUED, COMPOSED, HANDED_OVER, REFUSED, NOT_SENT, EMPTY, WAITING_LEAD = (
    "queued",
    "composed",
    "handed_over",
    "refused",
    "not_sent",
    "empty",
    "waiting_lead",
)
CONTENT = "notice.content"
"""Where `Notice.content_sealed` is sealed for."""

UNDER_WAY = (QUEUED, COMPOSED, WAITING_LEAD)
"""States in which a notice may still go out."""


class Past(NamedTuple):
    """One notice about one episode, as far as it bears on who is told next and what is said of it."""

    episode_id: int
    notice_id: int
    reference: str
    rung: str
    kind: str
    party: str
    party_name: str
    role: str
    state: str
    email: str
    handed_at: datetime | None
    accepted_at: datetime | None
    bounced_at: datetime | None
    released_at: datetime | None


class Draft(NamedTuple):
    """A notice that was taken to be sent."""

    id: int
    reference: str
    party: str
    role: str
    contact_id: int
    kind: str
    rung: str
    language: str
    severity: str
    state: str
    queued_at: datetime
    composed_at: datetime | None
    sent_to: str | None
    return_path: str | None
    content_sealed: bytes | None
    party_name: str
    email: str
    health: str
    tries: int


class DraftItem(NamedTuple):
    """One location of a notice that was taken, with what is known of it by now."""

    id: int
    notice_id: int
    position: int
    episode_id: int
    case_reference: str
    location_sealed: bytes
    addresses: str | None
    port: int | None
    received_at: datetime
    law: str | None
    scope: str
    class_scheme: str
    class_value: str
    host_id: int
    severity: str
    stage: str
    presence: str
    outcome: str | None
    ended_at: datetime | None
    looked_at: datetime | None
    last_up_at: datetime | None
    last_verdict: str | None
    ladder: str | None
    country: str | None
    facts_at: datetime | None


class Sent(NamedTuple):
    """A notice as mail that comes back finds it."""

    id: int
    reference: str
    party: str
    role: str
    contact_id: int
    kind: str
    rung: str
    state: str
    handed_at: datetime | None
    accepted_at: datetime | None
    bounced_at: datetime | None
    sent_to: str | None
    email: str


def sending_stopped(connection: Connection) -> bool:
    """Tell whether a lead has stopped all sending."""
    return connection.execute(select(Switch.value).where(Switch.name == "sending")).scalar() == "off"


def past(connection: Connection, episode_ids: Collection[int]) -> list[Past]:
    """Return the notices about the episodes, oldest first; an item that left its notice does not count."""
    found: list[Past] = []
    for part in chunks(episode_ids):
        query = (
            select(
                NoticeItem.episode_id,
                Notice.id,
                Notice.reference,
                Notice.rung,
                Notice.kind,
                Notice.party,
                PartyRow.name,
                Notice.role,
                Notice.state,
                Contact.address,
                Notice.handed_at,
                Notice.accepted_at,
                Notice.bounced_at,
                Addressee.released_at,
            )
            .join(Notice, Notice.id == NoticeItem.notice_id)
            .join(PartyRow, PartyRow.id == Notice.party)
            .join(Contact, Contact.id == Notice.contact_id)
            .join(Addressee, Addressee.id == NoticeItem.addressee_id)
            .where(NoticeItem.episode_id.in_(part), NoticeItem.left_at.is_(None))
            .order_by(Notice.queued_at, Notice.id)
        )
        found.extend(Past._make(row) for row in connection.execute(query))
    return found


def items_since(connection: Connection, parties: Collection[str], since: datetime) -> dict[str, int]:
    """Return how many items each party was sent, or is about to be, since a moment."""
    query = (
        select(Notice.party, func.count())
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(
            Notice.party.in_(sorted(parties)),
            Notice.queued_at > since,
            Notice.state.in_((QUEUED, COMPOSED, HANDED_OVER)),
            NoticeItem.left_at.is_(None),
        )
        .group_by(Notice.party)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def taken_references(connection: Connection, references: Collection[str]) -> set[str]:
    """Return which of these references a notice already has."""
    listed = sorted(references)
    found: set[str] = set()
    for start in range(0, len(listed), 500):
        query = select(Notice.reference).where(Notice.reference.in_(listed[start : start + 500]))
        found.update(connection.execute(query).scalars())
    return found


def laws_of_cases(connection: Connection, case_ids: Collection[int]) -> dict[int, str]:
    """Return the law that the newest standing submission of each case names, where one does."""
    found: dict[int, str] = {}
    for part in chunks(case_ids):
        query = (
            select(Submission.case_id, Submission.law)
            .where(
                Submission.case_id.in_(part), Submission.law.is_not(None), Submission.withdrawn_at.is_(None)
            )
            .order_by(Submission.id)
        )
        found.update({case_id: law for case_id, law in connection.execute(query) if law})
    return found


def drafts(connection: Connection, ids: Collection[int]) -> list[Draft]:
    """Return the notices that were taken, in the order of their ids."""
    found: list[Draft] = []
    own = (Notice.__table__.c[name] for name in Draft._fields[:15])
    select_from = (
        select(*own, PartyRow.name, Contact.address, Contact.health, Due.tries)
        .join(PartyRow, PartyRow.id == Notice.party)
        .join(Contact, Contact.id == Notice.contact_id)
        .join(Due, (Due.kind == SEND) & (Due.subject == Notice.id))
    )
    for part in chunks(ids):
        query = select_from.where(Notice.id.in_(part)).order_by(Notice.id)
        found.extend(Draft._make(row) for row in connection.execute(query))
    return found


def draft_items(connection: Connection, notice_ids: Collection[int]) -> list[DraftItem]:
    """Return the locations of these notices that have not left, in the order in which they are listed."""
    found: list[DraftItem] = []
    select_from = (
        select(
            *(NoticeItem.__table__.c[name] for name in DraftItem._fields[:11]),
            Case.class_scheme,
            Case.class_value,
            *(Episode.__table__.c[name] for name in DraftItem._fields[13:23]),
            Arrangement.country,
            Arrangement.facts_at,
        )
        .join(Episode, Episode.id == NoticeItem.episode_id)
        .join(Case, Case.id == Episode.case_id)
        .outerjoin(Arrangement, Arrangement.id == Episode.arrangement_id)
    )
    for part in chunks(notice_ids):
        query = select_from.where(NoticeItem.notice_id.in_(part), NoticeItem.left_at.is_(None))
        ordered = query.order_by(NoticeItem.notice_id, NoticeItem.position)
        found.extend(DraftItem._make(row) for row in connection.execute(ordered))
    return found


def by_return_digest(connection: Connection, digest: bytes) -> Sent | None:
    """Return the notice whose return path holds a token, by the token's digest."""
    return _sent(connection, Notice.return_digest == digest)


def by_message_id(connection: Connection, message_id: str) -> Sent | None:
    """Return the notice with this Message-ID."""
    return _sent(connection, Notice.message_id == message_id)


def by_reference(connection: Connection, reference: str) -> Sent | None:
    """Return the notice with this reference."""
    return _sent(connection, Notice.reference == reference)


def episodes_of(connection: Connection, notice_ids: Collection[int]) -> dict[int, list[int]]:
    """Return the episodes that each notice tells of, those that left it apart."""
    found: dict[int, list[int]] = {}
    for part in chunks(notice_ids):
        query = (
            select(NoticeItem.notice_id, NoticeItem.episode_id)
            .where(NoticeItem.notice_id.in_(part), NoticeItem.left_at.is_(None))
            .order_by(NoticeItem.notice_id, NoticeItem.position)
        )
        for notice_id, episode_id in connection.execute(query):
            found.setdefault(notice_id, []).append(episode_id)
    return found


def rungs_told(connection: Connection, episode_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the rungs of each episode for which a notice was handed over."""
    found: dict[int, set[str]] = {}
    for part in chunks(episode_ids):
        query = (
            select(NoticeItem.episode_id, Notice.rung)
            .join(Notice, Notice.id == NoticeItem.notice_id)
            .where(
                NoticeItem.episode_id.in_(part),
                NoticeItem.left_at.is_(None),
                Notice.handed_at.is_not(None),
            )
            .distinct()
        )
        for episode_id, rung in connection.execute(query):
            found.setdefault(episode_id, set()).add(rung)
    return found


def add(
    connection: Connection, notices: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]
) -> None:
    """Insert notices with their items."""
    if notices:
        connection.execute(insert(Notice), notices)
        connection.execute(insert(NoticeItem), items)


def note(
    connection: Connection, ids: Ids, notice_ids: Collection[int], kind: str, at: datetime, proof: str | None
) -> None:
    """Write what became of notices, with the proof of it: a server's line, without addresses."""
    if notice_ids:
        numbers = ids.take(len(notice_ids))
        connection.execute(
            insert(NoticeEvent),
            [
                {
                    "id": number,
                    "notice_id": notice,
                    "at": at,
                    "kind": kind,
                    "proof": proof and proof[:400],
                    "settled": True,
                }
                for number, notice in zip(numbers, notice_ids, strict=True)
            ],
        )


def put(connection: Connection, notice_id: int, **values: Any) -> None:
    """Write columns of one notice."""
    connection.execute(update(Notice).where(Notice.id == notice_id).values(**values))


def leave(connection: Connection, item_ids: Iterable[int], at: datetime, why: str) -> None:
    """Take items out of their notice before it is sent."""
    for part in chunks(item_ids):
        connection.execute(update(NoticeItem).where(NoticeItem.id.in_(part)).values(left_at=at, left_why=why))


def as_told(connection: Connection, rows: Sequence[tuple[int, datetime | None]]) -> None:
    """Write when each item was last seen up, as its notice says: (item, moment)."""
    if rows:
        connection.execute(
            update(NoticeItem).where(NoticeItem.id == bindparam("_id")).values(last_up_at=bindparam("_up")),
            [{"_id": item_id, "_up": moment} for item_id, moment in rows],
        )


def add_link(connection: Connection, ids: Ids, notice_id: int, digest: bytes, expires_at: datetime) -> None:
    """Insert the link of a notice."""
    connection.execute(
        insert(PortalLink).values(
            id=ids.take(1)[0], notice_id=notice_id, digest=digest, expires_at=expires_at
        )
    )


def _sent(connection: Connection, found_by: Any) -> Sent | None:
    query = (
        select(*(Notice.__table__.c[name] for name in Sent._fields[:-1]), Contact.address)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(found_by)
    )
    row = connection.execute(query).first()
    return Sent._make(row) if row else None


def postpone(connection: Connection, moments: Sequence[tuple[int, datetime]], holder: str) -> None:
    """Give back notices that could not be sent, to be tried again; the count of tries goes on."""
    if moments:
        connection.execute(
            update(Due)
            .where(Due.kind == SEND, Due.subject == bindparam("_id"), Due.taken_by == holder)
            .values(due_at=bindparam("_at"), taken_by=None, taken_until=None),
            [{"_id": notice_id, "_at": at} for notice_id, at in moments],
        )


def begin_tries(connection: Connection, notice_id: int) -> None:
    """Count tries from this one on: waiting for a look was none."""
    connection.execute(update(Due).where(Due.kind == SEND, Due.subject == notice_id).values(tries=1))
