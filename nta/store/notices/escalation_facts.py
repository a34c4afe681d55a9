"""What a ladder asks the database about episodes: what was noted of them, whether a domain is dedicated."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, select

from nta.domain.episode_state import PastEvent
from nta.store.db.bulk import chunks
from nta.store.tables import Domain, Event, Host, Submission


def events(connection: Connection, episode_ids: Collection[int]) -> dict[int, list[PastEvent]]:
    """Return the events of each episode in the order in which they happened."""
    found: dict[int, list[PastEvent]] = {}
    for part in chunks(episode_ids):
        query = (
            select(Event.episode_id, Event.at, Event.kind, Event.presence, Event.why)
            .where(Event.episode_id.in_(part))
            .order_by(Event.at, Event.id)
        )
        for row in connection.execute(query):
            found.setdefault(row[0], []).append(PastEvent._make(row))
    return found


def dedicated_hosts(connection: Connection, host_ids: Collection[int]) -> set[int]:
    """Return which hosts belong to a domain that is known to serve nothing else."""
    found: set[int] = set()
    for part in chunks(host_ids):
        query = (
            select(Host.id)
            .join(Domain, Domain.id == Host.domain_id)
            .where(Host.id.in_(part), Domain.dedicated == "yes")
        )
        found.update(connection.execute(query).scalars())
    return found


def confirmed(connection: Connection, case_ids: Collection[int]) -> dict[int, datetime]:
    """Return when an analyst last said of each case that it is there, those taken back not counting."""
    found: dict[int, datetime] = {}
    for part in chunks(case_ids):
        query = (
            select(Submission.case_id, func.max(Submission.confirmed_at))
            .where(Submission.case_id.in_(part), Submission.withdrawn_at.is_(None))
            .group_by(Submission.case_id)
        )
        found.update({case_id: at for case_id, at in connection.execute(query) if at is not None})
    return found
