"""Answers kept: what the portal recorded and the jobs have yet to act on, and what acting on it writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from nta.domain.notices.answers import Says
from nta.domain.notices.notice_state import UNWRITTEN, NoticeStep
from nta.store.db.bulk import chunks, table_of
from nta.store.notices import notice_rows
from nta.store.tables import Addressee, AnswerRow, Due, Notice, NoticeEvent, NoticeItem
from nta.store.work import due, open_tasks
from nta.store.work.isolation import is_aside, went_through

NOT_OURS = Says.NOT_OURS.value
"""Why an addressee was released that said so itself; what withdraws a case writes its outcome."""

_ADDRESSEE = table_of(Addressee)
_ANSWER = table_of(AnswerRow)
_DUE = table_of(Due)
_NOTICE = table_of(Notice)
_NOTICE_EVENT = table_of(NoticeEvent)
_NOTICE_ITEM = table_of(NoticeItem)
_DATES = ("accepted_at", "presumed", "opened_at", "first_answer_at", "answer", "released_at", "released_why")


class NewEvent(NamedTuple):
    """Something the portal noted of a notice as a whole."""

    id: int
    notice_id: int
    at: datetime
    kind: str


class NewAnswer(NamedTuple):
    """An answer that nobody acted on yet."""

    id: int
    at: datetime
    says: str
    whose: str | None
    notice_id: int
    addressee_id: int
    episode_id: int


@dataclass(frozen=True, slots=True)
class HeardSign:
    """One thing heard from the other side about one addressee."""

    addressee: int
    episode: int
    notice: int
    at: datetime
    subject: int
    says: str | None  # None: it was opened, fetched or acknowledged
    opened: bool
    whose: str | None = None

    @property
    def turn(self) -> tuple[datetime, int, int]:
        """Return the order in which signs were given."""
        return (self.at, self.subject, self.episode)


class Dated(NamedTuple):
    """Whose signs were dated: parties and roles by addressee, and who took back that it is not theirs."""

    parties: dict[int, str]
    roles: dict[int, str]
    back: frozenset[int]


def opened(connection: Connection, number: int, notice_id: int, at: datetime) -> None:
    """Note that a notice was opened in the portal, for the jobs to act on."""
    row = {"id": number, "notice_id": notice_id, "at": at, "kind": "opened", "proof": None, "settled": False}
    connection.execute(insert(NoticeEvent).inline(), [row])


def keep(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Write answers as they were said, for the jobs to act on.

    The portal's database role may insert them and not read them back.
    """
    connection.execute(insert(AnswerRow).inline(), rows)


def new_events(
    connection: Connection, now: datetime, limit: int, *, only: Collection[int] | None = None
) -> list[NewEvent]:
    """Return what the portal noted of notices that are known to be handed over.

    What was set aside until later is left out; `only` narrows to some.
    """
    query = (
        select(*(_NOTICE_EVENT.c[name] for name in NewEvent._fields))
        .join(_NOTICE, _NOTICE.c.id == _NOTICE_EVENT.c.notice_id)
        .where(
            _NOTICE_EVENT.c.settled.is_(False),
            _NOTICE.c.handed_at.is_not(None),
            ~is_aside(_NOTICE_EVENT.c.id, now),
            *([] if only is None else [_NOTICE_EVENT.c.id.in_(sorted(only))]),
        )
        .order_by(_NOTICE_EVENT.c.id)
        .limit(limit)
    )
    query = query.with_for_update(skip_locked=True, of=_NOTICE_EVENT)
    return [NewEvent._make(row) for row in connection.execute(query)]


def new_answers(
    connection: Connection, now: datetime, limit: int, *, only: Collection[int] | None = None
) -> list[NewAnswer]:
    """Return the answers to notices that are known to be handed over, as `new_events` does."""
    query = (
        select(
            *(_ANSWER.c[name] for name in NewAnswer._fields[:4]),
            *(_NOTICE_ITEM.c[name] for name in NewAnswer._fields[4:]),
        )
        .join(_NOTICE_ITEM, _NOTICE_ITEM.c.id == _ANSWER.c.item_id)
        .join(_NOTICE, _NOTICE.c.id == _NOTICE_ITEM.c.notice_id)
        .where(
            _ANSWER.c.settled.is_(False),
            _NOTICE.c.handed_at.is_not(None),
            ~is_aside(_ANSWER.c.id, now),
            *([] if only is None else [_ANSWER.c.id.in_(sorted(only))]),
        )
        .order_by(_ANSWER.c.id)
        .limit(limit)
    )
    query = query.with_for_update(skip_locked=True, of=_ANSWER)
    return [NewAnswer._make(row) for row in connection.execute(query)]


