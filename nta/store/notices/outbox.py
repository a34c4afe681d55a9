"""Notices that were taken to be sent: what goes into them, and giving them back."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ScalarSelect, bindparam, case, func, select, update

from nta.domain.parties.contact_addresses import ContactAddress
from nta.store.db.bulk import chunks, execute_plain, table_of
from nta.store.notices.addressees import as_written_to
from nta.store.tables import (
    Arrangement,
    Case,
    Contact,
    Due,
    Episode,
    Notice,
    NoticeItem,
    PartyRow,
    Submission,
)
from nta.store.work.due import SEND

_ARRANGEMENT = table_of(Arrangement)
_CASE = table_of(Case)
_CONTACT = table_of(Contact)
_DUE = table_of(Due)
_EPISODE = table_of(Episode)
_NOTICE = table_of(Notice)
_NOTICE_ITEM = table_of(NoticeItem)
_PARTY_ROW = table_of(PartyRow)
_SUBMISSION = table_of(Submission)


class OutboxNotice(NamedTuple):
    """A notice that was taken to be sent."""

    id: int
    reference: str
    party: str
    role: str
    contact_id: int
    kind: str
    rung: str
    language: str
    format: str
    channel: str
    severity: str
    state: str
    queued_at: datetime
    composed_at: datetime | None
    sent_to: str | None
    return_path: str | None
    content_sealed: bytes | None
    party_name: str
    contact_channel: str
    contact_to: str
    health: str
    tries: int

    @property
    def contact(self) -> ContactAddress:
        """Return its contact's address."""
        return ContactAddress(self.contact_channel, self.contact_to)

    @property
    def sent(self) -> ContactAddress:
        """Return where it goes as it was composed: to its contact, or to an address of ours."""
        return ContactAddress(self.channel, self.sent_to) if self.sent_to else self.contact

    @property
    def went_to_contact(self) -> bool:
        """Tell whether it goes to the contact, and not to an address of ours."""
        return self.sent_to is not None and self.sent == self.contact


class OutboxItem(NamedTuple):
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
    arrangement_id: int | None
    returns: int
    there_at: datetime | None  # when an analyst last said so


def of_notices(connection: Connection, ids: Collection[int]) -> list[OutboxNotice]:
    """Return the notices that were taken, in the order of their ids."""
    found: list[OutboxNotice] = []
    own = (_NOTICE.c[name] for name in OutboxNotice._fields[:17])
    select_from = (
        select(*own, _PARTY_ROW.c.name, _CONTACT.c.way, _CONTACT.c.address, as_written_to(), _DUE.c.tries)
        .join(_PARTY_ROW, _PARTY_ROW.c.id == _NOTICE.c.party)
        .join(_CONTACT, _CONTACT.c.id == _NOTICE.c.contact_id)
        .join(_DUE, (_DUE.c.kind == SEND) & (_DUE.c.subject == _NOTICE.c.id))
    )
    for part in chunks(ids):
        query = select_from.where(_NOTICE.c.id.in_(part)).order_by(_NOTICE.c.id)
        found.extend(OutboxNotice._make(row) for row in connection.execute(query))
    return found


def items(connection: Connection, notice_ids: Collection[int]) -> list[OutboxItem]:
    """Return the locations of these notices that have not left, in the order in which they are listed."""
    found: list[OutboxItem] = []
    select_from = (
        select(
            *(_NOTICE_ITEM.c[name] for name in OutboxItem._fields[:11]),
            _CASE.c.class_scheme,
            _CASE.c.class_value,
            *(_EPISODE.c[name] for name in OutboxItem._fields[13:23]),
            _ARRANGEMENT.c.country,
            _ARRANGEMENT.c.facts_at,
            _ARRANGEMENT.c.id,
            _EPISODE.c.returns,
            _confirmed(),
        )
        .join(_EPISODE, _EPISODE.c.id == _NOTICE_ITEM.c.episode_id)
        .join(_CASE, _CASE.c.id == _EPISODE.c.case_id)
        .outerjoin(_ARRANGEMENT, _ARRANGEMENT.c.id == _EPISODE.c.arrangement_id)
    )
    for part in chunks(notice_ids):
        query = select_from.where(_NOTICE_ITEM.c.notice_id.in_(part), _NOTICE_ITEM.c.left_at.is_(None))
        ordered = query.order_by(_NOTICE_ITEM.c.notice_id, _NOTICE_ITEM.c.position)
        found.extend(OutboxItem._make(row) for row in connection.execute(ordered))
    return found


def _confirmed() -> ScalarSelect[datetime | None]:
    newest = select(func.max(_SUBMISSION.c.confirmed_at)).where(
        _SUBMISSION.c.case_id == _CASE.c.id, _SUBMISSION.c.withdrawn_at.is_(None)
    )
    return newest.scalar_subquery()


def postpone(connection: Connection, moments: Sequence[tuple[int, datetime]], holder: str) -> None:
    """Give back notices that could not be sent, to be tried again; the count of tries goes on."""
    if moments:
        at = bindparam("_at", type_=_DUE.c.due_at.type)
        earlier = case((_DUE.c.wanted_at < at, _DUE.c.wanted_at), else_=at)
        connection.execute(
            update(_DUE)
            .where(_DUE.c.kind == SEND, _DUE.c.subject == bindparam("_id"), _DUE.c.taken_by == holder)
            .values(due_at=earlier, taken_by=None, taken_until=None, wanted_at=None),
            [{"_id": notice_id, "_at": at} for notice_id, at in moments],
        )


def done(connection: Connection, notice_id: int) -> None:
    """Drop the due row of a notice that is ours and has an outcome."""
    execute_plain(connection, "DELETE FROM due WHERE kind = ? AND subject = ?", (SEND, notice_id))


def begin_tries(connection: Connection, notice_ids: Collection[int]) -> None:
    """Count tries from this one on: waiting for a look was none."""
    for part in chunks(notice_ids):
        connection.execute(update(_DUE).where(_DUE.c.kind == SEND, _DUE.c.subject.in_(part)).values(tries=1))
