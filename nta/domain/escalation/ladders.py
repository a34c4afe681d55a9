"""Who is told next, how much silence each is allowed, and why somebody was passed over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from nta.domain.deadlines import stretched
from nta.domain.errors import RefusedError
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import ROLES, NoticeKind, Role, Severity

CONDITIONS = frozenset({"dedicated_domain"})
"""What a rung's `only_if` may ask for."""

APPROVALS = {"four-eyes": 2}
"""What a rung's `approval` may ask for, and how many leads agree to its notice: more than to a burst, one."""

SERVING = frozenset(role for role, traits in ROLES.items() if traits.serves)
"""Roles of those who serve the content where it is hosted; not every country lets us tell them directly."""

LOOK_AGAIN = timedelta(minutes=30)
"""A look younger than this is not asked for again: what stands in the way is not our slowness."""

LOOK_SELDOM = timedelta(hours=3)
"""Nor one younger than this, where nobody has seen the content for days.

Half of the age that evidence may have, so that an analyst's word given meanwhile is still fresh.
"""

LOOK_PATIENCE = timedelta(minutes=15)
"""How long a rung waits for the look it asked for before it is judged again."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder, with the silence it is allowed."""

    id: str
    tell: tuple[Role, ...]
    kind: NoticeKind
    wait: timedelta
    only_if: str | None = None  # one of CONDITIONS
    seen_up_within: timedelta | None = None  # nobody is asked to act on stale evidence
    dossier: bool = False
    approval: str | None = None  # one of APPROVALS
    party: str | None = None  # this one alone; None: whoever has the role


@dataclass(frozen=True, slots=True)
class When:
    """The cases a ladder is for. Empty means any.

    `abroad` is whether it is for what is hosted outside the hotline's own
    country. Where either country is unknown, nothing is abroad.
    """

    hosted_in: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    abroad: bool | None = None  # None: both

    def holds(self, country: str | None, severity: Severity, home: str | None = None) -> bool:
        """Tell whether a case hosted in `country` with this severity is meant, seen from `home`."""
        return (
            (not self.hosted_in or country in self.hosted_in)
            and (not self.severity or severity in self.severity)
            and (self.abroad is None or self.abroad == bool(country and home and country != home))
        )

    @property
    def weight(self) -> int:
        """Return how specific this is: each condition counts; a country or a severity more than `abroad`."""
        return 2 * bool(self.hosted_in) + 2 * bool(self.severity) + (self.abroad is not None)

    def overlaps(self, other: "When") -> bool:
        """Tell whether some case fits both."""
        return (
            _meet(self.hosted_in, other.hosted_in)
            and _meet(self.severity, other.severity)
            and (None in (self.abroad, other.abroad) or self.abroad == other.abroad)
        )


@dataclass(frozen=True, slots=True)
class Ladder:
    """The ordered addressees for one sort of case. `version` is a digest of what it says."""

    id: str
    when: When
    rungs: tuple[Rung, ...]
    version: str


@dataclass(frozen=True, slots=True)
class RungHistory:
    """A rung that was told. `silence_from` is the latest acceptance of its addressees.

    None: nobody of the rung could be reached (all bounced or were released),
    so there is no silence to wait for. `until` is when one of them asked us
    to wait for its customer.
    """

    silence_from: datetime | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LadderFacts:
    """What a ladder asks about a case.

    `paused` is how long the content stood at absent or removed while the
    latest silence ran; a deadline stops meanwhile and then runs on with
    the time it had left. `last_up_at` is the last sighting, or the last word
    of an analyst that it is there. `direct` is whether those who serve it may be told
    by us, or by a hotline of their country alone.
    """

    dedicated: bool
    reachable: frozenset[Role]
    last_up_at: datetime | None
    looked_at: datetime | None
    paused: timedelta = timedelta(0)
    direct: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody is told before `until`. `why` is the id of the rung that is being waited for.

    With `look_first` its evidence is stale and a look is wanted now.
    """

    until: datetime
    why: str
    look_first: bool = False


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Every rung was told or passed over, and every silence is over."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A rung that was not told although a later one may be, and why."""

    rung: str
    why: Reason