def who_said(connection: Connection, now: datetime, limit: int) -> dict[int, int]:
    """Return what `new_events` and `new_answers` would return: an episode by the id of each."""
    noted = (
        select(_NOTICE_EVENT.c.id, func.min(_NOTICE_ITEM.c.episode_id))
        .join(_NOTICE_ITEM, _NOTICE_ITEM.c.notice_id == _NOTICE_EVENT.c.notice_id)
        .where(_NOTICE_EVENT.c.settled.is_(False), ~is_aside(_NOTICE_EVENT.c.id, now))
        .group_by(_NOTICE_EVENT.c.id)
        .order_by(_NOTICE_EVENT.c.id)
        .limit(limit)
    )
    said = (
        select(_ANSWER.c.id, _NOTICE_ITEM.c.episode_id)
        .join(_NOTICE_ITEM, _NOTICE_ITEM.c.id == _ANSWER.c.item_id)
        .where(_ANSWER.c.settled.is_(False), ~is_aside(_ANSWER.c.id, now))
        .order_by(_ANSWER.c.id)
        .limit(limit)
    )
    return {number: episode for asked in (noted, said) for number, episode in connection.execute(asked)}


def signs_of(
    connection: Connection, events: Sequence[NewEvent], answers: Sequence[NewAnswer]
) -> list[HeardSign]:
    """Return what events and answers say of each addressee, in the order in which it was said."""
    of_notice: dict[int, list[tuple[int, int]]] = {}
    for item in connection.execute(
        select(_NOTICE_ITEM.c.notice_id, _NOTICE_ITEM.c.addressee_id, _NOTICE_ITEM.c.episode_id).where(
            _NOTICE_ITEM.c.notice_id.in_({event.notice_id for event in events}),
            _NOTICE_ITEM.c.left_at.is_(None),
        )
    ):
        of_notice.setdefault(item.notice_id, []).append((item.addressee_id, item.episode_id))
    signs = [
        HeardSign(
            addressee, episode, event.notice_id, event.at, event.notice_id, None, event.kind == "opened"
        )
        for event in events
        for addressee, episode in sorted(of_notice.get(event.notice_id, ()))
    ]
    signs += [
        HeardSign(a.addressee_id, a.episode_id, a.notice_id, a.at, a.id, a.says, False, a.whose)
        for a in answers
    ]
    return sorted(signs, key=lambda sign: sign.turn)


def date(connection: Connection, signs: Sequence[HeardSign], still_open: Collection[int]) -> Dated:
    """Write the dates of addressees and notices. `still_open` are the episodes that have not ended.

    The earliest sign counts, and the newest answer. Who says that it is not
    theirs is released from then on, until it says otherwise; whoever was
    released for another reason stays so.
    """
    rows = _addressees(connection, {sign.addressee for sign in signs})
    first: dict[int, datetime] = {}
    back: set[int] = set()
    for sign in signs:
        row = rows[sign.addressee]
        # Nothing is accepted before it was handed over, whatever two machines' clocks say.
        at = max(sign.at, row["first_handed_at"] or sign.at)
        first[sign.notice] = min(at, first.get(sign.notice, at))
        if row["presumed"] or row["accepted_at"] is None or at < row["accepted_at"]:
            row["accepted_at"], row["presumed"] = at, False
        if sign.opened:
            row["opened_at"] = min(at, row["opened_at"] or at)
        if sign.says:
            row["first_answer_at"] = min(at, row["first_answer_at"] or at)
            row["answer"] = sign.says
            if sign.episode not in still_open:
                continue  # there is nothing to release from; how it ended stays as it was counted
            if sign.says == NOT_OURS and row["released_at"] is None:
                row["released_at"], row["released_why"] = at, NOT_OURS
                back.discard(sign.addressee)
            elif sign.says != NOT_OURS and row["released_why"] == NOT_OURS:
                row["released_at"], row["released_why"] = None, None
                back.add(sign.addressee)
    connection.execute(
        update(_ADDRESSEE)
        .where(_ADDRESSEE.c.id == bindparam("_id"))
        .values({name: bindparam(f"_{name}") for name in _DATES}),
        [{"_id": row["id"], **{f"_{name}": row[name] for name in _DATES}} for row in rows.values()],
    )
    for notice, at in sorted(first.items()):
        known = (_NOTICE.c.accepted_at.is_(None)) | (_NOTICE.c.accepted_at > at)
        connection.execute(update(_NOTICE).where(_NOTICE.c.id == notice, known).values(accepted_at=at))
    return Dated(
        {number: row["party"] for number, row in rows.items()},
        {number: row["role"] for number, row in rows.items()},
        frozenset(back),
    )


