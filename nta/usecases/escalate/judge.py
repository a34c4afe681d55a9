"""Who is told next about an episode, when, or why not: decided one by one, written by the step."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nta.domain import holding
from nta.domain.deadlines import HOLD
from nta.domain.episode_state import WHO, EpisodeChange, EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.escalation.ladders import (
    SERVING,
    Exhausted,
    Ladder,
    LadderFacts,
    PassedOver,
    Rung,
    RungHistory,
    Wait,
    kind_for,
    next_rung,
    passed_over,
)
from nta.domain.hosting.facts import HostingFacts
from nta.domain.lifecycle import EventKind, Presence, Stage, StageStep, next_stage, silence_counts
from nta.domain.notices import ladder_progress
from nta.domain.notices.batching import PATIENCE
from nta.domain.notices.contact_choice import (
    Choice,
    Health,
    KnownContacts,
    choose,
    known_as,
    waits_until,
)
from nta.domain.notices.ladder_progress import Late, RungInputs
from nta.domain.notices.notice_state import NoticeState
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.parties.organisations import Catalogue, Country
from nta.domain.reasons import Code, Reason, because, sentences
from nta.domain.roles import Role, Severity
from nta.store.db.handle import Connection
from nta.store.notices import (
    addressees,
    contact_decisions,
)

_ASK_AGAIN = timedelta(minutes=1)

_AT_WORK = frozenset({Stage.READY, Stage.NOTIFIED, Stage.ESCALATED, Stage.EXHAUSTED})


@dataclass(slots=True)
class EscalationResult:
    """What a batch of episodes leads to, to be written at once."""

    moments: list[tuple[int, datetime | None]] = field(default_factory=list)
    told: list[addressees.AddresseeRequest] = field(default_factory=list)
    changes: list[EpisodeChange] = field(default_factory=list)
    looks: set[int] = field(default_factory=set)
    held: dict[int, datetime] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    tasks: list[tuple[int, str, Reason]] = field(default_factory=list)
    unsaid: set[tuple[str, ContactAddress]] = field(default_factory=set)


class Judge:
    """Decides episodes one by one; a batch shares what is known of contacts and what was chosen per host."""

    def __init__(self, connection: Connection, catalogue: Catalogue, now: datetime) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._health: Mapping[ContactAddress, Health] = addressees.troubled(connection)
        self._contacts: KnownContacts = contact_decisions.known(connection)
        self._now = now
        self._chosen: dict[tuple[int | None, Role], tuple[Choice, ...]] = {}
        self._used: dict[tuple[str, ContactAddress], bool] = {}

    def decide(self, known: RungInputs, result: EscalationResult) -> None:
        """Add to the result what becomes of one episode."""
        state = known.state
        if state.stage == Stage.HELD:
            self._wait_for_police(known, result)
        elif Stage(state.stage) not in _AT_WORK or not silence_counts(Presence(state.presence)):
            result.moments.append((state.id, None))
        elif ladder_progress.under_way(known):
            result.moments.append((state.id, None))  # dispatch makes it due when that is out, or failed
        elif known.past and known.past[-1].state == NoticeState.NOT_SENT:
            result.moments.append((state.id, None))
            result.tasks.append((state.id, "lead", Reason(Code.SENDING_OFF)))
        elif _is_being_asked(known, self._now):
            result.moments.append((state.id, self._now + _ASK_AGAIN))
        else:
            self._climb(known, result)

    def _climb(self, known: RungInputs, result: EscalationResult) -> None:
        state, now = known.state, self._now
        if self._police_first(known, result):
            return
        try:
            ladder, newer = _ladder(state, known.facts, self._catalogue)
        except RefusedError as fault:
            self._give_up(known, result, fault.reason, ())
            return
        choices = self._choices(known, ladder)
        told = ladder_progress.told(known)
        if self._tell_late(known, result, ladder, told, choices, newer):
            return
        if self._is_searched(known, choices):
            result.moments.append((state.id, now + _ASK_AGAIN))
            return
        facts = LadderFacts(
            dedicated=known.dedicated,
            reachable=frozenset(c.role for c in choices),
            last_up_at=known.there_at,
            looked_at=state.looked_at,
            paused=ladder_progress.paused(known, told, now),
            direct=self._direct(known),
        )
        step, over = _next(ladder, told, facts, choices, now)
        waiting = [t for t in result.told if t.episode_id == state.id and t.waits_until is not None]
        asked = [t.waits_until for t in waiting if t.waits_until is not None]
        if isinstance(step, Wait):
            result.moments.append((state.id, min([step.until, *asked])))
            if step.look_first:
                result.looks.add(state.id)
        elif isinstance(step, Rung):
            self._note(known, result, state, over)
            others = [
                c for c in ladder_progress.those_of(step, choices) if c not in [t.choice for t in waiting]
            ]
            moments = self._tell(known, result, [(step, c) for c in others], newer)
            result.moments.append((state.id, _earliest([*moments, *asked])))
        elif asked:
            result.moments.append((state.id, min(asked)))
        else:
            self._give_up(known, result, Reason(Code.NOBODY_LEFT if told else Code.NOBODY_REACHABLE), over)

    def _tell_late(
        self,
        known: RungInputs,
        result: EscalationResult,
        ladder: Ladder,
        told: Mapping[str, RungHistory],
        choices: Sequence[Choice],
        newer: bool,
    ) -> bool:
        """Tell those of a rung that was told already: in place of whom nobody could reach, joined, or again.

        Return whether that is all for now. Somebody who joined and whose
        contact waits for a word keeps nobody else waiting.
        """
        replaced, joined = ladder_progress.late(ladder, known, told, choices)
        anew = self._tell(known, result, replaced, newer, at_once=True)
        more = self._tell(known, result, joined, newer)
        if replaced or None in more:
            state, kind = known.state, EventKind.CONTACT_REPLACED
            change = EpisodeChange(state, state, kind, self._now, WHO, Reason(Code.CONTACT_REPLACED))
            result.changes += [change] * anew.count(None)
            result.moments.append((state.id, _earliest([*anew, *more])))
            return True
        if repeated := [
            one for one in ladder_progress.again(ladder, known, told, choices) if one not in joined
        ]:
            moments = self._tell(known, result, repeated, newer, at_once=True, more=Reason(Code.ONLINE_AGAIN))
            result.moments.append((known.state.id, _earliest([*moments, *more])))
        return bool(repeated)

    def _tell(
        self,
        known: RungInputs,
        result: EscalationResult,
        listed: Iterable[Late],
        newer: bool,
        *,
        at_once: bool = False,
        more: Reason | None = None,
    ) -> list[datetime | None]:
        """Have these told, or a person asked about their contacts.

        Return until when each waits for a word, None for who is told now.
        """
        within = country.new_contacts_wait if (country := self._country(known)) else None
        moments: list[datetime | None] = []
        for rung, choice in listed:
            until = waits_until(choice, self._contacts, within, self._now)
            until = None if until and self._was_used(choice) else until
            met = known_as(choice, self._contacts)
            asked = met is not None and met.waits_until is not None and met.approved_at is None
            unsaid = asked and until is None and not self._was_used(choice)
            if unsaid:
                result.unsaid.add((choice.party, choice.address))
            why = sentences(
                choice.reason,
                more,
                Reason(Code.UNSAID) if unsaid else None,
                Reason(Code.LADDER_CHANGED) if newer else None,
            )
            kind = kind_for(rung, choice.role).value
            result.told.append(
                addressees.AddresseeRequest(
                    known.state.id, choice, rung.id, kind, why, at_once, waits_until=until
                )
            )
            moments.append(until)
        return moments

    def _was_used(self, choice: Choice) -> bool:
        key = (choice.party, choice.address)
        if key not in self._used:
            self._used[key] = contact_decisions.was_used(self._connection, *key)
        return self._used[key]

    def _is_searched(self, known: RungInputs, choices: Collection[Choice]) -> bool:
        """Tell whether a party lost its last contact just now, and who serves the host is being asked."""
        since = self._now - PATIENCE
        refused = {
            party
            for party, theirs in self._contacts.items()
            if any(one.refused_at is not None and one.refused_at > since for one in theirs)
        }
        lost = ladder_progress.is_unreplaced(known, choices, since, refused)
        return lost and contact_decisions.is_searched(self._connection, known.state.host_id, self._now)

    def _country(self, known: RungInputs) -> Country | None:
        return self._catalogue.country(known.facts.country if known.facts else None)

    def _direct(self, known: RungInputs) -> bool:
        """Tell whether those who serve it may be told by us; at home they always may."""
        hosted_in = known.facts.country if known.facts else None
        country = self._country(known)
        return country is None or country.direct or hosted_in == self._catalogue.home

    def _police_first(self, known: RungInputs, result: EscalationResult) -> bool:
        """Hold an episode of which nobody was told yet, where its hosting country wants the police first."""
        state, country = known.state, self._country(known)
        fresh = state.stage == Stage.READY and not known.past and not known.was_held
        if country is None or not country.police_first or not fresh:
            return False
        until = self._now + (country.police_hold or HOLD)
        result.changes.append(
            holding.held(state, until, at=self._now, who=WHO, why=Reason(Code.POLICE_FIRST))
        )
        result.held[state.id] = until
        return True

    def _wait_for_police(self, known: RungInputs, result: EscalationResult) -> None:
        """Let a held episode go on when its time is over; without an end it waits for a person."""
        state, now = known.state, self._now
        if state.held_until is None or now < state.held_until:
            result.moments.append((state.id, state.held_until))
            return
        rungs = {p.rung for p in known.past if p.handed_at is not None}
        result.changes.append(holding.released(state, rungs, at=now, who=WHO, why=Reason(Code.HOLD_OVER)))
        result.released.add(state.id)
        result.moments.append((state.id, now))

    def _choices(self, known: RungInputs, ladder: Ladder) -> tuple[Choice, ...]:
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
                self._chosen[key] = choose(
                    role, known.facts, self._catalogue, self._health, known=self._contacts
                )
            found += [c for c in self._chosen[key] if (c.party, c.role.value) not in released]
        return tuple(found)

    def _give_up(
        self, known: RungInputs, result: EscalationResult, why: Reason, over: Sequence[PassedOver]
    ) -> None:
        """Hand the episode to a person: nobody was ever reached, or nobody is left."""
        state = known.state
        self._note(known, result, state, over)
        result.moments.append((state.id, None))
        unreached = state.stage == Stage.READY and state.first_handed_at is None
        if state.stage != Stage.EXHAUSTED:
            step = StageStep.NO_CONTACT if unreached else StageStep.NOBODY_LEFT
            kind = EventKind.UNRESOLVED if unreached else EventKind.EXHAUSTED
            after = state._replace(stage=next_stage(Stage(state.stage), step).value)
            result.changes.append(EpisodeChange(state, after, kind, self._now, WHO, why))
        result.tasks.append((state.id, "analyst" if unreached else "lead", why))

    def _note(
        self, known: RungInputs, result: EscalationResult, state: EpisodeState, over: Iterable[PassedOver]
    ) -> None:
        """Note each rung that is passed over, once for each episode."""
        kind = EventKind.RUNG_PASSED_OVER
        said = {n.why.params.get("rung") for n in known.noted if n.kind == kind and n.why is not None}
        for passed in over:
            if passed.rung not in said:
                why = because(Code.PASSED_OVER, rung=passed.rung, why=passed.why)
                result.changes.append(EpisodeChange(state, state, kind, self._now, WHO, why))


def _is_being_asked(known: RungInputs, now: datetime) -> bool:
    """Tell whether somebody said that it is not theirs, and who serves it has yet to be asked again.

    Who is told next hangs on that; but a look-up that fails holds nobody up for long.
    """
    said = [a.released_at for a in known.addressees if a.released_at is not None]
    asked_at = known.facts.asked_at if known.facts else now
    return any(asked_at < at and now - at < PATIENCE for at in said)


def _ladder(state: EpisodeState, facts: HostingFacts | None, catalogue: Catalogue) -> tuple[Ladder, bool]:
    """Return the ladder the case began with, and whether it is a newer one than that."""
    same = [ladder for ladder in catalogue.ladders if ladder.id == state.ladder]
    kept = [ladder for ladder in same if ladder.version == state.ladder_version]
    if kept or same:
        return (kept or same)[0], not kept
    country = facts.country if facts else None
    return catalogue.ladder_for(country, Severity(state.severity)), state.ladder is not None


def _next(
    ladder: Ladder,
    told: Mapping[str, RungHistory],
    facts: LadderFacts,
    choices: Collection[Choice],
    now: datetime,
) -> tuple[Rung | Wait | Exhausted, tuple[PassedOver, ...]]:
    """Return the next rung, passing over those that name one party which cannot be reached."""
    known = dict(told)
    over: list[PassedOver] = []
    while True:
        step = next_rung(ladder, known, facts, now)
        if not isinstance(step, Rung) or ladder_progress.those_of(step, choices):
            return step, (*passed_over(ladder, known, facts), *over)
        over.append(PassedOver(step.id, Reason(Code.PARTY_UNREACHABLE)))
        known[step.id] = RungHistory(None)


def _earliest(moments: Collection[datetime | None]) -> datetime | None:
    """Return when to judge again: None where somebody is told now, for dispatch makes it due after that."""
    waits = [at for at in moments if at is not None]
    return min(waits) if len(waits) == len(moments) else None
