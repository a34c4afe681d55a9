"""Answer: a provider opens its notice and says what it did; what it said becomes dates and a look."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nta.domain.deadlines import TASK
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import EventKind
from nta.domain.notices.answers import (
    FOR_A_PERSON,
    GONE,
    AnswerSlip,
    ItemAnswer,
    Says,
    Slipped,
    address_in,
    one_line,
    slips,
)
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import Role
from nta.store.cases import episodes
from nta.store.db.handle import Connection, Store
from nta.store.hosting import override_rows
from nta.store.hosting.invalidate import ask_anew
from nta.store.notices import answer_rows, contact_decisions
from nta.store.notices.answer_rows import Dated, HeardSign
from nta.store.notices.links import link_digests
from nta.store.reads import mails, portal
from nta.store.reads.portal import LinkedNotice, PortalItem
from nta.store.work import audit, due, open_tasks
from nta.store.work.isolation import apart, is_of_its_data, put_aside


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


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a form: the answers that were taken, how many of them are new, and what was wrong."""

    said: tuple[ItemAnswer, ...]
    new: int
    slips: tuple[Slipped, ...]


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
                answer_rows.opened(connection, store.new_id(), notice.id, now)
    return Listing(notice.reference, notice.language, notice.handed_at or notice.queued_at, tuple(items))


def answer(store: Store, token: str, said: Sequence[ItemAnswer], now: datetime) -> Taken:
    """Record what a provider says of items of its notice; what is wrong with one does not hinder the others.

    An item whose newest answer says the same is left as it is, so that
    sending a form twice does no harm.

    Raises: LinkNotFoundError.
    """
    with store.db.read() as connection:
        notice = _linked(connection, store, token, now)
        known = {item.id: item for item in portal.items(connection, store, notice.id)}
    fresh, taken = _sorted_out(known, said, now)
    if fresh:
        rows = _rows(store, fresh, now, "portal")
        with store.db.write() as connection:
            answer_rows.keep(connection, rows)
    return taken


def answer_by_mail(
    store: Store, mail_id: int, said: Sequence[ItemAnswer], by: Person, now: datetime
) -> Taken:
    """Record what a provider wrote in a mail, as a person read it; it was said when the mail came.

    Raises: RefusedError when there is no such mail, or it is about no notice.
    """
    who = permit(by, DeskAct.READ_MAIL)
    with store.db.write() as connection:
        mail = mails.one(connection, store, mail_id)
        if mail is None or mail.notice_id is None:
            raise RefusedError(Code.MAIL_WITHOUT_NOTICE)
        known = {item.id: item for item in portal.items(connection, store, mail.notice_id)}
        fresh, taken = _sorted_out(known, said, now)
        if fresh:
            answer_rows.keep(connection, _rows(store, fresh, min(mail.mail.received_at, now), "mail"))
            audit.note(connection, store.ids, at=now, who=who, act="answer_by_mail", subject=mail.mail.notice)
    return taken


def _sorted_out(
    known: Mapping[int, PortalItem], said: Sequence[ItemAnswer], now: datetime
) -> tuple[list[ItemAnswer], Taken]:
    """Return what is to be written, and what becomes of all that was said."""
    good: dict[int, ItemAnswer] = {}
    wrong: list[Slipped] = [] if said else [Slipped(None, AnswerSlip.NOTHING_CHOSEN)]
    for one in (_tidied(s) for s in said):
        found = slips(one, now) if one.item_id in known else (AnswerSlip.NOT_OF_THIS_NOTICE,)
        wrong += [Slipped(one.item_id, slip) for slip in found]
        if not found:
            good[one.item_id] = one
    fresh = [one for number, one in sorted(good.items()) if _is_new(one, known[number])]
    return fresh, Taken(tuple(good.values()), len(fresh), tuple(wrong))


def _tidied(said: ItemAnswer) -> ItemAnswer:
    """Return what was said without empty texts, and with a moment or a party only where one is asked for."""
    until = said.until if said.says == Says.FORWARDED else None
    whose = one_line(said.whose) if said.says in (Says.FORWARDED, Says.NOT_OURS) else None
    return replace(said, whose=whose, until=until, why=(said.why or "").strip() or None)


def _is_new(said: ItemAnswer, known: PortalItem) -> bool:
    same = (said.says, said.whose, said.until) == (known.says, known.whose, known.until)
    return said.why is not None or not same


def _rows(store: Store, said: Sequence[ItemAnswer], at: datetime, way: str) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "item_id": one.item_id,
            "at": at,
            "way": way,
            "says": one.says,
            "whose": one.whose,
            "until": one.until,
            "why_sealed": store.portal_sealer.seal("answer.why", number, one.why) if one.why else None,
            "settled": False,
        }
        for number, one in zip(store.ids.take(len(said)), said, strict=True)
    ]


