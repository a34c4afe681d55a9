"""What the list of cases shows: counts per state, and a page of them in the order they should be seen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from nta.domain.roles import Severity
from nta.store.db.handle import Store
from nta.store.tables import Arrangement, ArrangementParty, Case, Due, Episode, NoticeItem, PartyRow, TaskRow
from nta.store.work.due import (
    ESCALATE,
    LOOK,
    SEND,
)

PAGE = 50

_TASK = "task"
"""What comes next where a person is asked; else the kind of the due row."""

State = tuple[str, str]
"""Stage and presence."""

Ranks = Mapping[State, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases: open ones in these states (None: in any), or ended ones, or only these references."""

    states: Collection[State] | None = None
    ended: bool = False
    only: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the list, as its newest episode stands."""

    reference: str
    masked: str
    severity: str
    stage: str
    presence: str
    outcome: str | None
    received_at: datetime
    country: str | None
    parties: tuple[str, ...]
    looked_at: datetime | None
    last_verdict: str | None
    last_up_at: datetime | None
    returns: int
    next_kind: str | None
    next_at: datetime | None
    overdue: bool


_OF_EPISODE = (
    "severity",
    "stage",
    "presence",
    "outcome",
    "received_at",
    "looked_at",
    "last_verdict",
    "last_up_at",
    "returns",
)
_PLAIN = ("reference", *_OF_EPISODE)


@dataclass(frozen=True, slots=True)
class CaseListPage:
    """One page of the list."""

    rows: tuple[Row, ...]
    number: int
    more: bool


def page(
    connection: Connection,
    store: Store,
    now: datetime,
    *,
    wanted: Wanted,
    ranks: Ranks,
    number: int = 1,
) -> CaseListPage:
    """Return the `number`-th page, counted from 1, of the cases that are wanted.

    Open ones come by rank of their stage and presence, then by urgency and
    age; ended ones with the last to end first.
    """
    query = (
        select(
            *(Episode.__table__.c[name] for name in _OF_EPISODE),
            Episode.id,
            Episode.arrangement_id,
            Case.id.label("case_id"),
            Case.reference,
            Case.url_sealed,
        )
        .join(Case, Case.id == Episode.case_id)
        .where(_where(wanted))
        .order_by(*_order(wanted, ranks))
        .limit(PAGE + 1)
        .offset((number - 1) * PAGE)
    )
    fetched = connection.execute(query).all()
    shown = fetched[:PAGE]
    hosting = _hosting(connection, {row.arrangement_id for row in shown if row.arrangement_id})
    nexts = _nexts(connection, [row.id for row in shown])
    rows = []
    for row in shown:
        country, parties = hosting.get(row.arrangement_id, (None, ()))
        kind, at = nexts.get(row.id, (None, None))
        masked = store.masked("case.url", row.case_id, row.url_sealed)
        plain = {name: getattr(row, name) for name in _PLAIN}
        overdue = kind == _TASK and at is not None and at < now
        rows.append(
            Row(
                **plain,
                masked=masked,
                country=country,
                parties=parties,
                next_kind=kind,
                next_at=at,
                overdue=overdue,
            )
        )
    return CaseListPage(tuple(rows), number, len(fetched) > PAGE)


def counts(connection: Connection) -> dict[State, int]:
    """Return how many open episodes are in each stage and presence; those that ended are not counted."""
    query = (
        select(Episode.stage, Episode.presence, func.count())
        .where(Episode.ended_at.is_(None))
        .group_by(Episode.stage, Episode.presence)
    )
    return {(stage, presence): count for stage, presence, count in connection.execute(query)}


def _where(wanted: Wanted) -> ColumnElement[bool]:
    if wanted.only is not None:
        return and_(Case.reference.in_(wanted.only), _newest())
    if wanted.ended:
        return and_(Episode.ended_at.is_not(None), _newest())
    if wanted.states is None:
        return Episode.ended_at.is_(None)
    states = [and_(Episode.stage == s, Episode.presence == p) for s, p in sorted(wanted.states)]
    return and_(Episode.ended_at.is_(None), or_(*states))


def _newest() -> ColumnElement[bool]:
    later = Episode.__table__.alias("later")
    newer = select(later.c.id).where(later.c.case_id == Episode.case_id, later.c.number > Episode.number)
    return ~newer.exists()


def _order(wanted: Wanted, ranks: Ranks) -> list[Any]:
    if wanted.ended:
        return [Episode.ended_at.desc(), Episode.id.desc()]
    hurries = case({severity.value: severity.rank for severity in Severity}, value=Episode.severity, else_=-1)
    return [rank(ranks), hurries.desc(), Episode.received_at, Episode.id]


def rank(ranks: Ranks) -> ColumnElement[int]:
    """Return the rank of an episode's stage and presence, as the database computes it."""
    by_presence: dict[str, dict[str, int]] = {}
    for (stage, presence), place in ranks.items():
        by_presence.setdefault(presence, {})[stage] = place
    last = max(ranks.values(), default=0) + 1
    return case(
        {
            presence: case(places, value=Episode.stage, else_=last)
            for presence, places in sorted(by_presence.items())
        },
        value=Episode.presence,
        else_=last,
    )


def _hosting(
    connection: Connection, arrangements: Collection[int]
) -> dict[int, tuple[str | None, tuple[str, ...]]]:
    """Return country and parties by name of each arrangement."""
    rows = connection.execute(
        select(Arrangement.id, Arrangement.country, ArrangementParty.party, PartyRow.name)
        .join(ArrangementParty, ArrangementParty.arrangement_id == Arrangement.id, isouter=True)
        .join(PartyRow, PartyRow.id == ArrangementParty.party, isouter=True)
        .where(Arrangement.id.in_(arrangements))
        .order_by(ArrangementParty.address)
    )
    hosting: dict[int, tuple[str | None, tuple[str, ...]]] = {}
    for row in rows:
        country, parties = hosting.get(row.id, (row.country, ()))
        name = row.name or row.party
        hosting[row.id] = (country, parties if name is None or name in parties else (*parties, name))
    return hosting


def _nexts(connection: Connection, episodes: Collection[int]) -> dict[int, tuple[str, datetime]]:
    """Return what is due next for each episode; a person's task comes before what the machine does."""
    nexts: dict[int, tuple[str, datetime]] = {}
    rows = connection.execute(
        select(Due.kind, Due.subject, Due.due_at)
        .where(Due.kind.in_((LOOK, ESCALATE)), Due.subject.in_(episodes))
        .order_by(Due.due_at)
    )
    tasks = connection.execute(
        select(TaskRow.subject, func.min(TaskRow.due_at))
        .where(TaskRow.subject.in_(episodes))
        .group_by(TaskRow.subject)
    )
    nexts.update((subject, (_TASK, at)) for subject, at in tasks)
    for row in rows:
        nexts.setdefault(row.subject, (row.kind, row.due_at))
    sends = connection.execute(
        select(NoticeItem.episode_id, func.min(Due.due_at))
        .join(Due, and_(Due.kind == SEND, Due.subject == NoticeItem.notice_id))
        .where(NoticeItem.episode_id.in_(episodes))
        .group_by(NoticeItem.episode_id)
    )
    for episode, at in sends:
        if episode not in nexts or (nexts[episode][0] != _TASK and at < nexts[episode][1]):
            nexts[episode] = (SEND, at)
    return nexts
