"""Notices, their items and what became of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from nta.ports import Ids
from nta.store.addressees import chunks
from nta.store.bulk import execute_plain, found_by, insert_rows, rows_of, table_of
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
from nta.store.types import to_us

QUEUED, COMPOSED, HANDED_OVER, REFUSED, NOT_SENT, EMPTY, WAITING_LEAD, DECLINED = (
    "queued",
    "composed",
    "handed_over",
    "refused",
    "not_sent",
    "empty",
    "waiting_lead",
    "declined",
)
CONTENT = "notice.content"
"""Where `Notice.content_sealed` is sealed for."""

UNDER_WAY = (QUEUED, COMPOSED, WAITING_LEAD)
"""States in which a notice may still go out."""

# Tables, not mapped classes: a statement over these costs a third to build, and notices come by the thousand.
_ADDRESSEE = table_of(Addressee)
_ARRANGEMENT = table_of(Arrangement)
_CASE = table_of(Case)
_CONTACT = table_of(Contact)
_DUE = table_of(Due)
_EPISODE = table_of(Episode)
_NOTICE = table_of(Notice)
_NOTICE_EVENT = table_of(NoticeEvent)
_NOTICE_ITEM = table_of(NoticeItem)
_PARTY_ROW = table_of(PartyRow)
_PORTAL_LINK = table_of(PortalLink)
_SUBMISSION = table_of(Submission)
_SWITCH = table_of(Switch)

_COMPOSED = (
    "state",
    "composed_at",
    "message_id",
    "return_digest",
    "sent_to",
    "return_path",
    "content_sealed",
)
_PUT_COMPOSED = (
    update(_NOTICE)
    .where(_NOTICE.c.id == bindparam("_id"))
    .values({name: bindparam(f"_{name}") for name in _COMPOSED})
)

_SENDING = "SELECT value FROM switch WHERE name = ?"
_RUNGS = (
    "SELECT DISTINCT episode_id, rung FROM notice_item JOIN notice ON notice.id = notice_id "
    "WHERE left_at IS NULL AND handed_at IS NOT NULL AND episode_id"
)
_HANDED = "UPDATE notice SET state = ?, handed_at = ? WHERE id = ?"
_EVENT = ("id", "notice_id", "at", "kind", "proof", "settled")


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
    queued_at: datetime
    refused_at: datetime | None = None  # when a person refused the contact that it went to


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
    return ("off",) in rows_of(connection, _SENDING, ("sending",))


def past(connection: Connection, episode_ids: Collection[int]) -> list[Past]:
    """Return the notices about the episodes, oldest first; an item that left its notice does not count."""
    found: list[Past] = []
    for part in chunks(episode_ids):
        query = (
            select(
                _NOTICE_ITEM.c.episode_id,
                _NOTICE.c.id,
                _NOTICE.c.reference,
                _NOTICE.c.rung,
                _NOTICE.c.kind,
                _NOTICE.c.party,
                _PARTY_ROW.c.name,
                _NOTICE.c.role,
                _NOTICE.c.state,
                _CONTACT.c.address,
                _NOTICE.c.handed_at,
                _NOTICE.c.accepted_at,
                _NOTICE.c.bounced_at,
                _ADDRESSEE.c.released_at,
                _NOTICE.c.queued_at,
                _CONTACT.c.refused_at,
            )
            .join(_NOTICE, _NOTICE.c.id == _NOTICE_ITEM.c.notice_id)
            .join(_PARTY_ROW, _PARTY_ROW.c.id == _NOTICE.c.party)
            .join(_CONTACT, _CONTACT.c.id == _NOTICE.c.contact_id)
            .join(_ADDRESSEE, _ADDRESSEE.c.id == _NOTICE_ITEM.c.addressee_id)
            .where(_NOTICE_ITEM.c.episode_id.in_(part), _NOTICE_ITEM.c.left_at.is_(None))
            .order_by(_NOTICE.c.queued_at, _NOTICE.c.id)
        )
        found.extend(Past._make(row) for row in connection.execute(query))
    return found


def items_since(connection: Connection, parties: Collection[str], since: datetime) -> dict[str, int]:
    """Return how many items each party was sent, or is about to be, since a moment."""
    query = (
        select(_NOTICE.c.party, func.count())
        .join(_NOTICE_ITEM, _NOTICE_ITEM.c.notice_id == _NOTICE.c.id)
        .where(
            _NOTICE.c.party.in_(sorted(parties)),
            _NOTICE.c.queued_at > since,
            _NOTICE.c.state.in_((QUEUED, COMPOSED, HANDED_OVER)),
            _NOTICE_ITEM.c.left_at.is_(None),
        )
        .group_by(_NOTICE.c.party)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def taken_references(connection: Connection, references: Collection[str]) -> set[str]:
    """Return which of these references a notice already has."""
    listed = sorted(references)
    found: set[str] = set()
    for start in range(0, len(listed), 500):
        query = select(_NOTICE.c.reference).where(_NOTICE.c.reference.in_(listed[start : start + 500]))
        found.update(connection.execute(query).scalars())
    return found


def laws_of_cases(connection: Connection, case_ids: Collection[int]) -> dict[int, str]:
    """Return the law that the newest standing submission of each case names, where one does."""
    found: dict[int, str] = {}
    for part in chunks(case_ids):
        query = (
            select(_SUBMISSION.c.case_id, _SUBMISSION.c.law)
            .where(
                _SUBMISSION.c.case_id.in_(part),
                _SUBMISSION.c.law.is_not(None),
                _SUBMISSION.c.withdrawn_at.is_(None),
            )
            .order_by(_SUBMISSION.c.id)
        )
        found.update({case_id: law for case_id, law in connection.execute(query) if law})
    return found


def by_return_digest(connection: Connection, digest: bytes) -> Sent | None:
    """Return the notice whose return path holds a token, by the token's digest."""
    return _sent(connection, _NOTICE.c.return_digest == digest)


