"""Escalating: who is told next about an episode, and when; somebody always, or a person is asked."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from nta.domain.contacts import Choice, Health, choose
from nta.domain.deadlines import TASK
from nta.domain.errors import RefusedError
from nta.domain.hosting import HostingFacts
from nta.domain.ladders import (
    Exhausted,
    Ladder,
    LadderFacts,
    PassedOver,
    Rung,
    Told,
    Wait,
    next_rung,
    passed_over,
)
from nta.domain.lifecycle import EventKind, Presence, Stage, Step, next_stage, silence_counts
from nta.domain.notices import PATIENCE
from nta.domain.parties import Catalogue
from nta.domain.roles import Role, Severity
from nta.store import addressees, answers, arrangements, due, episodes, escalation, notices
from nta.store.base import Store
from nta.store.episodes import State

WHO = "service"
NEWER_LADDER = "The ladder has changed since the case began."
SENDING_IS_OFF = "sending is off"
_ASK_AGAIN = timedelta(minutes=1)

_AT_WORK = frozenset({Stage.READY, Stage.NOTIFIED, Stage.ESCALATED, Stage.EXHAUSTED})


@dataclass(frozen=True, slots=True)
class _Known:
    """All that bears on one episode's next rung."""

    state: State
    facts: HostingFacts | None
    dedicated: bool
    past: tuple[notices.Past, ...]
    addressees: tuple[addressees.Standing, ...]
    noted: tuple[escalation.Noted, ...]
    asked_to_wait: Mapping[str, datetime]


@dataclass(slots=True)
class _Result:
    """What a batch of episodes leads to, to be written at once."""

    moments: list[tuple[int, datetime | None]] = field(default_factory=list)
    told: list[addressees.Told] = field(default_factory=list)
    changes: list[episodes.Change] = field(default_factory=list)
    looks: set[int] = field(default_factory=set)
    tasks: list[tuple[int, str, str]] = field(default_factory=list)


