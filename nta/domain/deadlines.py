"""When to look again, how much silence is allowed, how long a hold may last."""

from datetime import UTC, datetime, timedelta

from nta.domain.errors import RefusedError
from nta.domain.lifecycle import Presence
from nta.domain.roles import Severity

WATCH = timedelta(days=7)
"""How long proven absence is watched for a return; the field's habit for takedowns."""

HOLD = timedelta(hours=48)
"""How long the police may hold a notice back where the country's entry names no other term."""

TASK = timedelta(hours=24)
"""A person's task is overdue after this: no deadline of a ladder is shorter."""

MOST_STRETCH = timedelta(hours=24)
"""How much longer a rung may wait for a customer to whom it was passed on."""

FACTS_KEPT = timedelta(hours=12)
"""Who hosts a URL is asked again after this while its case lives."""

SEEN_BY = timedelta(minutes=15)
"""Content that is gone is `absent` after this, or up again."""

LINK_LIFE = timedelta(days=30)
"""A portal link works so long: a ladder's longest silence and the watch fit in."""

_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_BEAT, _HOUR = timedelta(minutes=5), timedelta(hours=1)
_ABSENT = timedelta(hours=1)  # the second round of a proof comes as early as it may
_REMOVED = timedelta(hours=24)
_YOUNG, _MIDDLE = timedelta(hours=48), timedelta(days=7)
_AT_FIRST = timedelta(hours=6)
_BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60))


def pause(presence: Presence, age: timedelta, severity: Severity) -> timedelta:
    """Return how long to wait between two looks at an episode that began `age` ago.

    A 24 h norm can only be judged with hourly looks over the first two
    days; later the tail is long and looks may be rare.

    Raises:
        RefusedError: closed content is not looked at.
    """
    if presence is Presence.ABSENT:
        return _ABSENT
    if presence is Presence.REMOVED:
        return _REMOVED
    if presence is Presence.CLOSED:
        raise RefusedError("content that is closed is not looked at any more")
    if age < _AT_FIRST:
        return severity.urgency.first_pause
    if age < _YOUNG:
        return timedelta(hours=1)
    return timedelta(hours=6) if age < _MIDDLE else timedelta(hours=12)


def next_look_at(presence: Presence, began_at: datetime, severity: Severity, now: datetime) -> datetime:
    """Return when an episode that began at `began_at` and was looked at `now` is looked at again.

    Looks meet on common moments, so that the URLs of one host are looked at
    in one batch over one connection: on five minutes, for a watched absence
    on the hour. A look comes earlier for it, never later; only the second
    round of a proof, which must not come early, comes up to five minutes late.
    """
    at = now + pause(presence, now - began_at, severity)
    if presence is Presence.ABSENT:
        return at + (_BEAT - (at - _ZERO) % _BEAT) % _BEAT
    return at - (at - _ZERO) % (_HOUR if presence is Presence.REMOVED else _BEAT)


def facts_until(now: datetime) -> datetime:
    """Return when a host looked up `now` is asked about again: hosts meet on the hour, in one batch.

    Never earlier than the answers' own validity, or nothing would be asked.
    """
    at = now + FACTS_KEPT
    return at + (_HOUR - (at - _ZERO) % _HOUR) % _HOUR


def back_off(tries: int) -> timedelta:
    """Return how long a step waits after its `tries`-th failure in a row, from a minute to an hour."""
    return _BACK_OFF[min(max(tries, 1), len(_BACK_OFF)) - 1]


def stretched(end: datetime, until: datetime | None) -> datetime:
    """Return when a silence is over that a provider asked to go on until a moment.

    It never ends earlier for that, and at most 24 h later.
    """
    return end if until is None else max(end, min(until, end + MOST_STRETCH))
