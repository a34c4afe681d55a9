"""Handing over: one message at a time, each only while it is ours and nobody has stopped sending."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from nta.domain.deadlines import SEEN_BY
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import OutsideError
from nta.domain.lifecycle import Stage
from nta.domain.notices.contact_choice import Health
from nta.domain.notices.notice_state import NoticeStep
from nta.ports import Channel, Handed, HandOver, Outgoing
from nta.store.cases import episodes
from nta.store.db.handle import Connection, Store
from nta.store.notices import notice_events, notice_rows, outbox
from nta.store.notices.outbox import OutboxNotice
from nta.store.work import due, switches

_RETRY = tuple(timedelta(minutes=m) for m in (5, 15, 60))
_RELAY_GONE = tuple(timedelta(minutes=m) for m in (2, 4, 8, 15))
_GIVE_UP = timedelta(hours=24)  # as long as a rung's shortest silence: then somebody else can be told
_FRESH_S = 0.2  # what the database said is believed for so long: a relay may keep us waiting at any word
_LONGEST_S = 60  # then the rest of a batch is given back: others may be quicker, and a runner may have to end


def _awake_s() -> float:
    """Return seconds on a clock that goes on while the process, or the whole machine, is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a notice is ours without a word from us, and the machine's clocks that say so."""

    length: timedelta = due.LEASE
    machine: Callable[[], datetime] = due.machine_now
    awake_s: Callable[[], float] = _awake_s


LEASE = Lease()


class Ready(NamedTuple):
    """A composed notice that may leave, and the episodes it tells of."""

    draft: OutboxNotice
    message: Outgoing
    episodes: tuple[int, ...]

    @property
    def id(self) -> int:
        return self.draft.id


def hand_over(
    store: Store,
    channels: Mapping[str, Channel],
    ready: Sequence[Ready],
    holder: str,
    now: datetime,
    *,
    lease: Lease,
    checkpoint: Callable[[str], None],
) -> None:
    """Hand messages over, one channel after the other; a channel that is down holds up no other.

    They share the batch's time: each channel has an equal part of what is
    left, and what one does not use is the next's.
    """
    queues: dict[str, list[Ready]] = {}
    for one in ready:
        queues.setdefault(one.message.address.channel, []).append(one)
    ends_s = lease.awake_s() + _LONGEST_S
    for left, (name, theirs) in zip(range(len(queues), 0, -1), queues.items(), strict=True):
        begun_s = lease.awake_s()
        way = _Way(store, theirs, holder, now, lease, begun_s + (ends_s - begun_s) / left)
        _hand_over_by(channels[name], way, checkpoint)


def _hand_over_by(channel: Channel, way: "_Way", checkpoint: Callable[[str], None]) -> None:
    """Hand one channel's messages over and record each answer as it comes; those without one are given back.

    One write records what became of a message, and says at once whether the
    next may go: it commits before the next's content leaves. So at most one
    message is ever on the other side and not on record.
    """
    gone = False
    try:
        for handed in channel.hand_over(way.messages(), way.may_go):
            checkpoint("dispatch.handed")
            way.record(handed)
            checkpoint("dispatch.recorded")
    except OutsideError:
        gone = True  # the channel's state is a matter of its adapter
    if way.give_back(gone):
        checkpoint("dispatch.given_back")


def is_held(told: Iterable[int], states: Mapping[int, EpisodeState]) -> bool:
    """Tell whether a notice that was composed before speaks of an episode that is held: it waits with it."""
    return any(e in states and states[e].stage == Stage.HELD for e in told)


