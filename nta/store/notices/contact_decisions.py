"""What people say of contacts: approved, refused, revived; who waits for such a word, and who hangs on it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    exists,
    func,
    or_,
    select,
    type_coerce,
    union,
    update,
)

from nta.domain.notices.contact_choice import Health, KnownContact
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.reasons import Code, Reason
from nta.store.db.bulk import chunks, table_of
from nta.store.db.types import EPOCH, from_us
from nta.store.notices import addressees
from nta.store.notices.answer_rows import HeardSign
from nta.store.tables import Addressee, Contact, Due, Episode, Notice, NoticeItem, TaskRow
from nta.store.work import due, open_tasks
from nta.store.work.isolation import say

_ADDRESSEE = table_of(Addressee)
_CONTACT = table_of(Contact)
_EPISODE = table_of(Episode)
_NOTICE = table_of(Notice)
_NOTICE_ITEM = table_of(NoticeItem)

_UNREACHED = or_(_ADDRESSEE.c.first_handed_at.is_(None), _ADDRESSEE.c.bounced_at.is_not(None))
"""Of an addressee: no notice reached it yet, as far as we know."""


class Held(NamedTuple):
    """A contact that a person is about to say a word on."""

    id: int
    party: str
    address: str
    health: str
    approved_at: datetime | None
    refused_at: datetime | None
    waits_until: datetime | None


def known(connection: Connection) -> dict[str, list[KnownContact]]:
    """Return the contacts on which a person said a word or is asked for one, by party."""
    found: dict[str, list[KnownContact]] = {}
    said = ("approved_at", "refused_at", "waits_until")
    plain = (_CONTACT.c[name] for name in ("id", "party", "way", "address", "source", "confidence"))
    query = select(*plain, *map(_raw, said)).where(or_(*(_CONTACT.c[name].is_not(None) for name in said)))
    for number, party, way, to, source, confidence, *moments in connection.execute(query):
        try:
            read = [None if us is None else from_us(us) for us in moments]
        except OverflowError as fault:
            # Every batch reads them all. Nobody is written to on a word that cannot be read.
            say("contacts", {number: fault})
            read = [None, EPOCH, None]
        found.setdefault(party, []).append(KnownContact(ContactAddress(way, to), source, confidence, *read))
    return found


def _raw(name: str) -> ColumnElement[int]:
    """Return a moment's column as it is kept, to be read row by row."""
    return type_coerce(_CONTACT.c[name], BigInteger).label(name)


def revived(connection: Connection) -> dict[ContactAddress, datetime]:
    """Return when each address was last revived by a person."""
    query = select(_CONTACT.c.id, _CONTACT.c.way, _CONTACT.c.address, _raw("revived_at"))
    found: dict[ContactAddress, datetime] = {}
    for number, way, to, us in connection.execute(query.where(_CONTACT.c.revived_at.is_not(None))):
        try:
            at = from_us(us)
        except OverflowError as fault:
            say("contacts", {number: fault})
            continue
        address = ContactAddress(way, to)
        found[address] = max(at, found.get(address, at))
    return found


