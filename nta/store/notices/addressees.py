"""Contacts and addressees: who is told of an episode, in which role, at which address."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Label, Select, bindparam, case, insert, select, update

from nta.domain.notices.contact_choice import Choice, Health
from nta.domain.notices.past_notices import AddresseeState
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.reasons import Reason
from nta.domain.roles import NoticeKind
from nta.ports import Ids
from nta.store.db.bulk import (
    CHUNK,
    chunks,
    execute_plain,
    table_of,
)
from nta.store.db.dialects import try_alone, upsert
from nta.store.db.types import to_us
from nta.store.hosting.party_rows import Met, meet
from nta.store.tables import Addressee, Case, Contact, Episode, Host, NoticeItem
from nta.store.work.isolation import went_through

_GATHERED = timedelta(hours=1)  # longer than any notice gathers
_ADDRESSEE = table_of(Addressee)
_CASE = table_of(Case)
_CONTACT = table_of(Contact)
_EPISODE = table_of(Episode)
_HOST = table_of(Host)
_NOTICE_ITEM = table_of(NoticeItem)
_HANDED = (
    "UPDATE addressee SET first_handed_at = ? WHERE first_handed_at IS NULL AND id IN "
    "(SELECT addressee_id FROM notice_item WHERE notice_id = ? AND left_at IS NULL)"
)


class AddresseeRequest(NamedTuple):
    """One party that an episode's rung speaks to: the choice, the rung's id, the kind of notice, and why.

    With `at_once` its notice does not gather others first. With
    `waits_until` no notice is made yet: the contact waits for a person's word.
    """

    episode_id: int
    choice: Choice
    rung: str
    kind: str
    why: Reason
    at_once: bool = False
    waits_until: datetime | None = None


def troubled(connection: Connection) -> dict[ContactAddress, Health]:
    """Return the health of every address that is not fine, the worst where parties share one."""
    found: dict[ContactAddress, Health] = {}
    query = select(_CONTACT.c.way, _CONTACT.c.address, _CONTACT.c.health)
    for way, to, health in connection.execute(query.where(_CONTACT.c.health != Health.FINE.value)):
        address = ContactAddress(way, to).folded
        if found.get(address) is not Health.DEAD:
            known = health in Health.__members__.values()
            # A word that is none stands for all batches: it says no more than that something was wrong.
            found[address] = Health(health) if known else Health.DOUBTFUL
    return found


def as_written_to() -> Label[str]:
    """Return how a contact fares for a notice that is to go there: who was refused is as good as dead."""
    refused = _CONTACT.c.refused_at.is_not(None)
    return case((refused, Health.DEAD.value), else_=_CONTACT.c.health).label("health")


def of_episodes(connection: Connection, episode_ids: Collection[int]) -> list[AddresseeState]:
    """Return the addressees of the episodes, in the order of their ids."""
    found: list[AddresseeState] = []
    columns = [_ADDRESSEE.c[name] for name in AddresseeState._fields]
    for part in chunks(episode_ids):
        query = select(*columns).where(_ADDRESSEE.c.episode_id.in_(part)).order_by(_ADDRESSEE.c.id)
        found.extend(AddresseeState._make(row) for row in connection.execute(query))
    return found


def tell(
    connection: Connection, ids: Ids, told: Sequence[AddresseeRequest], now: datetime
) -> dict[tuple[str, ContactAddress], int]:
    """Make a notice be wanted for each party told; an addressee of an earlier rung is used again.

    Return the contacts' ids by party and address.
    """
    if not told:
        return {}
    contacts = _contacts(connection, ids, [t.choice for t in told], now)
    known = {
        (s.episode_id, s.party, s.role): s.id for s in of_episodes(connection, {t.episode_id for t in told})
    }
    new: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for t in told:
        values = {
            "contact_id": contacts[t.choice.party, t.choice.address],
            "why": t.why,
            "rung": t.rung,
            "kind": t.kind,
            "waiting_since": None if t.waits_until else now - _GATHERED if t.at_once else now,
        }
        key = (t.episode_id, t.choice.party, t.choice.role.value)
        if key in known:
            old = {f"_{name}": value for name, value in values.items()} | {"_id": known[key]}
            (waiting if t.waits_until else again).append(old)
        else:
            new.append(values | {"episode_id": key[0], "party": key[1], "role": key[2]})
    if new:
        numbers = ids.take(len(new))
        connection.execute(insert(_ADDRESSEE), [{"id": n, **v} for n, v in zip(numbers, new, strict=True)])
    names = ("contact_id", "why", "rung", "kind", "waiting_since")
    put = update(_ADDRESSEE).where(_ADDRESSEE.c.id == bindparam("_id"))
    put = put.values({name: bindparam(f"_{name}") for name in names})
    if again:
        connection.execute(put.values(bounced_at=None), again)
    if waiting:
        connection.execute(put, waiting)
    return contacts


def gather_alone(connection: Connection) -> bool:
    """Take the lock of whoever makes notices, until this write ends. False: another process does."""
    return try_alone(connection, 7789, 0)


def settled(connection: Connection, addressee_ids: Collection[int]) -> None:
    """Note that no notice is to be made any more for these addressees."""
    for part in chunks(addressee_ids):
        connection.execute(update(_ADDRESSEE).where(_ADDRESSEE.c.id.in_(part)).values(waiting_since=None))
    went_through(connection, addressee_ids)


def release(connection: Connection, episode_id: int, why: str, at: datetime) -> None:
    """Note that nobody is asked about the episode any more, and why."""
    connection.execute(
        update(_ADDRESSEE)
        .where(_ADDRESSEE.c.episode_id == episode_id, _ADDRESSEE.c.released_at.is_(None))
        .values(released_at=at, released_why=why, waiting_since=None)
    )


def correct(connection: Connection, episode_id: int, now: datetime, *, notice_id: int | None = None) -> None:
    """Make a correction be wanted for each party that was told of the episode and could be reached.

    With `notice_id` for those whom that notice told: it left when the case was being taken back.
    """
    which = [
        _ADDRESSEE.c.episode_id == episode_id,
        _ADDRESSEE.c.first_handed_at.is_not(None),
        _ADDRESSEE.c.bounced_at.is_(None),
    ]
    if notice_id is not None:
        which.append(_ADDRESSEE.c.id.in_(_of_notice(notice_id)))
    connection.execute(
        update(_ADDRESSEE).where(*which).values(kind=NoticeKind.CORRECTION.value, waiting_since=now)
    )


def settle_episode(connection: Connection, episode_id: int) -> None:
    """Note that no notice is to be made any more for any addressee of the episode."""
    connection.execute(
        update(_ADDRESSEE).where(_ADDRESSEE.c.episode_id == episode_id).values(waiting_since=None)
    )


def handed(connection: Connection, notice_id: int, now: datetime) -> None:
    """Start clock B of the notice's addressees, where it does not run yet."""
    execute_plain(connection, _HANDED, (to_us(now), notice_id))


