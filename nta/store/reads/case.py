"""What the page of one case shows: its state, who hosts it, who was told, what happened, what comes next."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from nta.domain.episode_state import EpisodeState
from nta.domain.hosting.facts import HostingFacts, from_plain
from nta.domain.reasons import Code, Reason
from nta.store.cases.episodes import load
from nta.store.db.handle import Store
from nta.store.tables import (
    Addressee,
    AnswerRow,
    Arrangement,
    Case,
    Contact,
    Domain,
    Due,
    Episode,
    Event,
    Host,
    Mail,
    Notice,
    NoticeItem,
    PartyRow,
    SightingSpan,
    Submission,
    TaskRow,
)
from nta.store.work import due


@dataclass(frozen=True, slots=True)
class ShownAddressee:
    """One addressee of the episode, with its clocks."""

    role: str
    party: str
    contact: str | None
    why: Reason
    rung: str
    waiting_since: datetime | None
    first_handed_at: datetime | None
    accepted_at: datetime | None
    presumed: bool
    opened_at: datetime | None
    first_answer_at: datetime | None
    answer: str | None
    bounced_at: datetime | None
    released_at: datetime | None
    released_why: str | None
    asked_until: datetime | None  # its contact waits so long for a person's word


@dataclass(frozen=True, slots=True)
class SentNotice:
    """One notice that tells of the episode, and the newest answer to its item."""

    reference: str
    kind: str
    role: str
    party: str
    state: str
    queued_at: datetime
    handed_at: datetime | None
    accepted_at: datetime | None
    bounced_at: datetime | None
    left_why: str | None
    says: str | None
    said_why: str | None
    whose: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the time line."""

    at: datetime
    kind: str
    who: str
    why: Reason | None
    episode: int


@dataclass(frozen=True, slots=True)
class ShownSpan:
    """A run of equal looks from one vantage point."""

    vantage: str
    verdict: str
    cause: str
    status: int | None
    first_at: datetime
    last_at: datetime
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Next:
    """One step that waits."""

    kind: str
    due_at: datetime
    tries: int
    owner: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class DomainMark:
    """What is known of the registrable domain, without its name."""

    suffix: str
    dedicated: str
    dedicated_by: str | None
    dedicated_at: datetime | None
    dedicated_why: str | None


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything on the page of one case. Nothing in it holds the URL or the host's name in clear."""

    reference: str
    masked: str
    severity: str
    class_scheme: str
    class_value: str
    scope: str
    received_at: datetime
    port: int
    episode: EpisodeState
    episodes: int
    facts: HostingFacts | None
    domain: DomainMark | None
    submissions: tuple[tuple[datetime, str, str], ...]  # received, source, severity
    told: tuple[ShownAddressee, ...]
    sent: tuple[SentNotice, ...]
    events: tuple[Happened, ...]
    spans: tuple[ShownSpan, ...]
    nexts: tuple[Next, ...]


def case(connection: Connection, store: Store, reference: str) -> CasePage | None:
    """Return the page of a case, or None when there is no such case."""
    row = connection.execute(
        select(Case.__table__, Host.port, Host.domain_id)
        .join(Host, Host.id == Case.host_id)
        .where(Case.reference == reference)
    ).first()
    if row is None:
        return None
    numbers = {
        r.id: r.number
        for r in connection.execute(
            select(Episode.id, Episode.number).where(Episode.case_id == row.id).order_by(Episode.number)
        )
    }
    newest = max(numbers, key=lambda i: numbers[i])
    state = load(connection, [newest])[newest]
    names = _PartyNames(connection)
    told = _told(connection, newest)
    events = _events(connection, numbers)
    names.learn({t.party for t in told} | {e.who for e in events} | {_party_in(e.why) for e in events})
    return CasePage(
        reference=row.reference,
        masked=store.masked("case.url", row.id, row.url_sealed),
        severity=row.severity,
        class_scheme=row.class_scheme,
        class_value=row.class_value,
        scope=row.scope,
        received_at=row.received_at,
        port=row.port,
        episode=state,
        episodes=len(numbers),
        facts=_facts(connection, store, state.arrangement_id),
        domain=_domain(connection, row.domain_id),
        submissions=_submissions(connection, row.id),
        told=tuple(_named_told(t, names) for t in told),
        sent=_sent(connection, store, numbers, names),
        events=tuple(_named_event(e, names) for e in events),
        spans=_spans(connection, newest),
        nexts=_nexts(connection, newest, state.host_id),
    )


