"""What is held of each case at this moment: its newest episode, with the URL."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from nta.store.db.handle import Store
from nta.store.tables import Case, Episode


class Belief(NamedTuple):
    """The newest episode of one case."""

    case_id: int
    reference: str
    stage: str
    presence: str
    outcome: str | None


def newest(connection: Connection) -> Iterator[Belief]:
    """Yield each case's newest episode."""
    last = select(Episode.case_id, func.max(Episode.number).label("number")).group_by(Episode.case_id)
    of_case = last.subquery()
    asked = (
        select(Case.id, Case.reference, Episode.stage, Episode.presence, Episode.outcome)
        .join(of_case, of_case.c.case_id == Case.id)
        .join(Episode, (Episode.case_id == Case.id) & (Episode.number == of_case.c.number))
        .order_by(Case.id)
    )
    for row in connection.execute(asked):
        yield Belief(*row)


def urls(connection: Connection, store: Store, known: Mapping[int, str]) -> dict[int, str]:
    """Return the URL of every case, opening only those that are not known yet."""
    rows = connection.execute(select(Case.id, Case.url_sealed))
    return {
        number: known.get(number) or store.sealer.text("case.url", number, sealed) for number, sealed in rows
    }
