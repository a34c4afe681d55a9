"""What becomes of a notice on its way: handed over, taken by the other side, delayed, come back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.checks.outcomes import TAKEN_BACK
from nta.domain.deadlines import LINK_LIFE
from nta.domain.episode_state import WHO, EpisodeChange, EpisodeState
from nta.domain.lifecycle import STAGES, EventKind, Stage, StageStep
from nta.domain.notices.contact_choice import DOUBT_AFTER, DOUBT_WITHIN, Health
from nta.domain.notices.leaving import leaving
from nta.domain.notices.notice_state import NoticeStep, led_to
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import NoticeKind, Role
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.hosting.invalidate import ask_anew
from nta.store.notices import (
    addressees,
    notice_rows,
    outbox,
)
from nta.store.notices.notice_rows import MailedNotice
from nta.store.notices.outbox import OutboxItem, OutboxNotice
from nta.store.work import due, open_tasks

TOLD: Mapping[Role, EventKind] = {
    Role.REGISTRY: EventKind.TOLD_REGISTRY,
    Role.REGISTRAR: EventKind.TOLD_REGISTRAR,
    Role.HOTLINE: EventKind.TOLD_HOTLINE,
}
"""The event of telling somebody in a role; `told` for every other."""


_WRITTEN = ("state", "composed_at", "channel", "sent_to", "return_path", "content_sealed")


@dataclass(frozen=True, slots=True)
class Composed:
    """A message as it will be sent, with the digests by which its link and its bounces are known again."""

    content: bytes
    recipient: ContactAddress
    link_digest: bytes
    message_id: str | None = None  # of mail alone, as what follows: other channels bring nothing back
    return_digest: bytes | None = None
    return_path: str | None = None


def lock(connection: Connection, notice_id: int) -> dict[int, EpisodeState]:
    """Return the episodes a notice tells of, kept from being moved by others until this write ends."""
    ids = notice_rows.episodes_of(connection, [notice_id]).get(notice_id, [])
    return episodes.load(connection, ids, lock=True)


def composed(
    connection: Connection,
    store: Store,
    made: Sequence[tuple[OutboxNotice, Composed, Sequence[OutboxItem]]],
    now: datetime,
) -> list[OutboxNotice]:
    """Keep what was composed and what its items say; return the notices as they stand then."""
    after = [
        notice._replace(
            state=led_to(NoticeStep.COMPOSE).value,
            composed_at=now,
            channel=message.recipient.channel,
            sent_to=message.recipient.to,
            return_path=message.return_path,
            content_sealed=store.sealer.seal(notice_rows.CONTENT, notice.id, message.content),
            tries=1,
        )
        for notice, message, _ in made
    ]
    notice_rows.put_composed(
        connection,
        [
            {f"_{name}": getattr(notice, name) for name in ("id", *_WRITTEN)}
            | {"_message_id": message.message_id, "_return_digest": message.return_digest}
            for notice, (_, message, _) in zip(after, made, strict=True)
        ],
    )
    outbox.begin_tries(connection, [notice.id for notice in after])
    notice_rows.as_told(connection, [(item.id, item.last_up_at) for *_, items in made for item in items])
    links = [(notice.id, message.link_digest) for notice, message, _ in made]
    notice_rows.add_links(connection, store.ids, links, now + LINK_LIFE)
    return after


def left(
    connection: Connection,
    store: Store,
    notice: OutboxNotice,
    why: str,
    states: Sequence[EpisodeState],
    items: Sequence[OutboxItem],
    now: datetime,
) -> None:
    """Take items out of a notice; whoever can still be told is looked at by the ladder again."""
    after = leaving(states, why, now)
    notice_rows.leave(connection, [i.id for i in items], now, why)
    kind, said = EventKind.LEFT_NOTICE, because(Code.LEFT_NOTICE, why=why)
    episodes.note(connection, store.ids, after.noted, kind, at=now, who=WHO, why=said, subject=notice.id)
    due.want(connection, due.ESCALATE, after.looked_through, after.again_at)


def kept_back(connection: Connection, notice: OutboxNotice, deadline: datetime) -> None:
    """Keep a composed notice to look at; it never leaves by itself later, so a person is asked."""
    notice_rows.move(connection, notice.id, NoticeStep.KEEP_BACK)
    due.record_many(connection, due.SEND, [(notice.id, None)])
    for episode_id in notice_rows.episodes_of(connection, [notice.id]).get(notice.id, ()):
        open_tasks.ask(connection, episode_id, Reason(Code.SENDING_OFF), owner="lead", deadline=deadline)


def handed_over(
    connection: Connection,
    store: Store,
    notice: OutboxNotice | MailedNotice,
    states: Collection[EpisodeState],
    line: str,
    now: datetime,
) -> None:
    """Record that our relay took a notice: clock B begins, and the silence that its rung allows."""
    # Whom nobody was told of before was told by this rung alone.
    before = [s.id for s in states if s.ended_at is None and s.first_handed_at is not None]
    rungs = notice_rows.rungs_told(connection, before)
    notice_rows.handed_over(connection, notice.id, now)
    notice_rows.note(connection, store.ids, [notice.id], "handed_over", now, line)
    addressees.handed(connection, notice.id, now)
    kind = TOLD.get(Role(notice.role), EventKind.TOLD)
    why = because(Code.NOTICE, kind=notice.kind, party=notice.party)
    changes = []
    for state in states:
        if state.ended_at is None:
            step = StageStep.TOLD if rungs.get(state.id, set()) <= {notice.rung} else StageStep.TOLD_NEXT
            after = _told(state, step)._replace(first_handed_at=state.first_handed_at or now)
            changes.append(EpisodeChange(state, after, kind, now, WHO, why, notice.id))
    episodes.move(connection, store.ids, changes)
    woken = {c.after.id for c in changes if c.before.stage == Stage.EXHAUSTED}
    open_tasks.done(connection, woken, [Code.NOBODY_LEFT])
    ended = [s for s in states if s.ended_at is not None]
    episodes.note(connection, store.ids, ended, kind, at=now, who=WHO, why=why, subject=notice.id)
    for state in ended:
        if state.outcome in TAKEN_BACK and notice.kind != NoticeKind.CORRECTION:
            addressees.correct(connection, state.id, now, notice_id=notice.id)
    due.want(connection, due.ESCALATE, {c.after.id for c in changes}, now)


def accepted(
    connection: Connection,
    store: Store,
    notice: OutboxNotice | MailedNotice,
    states: Collection[EpisodeState],
    at: datetime,
    proof: str | None,
) -> None:
    """Record proof that the other side has a notice: clock C begins. The earliest proof counts."""
    notice_rows.note(connection, store.ids, [notice.id], "accepted", at, proof)
    addressees.accepted(connection, notice.id, at)
    before = notice.accepted_at if isinstance(notice, MailedNotice) else None
    if before is None:
        kind = EventKind.ACCEPTED
        episodes.note(connection, store.ids, states, kind, at=at, who=notice.party, subject=notice.id)
    if before is None or at < before:
        notice_rows.put_accepted(connection, notice.id, at)
    if notice.went_to_contact:
        addressees.recovered(connection, notice.contact_id, at)


def delayed(connection: Connection, store: Store, notice: MailedNotice, line: str, now: datetime) -> None:
    """Record that the other side has not taken a notice yet; once says nothing of a contact, often does."""
    notice_rows.note(connection, store.ids, [notice.id], "delayed", now, line)
    _doubt(connection, notice, line, now)


def bounced(
    connection: Connection,
    store: Store,
    notice: OutboxNotice | MailedNotice,
    states: Collection[EpisodeState],
    line: str,
    health: Health | None,
    now: datetime,
) -> None:
    """Record that a notice did not reach its reader: another contact or the next rung is looked for now.

    `health` is what that says of the contact; None for a failure that may
    pass, which says something only when it is not the first. A contact is
    not to blame for a message that was redirected to an address of ours.
    """
    notice_rows.note(connection, store.ids, [notice.id], "bounced", now, line)
    if isinstance(notice, MailedNotice) and notice.bounced_at is not None:
        return  # a second report of the same failure
    notice_rows.put_bounced(connection, notice.id, now)
    addressees.bounced(connection, notice.id, now)
    if health is None:
        _doubt(connection, notice, line, now)
    elif notice.went_to_contact:
        fresh = addressees.set_health(connection, notice.contact_id, health, line, now)
        if health is Health.DEAD:
            _search(connection, store, states, fresh, now)
    kind, why = EventKind.BOUNCED, because(Code.OTHER, text=line) if line else None
    episodes.note(connection, store.ids, states, kind, at=now, who=WHO, why=why, subject=notice.id)
    due.want(connection, due.ESCALATE, {s.id for s in states if s.ended_at is None}, now)


def doubted(connection: Connection, notice: MailedNotice, line: str, now: datetime) -> None:
    """Doubt the contact of a notice because of a report that is not enough to call the notice come back."""
    if notice.went_to_contact:
        addressees.set_health(connection, notice.contact_id, Health.DOUBTFUL, line, now)


def _search(
    connection: Connection, store: Store, states: Collection[EpisodeState], fresh: bool, now: datetime
) -> None:
    """Have it looked up who serves these hosts: another contact may be registered than the one that died.

    What the first death (`fresh`) had asked anew need not be asked for the next.
    """
    hosts = {s.host_id for s in states if s.ended_at is None}
    if fresh:
        ask_anew(connection, store, hosts, now)
    else:
        due.want(connection, due.RESOLVE, hosts, now)


def _doubt(connection: Connection, notice: OutboxNotice | MailedNotice, line: str, now: datetime) -> None:
    """Doubt a contact that several notices did not reach lately."""
    if notice.went_to_contact:
        troubled = notice_rows.troubled(connection, notice.contact_id, now - DOUBT_WITHIN)
        if len(troubled) >= DOUBT_AFTER:
            addressees.set_health(connection, notice.contact_id, Health.DOUBTFUL, line, now)


def _told(state: EpisodeState, step: StageStep) -> EpisodeState:
    """Return the state after somebody was told; one that waits for a person stays where it is."""
    stage = Stage(state.stage)
    after = STAGES.get((stage, step)) or STAGES.get((stage, StageStep.TOLD_NEXT)) or stage
    return state._replace(stage=after.value)
