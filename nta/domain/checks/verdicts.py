"""What a look says, what a round of looks says, and when absence is proven."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from nta.domain.lifecycle import Presence, PresenceSign


class Verdict(StrEnum):
    """What a look concludes."""

    UP = "up"
    GONE = "gone"
    MOVED = "moved"
    RESTRICTED = "restricted"  # something answers, but not to everyone: says neither up nor gone
    UNKNOWN = "unknown"  # never counts as gone


class Cause(StrEnum):
    """Why a look concludes so."""

    # up
    CONTENT_PRESENT = "content_present"
    CONTENT_CHANGED = "content_changed"
    # gone
    NOT_FOUND = "not_found"  # 404
    REMOVED = "removed"  # 410
    LEGAL = "legal"  # 451, RFC 7725
    SOFT_404 = "soft_404"
    REMOVAL_PAGE = "removal_page"
    SUSPENDED_PAGE = "suspended_page"
    PARKED = "parked"
    PLACEHOLDER = "placeholder"
    REDIRECT_HOME = "redirect_home"
    NXDOMAIN = "nxdomain"
    NO_ADDRESS = "no_address"
    DOMAIN_HOLD = "domain_hold"
    # moved
    OTHER_HOST = "other_host"
    # restricted
    GEO_BLOCKED = "geo_blocked"
    FORBIDDEN = "forbidden"  # 403
    LOGIN_WALL = "login_wall"
    BOT_WALL = "bot_wall"
    # unknown
    TIMEOUT = "timeout"
    REFUSED = "refused"
    RESET = "reset"
    TLS_ERROR = "tls_error"
    SERVER_ERROR = "server_error"
    DNS_FAILURE = "dns_failure"
    TOO_SLOW = "too_slow"
    REDIRECT_LOOP = "redirect_loop"
    OUR_NETWORK = "our_network"


class ProbeAnswer(NamedTuple):
    """What a probe saw; of a body only its length.

    `error` is a code: timeout refused reset tls_error dns_failure too_slow
    redirect_loop no_address nxdomain other_host not_reachable.
    """

    ip: str | None
    status: int | None
    length: int | None
    etag: str | None
    content_type: str | None
    location: str | None  # redirect target, canonical
    error: str | None
    seconds: float
    sign: str | None = None  # "challenge", or the rule of words that a text fits
    mark: str | None = None  # the proxy whose header field it bears


Reading = tuple[Verdict, Cause, str]
"""Verdict, cause and the name of the rule that decided."""


def _by_status(status: int) -> Reading:
    rule = f"status_{status}"
    known = {
        401: (Verdict.RESTRICTED, Cause.LOGIN_WALL, rule),
        403: (Verdict.RESTRICTED, Cause.FORBIDDEN, rule),
        404: (Verdict.GONE, Cause.NOT_FOUND, rule),
        407: (Verdict.UNKNOWN, Cause.OUR_NETWORK, rule),  # our own proxy asks for a password
        408: (Verdict.UNKNOWN, Cause.TIMEOUT, rule),
        410: (Verdict.GONE, Cause.REMOVED, rule),
        429: (Verdict.UNKNOWN, Cause.BOT_WALL, rule),  # we looked too often
        451: (Verdict.GONE, Cause.LEGAL, rule),
        511: (Verdict.UNKNOWN, Cause.OUR_NETWORK, rule),  # a captive portal, RFC 6585
    }
    if status in known:
        return known[status]
    if 200 <= status < 300:
        return (Verdict.UP, Cause.CONTENT_PRESENT, "status_2xx")
    if 300 <= status < 400:
        return (Verdict.UNKNOWN, Cause.REDIRECT_LOOP, "redirect_not_followed")
    return (Verdict.UNKNOWN, Cause.SERVER_ERROR, rule)


# Tables, not branches: each look of a round passes here.
_STATUSES: dict[int | None, Reading] = {status: _by_status(status) for status in range(100, 600)}
_ERRORS: dict[str, Reading] = {
    "nxdomain": (Verdict.GONE, Cause.NXDOMAIN, "nxdomain"),
    "no_address": (Verdict.GONE, Cause.NO_ADDRESS, "no_address"),
    "other_host": (Verdict.UNKNOWN, Cause.OTHER_HOST, "redirect_to_other_host"),
    "not_reachable": (Verdict.UNKNOWN, Cause.OUR_NETWORK, "outside_reach"),
    **{
        cause.value: (Verdict.UNKNOWN, cause, cause.value)
        for cause in (
            Cause.TIMEOUT,
            Cause.REFUSED,
            Cause.RESET,
            Cause.TLS_ERROR,
            Cause.DNS_FAILURE,
            Cause.TOO_SLOW,
            Cause.REDIRECT_LOOP,
        )
    },
}
_NO_ANSWER: Reading = (Verdict.UNKNOWN, Cause.SERVER_ERROR, "no_answer")
_OUR_FAULT: Reading = (Verdict.UNKNOWN, Cause.OUR_NETWORK, "control_page")
_CHALLENGE: Reading = (Verdict.RESTRICTED, Cause.BOT_WALL, "challenge_header")
CHALLENGE = "challenge"
"""The sign of an answer that wants to know whether a person asks."""
_WORDS: dict[str, Reading] = {
    cause.value: (Verdict.GONE, cause, f"words_{cause.value}")
    for cause in (
        Cause.REMOVAL_PAGE,
        Cause.SUSPENDED_PAGE,
        Cause.PARKED,
        Cause.PLACEHOLDER,
        Cause.SOFT_404,
    )
}


def read(answer: ProbeAnswer, *, control_ok: bool) -> Reading:
    """Return what one answer says by its status alone, or by the sign it gave.

    With the control pages out of reach only content that is there counts:
    all else may be our own network.
    """
    error = answer.error
    if error is not None:
        reading = _ERRORS.get(error, _NO_ANSWER)
    elif answer.sign is not None:
        reading = _CHALLENGE if answer.sign == CHALLENGE else _WORDS.get(answer.sign, _NO_ANSWER)
    else:
        reading = _STATUSES.get(answer.status, _NO_ANSWER)
    return believed(reading, control_ok=control_ok)


def believed(reading: Reading, *, control_ok: bool) -> Reading:
    """Return a reading as far as the control pages let us believe it."""
    return reading if control_ok or reading[0] is Verdict.UP else _OUR_FAULT


class Sighting(NamedTuple):
    """What one vantage point saw. `at` is the moment of the round, the same for all its sightings.

    `trace` is what to compare later looks by, where the page was seen.
    """

    vantage: str
    at: datetime
    verdict: Verdict
    cause: Cause
    rule: str
    status: int | None
    length: int | None
    ip: str | None
    seconds: float
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The current run of equal looks from one vantage point."""

    vantage: str
    verdict: Verdict
    cause: Cause
    first_at: datetime
    last_at: datetime
    count: int
    longest_gap: timedelta


