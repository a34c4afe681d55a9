"""Escalating: who is told next about an episode, and when; somebody always, or a person is asked."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from nta.domain.contacts import Choice, Health, choose
from nta.domain.deadlines import HOLD, TASK
from nta.domain.errors import RefusedError
from nta.domain.hosting import HostingFacts
from nta.domain.ladders import (
    SERVING,
    Exhausted,
    Ladder,
    LadderFacts,
    PassedOver,
    Rung,
    Told,
    Wait,
    kind_for,
    next_rung,
    passed_over,
)
from nta.domain.lifecycle import EventKind, Presence, Stage, Step, next_stage, silence_counts
from nta.domain.notices import PATIENCE
from nta.domain.parties import Catalogue, Country
from nta.domain.roles import Role, Severity
from nta.store import (
    addressees,
    answers,
    arrangements,
    due,
    episodes,
    escalation,
    holds,
    notices,
    standing,
)
from nta.store.base import Store
from nta.store.episodes import State
from nta.store.standing import Known

WHO = "service"
NEWER_LADDER = "The ladder has changed since the case began."
SENDING_IS_OFF = "sending is off"
BACK = "It is online again, so it is told again."
POLICE_FIRST = "the hosting country asks for the police first"
HOLD_OVER = "the hold is over"
_ASK_AGAIN = timedelta(minutes=1)

_AT_WORK = frozenset({Stage.READY, Stage.NOTIFIED, Stage.ESCALATED, Stage.EXHAUSTED})


@dataclass(slots=True)
class _Result:
    """What a batch of episodes leads to, to be written at once."""

    moments: list[tuple[int, datetime | None]] = field(default_factory=list)
    told: list[addressees.Told] = field(default_factory=list)
    changes: list[episodes.Change] = field(default_factory=list)
    looks: set[int] = field(default_factory=set)
    held: dict[int, datetime] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
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
    episodes.move(connection, store.ids, [_arranged(connection, c) for c in result.changes])
    addressees.tell(connection, store.ids, result.told, now)
    due.want(connection, due.LOOK, result.looks, now)
    for subject, owner, reason in result.tasks:
        due.ask(connection, subject, now + TASK, owner=owner, reason=reason)
    due.record_many(connection, due.ESCALATE, result.moments)
    holds.begin(connection, result.held)
    holds.end(connection, result.released)


def _gather(
    connection: Connection, states: Sequence[State], facts: Mapping[int, HostingFacts]
) -> Iterable[Known]:
    wanted = [s.id for s in states]
    past: dict[int, list[notices.Past]] = {}
    for notice in notices.past(connection, wanted):
        past.setdefault(notice.episode_id, []).append(notice)
    standing: dict[int, list[addressees.Standing]] = {}
    for addressee in addressees.of_episodes(connection, wanted):
        standing.setdefault(addressee.episode_id, []).append(addressee)
    noted = escalation.events(connection, wanted)
    asked_to_wait = answers.asked_to_wait(connection, wanted)
    confirmed = escalation.confirmed(connection, {s.case_id for s in states})
    dedicated = escalation.dedicated_hosts(connection, {s.host_id for s in states})
    for state in states:
        yield Known(
            state,
            facts.get(state.arrangement_id) if state.arrangement_id is not None else None,
            state.host_id in dedicated,
            tuple(past.get(state.id, ())),
            tuple(standing.get(state.id, ())),
            tuple(noted.get(state.id, ())),
            asked_to_wait.get(state.id, {}),
            confirmed.get(state.case_id),
        )


def _arranged(connection: Connection, change: episodes.Change) -> episodes.Change:
    """Return the change with an arrangement: an episode that was held before it was resolved has none yet."""
    if change.kind is not EventKind.RELEASED or change.after.arrangement_id is not None:
        return change
    known = holds.arrangement_of(connection, change.after.host_id)
    return change._replace(after=change.after._replace(arrangement_id=known))


class _Judge:
    """Decides episodes one by one; a batch shares the health of contacts and what was chosen per host."""

    def __init__(self, catalogue: Catalogue, health: Mapping[str, Health], now: datetime) -> None:
        self._catalogue = catalogue
        self._health = health
        self._now = now
        self._chosen: dict[tuple[int | None, Role], tuple[Choice, ...]] = {}

    def decide(self, known: Known, result: _Result) -> None:
        """Add to the result what becomes of one episode."""
        state = known.state
        if state.stage == Stage.HELD:
            self._wait_for_police(known, result)
        elif Stage(state.stage) not in _AT_WORK or not silence_counts(Presence(state.presence)):
            result.moments.append((state.id, None))
        elif standing.under_way(known):
            result.moments.append((state.id, None))  # dispatch makes it due when that is out, or failed
        elif known.past and known.past[-1].state == notices.NOT_SENT:
            result.moments.append((state.id, None))
            result.tasks.append((state.id, "lead", SENDING_IS_OFF))
        elif _is_being_asked(known, self._now):
            result.moments.append((state.id, self._now + _ASK_AGAIN))
        else:
            self._climb(known, result)

    def _climb(self, known: Known, result: _Result) -> None:
        state, now = known.state, self._now
        if self._police_first(known, result):
            return
        try:
            ladder, newer = _ladder(state, known.facts, self._catalogue)
        except RefusedError as fault:
            self._give_up(known, result, str(fault), ())
            return
        choices = self._choices(known, ladder)
        told = standing.told(known)
        replaced, joined = standing.late(ladder, known, told, choices)
        if replaced or joined:
            _tell(result, known, replaced, newer, at_once=True)
            _tell(result, known, joined, newer)
            result.moments.append((state.id, None))
            kind, why = EventKind.CONTACT_REPLACED, "the contact told before could not be reached"
            result.changes += [episodes.Change(state, state, kind, now, WHO, why) for _ in replaced]
            return
        if repeated := standing.again(ladder, known, told, choices):
            _tell(result, known, repeated, newer, at_once=True, more=BACK)
            result.moments.append((state.id, None))
            return
        facts = LadderFacts(
            dedicated=known.dedicated,
            reachable=frozenset(c.role for c in choices),
            last_up_at=known.there_at,
            looked_at=state.looked_at,
            paused=standing.paused(known, told, now),
            direct=self._direct(known),
        )
        step, over = _next(ladder, told, facts, choices, now)
        if isinstance(step, Wait):
            result.moments.append((state.id, step.until))
            if step.look_first:
                result.looks.add(state.id)
        elif isinstance(step, Exhausted):
            self._give_up(known, result, escalation.NOBODY_LEFT if told else "nobody can be reached", over)
        else:
            self._note(known, result, state, over)
            _tell(result, known, [(step, c) for c in standing.those_of(step, choices)], newer)
            result.moments.append((state.id, None))

    def _country(self, known: Known) -> Country | None:
        return self._catalogue.country(known.facts.country if known.facts else None)

    def _direct(self, known: Known) -> bool:
        """Tell whether those who serve it may be told by us; at home they always may."""
        hosted_in = known.facts.country if known.facts else None
        country = self._country(known)
        return country is None or country.direct or hosted_in == self._catalogue.home

    def _police_first(self, known: Known, result: _Result) -> bool:
        """Hold an episode of which nobody was told yet, where its hosting country wants the police first."""
        state, country = known.state, self._country(known)
        fresh = state.stage == Stage.READY and not known.past and not known.was_held
        if country is None or not country.police_first or not fresh:
            return False
        until = self._now + (country.police_hold or HOLD)
        result.changes.append(holds.held(state, until, at=self._now, who=WHO, why=POLICE_FIRST))
        result.held[state.id] = until
        return True

    def _wait_for_police(self, known: Known, result: _Result) -> None:
        """Let a held episode go on when its time is over; without an end it waits for a person."""
        state, now = known.state, self._now
        if state.held_until is None or now < state.held_until:
            result.moments.append((state.id, state.held_until))
            return
        rungs = {p.rung for p in known.past if p.handed_at is not None}
        result.changes.append(holds.released(state, rungs, at=now, who=WHO, why=HOLD_OVER))
        result.released.add(state.id)
        result.moments.append((state.id, now))

    def _choices(self, known: Known, ladder: Ladder) -> tuple[Choice, ...]:
        """Return whom the ladder could tell: one contact for each party that did not say it is not theirs."""
        if known.facts is None:
            return ()
        released = {(a.party, a.role) for a in known.addressees if a.released_at is not None}
        found: list[Choice] = []
        closed = frozenset[Role]() if self._direct(known) else SERVING
        for role in dict.fromkeys(role for rung in ladder.rungs for role in rung.tell):
            if role in closed:
                continue
            key = (known.state.arrangement_id, role)
            if key not in self._chosen:
                self._chosen[key] = choose(role, known.facts, self._catalogue, self._health)
            found += [c for c in self._chosen[key] if (c.party, c.role.value) not in released]
        return tuple(found)

    def _give_up(self, known: Known, result: _Result, why: str, over: Sequence[PassedOver]) -> None:
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

    def _note(self, known: Known, result: _Result, state: State, over: Iterable[PassedOver]) -> None:
        """Note each rung that is passed over, once for each episode."""
        kind = EventKind.RUNG_PASSED_OVER
        said = {(n.why or "").partition(":")[0] for n in known.noted if n.kind == kind}
        for passed in over:
            if passed.rung not in said:
                why = f"{passed.rung}: {passed.why}"[:200]
                result.changes.append(episodes.Change(state, state, kind, self._now, WHO, why))


def _is_being_asked(known: Known, now: datetime) -> bool:
    """Tell whether somebody said that it is not theirs, and who serves it has yet to be asked again.

    Who is told next hangs on that; but a look-up that fails holds nobody up for long.
    """
    said = [a.released_at for a in known.addressees if a.released_at is not None]
    asked_at = known.facts.asked_at if known.facts else now
    return any(asked_at < at and now - at < PATIENCE for at in said)


def _ladder(state: State, facts: HostingFacts | None, catalogue: Catalogue) -> tuple[Ladder, bool]:
    """Return the ladder the case began with, and whether it is a newer one than that."""
    same = [ladder for ladder in catalogue.ladders if ladder.id == state.ladder]
    kept = [ladder for ladder in same if ladder.version == state.ladder_version]
    if kept or same:
        return (kept or same)[0], not kept
    country = facts.country if facts else None
    return catalogue.ladder_for(country, Severity(state.severity)), state.ladder is not None


def _next(
    ladder: Ladder, told: Mapping[str, Told], facts: LadderFacts, choices: Collection[Choice], now: datetime
) -> tuple[Rung | Wait | Exhausted, tuple[PassedOver, ...]]:
    """Return the next rung, passing over those that name one party which cannot be reached."""
    known = dict(told)
    over: list[PassedOver] = []
    while True:
        step = next_rung(ladder, known, facts, now)
        if not isinstance(step, Rung) or standing.those_of(step, choices):
            return step, (*passed_over(ladder, known, facts), *over)
        over.append(PassedOver(step.id, "The party it names cannot be reached."))
        known[step.id] = Told(None)


def _tell(
    result: _Result,
    known: Known,
    listed: Iterable[tuple[Rung, Choice]],
    newer: bool,
    *,
    at_once: bool = False,
    more: str = "",
) -> None:
    for rung, choice in listed:
        why = " ".join(one for one in (choice.reason, more, NEWER_LADDER if newer else "") if one)
        result.told.append(
            addressees.Told(known.state.id, choice, rung.id, kind_for(rung, choice.role).value, why, at_once)
        )