def by_message_id(connection: Connection, message_id: str) -> Sent | None:
    """Return the notice with this Message-ID."""
    return _sent(connection, _NOTICE.c.message_id == message_id)


def by_reference(connection: Connection, reference: str) -> Sent | None:
    """Return the notice with this reference."""
    return _sent(connection, _NOTICE.c.reference == reference)


def episodes_of(connection: Connection, notice_ids: Collection[int]) -> dict[int, list[int]]:
    """Return the episodes that each notice tells of, those that left it apart."""
    found: dict[int, list[int]] = {}
    for part in chunks(notice_ids):
        query = (
            select(_NOTICE_ITEM.c.notice_id, _NOTICE_ITEM.c.episode_id)
            .where(_NOTICE_ITEM.c.notice_id.in_(part), _NOTICE_ITEM.c.left_at.is_(None))
            .order_by(_NOTICE_ITEM.c.notice_id, _NOTICE_ITEM.c.position)
        )
        for notice_id, episode_id in connection.execute(query):
            found.setdefault(notice_id, []).append(episode_id)
    return found


def rungs_told(connection: Connection, episode_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the rungs of each episode for which a notice was handed over."""
    found: dict[int, set[str]] = {}
    for episode_id, rung in found_by(connection, _RUNGS, sorted(episode_ids)):
        found.setdefault(episode_id, set()).add(rung)
    return found


def add(
    connection: Connection, notices: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]
) -> None:
    """Insert notices with their items."""
    if notices:
        connection.execute(insert(_NOTICE), notices)
        connection.execute(insert(_NOTICE_ITEM), items)


def note(
    connection: Connection, ids: Ids, notice_ids: Collection[int], kind: str, at: datetime, proof: str | None
) -> None:
    """Write what became of notices, with the proof of it: a server's line, without addresses."""
    if notice_ids:
        numbers = ids.take(len(notice_ids))
        said = (to_us(at), kind, proof and proof[:400], True)
        rows = [(number, notice, *said) for number, notice in zip(numbers, notice_ids, strict=True)]
        insert_rows(connection, _NOTICE_EVENT, _EVENT, rows)


def troubled(connection: Connection, contact_id: int, since: datetime) -> set[int]:
    """Return the notices that a contact's side delayed or gave back since a moment.

    What our own relay put off before it had handed a notice over is no
    fault of the contact.
    """
    query = select(_NOTICE.c.id).join(_NOTICE_EVENT, _NOTICE_EVENT.c.notice_id == _NOTICE.c.id)
    return set(
        connection.execute(
            query.where(
                _NOTICE.c.contact_id == contact_id,
                _NOTICE_EVENT.c.kind.in_(("delayed", "bounced")),
                _NOTICE_EVENT.c.at >= since,
                _NOTICE_EVENT.c.at >= _NOTICE.c.handed_at,
            )
        ).scalars()
    )


def handed_over(connection: Connection, notice_id: int, at: datetime) -> None:
    """Write that our relay took a notice."""
    execute_plain(connection, _HANDED, (HANDED_OVER, to_us(at), notice_id))


def put(connection: Connection, notice_id: int, **values: Any) -> None:
    """Write columns of one notice."""
    connection.execute(update(_NOTICE).where(_NOTICE.c.id == notice_id).values(**values))


def leave(connection: Connection, item_ids: Iterable[int], at: datetime, why: str) -> None:
    """Take items out of their notice before it is sent."""
    for part in chunks(item_ids):
        connection.execute(
            update(_NOTICE_ITEM).where(_NOTICE_ITEM.c.id.in_(part)).values(left_at=at, left_why=why)
        )


def as_told(connection: Connection, rows: Sequence[tuple[int, datetime | None]]) -> None:
    """Write when each item was last seen up, as its notice says: (item, moment)."""
    if rows:
        connection.execute(
            update(_NOTICE_ITEM)
            .where(_NOTICE_ITEM.c.id == bindparam("_id"))
            .values(last_up_at=bindparam("_up")),
            [{"_id": item_id, "_up": moment} for item_id, moment in rows],
        )


def put_composed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what was composed: rows of `_id` and the columns that composing fills, each with a `_` before."""
    if rows:
        connection.execute(_PUT_COMPOSED, rows)


def add_links(
    connection: Connection, ids: Ids, links: Sequence[tuple[int, bytes]], expires_at: datetime
) -> None:
    """Insert the links of notices: (notice, digest of the token)."""
    if links:
        numbers = ids.take(len(links))
        connection.execute(
            insert(_PORTAL_LINK),
            [
                {"id": number, "notice_id": notice, "digest": digest, "expires_at": expires_at}
                for number, (notice, digest) in zip(numbers, links, strict=True)
            ],
        )


def _sent(connection: Connection, found_by: Any) -> Sent | None:
    query = (
        select(*(_NOTICE.c[name] for name in Sent._fields[:-1]), _CONTACT.c.address)
        .join(_CONTACT, _CONTACT.c.id == _NOTICE.c.contact_id)
        .where(found_by)
    )
    row = connection.execute(query).first()
    return Sent._make(row) if row else None
