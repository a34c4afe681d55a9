"""Cases by reference: their row, their open episode, their domain, and submissions taken back."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from nta.domain.episode_state import EpisodeState
from nta.domain.lifecycle import Stage
from nta.store.cases import episodes
from nta.store.tables import Case, Domain, Episode, Host, Submission

_LADDER_BEGAN = (Stage.NOTIFIED.value, Stage.ESCALATED.value, Stage.EXHAUSTED.value)


class CaseRow(NamedTuple):
    """A case's row, its URL sealed."""

    id: int
    host_id: int
    url_sealed: bytes


class DomainRow(NamedTuple):
    """A registrable domain's row, its name sealed."""

    id: int
    name_sealed: bytes


def by_reference(connection: Connection, reference: str) -> CaseRow | None:
    """Return the case of a reference in canonical form, or None."""
    query = select(Case.id, Case.host_id, Case.url_sealed).where(Case.reference == reference)
    row = connection.execute(query).first()
    return CaseRow._make(row) if row else None


def reference_of(connection: Connection, case_id: int) -> str:
    """Return the reference of a case that is there."""
    return str(connection.execute(select(Case.reference).where(Case.id == case_id)).scalar_one())


def open_episode(connection: Connection, case_id: int) -> EpisodeState | None:
    """Return the open episode of a case, kept from being moved by others until this write ends."""
    number = connection.execute(
        select(Episode.id)
        .where(Episode.case_id == case_id, Episode.ended_at.is_(None))
        .order_by(Episode.number.desc())
    ).scalar()
    state = episodes.load(connection, [number], lock=True)[number] if number else None
    return None if state is None or state.ended_at is not None else state


def domain_of(connection: Connection, case_id: int) -> DomainRow | None:
    """Return the domain of a case; None for an address or a suffix."""
    row = connection.execute(
        select(Domain.id, Domain.name_sealed)
        .join(Host, Host.domain_id == Domain.id)
        .join(Case, Case.host_id == Host.id)
        .where(Case.id == case_id)
    ).first()
    return DomainRow._make(row) if row else None


def notified_on_domain(connection: Connection, domain_id: int) -> list[int]:
    """Return the open episodes of a domain whose ladder has begun."""
    query = (
        select(Episode.id)
        .join(Host, Host.id == Episode.host_id)
        .where(Host.domain_id == domain_id, Episode.ended_at.is_(None), Episode.stage.in_(_LADDER_BEGAN))
    )
    return list(connection.execute(query).scalars())


def withdraw_submissions(connection: Connection, case_id: int, at: datetime) -> None:
    """Note that every submission of a case was taken back."""
    open_ones = (Submission.case_id == case_id, Submission.withdrawn_at.is_(None))
    connection.execute(update(Submission).where(*open_ones).values(withdrawn_at=at))
