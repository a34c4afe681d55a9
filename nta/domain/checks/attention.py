"""What looks cannot settle by themselves, and when a person is told of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from nta.domain.checks.verdicts import (
    Cause,
    Judgement,
    Run,
    Verdict,
)
from nta.domain.lifecycle import Presence
from nta.domain.reasons import Code

BLOCKED_FOR = timedelta(hours=48)
"""So long is a page kept from one place and seen from another before a lead is asked to decide."""

UNTOLD_FOR = timedelta(hours=72)
"""So long may looks tell nothing: the working days of a weekend's outage are over then."""

_SAYS_NOTHING = (Verdict.UNKNOWN, Verdict.RESTRICTED)


def attention(
    presence: Presence,
    judgement: Judgement,
    before: Sequence[Run | None],
    runs: Sequence[Run],
    now: datetime,
) -> Code | None:
    """Return what a person is told after this round; None, as mostly, when there is nothing new to tell.

    `before` and `runs` are the runs of each vantage point before and after
    it. A person is told in the round in which the time is over, and not
    again; of our own network's failure not here, where it would be told of
    every page.
    """
    if presence not in (Presence.UNSEEN, Presence.UP, Presence.ABSENT):
        return None
    if judgement.verdict is Verdict.UP:
        blocked = [
            _is_over(was, run.first_at, BLOCKED_FOR, now)
            for was, run in zip(before, runs, strict=True)
            if run.cause is Cause.GEO_BLOCKED
        ]
        return Code.SEEN_BY_SOME if any(blocked) else None
    if judgement.verdict not in _SAYS_NOTHING or judgement.cause is Cause.OUR_NETWORK:
        return None
    silent = [(was, run) for was, run in zip(before, runs, strict=True) if run.verdict in _SAYS_NOTHING]
    since = max((run.first_at for _, run in silent), default=now)
    return (
        Code.LOOKS_TELL_NOTHING if any(_is_over(was, since, UNTOLD_FOR, now) for was, _ in silent) else None
    )


def _is_over(was: Run | None, since: datetime, term: timedelta, now: datetime) -> bool:
    """Tell whether a term that began at `since` ended after the look before this one."""
    return was is not None and was.last_at - since < term <= now - since
