"""Answer: a provider opens its notice and says what it did; what it said becomes dates and a look."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from nta.domain.errors import RefusedError
from nta.domain.lifecycle import EventKind
from nta.store import due, episodes
from nta.store.base import Store
from nta.store.links import link_digests
from nta.store.reads import portal
from nta.store.reads.portal import LinkedNotice, PortalItem
from nta.store.tables import Addressee, AnswerRow, Notice, NoticeEvent, NoticeItem

LONGEST_WHY = 2_000


class Says(StrEnum):
    """What a provider can say of an item."""

    REMOVED = "removed"
    DISABLED = "disabled"
    ACCOUNT_CLOSED = "account_closed"
    FORWARDED = "forwarded"
    NOT_OURS = "not_ours"
    REFUSED = "refused"
    NEED_INFORMATION = "need_information"


GONE = frozenset({Says.REMOVED, Says.DISABLED, Says.ACCOUNT_CLOSED})
"""Answers that say it is gone: never proof, but reason to look at once."""


class LinkNotFoundError(RefusedError):
    """The link is unknown, expired or revoked; which of these is nobody's business."""


@dataclass(frozen=True, slots=True)
class Face:
    """What a link shows before it is opened: no list, no URL."""

    reference: str
    language: str
    sent_at: datetime
    items: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a link shows once it is opened."""

    reference: str
    language: str
    sent_at: datetime
    items: tuple[PortalItem, ...]


def face(store: Store, token: str, now: datetime) -> Face:
    """Return what may be shown to anyone who follows a link, mail scanners too. Records nothing.

    Raises: LinkNotFoundError.
    """
    with store.db.read() as connection:
        notice = _linked(connection, store, token, now)
        count, oldest = portal.told(connection, notice.id)
    return Face(notice.reference, notice.language, notice.handed_at or notice.queued_at, count, oldest)


def listing(store: Store, token: str, now: datetime) -> Listing:
    """Return the notice's items, recording at the first time that it was opened.

    Raises: LinkNotFoundError.
    """
    with store.db.read() as connection:
        notice = _linked(connection, store, token, now)
        known = portal.was_opened(connection, notice.id)
        items = portal.items(connection, store, notice.id)
    if not known:
        with store.db.write() as connection:
            if not portal.was_opened(connection, notice.id):
                connection.execute(
                    insert(NoticeEvent).inline(),
                    [
                        {
                            "id": store.new_id(),
                            "notice_id": notice.id,
                            "at": now,
                            "kind": "opened",
                            "proof": None,
                            "settled": False,
                        }
                    ],
                )
    return Listing(notice.reference, notice.language, notice.handed_at or notice.queued_at, tuple(items))


def answer(
    store: Store, token: str, item_ids: Collection[int], says: str, now: datetime, why: str | None = None
) -> int:
    """Record what a provider says of items of its notice; return how many answers are new.

    An item whose newest answer says the same is left as it is, so that
    sending a form twice does no harm.

    Raises: LinkNotFoundError, and RefusedError for another notice's item,
    no item at all, or an answer we do not know.
    """
    if says not in {*Says}:
        raise RefusedError("this answer is not one of those that the form offers")
    if not item_ids:
        raise RefusedError("no item was chosen")
    if why and len(why) > LONGEST_WHY:
        raise RefusedError(f"the explanation is longer than {LONGEST_WHY:,} characters")
    with store.db.read() as connection:
        notice = _linked(connection, store, token, now)
        known = {item.id: item for item in portal.items(connection, store, notice.id)}
    if not known.keys() >= set(item_ids):
        raise RefusedError("an item that was chosen does not belong to this notice")
    fresh = [item for item in sorted(set(item_ids)) if why or known[item].says != says]
    rows = []
    for item, number in zip(fresh, store.ids.take(len(fresh)) if fresh else (), strict=True):
        rows.append(
            {
                "id": number,
                "item_id": item,
                "at": now,
                "way": "portal",
                "says": says,
                "why_sealed": store.portal_sealer.seal("answer.why", number, why) if why else None,
                "settled": False,
            }
        )
    if rows:
        with store.db.write() as connection:
            connection.execute(insert(AnswerRow).inline(), rows)
    return len(rows)


def _linked(connection: Connection, store: Store, token: str, now: datetime) -> LinkedNotice:
    digests = link_digests(store.keys, token)
    notice = portal.by_link(connection, digests, now) if digests else None
    if notice is None:
        raise LinkNotFoundError("this link is not, or no longer, in use")
    return notice


@dataclass(frozen=True, slots=True)
class _Sign:
    """One thing heard from the other side about one addressee."""

    addressee: int
    episode: int
    notice: int
    at: datetime
    subject: int
    says: str | None  # None: it was opened, fetched or acknowledged
    opened: bool


def settle(
    store: Store,
    now: datetime,
    limit: int = 500,
    *,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Turn what the portal recorded into dates, events and looks; return how many records were settled.

    Whatever comes from the other side proves that the notice arrived: the
    earliest sign counts, and a presumed arrival is presumed no longer. An
    answer ends nothing; one that says it is gone makes the look due now.
    Signs of a notice that is not yet known to be handed over wait.
    """
    with store.db.write() as connection:
        # A notice may hold 100 items; a write stays within 2,000 rows.
        opened = _new_events(connection, max(1, limit // 25))
        answered = _new_answers(connection, limit)
        signs = [*_of_events(connection, opened), *(_of_answer(row) for row in answered)]
        if signs:
            _date(connection, signs)
            _tell(connection, store, signs, now)
        _close(connection, [row.id for row in opened], [row.id for row in answered])
        done = len(opened) + len(answered)
        if done:
            checkpoint("answer.settling")
    if done:
        checkpoint("answer.settled")
    return done


def _new_events(connection: Connection, limit: int) -> Sequence[Any]:
    query = (
        select(NoticeEvent.id, NoticeEvent.notice_id, NoticeEvent.at, NoticeEvent.kind)
        .join(Notice, Notice.id == NoticeEvent.notice_id)
        .where(NoticeEvent.settled.is_(False), Notice.handed_at.is_not(None))
        .order_by(NoticeEvent.id)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, of=NoticeEvent)
    return connection.execute(query).all()


def _new_answers(connection: Connection, limit: int) -> Sequence[Any]:
    query = (
        select(
            AnswerRow.id,
            AnswerRow.at,
            AnswerRow.says,
            NoticeItem.notice_id,
            NoticeItem.addressee_id,
            NoticeItem.episode_id,
        )
        .join(NoticeItem, NoticeItem.id == AnswerRow.item_id)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .where(AnswerRow.settled.is_(False), Notice.handed_at.is_not(None))
        .order_by(AnswerRow.id)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, of=AnswerRow)
    return connection.execute(query).all()


def _of_events(connection: Connection, rows: Sequence[Any]) -> list[_Sign]:
    of_notice: dict[int, list[tuple[int, int]]] = {}
    for item in connection.execute(
        select(NoticeItem.notice_id, NoticeItem.addressee_id, NoticeItem.episode_id).where(
            NoticeItem.notice_id.in_({row.notice_id for row in rows}), NoticeItem.left_at.is_(None)
        )
    ):
        of_notice.setdefault(item.notice_id, []).append((item.addressee_id, item.episode_id))
    return [
        _Sign(addressee, episode, row.notice_id, row.at, row.notice_id, None, row.kind == "opened")
        for row in rows
        for addressee, episode in sorted(of_notice.get(row.notice_id, ()))
    ]


def _of_answer(row: Any) -> _Sign:
    return _Sign(row.addressee_id, row.episode_id, row.notice_id, row.at, row.id, row.says, False)


_DATES = ("accepted_at", "presumed", "opened_at", "first_answer_at", "answer")


def _date(connection: Connection, signs: Sequence[_Sign]) -> None:
    """Write the dates of addressees and notices; the earliest sign wins, and the newest answer."""
    wanted = sorted({sign.addressee for sign in signs})
    columns = [Addressee.__table__.c[name] for name in ("id", "first_handed_at", *_DATES)]
    rows = {}
    for start in range(0, len(wanted), 500):
        query = select(*columns).where(Addressee.id.in_(wanted[start : start + 500])).order_by(Addressee.id)
        if connection.dialect.name == "postgresql":
            query = query.with_for_update()
        rows.update({row.id: dict(row._mapping) for row in connection.execute(query)})
    first: dict[int, datetime] = {}
    for sign in sorted(signs, key=lambda s: (s.at, s.subject)):
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
    connection.execute(
        update(Addressee)
        .where(Addressee.id == bindparam("_id"))
        .values({name: bindparam(f"_{name}") for name in _DATES}),
        [{"_id": row["id"], **{f"_{name}": row[name] for name in _DATES}} for row in rows.values()],
    )
    for notice, at in sorted(first.items()):
        known = (Notice.accepted_at.is_(None)) | (Notice.accepted_at > at)
        connection.execute(update(Notice).where(Notice.id == notice, known).values(accepted_at=at))


def _tell(connection: Connection, store: Store, signs: Sequence[_Sign], now: datetime) -> None:
    """Write the episodes' events, and make the look due where somebody says it is gone."""
    states = episodes.load(connection, {sign.episode for sign in signs})
    wanted = {sign.addressee for sign in signs}
    query = select(Addressee.id, Addressee.party).where(Addressee.id.in_(wanted))
    parties = {row.id: row.party for row in connection.execute(query)}
    for sign in sorted(signs, key=lambda s: (s.at, s.subject, s.episode)):
        if sign.says is None and not sign.opened:
            continue
        kind = EventKind.OPENED
        if sign.says is not None:
            kind = EventKind.ANSWERED_REMOVED if sign.says in GONE else EventKind.ANSWERED
        episodes.note(
            connection,
            store.ids,
            [states[sign.episode]],
            kind,
            at=sign.at,
            who=parties[sign.addressee],
            why=sign.says,
            subject=sign.subject,
        )
    look = {s.episode for s in signs if s.says in GONE and states[s.episode].ended_at is None}
    due.want(connection, due.LOOK, look, now)


def _close(connection: Connection, events: Sequence[int], answers: Sequence[int]) -> None:
    if events:
        connection.execute(update(NoticeEvent).where(NoticeEvent.id.in_(events)).values(settled=True))
    if answers:
        connection.execute(update(AnswerRow).where(AnswerRow.id.in_(answers)).values(settled=True))