def was_used(connection: Connection, party: str, address: ContactAddress) -> bool:
    """Tell whether a notice was ever handed over for this address of the party."""
    query = (
        select(_NOTICE.c.id)
        .join(_CONTACT, _CONTACT.c.id == _NOTICE.c.contact_id)
        .where(_NOTICE.c.party == party, _NOTICE.c.handed_at.is_not(None))
        .where(_CONTACT.c.way == address.channel, _CONTACT.c.address == address.to)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def is_searched(connection: Connection, host_id: int, now: datetime) -> bool:
    """Tell whether who serves a host is being asked: then another contact may be known in a moment."""
    which = (Due.kind == due.RESOLVE, Due.subject == host_id, Due.due_at <= now)
    return connection.execute(select(Due.subject).where(*which)).first() is not None


def ask(connection: Connection, waiting: Mapping[int, datetime]) -> set[int]:
    """Have contacts wait for a person's word, each a task until then; a wait is never made longer.

    Return those on which a word was said since they were read.
    """
    decided: set[int] = set()
    for part in chunks(waiting):
        query = select(*_columns()).where(_CONTACT.c.id.in_(part)).order_by(_CONTACT.c.id)
        query = query.with_for_update()
        for row in map(Held._make, connection.execute(query)):
            if row.approved_at or row.refused_at:
                decided.add(row.id)
            elif row.waits_until is None:
                until = waiting[row.id]
                put(connection, row.id, waits_until=until)
                asked = Reason(Code.NEW_CONTACT)
                open_tasks.ask(connection, row.id, asked, owner="analyst", deadline=until)
    return decided


def ask_no_more(connection: Connection, contact_ids: Iterable[int]) -> None:
    """Drop the tasks of contacts that need no word any more."""
    open_tasks.drop(connection, list(contact_ids))


def drop_ended(connection: Connection, episode_ids: Iterable[int]) -> None:
    """Ask no more about contacts that wait for a word in ended episodes alone; another case asks anew."""
    still = (
        exists()
        .where(_ADDRESSEE.c.contact_id == _CONTACT.c.id, _UNREACHED)
        .where(_EPISODE.c.id == _ADDRESSEE.c.episode_id, _EPISODE.c.ended_at.is_(None))
    )
    asked = exists().where(TaskRow.subject == _CONTACT.c.id)
    for part in chunks(episode_ids):
        theirs = select(_ADDRESSEE.c.contact_id).where(_ADDRESSEE.c.episode_id.in_(part))
        waits = _CONTACT.c.waits_until.is_not(None)
        query = select(_CONTACT.c.id).where(_CONTACT.c.id.in_(theirs), waits, asked, ~still)
        for number in connection.execute(query.order_by(_CONTACT.c.id)).scalars().all():
            put(connection, number, waits_until=None)
            ask_no_more(connection, [number])


def held(connection: Connection, contact_id: int) -> Held | None:
    """Return a contact, kept from being decided on by another until this write ends."""
    query = select(*_columns()).where(_CONTACT.c.id == contact_id)
    query = query.with_for_update()
    row = connection.execute(query).first()
    return Held._make(row) if row else None


def with_address_of(connection: Connection, contact_id: int) -> list[Held]:
    """Return the contact and all that have its address: a mailbox fares for one party as for another."""
    its = _CONTACT.alias("its")
    same = func.lower(its.c.address) == func.lower(_CONTACT.c.address)
    there = exists().where(its.c.id == contact_id, its.c.way == _CONTACT.c.way, same)
    query = select(*_columns()).where(there).order_by(_CONTACT.c.id)
    query = query.with_for_update()
    return [Held._make(row) for row in connection.execute(query)]


def put(connection: Connection, contact_id: int, **values: Any) -> None:
    """Write columns of one contact."""
    connection.execute(update(_CONTACT).where(_CONTACT.c.id == contact_id).values(**values))


def concerned(connection: Connection, contact: Held) -> list[int]:
    """Return the open episodes that hang on a contact: told there, to be told, or in vain at its party."""
    to_be_told = select(_ADDRESSEE.c.episode_id).where(
        _ADDRESSEE.c.contact_id == contact.id, _UNREACHED, _ADDRESSEE.c.released_at.is_(None)
    )
    told = (
        select(_NOTICE_ITEM.c.episode_id)
        .join(_NOTICE, _NOTICE.c.id == _NOTICE_ITEM.c.notice_id)
        .where(
            _NOTICE.c.party == contact.party,
            or_(_NOTICE.c.contact_id == contact.id, _NOTICE.c.bounced_at.is_not(None)),
        )
    )
    hanging = union(to_be_told, told).subquery()
    query = (
        select(_EPISODE.c.id)
        .join(hanging, hanging.c.episode_id == _EPISODE.c.id)
        .where(_EPISODE.c.ended_at.is_(None))
        .order_by(_EPISODE.c.id)
    )
    return list(connection.execute(query).scalars())


def heard(connection: Connection, signs: Collection[HeardSign]) -> None:
    """Let contacts in doubt be fine whose readers gave a sign since: what they were sent did arrive."""
    latest: dict[int, datetime] = {}
    for sign in signs:
        latest[sign.notice] = max(sign.at, latest.get(sign.notice, sign.at))
    for part in chunks(latest):
        query = (
            select(_NOTICE.c.id, _CONTACT.c.id, _CONTACT.c.health_at)
            .join(_CONTACT, _CONTACT.c.id == _NOTICE.c.contact_id)
            .where(
                _NOTICE.c.id.in_(part),
                _NOTICE.c.channel == _CONTACT.c.way,
                _NOTICE.c.sent_to == _CONTACT.c.address,
                _CONTACT.c.health == Health.DOUBTFUL.value,
            )
            .order_by(_CONTACT.c.id)
        )
        for notice, contact, doubted_at in connection.execute(query).all():
            if doubted_at is None or latest[notice] > doubted_at:
                addressees.recovered(connection, contact, latest[notice])


def _columns() -> list[Any]:
    return [_CONTACT.c[name] for name in Held._fields]
