"""One batch of due notices: judged, composed once and kept, then handed over."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from nta.domain.checks.verdicts import Verdict
from nta.domain.deadlines import LINK_LIFE, SEEN_BY, TASK
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import Presence, Stage, silence_counts
from nta.domain.notices.batching import Readiness, readiness
from nta.domain.notices.contact_choice import Health
from nta.domain.notices.notice_state import NoticeState, NoticeStep
from nta.domain.notices.past_notices import PastNotice
from nta.domain.parties.contact_addresses import MAIL, ContactAddress, mailbox_of
from nta.domain.parties.organisations import Catalogue
from nta.domain.roles import NoticeKind, Severity
from nta.ports import Channel, Outgoing
from nta.render import composing
from nta.render.letters import Item, Letter
from nta.render.notice_texts import Texts
from nta.settings import Sending
from nta.shipped import shipped
from nta.store.cases import episodes
from nta.store.db.handle import Connection, Store
from nta.store.notices import (
    evidence,
    notice_events,
    notice_rows,
    outbox,
    return_paths,
)
from nta.store.notices.links import new_link
from nta.store.notices.notice_events import Composed
from nta.store.notices.outbox import OutboxItem, OutboxNotice
from nta.store.work import due, switches
from nta.store.work.isolation import apart, put_off
from nta.usecases.dispatch.handing_over import LEASE, Lease, Ready, hand_over, is_held

_LOOK_ROUND = timedelta(minutes=1)

BATCH = 200


class Manner(Protocol):
    """The settings that say whether and how notices go out."""

    @property
    def sending(self) -> Sending: ...
    @property
    def sender(self) -> str | None: ...
    @property
    def return_path(self) -> str | None: ...
    @property
    def portal_url(self) -> str: ...
    @property
    def hotline(self) -> str | None: ...
    @property
    def templates(self) -> Path | None: ...


@dataclass(slots=True)
class _Judged:
    """A queued notice: what goes, what leaves, what has to be made fresh first; then its bytes."""

    draft: OutboxNotice
    go: list[OutboxItem] = field(default_factory=list)
    leave: dict[str, list[OutboxItem]] = field(default_factory=dict)
    resolve: set[int] = field(default_factory=set)
    look: set[int] = field(default_factory=set)
    waits: bool = False
    composed: Composed | None = None


def dispatch_due(
    store: Store,
    *,
    catalogue: Catalogue,
    settings: Manner,
    channels: Mapping[str, Channel],
    holder: str,
    now: datetime,
    limit: int = BATCH,
    lease: Lease = LEASE,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Send a batch of due notices. Return how many were taken, whatever became of them.

    A notice is composed once and committed before any of it leaves; one
    that was composed before is sent again byte for byte. Each goes only
    while its lease is ours and no lead has stopped sending.

    Raises: RefusedError when a setting is missing that a notice needs.
    """
    desk = _Composer(store, catalogue, settings, channels, now)
    with store.db.write() as connection:
        if switches.sending_stopped(connection):
            return 0
        taken = due.take(connection, due.SEND, holder, now, limit, lease=lease.length, machine=lease.machine)
    if not taken:
        return 0
    checkpoint("dispatch.taken")

    def compose(part: Sequence[int]) -> list[Ready]:
        with store.db.read() as connection:
            found = outbox.of_notices(connection, part)
            judged = desk.judge(connection, [d for d in found if d.state == NoticeState.QUEUED])
        checkpoint("dispatch.read")
        with store.db.write() as connection:
            made = _record_composed(connection, store, part, found, judged, settings, holder, now)
        for one in made:
            _channel(channels, one.message.address)
        return made

    composed, spoilt = apart(taken, compose)
    put_off(store, due.SEND, spoilt, holder, now)
    checkpoint("dispatch.composed")
    ready = [one for part in composed for one in part]
    hand_over(store, channels, ready, holder, now, lease=lease, checkpoint=checkpoint)
    return len(taken)


class _Before:
    """What those asked later are told besides: the notices before theirs, the answers, what is known."""

    def __init__(self, connection: Connection, items: Sequence[OutboxItem]) -> None:
        ids = {item.episode_id for item in items}
        self.past: dict[int, list[PastNotice]] = {}
        for notice in notice_rows.past(connection, ids):
            self.past.setdefault(notice.episode_id, []).append(notice)
        self.answers = evidence.answers(connection, ids)
        self.known = evidence.of_items(connection, items)


