"""Notices, their items and what became of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, or_, select, update

from nta.domain.errors import RefusedError
from nta.domain.notices.notice_state import NoticeState, NoticeStep, led_to, states_before
from nta.domain.notices.past_notices import PastNotice
from nta.domain.parties.contact_addresses import ContactAddress
from nta.ports import Ids
from nta.store.db.bulk import (
    chunks,
    execute_plain,
    found_by,
    insert_rows,
    table_of,
)
from nta.store.db.types import to_us
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
)

CONTENT = "notice.content"
"""Where `Notice.content_sealed` is sealed for."""

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

COMPOSING = (
    "state",
    "composed_at",
    "channel",
    "message_id",
    "return_digest",
    "sent_to",
    "return_path",
    "content_sealed",
)
_PUT_COMPOSED = (
    update(_NOTICE)
    .where(_NOTICE.c.id == bindparam("_id"), _NOTICE.c.state == NoticeState.QUEUED)
    .values({name: bindparam(f"_{name}") for name in COMPOSING})
)

_RUNGS = (
    "SELECT DISTINCT episode_id, rung FROM notice_item JOIN notice ON notice.id = notice_id "
    "WHERE left_at IS NULL AND handed_at IS NOT NULL AND episode_id"
)
_HANDED = "UPDATE notice SET state = ?, return_path = NULL, handed_at = ? WHERE id = ? AND state = ?"
_SENT = tuple(state.value for state in (NoticeState.QUEUED, NoticeState.COMPOSED, NoticeState.HANDED_OVER))
_EVENT = ("id", "notice_id", "at", "kind", "proof", "settled")


class MailedNotice(NamedTuple):
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
    channel: str
    contact_channel: str
    contact_to: str

    @property
    def went_to_contact(self) -> bool:
        """Tell whether it went to the contact, and not to an address of ours."""
        return (self.channel, self.sent_to) == (self.contact_channel, self.contact_to)


def past(connection: Connection, episode_ids: Collection[int]) -> list[PastNotice]:
    """Return the notices about the episodes, oldest first; an item that left its notice does not count."""
    found: list[PastNotice] = []
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
                _CONTACT.c.way,
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
        found.extend(
            PastNotice(*row[:9], ContactAddress(*row[9:11]), *row[11:]) for row in connection.execute(query)
        )
    return found


def items_since(connection: Connection, parties: Collection[str], since: datetime) -> dict[str, int]:
    """Return how many items each party was sent, or is about to be, since a moment."""
    query = (
        select(_NOTICE.c.party, func.count())
        .join(_NOTICE_ITEM, _NOTICE_ITEM.c.notice_id == _NOTICE.c.id)
        .where(
            _NOTICE.c.party.in_(sorted(parties)),
            _NOTICE.c.queued_at > since,
            _NOTICE.c.state.in_(_SENT),
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


def tied(
    connection: Connection, return_digest: bytes | None, message_ids: Sequence[str]
) -> tuple[MailedNotice, bool] | None:
    """Return the notice that a mail belongs to, and whether by its return path.

    By the digest of the return path's token before all else, then by the
    first Message-ID that is a notice's.
    """
    known: list[ColumnElement[bool]] = []
    if message_ids:
        known.append(_NOTICE.c.message_id.in_(message_ids))
    if return_digest is not None:
        known.append(_NOTICE.c.return_digest == return_digest)
    if not known:
        return None
    places = {message_id: place for place, message_id in reversed([*enumerate(message_ids)])}
    query = _select_sent().add_columns(_NOTICE.c.return_digest, _NOTICE.c.message_id).where(or_(*known))
    found = []
    for *row, digest, message_id in connection.execute(query):
        by_path = return_digest is not None and digest == return_digest
        found.append((-1 if by_path else places.get(message_id or "", 0), MailedNotice._make(row), by_path))
    if not found:
        return None
    _, notice, by_path = min(found, key=lambda one: one[0])
    return notice, by_path


def by_reference(connection: Connection, reference: str) -> MailedNotice | None:
    """Return the notice with this reference."""
    row = connection.execute(_select_sent().where(_NOTICE.c.reference == reference)).first()
    return MailedNotice._make(row) if row else None


def in_state(connection: Connection, reference: str, states: Collection[str]) -> int | None:
    """Return the id of the notice of a reference when it is in one of the states, else None."""
    query = select(_NOTICE.c.id).where(_NOTICE.c.reference == reference, _NOTICE.c.state.in_(states))
    return connection.execute(query).scalar()


class ItemLocation(NamedTuple):
    """One location of a notice, sealed, and its case."""

    location_sealed: bytes
    case_reference: str


def location(connection: Connection, reference: str, item_id: int) -> ItemLocation | None:
    """Return a location of the notice of that reference, or None."""
    query = (
        select(_NOTICE_ITEM.c.location_sealed, _NOTICE_ITEM.c.case_reference)
        .join(_NOTICE, _NOTICE.c.id == _NOTICE_ITEM.c.notice_id)
        .where(_NOTICE_ITEM.c.id == item_id, _NOTICE.c.reference == reference)
    )
    row = connection.execute(query).first()
    return ItemLocation._make(row) if row else None


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
    """Write that our relay took a composed notice. Raises RefusedError for any other."""
    step = NoticeStep.HAND_OVER
    (before,) = states_before(step)
    given = (led_to(step).value, to_us(at), notice_id, before.value)
    _sure(execute_plain(connection, _HANDED, given) == 1, step)


def move(connection: Connection, notice_id: int, step: NoticeStep) -> None:
    """Write that a notice takes a step. What is no longer on its way needs no way back.

    Raises: RefusedError for a notice that is in no state from which the step leads.
    """
    before = [state.value for state in states_before(step)]
    moved = update(_NOTICE).where(_NOTICE.c.id == notice_id, _NOTICE.c.state.in_(before))
    written = connection.execute(moved.values(state=led_to(step).value, return_path=None))
    _sure(written.rowcount == 1, step)


def _sure(all_moved: bool, step: NoticeStep) -> None:
    if not all_moved:
        raise RefusedError(f"a notice that stands elsewhere by now cannot take the step {step}")


def put_accepted(connection: Connection, notice_id: int, at: datetime) -> None:
    """Write since when there is proof that the other side has a notice."""
    connection.execute(update(_NOTICE).where(_NOTICE.c.id == notice_id).values(accepted_at=at))


def put_bounced(connection: Connection, notice_id: int, at: datetime) -> None:
    """Write since when it is known that a notice did not reach its reader."""
    connection.execute(update(_NOTICE).where(_NOTICE.c.id == notice_id).values(bounced_at=at))


def forget_return_paths(connection: Connection) -> int:
    """Take the return paths from notices that have left: an older version, still at work, kept them.

    Returns how many there were; the index on those that have one makes this quick.
    """
    left = update(_NOTICE).where(_NOTICE.c.return_path.is_not(None), _NOTICE.c.state != NoticeState.COMPOSED)
    return connection.execute(left.values(return_path=None)).rowcount


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
    """Write what was composed: rows of `_id` and the columns of `COMPOSING`, each with a `_` before.

    Raises: RefusedError where one of the notices is queued no more.
    """
    if rows:
        written = connection.execute(_PUT_COMPOSED, rows).rowcount
        _sure(written == len(rows), NoticeStep.COMPOSE)


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


def _select_sent() -> Any:
    own = (_NOTICE.c[name] for name in MailedNotice._fields[:-2])
    query = select(*own, _CONTACT.c.way, _CONTACT.c.address)
    return query.join(_CONTACT, _CONTACT.c.id == _NOTICE.c.contact_id)