def next_rung(
    ladder: Ladder, told: Mapping[str, RungHistory], facts: LadderFacts, now: datetime
) -> Rung | Wait | Exhausted:
    """Return the rung to tell now, how long to wait, or that nobody is left.

    No silence is cut short: as long as one rung's runs, the answer is to
    wait. Then comes the first rung that was not told and whose conditions
    hold, even if a later one was told before: facts may have changed.
    `passed_over` gives the reasons for those left out.
    """
    silences: list[tuple[datetime, str]] = []
    for rung in ladder.rungs:
        begun = told[rung.id].silence_from if rung.id in told else None
        if begun is not None:
            end = stretched(begun + rung.wait + facts.paused, told[rung.id].until)
            silences.append((end, rung.id))
    until, rung_id = max(silences, default=(now, ""))
    if now < until:
        return Wait(until, rung_id)
    for rung in ladder.rungs:
        if rung.id not in told and _obstacle(rung, facts) is None:
            return _unless_stale(rung, facts, now)
    return Exhausted()


def passed_over(
    ladder: Ladder, told: Mapping[str, RungHistory], facts: LadderFacts
) -> tuple[PassedOver, ...]:
    """Return the untold rungs before the next one to tell, each with the reason why it does not apply."""
    found: list[PassedOver] = []
    for rung in ladder.rungs:
        if rung.id in told:
            continue
        why = _obstacle(rung, facts)
        if why is None:
            break
        found.append(PassedOver(rung.id, why))
    return tuple(found)


def stood_at(ladder: Ladder, told: Mapping[str, RungHistory]) -> Rung | None:
    """Return the rung at which an episode stands: the last that was told and reached somebody."""
    reached = [
        (begun, place, rung)
        for place, rung in enumerate(ladder.rungs)
        if rung.id in told and (begun := told[rung.id].silence_from) is not None
    ]
    return max(reached, key=lambda one: one[:2])[2] if reached else None


def kind_for(rung: Rung, role: Role) -> NoticeKind:
    """Return what a rung's notice asks of a reader: who connects the host is asked something of its own."""
    return NoticeKind.UPSTREAM if role is Role.UPSTREAM else rung.kind


def choose_ladder(
    ladders: Sequence[Ladder], country: str | None, severity: Severity, home: str | None = None
) -> Ladder:
    """Return the ladder with the most specific `when` that fits; of two alike the first by id.

    `home` is the hotline's own country.

    Raises:
        RefusedError: no ladder is meant for such a case.
    """
    fitting = [ladder for ladder in ladders if ladder.when.holds(country, severity, home)]
    if not fitting:
        raise RefusedError(because(Code.NO_LADDER, severity=severity.value, country=country or "unknown"))
    return min(fitting, key=lambda ladder: (-ladder.when.weight, ladder.id))


def ties(ladders: Iterable[Ladder]) -> list[tuple[str, str]]:
    """Return the ids of each two ladders between which a case could not choose."""
    return [
        (a.id, b.id)
        for a, b in combinations(sorted(ladders, key=lambda ladder: ladder.id), 2)
        if a.when.weight == b.when.weight and a.when.overlaps(b.when)
    ]


def _obstacle(rung: Rung, facts: LadderFacts) -> Reason | None:
    """Return why a rung does not apply, or None."""
    if rung.only_if == "dedicated_domain" and not facts.dedicated:
        return Reason(Code.NOT_DEDICATED)
    if not facts.direct and SERVING.issuperset(rung.tell):
        return Reason(Code.NOT_TOLD_DIRECTLY)
    if not facts.reachable.intersection(rung.tell):
        return because(Code.NOBODY_IN_ROLE, roles=tuple(role.value for role in rung.tell))
    return None


def _unless_stale(rung: Rung, facts: LadderFacts, now: datetime) -> Rung | Wait:
    """Return the rung, or a wait while the content was not seen up lately enough."""
    fresh = rung.seen_up_within
    if fresh is None or (facts.last_up_at is not None and now - facts.last_up_at <= fresh):
        return rung
    again = _again(facts, now)
    if facts.looked_at is not None and now - facts.looked_at < again:
        return Wait(facts.looked_at + again, rung.id)
    return Wait(now + LOOK_PATIENCE, rung.id, look_first=True)


def _again(facts: LadderFacts, now: datetime) -> timedelta:
    """Return how young a look may be not to be asked for again: the longer nobody saw it, the older."""
    unseen_for = now - facts.last_up_at if facts.last_up_at else timedelta(0)
    return min(max(unseen_for / 18, LOOK_AGAIN), LOOK_SELDOM)


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or not set(one).isdisjoint(other)