def accepted(connection: Connection, notice_id: int, at: datetime) -> None:
    """Note proof that the notice's addressees have it. The earliest proof counts."""
    earlier = _ADDRESSEE.c.accepted_at.is_(None) | (_ADDRESSEE.c.accepted_at > at)
    connection.execute(
        update(_ADDRESSEE)
        .where(_ADDRESSEE.c.id.in_(_of_notice(notice_id)), earlier)
        .values(accepted_at=at, presumed=False)
    )


def bounced(connection: Connection, notice_id: int, at: datetime) -> None:
    """Note that the notice's addressees could not be reached with it."""
    connection.execute(
        update(_ADDRESSEE).where(_ADDRESSEE.c.id.in_(_of_notice(notice_id))).values(bounced_at=at)
    )


def set_health(connection: Connection, contact_id: int, health: Health, line: str, at: datetime) -> bool:
    """Write how a contact fares; a dead one stays dead until a person says otherwise.

    Return whether anything was written.
    """
    written = connection.execute(
        update(_CONTACT)
        .where(_CONTACT.c.id == contact_id, _CONTACT.c.health != Health.DEAD.value)
        .values(health=health.value, health_why=line[:200] or None, health_at=at)
    )
    return bool(written.rowcount)


def recovered(connection: Connection, contact_id: int, at: datetime) -> None:
    """Note that a doubtful contact was reached after all; a dead one stays dead."""
    connection.execute(
        update(_CONTACT)
        .where(_CONTACT.c.id == contact_id, _CONTACT.c.health == Health.DOUBTFUL.value)
        .values(health=Health.FINE.value, health_why=None, health_at=at)
    )


def _of_notice(notice_id: int) -> Select[int]:
    return select(_NOTICE_ITEM.c.addressee_id).where(
        _NOTICE_ITEM.c.notice_id == notice_id, _NOTICE_ITEM.c.left_at.is_(None)
    )


def _contacts(
    connection: Connection, ids: Ids, choices: Sequence[Choice], now: datetime
) -> dict[tuple[str, ContactAddress], int]:
    """Make party and contact rows where there are none; return the contacts' ids by party and address.

    A contact that is there takes on the language and the form that are
    chosen now: the catalogue may have learned them since.
    """
    meet(connection, [Met(c.party, c.party_name, c.country, c.source) for c in choices], now)
    wanted = {(c.party, c.address): c for c in choices}
    found = _known_contacts(connection, wanted)
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        numbers = ids.take(len(missing))
        connection.execute(
            upsert(connection, _CONTACT).on_conflict_do_nothing(),
            [
                {
                    "id": number,
                    "party": party,
                    "way": address.channel,
                    "address": address.to,
                    "language": wanted[party, address].language,
                    "format": wanted[party, address].format,
                    "source": wanted[party, address].source[:32],
                    "confidence": wanted[party, address].confidence,
                }
                for number, (party, address) in zip(numbers, missing, strict=True)
            ],
        )
        found = _known_contacts(connection, wanted)
    changed = [
        {"_id": known.id, "_language": wanted[key].language, "_format": wanted[key].format}
        for key, known in found.items()
        if (known.language, known.format) != (wanted[key].language, wanted[key].format)
    ]
    if changed:
        connection.execute(
            update(_CONTACT)
            .where(_CONTACT.c.id == bindparam("_id"))
            .values(language=bindparam("_language"), format=bindparam("_format")),
            sorted(changed, key=itemgetter("_id")),
        )
    return {key: known.id for key, known in found.items()}


class _KnownContact(NamedTuple):
    """A contact's row, and how its reader is written to."""

    id: int
    language: str
    format: str


def _known_contacts(
    connection: Connection, wanted: Collection[tuple[str, ContactAddress]]
) -> dict[tuple[str, ContactAddress], _KnownContact]:
    found: dict[tuple[str, ContactAddress], _KnownContact] = {}
    parties = sorted({party for party, _ in wanted})
    for start in range(0, len(parties), CHUNK):
        plain = (_CONTACT.c[n] for n in ("party", "way", "address", *_KnownContact._fields))
        query = select(*plain).where(_CONTACT.c.party.in_(parties[start : start + CHUNK]))
        for party, way, to, *rest in connection.execute(query):
            found[party, ContactAddress(way, to)] = _KnownContact._make(rest)
    return {key: known for key, known in found.items() if key in wanted}