class _Composer:
    """Judges and composes notices with the catalogue, the settings and the texts of one moment."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        settings: Manner,
        channels: Mapping[str, Channel],
        now: datetime,
    ) -> None:
        hotline = catalogue.ours(settings.hotline)
        if hotline is None:
            raise RefusedError("NTA_HOTLINE must name our own entry in hotlines/")
        if settings.sending.mode != "off" and not (settings.sender and settings.return_path):
            raise RefusedError("NTA_SENDER and NTA_RETURN_PATH are needed before anything can be sent")
        self._store = store
        self._catalogue = catalogue
        self._channels = channels
        self._sending = settings.sending
        self._sender = settings.sender or "notices@not-set.invalid"
        self._return_path = settings.return_path or "return+{token}@not-set.invalid"
        self._portal_url = settings.portal_url
        self._texts = _texts(settings.templates)
        self._hotline = hotline
        self._now = now

    def judge(self, connection: Connection, queued: Sequence[OutboxNotice]) -> list[_Judged]:
        """Return for each notice which items go; compose those that can go now."""
        judged = {d.id: _Judged(d) for d in queued}
        for item in outbox.items(connection, judged):
            self._judge_item(judged[item.notice_id], item)
        ready = [j for j in judged.values() if j.go and not j.waits]
        before = _Before(connection, [i for j in ready if j.draft.kind != NoticeKind.FIRST for i in j.go])
        for one in ready:
            one.composed = self._compose(one, before)
        return list(judged.values())

    def _judge_item(self, judged: _Judged, item: OutboxItem) -> None:
        state = _readiness(judged.draft, item, self._now)
        if state.state == "ready" and self._is_stale(judged.draft, item):
            state = Readiness("leave", why="stale")
        if state.state == "leave":
            judged.leave.setdefault(state.why, []).append(item)
            return
        judged.go.append(item)
        if state.state == "wait":
            judged.waits = True
            if state.refresh_facts:
                judged.resolve.add(item.host_id)
            if state.look:
                judged.look.add(item.episode_id)

    def _is_stale(self, draft: OutboxNotice, item: OutboxItem) -> bool:
        """Tell whether its rung wants a newer sighting than the last: leads may have thought for long."""
        ladders = (ladder for ladder in self._catalogue.ladders if ladder.id == item.ladder)
        rungs = (rung for ladder in ladders for rung in ladder.rungs if rung.id == draft.rung)
        within = next((rung.seen_up_within for rung in rungs), None)
        if within is None or draft.kind == NoticeKind.CORRECTION:
            return False
        there_at = max((at for at in (item.last_up_at, item.there_at) if at), default=None)
        return there_at is None or self._now - there_at > within

    def _compose(self, judged: _Judged, before: _Before) -> Composed:
        draft, keys = judged.draft, self._store.keys
        token, link_digest = new_link(self._store.link_keys)
        redirected = self._sending.redirect_to if self._sending.mode == "redirect" else None
        address = mailbox_of(redirected) if redirected else draft.contact
        by_mail = address.channel == MAIL
        message_id = f"<{draft.reference.lower()}.{secrets.token_hex(8)}@{self._sender.rpartition('@')[2]}>"
        language = self._texts.language(draft.language)
        told = [notice for item in judged.go for notice in before.past.get(item.episode_id, ())]
        letter = Letter(
            kind=NoticeKind(draft.kind),
            language=language,
            reference=draft.reference,
            message_id=message_id,
            sender=self._sender,
            recipient=address.to,
            at=self._now,
            us=composing.us(self._hotline, self._sender, language),
            party=draft.party_name,
            items=tuple(self._item(n, item, language, before) for n, item in enumerate(judged.go, start=1)),
            earlier=tuple(composing.earlier(draft, told, before.answers)),
            link=f"{self._portal_url}/n/{token}",
            link_until=self._now + LINK_LIFE,
            silence=composing.silence(self._catalogue, draft, judged.go[0]),
            meant_for=draft.contact.to if redirected else None,
            form=composing.form_of(draft, judged.go),
            report_id=str(uuid4()),
        )
        return Composed(
            content=self._texts.composed(letter, _channel(self._channels, address).carries),
            recipient=address,
            link_digest=link_digest,
            message_id=message_id if by_mail else None,
            return_digest=return_paths.digest(keys, draft.id) if by_mail else None,
            return_path=self._return_path if by_mail else None,
        )

    def _item(self, number: int, item: OutboxItem, language: str, before: _Before) -> Item:
        url = self._store.sealer.text("notice_item.location", item.id, item.location_sealed)
        return composing.item(self._catalogue, language, number, url, item, before.known.get(item.episode_id))


@lru_cache(maxsize=4)
def _texts(overlay: Path | None) -> Texts:
    return Texts([*([overlay] if overlay else []), shipped("templates")])


def _readiness(draft: OutboxNotice, item: OutboxItem, now: datetime) -> Readiness:
    """Return whether an item goes; what waited for a lead, or while we were down, waits for a look too."""
    if draft.kind == NoticeKind.CORRECTION:  # it speaks of what we said, not of what is there
        return Readiness("leave", why="contact") if draft.health == Health.DEAD else Readiness("ready")
    if item.ended_at is not None and not (item.outcome or "").startswith("moved"):
        return Readiness("leave", why="ended")
    if item.stage == Stage.HELD:
        return Readiness("leave", why="held")
    if draft.health == Health.DEAD:
        return Readiness("leave", why="contact")
    if item.ended_at is None and not silence_counts(Presence(item.presence)):
        return Readiness("leave", why="gone")
    return readiness(
        facts_at=item.facts_at,
        tried_at=item.looked_at,
        verdict=Verdict(item.last_verdict) if item.last_verdict else None,
        moved=item.ended_at is not None,
        severity=Severity(draft.severity),
        waiting_since=now - (draft.tries - 1) * _LOOK_ROUND if draft.tries > 1 else None,
        now=now,
    )


def _record_composed(
    connection: Connection,
    store: Store,
    taken: Sequence[int],
    found: Sequence[OutboxNotice],
    judged: Sequence[_Judged],
    settings: Manner,
    holder: str,
    now: datetime,
) -> list[Ready]:
    """Write what was composed and return what is to be handed over."""
    told = notice_rows.episodes_of(connection, taken)
    states = episodes.load(connection, {e for ids in told.values() for e in ids}, lock=True)
    mine = due.still_mine(connection, due.SEND, taken, holder)
    if switches.sending_stopped(connection):
        due.record_many(connection, due.SEND, [(n, now) for n in sorted(mine)])
        return []
    known = {d.id: d for d in found}
    stale = [
        n for n in mine if n not in known or known[n].state not in (NoticeState.QUEUED, NoticeState.COMPOSED)
    ]
    due.record_many(connection, due.SEND, [(n, None) for n in stale])
    held = [
        n
        for n in mine
        if n in known and known[n].state == NoticeState.COMPOSED and is_held(told.get(n, ()), states)
    ]
    outbox.postpone(connection, [(n, now + SEEN_BY) for n in held], holder)
    ready: list[Ready] = []
    made = [
        (one.draft, one.composed, one.go)
        for one in judged
        if one.draft.id in mine and _settle(connection, store, one, states, holder, now) and one.composed
    ]
    known.update({draft.id: draft for draft in notice_events.composed(connection, store, made, now)})
    told = told | {draft.id: [item.episode_id for item in go] for draft, _, go in made}
    for number in sorted(mine.difference(held)):
        draft = known.get(number)
        if draft is None or draft.state != NoticeState.COMPOSED:
            continue
        if _may_leave(draft, settings.sending):
            content = store.sealer.open(notice_rows.CONTENT, draft.id, draft.content_sealed or b"")
            back = return_paths.path(store.keys, draft.id, draft.return_path) if draft.return_path else ""
            message = Outgoing(draft.id, draft.sent, content, back)
            ready.append(Ready(draft, message, tuple(told.get(number, ()))))
        else:
            notice_events.kept_back(connection, draft, now + TASK)
    return ready


def _channel(channels: Mapping[str, Channel], address: ContactAddress) -> Channel:
    """Return the channel of an address. Raises ValueError for one that this version does not know."""
    if address.channel not in channels:
        raise ValueError(f"no channel is called {address.channel}")
    return channels[address.channel]


def _settle(
    connection: Connection,
    store: Store,
    one: _Judged,
    states: Mapping[int, EpisodeState],
    holder: str,
    now: datetime,
) -> bool:
    """Write what becomes of one judged notice's items. Tell whether anything is left to send now."""
    draft = one.draft
    if one.waits:
        due.want(connection, due.RESOLVE, one.resolve, now)
        due.want(connection, due.LOOK, one.look, now)
        outbox.postpone(connection, [(draft.id, now + _LOOK_ROUND)], holder)
        return False
    for why, left in one.leave.items():
        notice_events.left(connection, store, draft, why, [states[i.episode_id] for i in left], left, now)
    if one.composed is None:
        notice_rows.move(connection, draft.id, NoticeStep.DROP)
        due.record_many(connection, due.SEND, [(draft.id, None)])
    return one.composed is not None


def _may_leave(draft: OutboxNotice, sending: Sending) -> bool:
    """Tell whether a composed notice goes to where the settings of today would send it."""
    if sending.mode == "off":
        return False
    if sending.mode == "redirect":
        return draft.sent_to is not None and draft.sent == mailbox_of(sending.redirect_to or "")
    return draft.went_to_contact