_KEPT_OUT = frozenset({403, 451})
_DENIALS = frozenset({Cause.FORBIDDEN, Cause.LEGAL, Cause.GEO_BLOCKED})


def in_places(sightings: Sequence[Sighting], blocked: Collection[str] = ()) -> Sequence[Sighting]:
    """Return one round's sightings in each other's light.

    What one place sees and another is denied is blocked there: neither gone
    by law nor merely forbidden. It stays so, also when the other sees it no
    more: `blocked` names the places that were kept out the last time.
    """
    if all(s.status not in _KEPT_OUT for s in sightings):
        return sightings
    is_up = any(s.verdict is Verdict.UP for s in sightings)
    return [
        s._replace(verdict=Verdict.RESTRICTED, cause=Cause.GEO_BLOCKED, rule="seen_from_elsewhere")
        if s.status in _KEPT_OUT and s.cause in _DENIALS and (is_up or s.vantage in blocked)
        else s
        for s in sightings
    ]


_LOUDEST = (Verdict.UP, Verdict.RESTRICTED, Verdict.UNKNOWN, Verdict.MOVED)


def merge_hosts(sightings: Sequence[Sighting]) -> Sighting:
    """Return what one vantage point saw of all hosts of the arrangement, at least one.

    Up at one is up; gone needs gone from every host, and then only since
    the last of them was looked at.
    """
    for verdict in _LOUDEST:
        for sighting in sightings:
            if sighting.verdict is verdict:
                return sighting
    return max(sightings, key=lambda s: s.at)


def extend(run: Run | None, sighting: Sighting) -> Run:
    """Return the run with this sighting counted in; another verdict or cause begins a new one."""
    at = sighting.at
    if run is None or run.verdict is not sighting.verdict or run.cause is not sighting.cause:
        return Run(sighting.vantage, sighting.verdict, sighting.cause, at, at, 1, _NO_TIME)
    gap = at - run.last_at
    longest = run.longest_gap if gap <= run.longest_gap else gap
    return Run(run.vantage, run.verdict, run.cause, run.first_at, at, run.count + 1, longest)