def escalate_due(
    store: Store,
    *,
    catalogue: Catalogue,
    holder: str,
    now: datetime,
    limit: int = 200,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Choose the next rung of a batch of due episodes. Return how many were taken.

    The deadline of an episode whose content is gone stands still: its row
    is deleted, and the look that sees it again makes it due.
    """
    with store.db.write() as connection:
        taken = due.take(connection, due.ESCALATE, holder, now, limit)
    if not taken:
        return 0
    checkpoint("escalate.taken")
    with store.db.read() as connection:
        states = episodes.load(connection, taken)
        numbers = {s.arrangement_id for s in states.values() if s.arrangement_id is not None}
        facts = {n: arrangements.facts(connection, store, n) for n in sorted(numbers)}
    checkpoint("escalate.read")
    with store.db.write() as connection:
        _record(connection, store, taken, facts, catalogue, holder, now)
    checkpoint("escalate.recorded")
    return len(taken)


def _record(
    connection: Connection,
    store: Store,
    taken: Sequence[int],
    facts: Mapping[int, HostingFacts],
    catalogue: Catalogue,
    holder: str,
    now: datetime,
) -> None:
    # Episodes are locked before due rows, as the other steps do; what is read after both is what holds.
    states = episodes.load(connection, taken, lock=True)
    mine = due.still_mine(connection, due.ESCALATE, taken, holder)
    gone = [(subject, None) for subject in mine - states.keys()]
    result = _Result(moments=list(gone))
    judge = _Judge(catalogue, addressees.troubled(connection), now)
    for known in _gather(connection, [states[i] for i in sorted(mine & states.keys())], facts):
        if known.facts is None and known.state.arrangement_id is not None:
            result.moments.append((known.state.id, now))  # it moved while we read: read again
        else:
            judge.decide(known, result)
    episodes.move(connection, store.ids, result.changes)
    addressees.tell(connection, store.ids, result.told, now)
    due.want(connection, due.LOOK, result.looks, now)
    for subject, owner, reason in result.tasks:
        due.task(connection, subject, now + TASK, owner=owner, reason=reason)
    due.record_many(connection, due.ESCALATE, result.moments)


def _gather(
    connection: Connection, states: Sequence[State], facts: Mapping[int, HostingFacts]
) -> Iterable[_Known]:
    wanted = [s.id for s in states]
    past: dict[int, list[notices.Past]] = {}
    for notice in notices.past(connection, wanted):
        past.setdefault(notice.episode_id, []).append(notice)
    standing: dict[int, list[addressees.Standing]] = {}
    for addressee in addressees.of_episodes(connection, wanted):
        standing.setdefault(addressee.episode_id, []).append(addressee)
    noted = escalation.events(connection, wanted)
    asked_to_wait = answers.asked_to_wait(connection, wanted)
    dedicated = escalation.dedicated_hosts(connection, {s.host_id for s in states})
    for state in states:
        yield _Known(
            state,
            facts.get(state.arrangement_id) if state.arrangement_id is not None else None,
            state.host_id in dedicated,
            tuple(past.get(state.id, ())),
            tuple(standing.get(state.id, ())),
            tuple(noted.get(state.id, ())),
            asked_to_wait.get(state.id, {}),
        )


class _Judge:
    """Decides episodes one by one; a batch shares the health of contacts and what was chosen per host."""

    def __init__(self, catalogue: Catalogue, health: Mapping[str, Health], now: datetime) -> None:
        self._catalogue = catalogue
        self._health = health
        self._now = now
        self._chosen: dict[tuple[int | None, Role], tuple[Choice, ...]] = {}

    def decide(self, known: _Known, result: _Result) -> None:
        """Add to the result what becomes of one episode."""
        state = known.state
        if Stage(state.stage) not in _AT_WORK or not silence_counts(Presence(state.presence)):
            result.moments.append((state.id, None))
        elif _under_way(known):
            result.moments.append(
                (state.id, None)
            )  # dispatch makes it due when that notice is out, or failed
        elif known.past and known.past[-1].state == notices.NOT_SENT:
            result.moments.append((state.id, None))
            result.tasks.append((state.id, "lead", SENDING_IS_OFF))
        elif _is_being_asked(known, self._now):
            result.moments.append((state.id, self._now + _ASK_AGAIN))
        else:
            self._climb(known, result)

    def _climb(self, known: _Known, result: _Result) -> None:
        state, now = known.state, self._now
        try:
            ladder, newer = _ladder(state, known.facts, self._catalogue)
        except RefusedError as fault:
            self._give_up(known, result, str(fault), ())
            return
        choices = self._choices(known, ladder)
        told = _told(known)
        replaced, joined = _late(ladder, known, told, choices)
        if replaced or joined:
            _tell(result, known, replaced, newer, at_once=True)
            _tell(result, known, joined, newer)
            result.moments.append((state.id, None))
            kind, why = EventKind.CONTACT_REPLACED, "the contact told before could not be reached"
            result.changes += [episodes.Change(state, state, kind, now, WHO, why) for _ in replaced]
            return
        facts = LadderFacts(
            dedicated=known.dedicated,
            reachable=frozenset(c.role for c in choices),
            last_up_at=state.last_up_at,
            looked_at=state.looked_at,
            paused=_paused(known, told, now),
        )
        step, over = _next(ladder, told, facts, choices, now)
        if isinstance(step, Wait):
            result.moments.append((state.id, step.until))
            if step.look_first:
                result.looks.add(state.id)
        elif isinstance(step, Exhausted):
            self._give_up(known, result, "nobody is left to tell" if told else "nobody can be reached", over)
        else:
            self._note(known, result, state, over)
            _tell(result, known, [(step, c) for c in _for(step, choices)], newer)
            result.moments.append((state.id, None))

    def _choices(self, known: _Known, ladder: Ladder) -> tuple[Choice, ...]:
        """Return whom the ladder could tell: one contact for each party that did not say it is not theirs."""
        if known.facts is None:
            return ()
        released = {(a.party, a.role) for a in known.addressees if a.released_at is not None}
        found: list[Choice] = []
        for role in dict.fromkeys(role for rung in ladder.rungs for role in rung.tell):
            key = (known.state.arrangement_id, role)
            if key not in self._chosen:
                self._chosen[key] = choose(role, known.facts, self._catalogue, self._health)
            found += [c for c in self._chosen[key] if (c.party, c.role.value) not in released]
        return tuple(found)

    def _give_up(self, known: _Known, result: _Result, why: str, over: Sequence[PassedOver]) -> None:
        """Hand the episode to a person: nobody was ever reached, or nobody is left."""
        state = known.state
        self._note(known, result, state, over)
        result.moments.append((state.id, None))
        unreached = state.stage == Stage.READY and state.first_handed_at is None
        if state.stage != Stage.EXHAUSTED:
            step = Step.NO_CONTACT if unreached else Step.NOBODY_LEFT
            kind = EventKind.UNRESOLVED if unreached else EventKind.EXHAUSTED
            after = state._replace(stage=next_stage(Stage(state.stage), step).value)
            result.changes.append(episodes.Change(state, after, kind, self._now, WHO, why[:200]))
        result.tasks.append((state.id, "analyst" if unreached else "lead", why[:200]))

    def _note(self, known: _Known, result: _Result, state: State, over: Iterable[PassedOver]) -> None:
        """Note each rung that is passed over, once for each episode."""
        kind = EventKind.RUNG_PASSED_OVER
        said = {(n.why or "").partition(":")[0] for n in known.noted if n.kind == kind}
        for passed in over:
            if passed.rung not in said:
                why = f"{passed.rung}: {passed.why}"[:200]
                result.changes.append(episodes.Change(state, state, kind, self._now, WHO, why))


def _is_being_asked(known: _Known, now: datetime) -> bool:
    """Tell whether somebody said that it is not theirs, and who serves it has yet to be asked again.

    Who is told next hangs on that; but a look-up that fails holds nobody up for long.
    """
    said = [a.released_at for a in known.addressees if a.released_at is not None]
    asked_at = known.facts.asked_at if known.facts else now
    return any(asked_at < at and now - at < PATIENCE for at in said)


def _under_way(known: _Known) -> bool:
    return any(a.waiting_since is not None for a in known.addressees) or any(
        p.state in notices.UNDER_WAY for p in known.past
    )


def _ladder(state: State, facts: HostingFacts | None, catalogue: Catalogue) -> tuple[Ladder, bool]:
    """Return the ladder the case began with, and whether it is a newer one than that."""
    same = [ladder for ladder in catalogue.ladders if ladder.id == state.ladder]
    kept = [ladder for ladder in same if ladder.version == state.ladder_version]
    if kept or same:
        return (kept or same)[0], not kept
    country = facts.country if facts else None
    return catalogue.ladder_for(country, Severity(state.severity)), state.ladder is not None


def _failed(notice: notices.Past) -> bool:
    return notice.bounced_at is not None or notice.state == notices.REFUSED or notice.released_at is not None


def _told(known: _Known) -> dict[str, Told]:
    """Return when the silence of each rung began: the latest of its notices that did not fail."""
    told: dict[str, Told] = {}
    for notice in known.past:
        before = told.get(notice.rung, Told(None)).silence_from
        moments = [
            m for m in (before, None if _failed(notice) else notice.accepted_at or notice.handed_at) if m
        ]
        told[notice.rung] = Told(max(moments, default=None), known.asked_to_wait.get(notice.rung))
    return told


def _paused(known: _Known, told: Mapping[str, Told], now: datetime) -> timedelta:
    begun = [t.silence_from for t in told.values() if t.silence_from is not None]
    return escalation.paused_since(known.noted, max(begun), now) if begun else timedelta(0)


def _late(
    ladder: Ladder, known: _Known, told: Mapping[str, Told], choices: Collection[Choice]
) -> tuple[list[tuple[Rung, Choice]], list[tuple[Rung, Choice]]]:
    """Return who is to be told of a rung that was told already.

    First the parties whose notice failed and who have another contact now,
    then those that joined the arrangement since. A contact that failed in
    this episode is not written to again.
    """
    rungs = [rung for rung in ladder.rungs if rung.id in told]
    dead = {p.email for p in known.past if _failed(p)}
    replaced: list[tuple[Rung, Choice]] = []
    joined: list[tuple[Rung, Choice]] = []
    for choice in choices:
        theirs = [rung for rung in rungs if choice in _for(rung, choices)]
        about = [p for p in known.past if (p.party, p.role) == (choice.party, choice.role.value)]
        if not theirs or choice.email in dead:
            continue
        if not about:
            joined.append((theirs[0], choice))
        elif all(_failed(p) for p in about):
            replaced.append((theirs[0], choice))
        else:
            latest = [p for p in about if p.rung == theirs[-1].id]
            if latest and all(_failed(p) for p in latest):
                replaced.append((theirs[-1], choice))
    return replaced, joined


def _next(
    ladder: Ladder, told: Mapping[str, Told], facts: LadderFacts, choices: Collection[Choice], now: datetime
) -> tuple[Rung | Wait | Exhausted, tuple[PassedOver, ...]]:
    """Return the next rung, passing over those that name one party which cannot be reached."""
    known = dict(told)
    over: list[PassedOver] = []
    while True:
        step = next_rung(ladder, known, facts, now)
        if not isinstance(step, Rung) or _for(step, choices):
            return step, (*passed_over(ladder, known, facts), *over)
        over.append(PassedOver(step.id, "The party it names cannot be reached."))
        known[step.id] = Told(None)


def _for(rung: Rung, choices: Iterable[Choice]) -> list[Choice]:
    """Return those of the choices that the rung is for."""
    return [
        c for c in choices if c.role in rung.tell and rung.party in (None, c.party, c.party.partition(":")[2])
    ]


def _tell(
    result: _Result,
    known: _Known,
    listed: Iterable[tuple[Rung, Choice]],
    newer: bool,
    *,
    at_once: bool = False,
) -> None:
    for rung, choice in listed:
        why = f"{choice.reason} {NEWER_LADDER}" if newer else choice.reason
        result.told.append(addressees.Told(known.state.id, choice, rung.id, rung.kind.value, why, at_once))
