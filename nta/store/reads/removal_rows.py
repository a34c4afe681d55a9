"""What reports of removal times are made from: one row per addressee or episode, streamed into columns."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from nta.domain.checks.outcomes import TAKEN_BACK, Actor, Outcome
from nta.domain.checks.verdicts import Cause
from nta.domain.figures.removal_report import (
    NEVER,
    ONE_VANTAGE,
    PRESUMED,
    Parameters,
    Rows,
    Way,
)
from nta.domain.figures.removal_times import RemovalClock
from nta.domain.lifecycle import EventKind
from nta.domain.roles import Role
from nta.store.db.dialects import is_sqlite
from nta.store.tables import Addressee, ArrangementParty, Episode, Event, Notice, NoticeItem, PartyRow

_CHUNK = 20_000
_NOT_KNOWN = "not known"
_NO_MOMENT: ColumnElement[Any] = literal_column(str(NEVER))
_ANOTHERS = {
    Role.HOST: (Actor.REGISTRAR, Actor.REGISTRY, Actor.PROXY, Actor.ANALYST),
    Role.PROXY: (Actor.REGISTRAR, Actor.REGISTRY, Actor.HOST, Actor.SITE, Actor.ANALYST),
}
"""Whose doing censors the clock of a party in this role."""
_TAKEN_BACK = sorted(outcome.value for outcome in TAKEN_BACK)
_WAYS = {
    Outcome.MOVED_AFTER_NOTICE: Way.MOVED,
    Outcome.MOVED_BEFORE_NOTICE: Way.MOVED,
    Outcome.RESTRICTED: Way.RESTRICTED,
    Outcome.EXPIRED: Way.EXPIRED,
    Outcome.WITHDRAWN: Way.WITHDRAWN,
}
"""Outcomes that say for every party how its content came to be gone; after the others the actor does."""


def rows(connection: Connection, p: Parameters, *, with_episode: bool = False) -> Rows:
    """Return the rows of a report, in no order. Runs in one state of the database."""
    asked = by_episode(p) if p.clock is RemovalClock.A else by_addressee(p)
    if with_episode:
        asked = asked.add_columns(Episode.id.label("episode"))
    codes: defaultdict[str | None, int] = defaultdict(count().__next__)
    columns: dict[str, array[int]] = {name: array("q") for name in asked.selected_columns.keys()[2:]}
    group, marks = array("q"), bytearray()
    for chunk in stream(connection, asked):
        party, code, *moments = zip(*chunk, strict=True)
        group.extend(map(codes.__getitem__, party))
        marks += bytes(code)
        for column, found in zip(columns.values(), moments, strict=True):
            column.extend(found)
    got = {name: np.frombuffer(column, np.int64) for name, column in columns.items()}
    before = _gone_before(connection, p) if p.clock is not RemovalClock.A else {}
    parties = [*codes, *(party for party in before if party not in codes)]
    names = _names(connection)
    return Rows(
        parties=[party or _NOT_KNOWN for party in parties],
        names=[names.get(party or "", party or _NOT_KNOWN) for party in parties],
        group=np.frombuffer(group, np.int64),
        start=got["start"],
        entry=got["start"],
        last_up=got["last_up"],
        gone=got["gone"],
        code=np.frombuffer(marks, np.uint8),
        before=np.array([before.get(party, 0) for party in parties], np.int64),
        episode=got.get("episode"),
    )


def stream(connection: Connection, asked: Select[Any]) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query in chunks, as the driver hands them over; a server keeps what is to come."""
    text = str(asked.compile(connection, compile_kwargs={"literal_binds": True}))
    raw = connection.connection
    cursor = raw.cursor() if is_sqlite(connection) else raw.cursor("removal_times")
    try:
        cursor.execute(text)
        while chunk := cursor.fetchmany(_CHUNK):
            yield chunk
    finally:
        cursor.close()


def by_addressee(p: Parameters) -> Select[Any]:
    """Return the query of clocks B and C: party, code, start, last up and gone of each addressee."""
    start = _start(p.clock)
    released = and_(Addressee.released_at <= p.as_of, _is_let_go())
    last_up = _last_up()
    return (
        select(
            Addressee.party,
            (
                case((released, int(Way.RELEASED)), else_=_way(p))
                + _marks()
                + case((Addressee.presumed, PRESUMED), else_=0)
            ).label("code"),
            start.label("start"),
            case(
                (and_(released, Addressee.released_at < last_up), Addressee.released_at), else_=last_up
            ).label("last_up"),
            _gone(p).label("gone"),
        )
        .join(Episode, Episode.id == Addressee.episode_id)
        .where(
            Addressee.role == p.role,
            _within(start, p),
            or_(
                Episode.outcome.is_(None),
                Episode.outcome.not_in((Outcome.INVALID.value, Outcome.MOVED_BEFORE_NOTICE.value)),
            ),
        )
    )


def by_episode(p: Parameters) -> Select[Any]:
    """Return the query of clock A: as `by_addressee`, for each episode and each party that serves it.

    A move ends the clock of the host it left, and begins none for the host
    it went to: that one has had no part in the time since the receipt. Its
    own clocks are B and C.
    """
    party, in_role = _in_role(p)
    served = (
        select(ArrangementParty.arrangement_id, party.label("party"))
        .where(in_role)
        .distinct()
        .subquery("served")
    )
    is_served = served.c.arrangement_id.is_not(None)
    start = Episode.received_at
    return (
        select(
            served.c.party,
            (_way(p) + _marks()).label("code"),
            start.label("start"),
            _last_up().label("last_up"),
            _gone(p).label("gone"),
        )
        .outerjoin(served, served.c.arrangement_id == Episode.arrangement_id)
        .where(
            _within(start, p),
            # Whose host nobody found has none that could be a proxy either.
            is_served if p.role == Role.PROXY else or_(is_served, Episode.arrangement_id.is_(None)),
            Episode.began_at <= p.as_of,
            or_(Episode.outcome.is_(None), Episode.outcome != Outcome.INVALID.value),
            ~exists().where(Event.episode_id == Episode.id, Event.kind == EventKind.FOLLOWED.value),
        )
    )


