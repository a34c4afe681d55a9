"""Approve: leads decide whether a notice goes that the ladder, or a burst, has wait for them."""

from datetime import datetime

from nta.domain.deadlines import LINK_LIFE
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.given_words import given, needed
from nta.domain.lifecycle import EventKind
from nta.domain.parties.organisations import Catalogue, Hotline
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Code, Reason, because
from nta.domain.references import read as read_reference
from nta.domain.roles import NoticeKind
from nta.render import composing
from nta.render.letters import Letter
from nta.render.notice_texts import Texts
from nta.store.cases import episodes
from nta.store.db.handle import Connection, Store
from nta.store.notices import (
    approval_rows,
    evidence,
    notice_rows,
    outbox,
)
from nta.store.reads.approvals import NoticePage
from nta.store.work import audit, due


def approve(store: Store, notice_reference: str, why: str | None, by: Person, now: datetime) -> int:
    """Write that a lead lets a notice go; return how many other leads still have to.

    The last one needed makes it due to be sent. A lead counts once.

    Raises: RefusedError when it does not wait, or this lead agreed before.
    """
    who = permit(by, DeskAct.APPROVE_NOTICE)
    with store.db.write() as connection:
        notice = _waiting(connection, notice_reference)
        agreed = {one.who for one in approval_rows.given(connection, [notice.id]).get(notice.id, ())}
        if who in agreed:
            raise RefusedError(Code.RELEASED_BY_YOU)
        approval_rows.give(connection, notice.id, who, now, given(why))
        missing = max(0, notice.leads - len(agreed) - 1)
        if not missing:
            approval_rows.let_go(connection, notice.id, now)
        if notice.leads > 1:
            so_far = because(
                Code.APPROVALS_GIVEN, given=len(agreed) + 1, needed=notice.leads, kind=notice.kind
            )
            _note(connection, store, notice, EventKind.APPROVED, who, so_far, now)
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="approve_notice",
            subject=notice.reference,
            detail=given(why),
        )
    return missing


def release_waiting(store: Store, notice_id: int, by: Person, now: datetime) -> None:
    """Let a notice go that waits for one lead alone, for it is one of a burst to one party.

    Raises: RefusedError when it does not wait, or two leads have to agree.
    """
    permit(by, DeskAct.STEER_SENDING)
    with store.db.read() as connection:
        waiting = approval_rows.waiting_by_id(connection, notice_id)
    if waiting is None:
        raise RefusedError(Code.NOTICE_NOT_WAITING)
    if waiting.leads > 1:
        raise RefusedError(Code.TWO_LEADS_NEEDED)
    approve(store, waiting.reference, None, by, now)


def release_burst(store: Store, party: str, by: Person, now: datetime, limit: int = 500) -> int:
    """Let the notices of a burst to one party go, the oldest first; return how many went.

    A party that reads XARF gets a notice a location: nobody reads a
    thousand of them one by one. What two leads have to agree to stays.

    Raises: RefusedError when none waits.
    """
    who = permit(by, DeskAct.STEER_SENDING)
    released = 0
    while True:
        with store.db.write() as connection:
            waiting = approval_rows.burst(connection, party, limit)
            for notice_id in waiting:
                approval_rows.give(connection, notice_id, who, now, None)
                approval_rows.let_go(connection, notice_id, now)
            released += len(waiting)
            if len(waiting) < limit:
                if not released:
                    raise RefusedError(Code.NOTICE_NOT_WAITING)
                said = {"act": "release_burst", "subject": party[:64], "detail": f"{released} notices"}
                audit.note(connection, store.ids, at=now, who=who, **said)
                return released


def decline(store: Store, notice_reference: str, why: str | None, by: Person, now: datetime) -> None:
    """End a notice that waits for leads: its rung is passed over with that reason, and the ladder goes on.

    Raises: RefusedError when it does not wait, or no reason is given.
    """
    who = permit(by, DeskAct.APPROVE_NOTICE)
    reason = needed(why)
    with store.db.write() as connection:
        notice = _waiting(connection, notice_reference)
        approval_rows.decline(connection, notice.id)
        passed = because(Code.PASSED_OVER, rung=notice.rung, why=because(Code.DECLINED_BY_LEAD, text=reason))
        states = _note(connection, store, notice, EventKind.RUNG_PASSED_OVER, who, passed, now)
        due.want(connection, due.ESCALATE, {s.id for s in states}, now)
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="decline_notice",
            subject=notice.reference,
            detail=reason,
        )


def preview(
    store: Store,
    notice: NoticePage,
    *,
    catalogue: Catalogue,
    texts: Texts,
    hotline: Hotline,
    portal_url: str,
    now: datetime,
) -> str:
    """Return the text that a notice would be sent with now, every URL masked and its link left out."""
    with store.db.read() as connection:
        items = outbox.items(connection, [notice.id])
        known = evidence.of_items(connection, items)
        about = {item.episode_id for item in items}
        past, answers = notice_rows.past(connection, about), evidence.answers(connection, about)
    if not items:
        return ""
    language = texts.language(notice.language)
    told = []
    for number, item in enumerate(items, 1):
        url = store.masked("notice_item.location", item.id, item.location_sealed)
        told.append(composing.item(catalogue, language, number, url, item, known.get(item.episode_id)))
    first = notice.kind == NoticeKind.FIRST
    letter = Letter(
        kind=NoticeKind(notice.kind),
        language=language,
        reference=notice.reference,
        message_id="",
        sender="",
        recipient=notice.contact,
        at=now,
        us=composing.us(hotline, notice.contact, language),
        party=notice.party_name,
        items=tuple(told),
        earlier=() if first else tuple(composing.earlier(notice, past, answers)),
        link=f"{portal_url}/n/…",
        link_until=now + LINK_LIFE,
        silence=composing.silence(catalogue, notice, items[0]),
        form=composing.form_of(notice, items),
    )
    return texts.text(letter)


def reveal_item(store: Store, notice_reference: str, item_id: int, by: Person, now: datetime) -> str:
    """Return the URL of one location of a notice, after noting who asked for it.

    Raises: RefusedError when the notice holds no such location.
    """
    who = permit(by, DeskAct.REVEAL_URL)
    reference = read_reference(notice_reference)
    with store.db.write() as connection:
        row = notice_rows.location(connection, reference, item_id)
        if row is None:
            raise RefusedError(Code.NO_LOCATION)
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="reveal",
            subject=row.case_reference,
            detail=f"in {reference}",
        )
    return store.sealer.text("notice_item.location", item_id, row.location_sealed)


def _waiting(connection: Connection, notice_reference: str) -> approval_rows.AwaitingApproval:
    notice = approval_rows.waiting(connection, read_reference(notice_reference))
    if notice is None:
        raise RefusedError(Code.NOTICE_NOT_WAITING)
    return notice


def _note(
    connection: Connection,
    store: Store,
    notice: approval_rows.AwaitingApproval,
    kind: EventKind,
    who: str,
    why: Reason,
    now: datetime,
) -> list[EpisodeState]:
    """Write an event of each open episode the notice tells of; return them."""
    told = notice_rows.episodes_of(connection, [notice.id]).get(notice.id, [])
    states = [s for s in episodes.load(connection, told).values() if s.ended_at is None]
    episodes.note(connection, store.ids, states, kind, at=now, who=who, why=why, subject=notice.id)
    return states