def _linked(connection: Connection, store: Store, token: str, now: datetime) -> LinkedNotice:
    digests = link_digests(store.link_keys, token)
    notice = portal.by_link(connection, digests, now) if digests else None
    if notice is None:
        raise LinkNotFoundError("this link is not, or no longer, in use")
    return notice


def settle(
    store: Store,
    now: datetime,
    limit: int = 500,
    *,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Turn what the portal recorded into dates, events and what follows; return how many were settled.

    Whatever comes from the other side proves that the notice arrived: the
    earliest sign counts, and a presumed arrival is presumed no longer. An
    answer ends nothing; what each leads to, `_follow` says. Signs of a
    notice that is not yet known to be handed over wait. Where one cannot
    be acted on it is set aside, and the others are settled.
    """
    try:
        return _settle(store, now, limit, checkpoint)
    except Exception as fault:
        if not is_of_its_data(fault):
            raise
    with store.db.read() as connection:
        episodes_of = answer_rows.who_said(connection, now, limit)
    done, spoilt = apart(sorted(episodes_of), lambda part: _settle(store, now, limit, checkpoint, part))
    if spoilt:
        with store.db.write() as connection:
            put_aside(connection, "answers", spoilt, episodes_of, now)
    return sum(done)


def _settle(
    store: Store,
    now: datetime,
    limit: int,
    checkpoint: Callable[[str], None],
    only: Collection[int] | None = None,
) -> int:
    with store.db.write() as connection:
        # A notice may hold 100 items; a write stays within 2,000 rows.
        opened = answer_rows.new_events(connection, now, max(1, limit // 25), only=only)
        answered = answer_rows.new_answers(connection, now, limit, only=only)
        signs = answer_rows.signs_of(connection, opened, answered)
        if signs:
            # Episodes before addressees and due rows, as the other steps lock them.
            states = episodes.load(connection, {sign.episode for sign in signs}, lock=True)
            still_open = {number for number, state in states.items() if state.ended_at is None}
            dated = answer_rows.date(connection, signs, still_open)
            contact_decisions.heard(connection, signs)
            _tell(connection, store, signs, states, dated.parties)
            _follow(connection, store, signs, states, dated, now)
        answer_rows.close(connection, opened, answered)
        done = len(opened) + len(answered)
        if done:
            checkpoint("answer.settling")
    if done:
        checkpoint("answer.settled")
    return done


def _tell(
    connection: Connection,
    store: Store,
    signs: Sequence[HeardSign],
    states: Mapping[int, EpisodeState],
    parties: Mapping[int, str],
) -> None:
    """Write the episodes' events."""
    for sign in signs:
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
            why=because(Code.ANSWERED, says=sign.says) if sign.says else None,
            subject=sign.subject,
        )


def _follow(
    connection: Connection,
    store: Store,
    signs: Sequence[HeardSign],
    states: Mapping[int, EpisodeState],
    dated: Dated,
    now: datetime,
) -> None:
    """Let each addressee's newest answer have its effect on an episode that is still open.

    Said to be gone: a look now. Not theirs: nothing more is told to them,
    and who serves it is asked anew before the ladder goes on. Refused, or a
    question: a person's, while the deadline runs on. Passed on: nothing
    here; the ladder reads until when it is to wait.
    """
    newest = {s.addressee: s for s in signs if s.says and states[s.episode].ended_at is None}
    released = {s.addressee: s.episode for s in newest.values() if s.says == Says.NOT_OURS}
    answer_rows.stop_telling(connection, released, now)
    again = set(released.values())
    for sign in sorted(newest.values(), key=lambda s: s.turn):
        asked = FOR_A_PERSON.get(Says(sign.says or ""))
        if asked:
            open_tasks.ask(connection, sign.episode, Reason(asked), owner="analyst", deadline=now + TASK)
        if dated.roles[sign.addressee] == Role.PROXY and _behind(
            connection, store, sign, states, dated.parties, now
        ):
            again.add(sign.episode)
    ask_anew(connection, store, {states[i].host_id for i in again}, now)
    due.want(connection, due.LOOK, again | {s.episode for s in newest.values() if s.says in GONE}, now)
    back = {s.episode for s in newest.values() if s.addressee in dated.back}
    due.want(connection, due.ESCALATE, back | again, now)


def _behind(
    connection: Connection,
    store: Store,
    sign: HeardSign,
    states: Mapping[int, EpisodeState],
    parties: Mapping[int, str],
    now: datetime,
) -> bool:
    """Take over the origin that a proxy names, where none is known yet. Tell whether it was one."""
    origin = address_in(sign.whose)
    host_id = states[sign.episode].host_id
    if origin is None or override_rows.of_hosts(connection, store, [host_id], now):
        return False
    who = parties[sign.addressee]
    override_rows.put(connection, store, host_id, reason=None, until=None, origin=origin, by=who, at=now)
    reference = answer_rows.case_of(connection, sign.notice, sign.addressee)
    audit.note(connection, store.ids, at=now, who=who[:64], act="name_origin", subject=reference)
    return True