class _PartyNames:
    """Parties by name; who is none stays as written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, str] = {}

    def learn(self, ids: Collection[str]) -> None:
        query = select(PartyRow.id, PartyRow.name).where(PartyRow.id.in_(ids))
        self._known.update({row.id: row.name for row in self._connection.execute(query)})

    def __getitem__(self, party: str) -> str:
        return self._known.get(party, party)


def _facts(connection: Connection, store: Store, arrangement_id: int | None) -> HostingFacts | None:
    if arrangement_id is None:
        return None
    sealed = connection.execute(
        select(Arrangement.facts_sealed).where(Arrangement.id == arrangement_id)
    ).scalar()
    if sealed is None:
        return None
    return from_plain(json.loads(store.sealer.open("arrangement.facts", arrangement_id, sealed)))


def _domain(connection: Connection, domain_id: int | None) -> DomainMark | None:
    columns = [
        Domain.__table__.c[name]
        for name in ("suffix", "dedicated", "dedicated_by", "dedicated_at", "dedicated_why")
    ]
    row = connection.execute(select(*columns).where(Domain.id == domain_id)).first()
    return DomainMark(*row) if row else None


def _submissions(connection: Connection, case_id: int) -> tuple[tuple[datetime, str, str], ...]:
    query = (
        select(Submission.received_at, Submission.source, Submission.severity)
        .where(Submission.case_id == case_id)
        .order_by(Submission.id)
        .limit(20)
    )
    return tuple((row.received_at, row.source, row.severity) for row in connection.execute(query))


def _told(connection: Connection, episode_id: int) -> Sequence[Any]:
    task = (TaskRow.code == Code.NEW_CONTACT.value, TaskRow.subject == Contact.id)
    asked = select(TaskRow.due_at).where(*task, Addressee.waiting_since.is_(None))
    asked = asked.correlate(Contact, Addressee)
    query: Select[Any] = (
        select(
            *(
                Addressee.__table__.c[name]
                for name in ShownAddressee.__dataclass_fields__
                if name not in ("contact", "party", "asked_until")
            ),
            Addressee.party,
            Contact.address.label("contact"),
            asked.scalar_subquery().label("asked_until"),
        )
        .join(Contact, Contact.id == Addressee.contact_id, isouter=True)
        .where(Addressee.episode_id == episode_id)
        .order_by(Addressee.id)
    )
    return connection.execute(query).all()


def _named_told(row: Any, names: _PartyNames) -> ShownAddressee:
    return ShownAddressee(**{**row._mapping, "party": names[row.party]})


def _sent(
    connection: Connection, store: Store, episodes: Mapping[int, int], names: _PartyNames
) -> tuple[SentNotice, ...]:
    rows = connection.execute(
        select(Notice.__table__, NoticeItem.id.label("item"), NoticeItem.left_why)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(NoticeItem.episode_id.in_(episodes))
        .order_by(Notice.id)
    ).all()
    names.learn({row.party for row in rows})
    answers = _answers(connection, store, [row.item for row in rows])
    return tuple(
        SentNotice(
            row.reference,
            row.kind,
            row.role,
            names[row.party],
            row.state,
            row.queued_at,
            row.handed_at,
            row.accepted_at,
            row.bounced_at,
            row.left_why,
            *answers.get(row.item, (None, None, None, None)),
        )
        for row in rows
    )


def _answers(
    connection: Connection, store: Store, items: Collection[int]
) -> dict[int, tuple[str, str | None, str | None, datetime | None]]:
    """Return the newest answer to each item, with what was written beside it, whose it is and until when."""
    rows = connection.execute(
        select(
            AnswerRow.id,
            AnswerRow.item_id,
            AnswerRow.says,
            AnswerRow.why_sealed,
            AnswerRow.whose,
            AnswerRow.until,
        )
        .where(AnswerRow.item_id.in_(items))
        .order_by(AnswerRow.id)
    )
    return {
        row.item_id: (
            row.says,
            store.portal_sealer.text("answer.why", row.id, row.why_sealed) if row.why_sealed else None,
            row.whose,
            row.until,
        )
        for row in rows
    }


def _events(connection: Connection, episodes: Mapping[int, int]) -> list[Happened]:
    rows = connection.execute(
        select(Event.at, Event.kind, Event.who, Event.why, Event.episode_id)
        .where(Event.episode_id.in_(episodes))
        .order_by(Event.at.desc(), Event.id.desc())
    )
    return [Happened(row.at, row.kind, row.who, row.why, episodes[row.episode_id]) for row in rows]


def _named_event(event: Happened, names: _PartyNames) -> Happened:
    """Return the event with parties by name: who it was, and whom a notice went to."""
    why, party = event.why, _party_in(event.why)
    if why and party:
        why = replace(why, params={**why.params, "party": names[party]})
    return Happened(event.at, event.kind, names[event.who], why, event.episode)


def _party_in(why: Reason | None) -> str:
    return str(why.params["party"]) if why and why.code is Code.NOTICE else ""


def _spans(connection: Connection, episode_id: int) -> tuple[ShownSpan, ...]:
    columns = [SightingSpan.__table__.c[name] for name in ShownSpan.__dataclass_fields__]
    rows = connection.execute(
        select(*columns)
        .where(SightingSpan.episode_id == episode_id)
        .order_by(SightingSpan.last_at.desc(), SightingSpan.vantage)
    )
    return tuple(ShownSpan(*row) for row in rows)


def _nexts(connection: Connection, episode_id: int, host_id: int) -> tuple[Next, ...]:
    telling = select(NoticeItem.notice_id).where(NoticeItem.episode_id == episode_id)
    mine = and_(Due.kind.in_((due.LOOK, due.ESCALATE)), Due.subject == episode_id)
    host = and_(Due.kind == due.RESOLVE, Due.subject == host_id)
    notices = and_(Due.kind == due.SEND, Due.subject.in_(telling))
    found = [
        Next(*row)
        for where in (mine, host, notices)
        for row in connection.execute(select(Due.kind, Due.due_at, Due.tries).where(where))
    ]
    mails = select(Mail.id).where(Mail.notice_id.in_(telling))
    tasks = select(TaskRow.due_at, TaskRow.owner, TaskRow.reason)
    asked = tasks.where(or_(TaskRow.subject == episode_id, TaskRow.subject.in_(mails)))
    found += [Next("task", row.due_at, 0, row.owner, row.reason) for row in connection.execute(asked)]
    return tuple(sorted(found, key=lambda n: (n.due_at, n.kind)))
