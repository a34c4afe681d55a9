"""What the whole of an installation's work came to: counts by kind, and one line per episode."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from nta.domain.checks.outcomes import Outcome
from nta.domain.lifecycle import EventKind, Presence
from nta.store.db.handle import Store
from nta.store.tables import ArrangementParty, Case, Episode, Event, Notice, Submission

COUNTED = (
    "bounced",
    "answered_removed",
    "returned",
    "told_hotline",
    "told_registrar",
    "told_registry",
    "domain_disabled",
    "moved",
    "contact_replaced",
    "held",
    "released",
)
"""Kinds of event that a summary counts (design, section 4)."""

_ONLINE = (Presence.UNSEEN.value, Presence.UP.value)


class EpisodeLine(NamedTuple):
    """One episode: where it was, how it ended, and the two looks between which it went."""

    episode: int
    case_id: int
    parties: tuple[str, ...]
    outcome: str
    last_up: datetime | None
    first_gone: datetime | None
    sealed: bytes


def counts(connection: Connection) -> Mapping[str, int]:
    """Return how many cases, episodes and submissions there are."""
    tables = {"cases": Case, "episodes": Episode, "submissions": Submission}
    return {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in tables.items()
    }


def notices(connection: Connection) -> dict[str, int]:
    """Return how many notices were handed over, by kind."""
    asked = select(Notice.kind, func.count()).where(Notice.handed_at.is_not(None)).group_by(Notice.kind)
    return _by_word(connection, asked)


def outcomes(connection: Connection) -> dict[str, int]:
    """Return how many episodes ended in which way; those that are up or were never seen are still online."""
    ended = (
        select(Episode.outcome, func.count()).where(Episode.outcome.is_not(None)).group_by(Episode.outcome)
    )
    online = select(func.count()).where(Episode.outcome.is_(None), Episode.presence.in_(_ONLINE))
    counts = _by_word(connection, ended)
    still = connection.execute(online).scalar_one()
    if still:
        counts[Outcome.STILL_ONLINE.value] = counts.get(Outcome.STILL_ONLINE.value, 0) + still
    return dict(sorted(counts.items()))


def events(connection: Connection) -> dict[str, int]:
    """Return how often each counted event happened, never happened included."""
    kinds = [EventKind(kind).value for kind in COUNTED]
    asked = select(Event.kind, func.count()).where(Event.kind.in_(kinds)).group_by(Event.kind)
    counts = _by_word(connection, asked)
    return {kind: counts.get(kind, 0) for kind in kinds}


def episode_lines(connection: Connection) -> Iterator[EpisodeLine]:
    """Yield each episode in the order of cases and their spells."""
    served: dict[int, set[str]] = {}
    for of, proxy, party in connection.execute(
        select(ArrangementParty.arrangement_id, ArrangementParty.proxy, ArrangementParty.party)
    ):
        if serving := proxy or party:
            served.setdefault(of, set()).add(serving)
    asked = (
        select(
            Episode.id,
            Episode.case_id,
            Episode.arrangement_id,
            Episode.outcome,
            Episode.presence,
            Episode.last_up_at,
            Episode.first_gone_at,
            Case.url_sealed,
        )
        .join(Case, Case.id == Episode.case_id)
        .order_by(Episode.case_id, Episode.number)
    )
    for number, case_id, arrangement, outcome, presence, last_up, first_gone, sealed in connection.execute(
        asked
    ):
        parties = tuple(sorted(served.get(arrangement or 0, ())))
        # An episode that is watched for a return has no outcome yet; its presence says what is known.
        so_far = outcome or (Outcome.STILL_ONLINE.value if presence in _ONLINE else presence)
        yield EpisodeLine(number, case_id, parties, so_far, last_up, first_gone, sealed)


def url_of(store: Store, line: EpisodeLine) -> str:
    """Return the URL of an episode's case."""
    return store.sealer.text("case.url", line.case_id, line.sealed)


def _by_word(connection: Connection, asked: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in sorted(connection.execute(asked).all())}