def _is_let_go() -> ColumnElement[bool]:
    """A party that is not the one is let go; one that an episode's end let go was the one until then."""
    return or_(
        Addressee.released_why.is_(None),
        Addressee.released_why.not_in(_TAKEN_BACK),
    )


def _in_role(p: Parameters) -> tuple[Any, ColumnElement[bool]]:
    """Return who serves an episode in the report's role, and where: at addresses of a proxy, or at others."""
    if p.role == Role.PROXY:
        return ArrangementParty.proxy, ArrangementParty.proxy.is_not(None)
    return ArrangementParty.party, ArrangementParty.proxy.is_(None)


def _start(clock: RemovalClock) -> ColumnElement[Any]:
    if clock is RemovalClock.B:
        return Addressee.first_handed_at.expression
    # Anything later than the delivery proves it. Silence without a bounce is presumed to be arrival; after a
    # bounce, that of what was handed over since and did not bounce.
    since = (
        select(func.min(Notice.handed_at))
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(NoticeItem.addressee_id == Addressee.id, Notice.bounced_at.is_(None))
        .scalar_subquery()
    )
    silent = case((Addressee.bounced_at.is_(None), Addressee.first_handed_at), else_=since)
    return func.coalesce(Addressee.accepted_at, Addressee.opened_at, Addressee.first_answer_at, silent)


def _within(start: Any, p: Parameters) -> ColumnElement[bool]:
    wanted = [start.is_not(None), start <= p.as_of]
    if p.since is not None:
        wanted.append(start >= p.since)
    if p.until is not None:
        wanted.append(start < p.until)
    return and_(*wanted)


def _last_up() -> ColumnElement[Any]:
    """The analyst's word stands for a sighting until there is one; but not for where content moved to."""
    return func.coalesce(Episode.last_up_at, case((Episode.number == 1, Episode.received_at)), _NO_MOMENT)


def _gone(p: Parameters) -> ColumnElement[Any]:
    """The first look of an absence that was proven, or ended as moved, by the report's date."""
    settled = func.coalesce(Episode.proven_gone_at, Episode.ended_at) <= p.as_of
    return func.coalesce(case((settled, Episode.first_gone_at)), _NO_MOMENT)


def _way(p: Parameters) -> ColumnElement[Any]:
    """Who did it; while the episode is still watched for a return, by what is known so far."""
    anothers = _ANOTHERS.get(Role(p.role), ())
    disabled = [
        (Episode.outcome == Outcome.DISABLED_DOMAIN.value, int(Way.OTHER)),
        (Episode.actor.in_([actor.value for actor in anothers]), int(Way.OTHER)),
    ]
    watched = [
        (
            and_(Episode.proven_gone_at.is_not(None), Episode.last_cause.in_(_SUSPENDED), _was_disabled()),
            int(Way.OTHER),
        )
    ]
    theirs = p.clock is not RemovalClock.A  # a case is over whoever ended it
    return case(
        (
            Episode.outcome.is_(None),
            case(
                (
                    and_(Episode.proven_gone_at.is_not(None), Episode.last_cause == Cause.LEGAL.value),
                    int(Way.RESTRICTED),
                ),
                *(watched if theirs else ()),
                else_=int(Way.GONE),
            ),
        ),
        *((Episode.outcome == outcome.value, int(way)) for outcome, way in _WAYS.items()),
        *(disabled if theirs else ()),
        (Episode.actor == Actor.UNKNOWN.value, int(Way.UNKNOWN)),
        else_=int(Way.GONE),
    )


_SUSPENDED = (Cause.NXDOMAIN.value, Cause.DOMAIN_HOLD.value, Cause.PARKED.value)


def _was_disabled() -> ColumnElement[bool]:
    return exists().where(Event.episode_id == Episode.id, Event.kind == EventKind.DOMAIN_DISABLED.value)


def _marks() -> ColumnElement[Any]:
    return case((Episode.one_vantage, ONE_VANTAGE), else_=0)


def _gone_before(connection: Connection, p: Parameters) -> Mapping[str | None, int]:
    """Return per party how many episodes went, in the period, before anybody was told."""
    serves, in_role = _in_role(p)
    asked = (
        select(serves, func.count(Episode.id.distinct()))
        .join(ArrangementParty, ArrangementParty.arrangement_id == Episode.arrangement_id)
        .where(
            Episode.first_handed_at.is_(None),
            in_role,
            _within(Episode.first_gone_at, p),
            func.coalesce(Episode.proven_gone_at, Episode.ended_at) <= p.as_of,
            or_(Episode.outcome.is_(None), Episode.outcome == Outcome.GONE_BEFORE_NOTICE.value),
        )
        .group_by(serves)
    )
    return {row[0]: row[1] for row in connection.execute(asked)}


def _names(connection: Connection) -> Mapping[str, str]:
    return {row.id: row.name for row in connection.execute(select(PartyRow.id, PartyRow.name))}