def stop_telling(connection: Connection, addressee_ids: Collection[int], now: datetime) -> None:
    """Take these addressees out of every notice that has not been written yet."""
    for part in chunks(addressee_ids):
        connection.execute(update(_ADDRESSEE).where(_ADDRESSEE.c.id.in_(part)).values(waiting_since=None))
        query = (
            select(_NOTICE_ITEM.c.id, _NOTICE_ITEM.c.notice_id)
            .join(_NOTICE, _NOTICE.c.id == _NOTICE_ITEM.c.notice_id)
            .where(
                _NOTICE_ITEM.c.addressee_id.in_(part),
                _NOTICE_ITEM.c.left_at.is_(None),
                _NOTICE.c.state.in_(UNWRITTEN),
            )
        )
        items = connection.execute(query).all()
        notice_rows.leave(connection, [item.id for item in items], now, "not_ours")
        _make_again(connection, {item.notice_id for item in items})


def close(connection: Connection, events: Sequence[NewEvent], answers: Sequence[NewAnswer]) -> None:
    """Note that these were acted on."""
    went_through(connection, [*(event.id for event in events), *(answer.id for answer in answers)])
    if events:
        which = _NOTICE_EVENT.c.id.in_([event.id for event in events])
        connection.execute(update(_NOTICE_EVENT).where(which).values(settled=True))
    if answers:
        which = _ANSWER.c.id.in_([answer.id for answer in answers])
        connection.execute(update(_ANSWER).where(which).values(settled=True))


def case_of(connection: Connection, notice_id: int, addressee_id: int) -> str | None:
    """Return the reference of the case that a notice told an addressee about."""
    query = select(_NOTICE_ITEM.c.case_reference).where(
        _NOTICE_ITEM.c.notice_id == notice_id, _NOTICE_ITEM.c.addressee_id == addressee_id
    )
    return connection.execute(query).scalar()


def asked_to_wait(connection: Connection, episode_ids: Collection[int]) -> dict[int, dict[str, datetime]]:
    """Return until when those told asked us to wait for their customers, by episode and rung.

    Only the newest answer to an item counts: who passed it on and then
    refused asks for nothing any more.
    """
    newest: dict[int, Any] = {}
    for part in chunks(episode_ids):
        query = (
            select(
                _ANSWER.c.item_id, _ANSWER.c.says, _ANSWER.c.until, _NOTICE.c.rung, _NOTICE_ITEM.c.episode_id
            )
            .join(_NOTICE_ITEM, _NOTICE_ITEM.c.id == _ANSWER.c.item_id)
            .join(_NOTICE, _NOTICE.c.id == _NOTICE_ITEM.c.notice_id)
            .where(_NOTICE_ITEM.c.episode_id.in_(part))
            .order_by(_ANSWER.c.id)
        )
        newest.update({row.item_id: row for row in connection.execute(query)})
    found: dict[int, dict[str, datetime]] = {}
    for row in newest.values():
        if row.says == Says.FORWARDED and row.until is not None:
            rungs = found.setdefault(row.episode_id, {})
            rungs[row.rung] = max(row.until, rungs.get(row.rung, row.until))
    return found


def _addressees(connection: Connection, wanted: Collection[int]) -> dict[int, dict[str, Any]]:
    columns = [_ADDRESSEE.c[name] for name in ("id", "party", "role", "first_handed_at", *_DATES)]
    rows: dict[int, dict[str, Any]] = {}
    for part in chunks(wanted):
        query = select(*columns).where(_ADDRESSEE.c.id.in_(part)).order_by(_ADDRESSEE.c.id)
        query = query.with_for_update()
        rows.update({row.id: dict(row._mapping) for row in connection.execute(query)})
    return rows


def _make_again(connection: Connection, notice_ids: Collection[int]) -> None:
    """Let whoever is composing these begin again, or be done where no location is left."""
    left = notice_rows.episodes_of(connection, notice_ids)
    for notice_id in sorted(notice_ids):
        row = (_DUE.c.kind == due.SEND, _DUE.c.subject == notice_id)
        if notice_id in left:
            connection.execute(update(_DUE).where(*row).values(taken_by=None, taken_until=None))
        else:
            notice_rows.move(connection, notice_id, NoticeStep.DROP)
            due.drop(connection, [(due.SEND, notice_id)])
            open_tasks.drop(connection, [notice_id])