_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class ProofRules:
    """What proves absence: two vantage points in two rounds, or one that looks longer."""

    apart: timedelta = timedelta(hours=1)
    vantages: int = 2
    alone_looks: int = 3
    alone_over: timedelta = timedelta(hours=24)


class Judgement(NamedTuple):
    """What a round says. `since` is the first round that a proof rests on, None without one."""

    verdict: Verdict
    cause: Cause
    proven: bool
    one_vantage: bool
    since: datetime | None = None


def judge(looks: Sequence[Sighting], runs: Sequence[Run], rules: ProofRules) -> Judgement:
    """Return what a round says and whether it proves the content gone.

    `looks` is this round, one per vantage point; `runs` holds the current
    run of each configured vantage point after it. One that could not look
    (unknown, or kept out where others are not) counts for nothing; gone
    takes the agreement of all others, and one look never proves it.
    """
    gone: Sighting | None = None
    other: Sighting | None = None  # restricted weighs more than moved
    blind: Sighting | None = None
    for look in looks:
        verdict = look.verdict
        if verdict is Verdict.UP:
            return Judgement(verdict, look.cause, False, False)
        if verdict is Verdict.GONE:
            gone = gone or look
        elif verdict is Verdict.UNKNOWN or look.cause is Cause.GEO_BLOCKED:
            blind = blind or look
        elif other is None or verdict is Verdict.RESTRICTED:
            other = look
    if other is not None:
        return Judgement(other.verdict, other.cause, False, False)
    if gone is not None:
        return _prove(gone, looks, runs, rules)
    if blind is not None:
        return Judgement(blind.verdict, blind.cause, False, False)
    return Judgement(Verdict.UNKNOWN, Cause.OUR_NETWORK, False, False)


def _prove(gone: Sighting, looks: Sequence[Sighting], runs: Sequence[Run], rules: ProofRules) -> Judgement:
    """Return the judgement on a round in which all that could look say gone.

    Of those that agree, as many as the rules ask for must have said so in
    an earlier round too. One that could look alone must have looked longer.
    """
    now = gone.at
    spoke = [look.vantage for look in looks if look.verdict is Verdict.GONE]
    agreeing = [run for run in runs if run.verdict is Verdict.GONE and run.count > 1 and run.vantage in spoke]
    alone = len(spoke) == 1
    if not alone:
        since = sorted([run.first_at for run in agreeing if now - run.first_at >= rules.apart])
        if len(since) >= rules.vantages:
            return Judgement(Verdict.GONE, gone.cause, True, False, since[rules.vantages - 1])
    elif agreeing and agreeing[0].count >= rules.alone_looks:
        since_at = agreeing[0].first_at
        if now - since_at >= rules.alone_over:
            return Judgement(Verdict.GONE, gone.cause, True, True, since_at)
    return Judgement(Verdict.GONE, gone.cause, False, alone)


def sign(
    presence: Presence,
    judgement: Judgement,
    first_gone_at: datetime | None,
    now: datetime,
    watch: timedelta = timedelta(days=7),
    rules: ProofRules = ProofRules(),
) -> PresenceSign | None:
    """Return what a judgement means for the presence, or None when nothing changes.

    `first_gone_at` is the first round of the present absence. A proof that
    began before it does not count from then: somebody saw the content in
    between. What can no longer be looked at is not watched for ever: its
    absence was proven, so it closes after twice the watch.
    """
    if presence is Presence.CLOSED:
        return None
    if judgement.verdict is Verdict.UP:
        return None if presence is Presence.UP else PresenceSign.SEEN_UP
    if presence is Presence.REMOVED:
        watched = now - first_gone_at if first_gone_at else _NO_TIME
        needed = watch if judgement.verdict is Verdict.GONE else 2 * watch
        return PresenceSign.WATCH_OVER if watched >= needed else None
    if judgement.verdict is not Verdict.GONE:
        return None
    if presence is not Presence.ABSENT:
        return PresenceSign.SEEN_GONE
    return PresenceSign.PROVEN_GONE if _outlasts(judgement, first_gone_at, now, rules) else None


def _outlasts(judgement: Judgement, first_gone_at: datetime | None, now: datetime, rules: ProofRules) -> bool:
    """Tell whether the proof also holds over the present absence alone."""
    if not judgement.proven or first_gone_at is None:
        return False
    return now - first_gone_at >= (rules.alone_over if judgement.one_vantage else rules.apart)