class _Way:
    """The messages of one batch on their way over one channel."""

    def __init__(
        self, store: Store, ready: Sequence[Ready], holder: str, now: datetime, lease: Lease, ends_s: float
    ) -> None:
        self._store = store
        self._holder = holder
        self._now = now
        self._lease = lease
        self._ends_s = ends_s
        self._queue = deque(ready)
        self._drawn: dict[int, Ready] = {}  # without an outcome yet
        self._next: Ready | None = None
        self._stopped = False
        self._clear: int | None = None  # the notice that may go, as the database said
        self._asked_s = self._said_s = 0.0  # between these moments

    def messages(self) -> Iterator[Outgoing]:
        """Yield each message when the channel has room for it; end early when sending is stopped."""
        while self._queue and not self._stopped and self._lease.awake_s() < self._ends_s:
            self._next = self._queue.popleft()
            self._drawn[self._next.id] = self._next
            yield self._next.message
        self._next = None

    def may_go(self, message: Outgoing) -> bool:
        """Tell whether a message is ours and nothing stops it, now: what is known may be old by now."""
        number = message.notice_id
        if not self._is_clear(number) or self._lease.awake_s() - self._said_s > _FRESH_S:
            self._write(None, None, self._drawn.get(number))
        return self._is_clear(number)

    def record(self, handed: Handed) -> None:
        """Record what became of one message, and look whether the next may go."""
        self._write(self._drawn.pop(handed.notice_id), handed, self._next)

    def give_back(self, gone: bool) -> bool:
        """Give back what has no outcome, due later where the channel is gone; tell whether any was."""
        left = [*self._drawn.values(), *self._queue]
        if not left:
            return False
        with self._store.db.write() as connection:
            if gone and not self._stopped:
                moments = [(r.id, self._now + _nth(_RELAY_GONE, r.draft.tries)) for r in left]
                outbox.postpone(connection, moments, self._holder)
            else:
                mine = due.still_mine(connection, due.SEND, [r.id for r in left], self._holder)
                due.record_many(connection, due.SEND, [(n, self._now) for n in sorted(mine)])
        return True

    def _is_clear(self, number: int) -> bool:
        age_s = self._lease.awake_s() - self._asked_s
        return self._clear == number and age_s < self._lease.length.total_seconds()

    def _write(self, done: Ready | None, handed: Handed | None, coming: Ready | None) -> None:
        asked_s = self._lease.awake_s()
        self._clear = None
        both = [one for one in (done, coming) if one is not None]
        with self._store.db.write() as connection:
            stopped = switches.sending_stopped(connection)
            told = {episode for one in both for episode in one.episodes}
            states = episodes.load(connection, told, lock=True)
            mine = due.keep(
                connection,
                due.SEND,
                [one.id for one in both],
                self._holder,
                lease=self._lease.length,
                machine=self._lease.machine,
            )
            if done is not None and handed is not None and done.id in mine:
                # Else another took over: it sends the same bytes and records.
                _record(connection, self._store, done, handed, states, self._holder, self._now)
            clear = coming is not None and self._look(connection, coming, mine, states, stopped)
        if clear and coming is not None:
            self._clear, self._asked_s, self._said_s = coming.id, asked_s, self._lease.awake_s()
        if coming is not None and coming.id not in mine:
            self._forget_lost()

    def _forget_lost(self) -> None:
        """Drop what another has taken; in a write of its own, for two that lose to each other."""
        with self._store.db.write() as connection:
            left = due.still_mine(connection, due.SEND, [r.id for r in self._queue], self._holder)
        self._queue = deque(r for r in self._queue if r.id in left)

    def _look(
        self,
        connection: Connection,
        coming: Ready,
        mine: set[int],
        states: Mapping[int, EpisodeState],
        stopped: bool,
    ) -> bool:
        """Tell whether a message may go; give it back where it is held."""
        if stopped:
            self._stopped = True
            return False
        if coming.id not in mine:
            return False
        if is_held(coming.episodes, states):
            outbox.postpone(connection, [(coming.id, self._now + SEEN_BY)], self._holder)
            return False
        return True


def _record(
    connection: Connection,
    store: Store,
    ready: Ready,
    handed: Handed,
    states: Mapping[int, EpisodeState],
    holder: str,
    now: datetime,
) -> None:
    draft = ready.draft
    told = [states[e] for e in ready.episodes if e in states]
    if handed.result in (HandOver.TAKEN, HandOver.ACCEPTED):
        notice_events.handed_over(connection, store, draft, told, handed.line, now)
        if handed.result is HandOver.ACCEPTED:
            after = notice_events.lock(connection, draft.id).values()
            notice_events.accepted(connection, store, draft, after, now, handed.line)
        outbox.done(connection, draft.id)
        return
    if handed.result is HandOver.LATER and now - (draft.composed_at or now) < _GIVE_UP:
        notice_rows.note(connection, store.ids, [draft.id], "delayed", now, handed.line)
        outbox.postpone(connection, [(draft.id, now + _nth(_RETRY, draft.tries))], holder)
        return
    notice_rows.move(connection, draft.id, NoticeStep.REFUSE)
    health = Health.DEAD if handed.result is HandOver.UNREACHABLE else Health.DOUBTFUL
    notice_events.bounced(connection, store, draft, told, handed.line, health, now)
    outbox.done(connection, draft.id)


def _nth(pauses: Sequence[timedelta], tries: int) -> timedelta:
    return pauses[min(max(tries, 1), len(pauses)) - 1]
