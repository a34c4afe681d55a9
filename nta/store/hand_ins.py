"""Writing hand-ins: many new cases in one short transaction, known ones taken in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from nta.domain.handing_in import Told, stricter
from nta.domain.lifecycle import EventKind, Presence, Stage
from nta.domain.references import reference
from nta.domain.roles import Severity
from nta.store import due, episodes
from nta.store.base import Store
from nta.store.bulk import insert_rows, table_of
from nta.store.sealing import digest16
from nta.store.tables import Case, Domain, Due, Episode, Event, HandIn, HandInLine, Host, Submission
from nta.store.types import to_us

CASE = (
    "id",
    "reference",
    "digest",
    "host_id",
    "url_sealed",
    "class_scheme",
    "class_value",
    "severity",
    "scope",
    "received_at",
    "referrer_sealed",
)
SUBMISSION = (
    "id",
    "case_id",
    "hand_in_id",
    "source",
    "their_reference",
    "their_group",
    "reported_at",
    "received_at",
    "confirmed_at",
    "submitted_at",
    "class_scheme",
    "class_value",
    "law",
    "severity",
    "programme",
    "scope",
    "referrer_sealed",
)
EPISODE = (
    "id",
    "case_id",
    "host_id",
    "number",
    "severity",
    "stage",
    "presence",
    "began_at",
    "received_at",
    "paused",
    "one_vantage",
    "returns",
)
EVENT = ("id", "episode_id", "at", "kind", "who", "stage", "presence", "subject")
DUE = ("kind", "subject", "due_at", "tries")
LINE = ("hand_in_id", "line", "submission_id", "reason", "input_sealed")
DOMAIN = ("id", "digest", "name_sealed", "suffix", "dedicated")
HOST = ("id", "digest", "name_sealed", "port", "is_ip", "domain_id", "missed_looks")


class Good(NamedTuple):
    """One line that was understood: where it leads and what it says."""

    line: int
    url: str
    digest: bytes
    host: str
    port: int
    is_ip: bool
    domain: str | None
    suffix: str | None
    told: Told


class Bad(NamedTuple):
    """One line that was refused, as it came."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A hand-in that was begun, now or before: its id, the last line written, and its counts."""

    id: int
    last_line: int
    accepted: int
    refused: int
    finished: bool


def open_hand_in(store: Store, *, who: str, key: str, way: str, now: datetime) -> Opened:
    """Begin a hand-in, or find the one that `who` began with the same key."""
    with store.db.write() as connection:
        known = connection.execute(
            select(HandIn.id, HandIn.accepted, HandIn.refused, HandIn.finished_at).where(
                HandIn.who == who, HandIn.key == key
            )
        ).first()
        if known is not None:
            last = connection.execute(
                select(func.max(HandInLine.line)).where(HandInLine.hand_in_id == known.id)
            ).scalar()
            return Opened(known.id, last or 0, known.accepted, known.refused, known.finished_at is not None)
        made = store.new_id()
        connection.execute(
            insert(HandIn).values(id=made, who=who, key=key, way=way, received_at=now, accepted=0, refused=0)
        )
        return Opened(made, 0, 0, 0, False)


def finish(store: Store, hand_in_id: int, now: datetime) -> None:
    """Mark a hand-in as wholly written."""
    with store.db.write() as connection:
        connection.execute(update(HandIn).where(HandIn.id == hand_in_id).values(finished_at=now))


class Writer:
    """Writes the lines of one hand-in, a chunk a transaction; remembers hosts between chunks."""

    def __init__(self, store: Store, *, hand_in_id: int, who: str, class_scheme: str, now: datetime) -> None:
        self._store = store
        self._hand_in = hand_in_id
        self._who = who
        self._scheme = class_scheme
        self._now = now
        self._now_us = to_us(now)
        self._hosts: dict[tuple[str, int], int] = {}
        self._host_key = store.keys.derived("host")
        self._domain_key = store.keys.derived("domain")
        self._reference_key = store.keys.derived("reference")

    def write(self, good: Sequence[Good], bad: Sequence[Bad]) -> None:
        """Write one chunk whole or not at all."""
        with self._store.db.write() as connection:
            hosts = self._find_hosts(connection, good)
            new_hosts = self._add_hosts(connection, good, hosts)
            known = _known_cases(connection, [g.digest for g in good])
            submissions = self._write_cases(connection, good, {**self._hosts, **hosts, **new_hosts}, known)
            insert_rows(
                connection,
                table_of(HandInLine),
                LINE,
                [(self._hand_in, g.line, s, None, None) for g, s in zip(good, submissions, strict=True)]
                + [(self._hand_in, b.line, None, b.reason, self._input(b)) for b in bad],
            )
            connection.execute(
                update(HandIn)
                .where(HandIn.id == self._hand_in)
                .values(accepted=HandIn.accepted + len(good), refused=HandIn.refused + len(bad))
            )
        self._hosts.update(hosts)
        self._hosts.update(new_hosts)

    def _input(self, bad: Bad) -> bytes:
        # Sealed for the hand-in's row and line; a lone surrogate cannot be kept as it is.
        row = self._hand_in * 1_000_000 + bad.line
        return self._store.sealer.seal("hand_in_line.input", row, bad.text[:8192].encode(errors="replace"))

    def _find_hosts(self, connection: Connection, good: Iterable[Good]) -> dict[tuple[str, int], int]:
        """Return hosts of the chunk that are in the database but not yet remembered."""
        wanted = {
            _host_digest(self._host_key, g.host, g.port): (g.host, g.port)
            for g in good
            if (g.host, g.port) not in self._hosts
        }
        found = _by_digest(connection, Host, list(wanted))
        return {wanted[digest]: host_id for digest, host_id in found.items()}

    def _add_hosts(
        self, connection: Connection, good: Sequence[Good], found: Mapping[tuple[str, int], int]
    ) -> dict[tuple[str, int], int]:
        new = {
            (g.host, g.port): g
            for g in good
            if (g.host, g.port) not in self._hosts and (g.host, g.port) not in found
        }
        if not new:
            return {}
        domains = self._domains(connection, new.values())
        seal = self._store.sealer.seal
        numbers = dict(zip(new, self._store.ids.take(len(new)), strict=True))
        insert_rows(
            connection,
            table_of(Host),
            HOST,
            [
                (
                    numbers[key],
                    _host_digest(self._host_key, *key),
                    seal("host.name", numbers[key], g.host),
                    g.port,
                    g.is_ip,
                    domains.get(g.domain) if g.domain else None,
                    0,
                )
                for key, g in new.items()
            ],
        )
        return numbers

    def _domains(self, connection: Connection, good: Collection[Good]) -> dict[str, int]:
        wanted = {g.domain: g.suffix or "" for g in good if g.domain}
        digests = {digest16(self._domain_key, name.encode()): name for name in wanted}
        found = {digests[d]: i for d, i in _by_digest(connection, Domain, list(digests)).items()}
        new = [name for name in wanted if name not in found]
        seal = self._store.sealer.seal
        rows = [
            (
                number,
                digest16(self._domain_key, name.encode()),
                seal("domain.name", number, name),
                wanted[name],
                "unknown",
            )
            for name, number in zip(new, self._store.ids.take(len(new)), strict=True)
        ]
        insert_rows(connection, table_of(Domain), DOMAIN, rows)
        return found | {name: row[0] for name, row in zip(new, rows, strict=True)}

    def _write_cases(
        self,
        connection: Connection,
        good: Sequence[Good],
        hosts: Mapping[tuple[str, int], int],
        known: dict[bytes, "_Known"],
    ) -> list[int]:
        """Write cases, submissions, episodes, events and due rows; return the submission ids in order."""
        ids = iter(self._store.ids.take(4 * len(good)))
        cases: list[tuple[Any, ...]] = []
        begun: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        submissions: list[tuple[Any, ...]] = []
        here: dict[bytes, int] = {}
        again: list[tuple[Good, _Known]] = []
        seal = self._store.sealer.seal
        now_us = self._now_us
        for g in good:
            told = g.told
            old = known.get(g.digest)
            case_id = old.case_id if old else here.get(g.digest)
            if case_id is None:
                case_id, episode_id = next(ids), next(ids)
                here[g.digest] = case_id
                host_id = hosts[g.host, g.port]
                received = to_us(told.received_at)
                severity = told.severity.value
                referrer = seal("case.referrer", case_id, told.referrer) if told.referrer else None
                cases.append(
                    (
                        case_id,
                        self._reference(case_id),
                        g.digest,
                        host_id,
                        seal("case.url", case_id, g.url),
                        self._scheme,
                        told.class_value,
                        severity,
                        told.scope,
                        received,
                        referrer,
                    )
                )
                begun.append(
                    (
                        episode_id,
                        case_id,
                        host_id,
                        1,
                        severity,
                        Stage.SUBMITTED.value,
                        Presence.UNSEEN.value,
                        now_us,
                        received,
                        0,
                        False,
                        0,
                    )
                )
                events.append(
                    (
                        next(ids),
                        episode_id,
                        now_us,
                        EventKind.SUBMITTED.value,
                        self._who,
                        Stage.SUBMITTED.value,
                        Presence.UNSEEN.value,
                        self._hand_in,
                    )
                )
            elif old:
                again.append((g, old))
            submissions.append(self._submission(next(ids), case_id, told))
        self._insert_new(connection, cases, begun, events)
        insert_rows(connection, table_of(Submission), SUBMISSION, submissions)
        due.want(connection, due.RESOLVE, {row[2] for row in begun}, self._now)
        for g, old in again:
            self._take_in(connection, g, old)
        return [row[0] for row in submissions]

    def _insert_new(
        self,
        connection: Connection,
        cases: list[tuple[Any, ...]],
        begun: list[tuple[Any, ...]],
        events: list[tuple[Any, ...]],
    ) -> None:
        self._refer_apart(connection, cases)
        insert_rows(connection, table_of(Case), CASE, cases)
        insert_rows(connection, table_of(Episode), EPISODE, begun)
        insert_rows(connection, table_of(Event), EVENT, events)
        insert_rows(connection, table_of(Due), DUE, [(due.LOOK, row[0], self._now_us, 0) for row in begun])

    def _refer_apart(self, connection: Connection, cases: list[tuple[Any, ...]]) -> None:
        """Give another reference to each new case whose first one is taken, in the table or in this chunk."""
        for attempt in range(1, 9):
            listed = [row[1] for row in cases]
            taken = set(
                connection.execute(select(Case.reference).where(Case.reference.in_(listed))).scalars()
            )
            seen: set[str] = set()
            clash = []
            for place, name in enumerate(listed):
                if name in taken or name in seen:
                    clash.append(place)
                seen.add(name)
            if not clash:
                return
            for place in clash:
                row = cases[place]
                cases[place] = (row[0], self._reference(row[0], attempt), *row[2:])

    def _submission(self, number: int, case_id: int, told: Told) -> tuple[Any, ...]:
        reported = to_us(told.reported_at) if told.reported_at else None
        referrer = (
            self._store.sealer.seal("submission.referrer", number, told.referrer) if told.referrer else None
        )
        return (
            number,
            case_id,
            self._hand_in,
            told.source,
            told.reference,
            told.group,
            reported,
            to_us(told.received_at),
            to_us(told.confirmed_at),
            self._now_us,
            self._scheme,
            told.class_value,
            told.law,
            told.severity.value,
            told.programme,
            told.scope,
            referrer,
        )

    def _reference(self, case_id: int, attempt: int = 0) -> str:
        return reference("C", case_id, self._now.year, self._reference_key, attempt)

    def _take_in(self, connection: Connection, g: Good, old: "_Known") -> None:
        """Take a submission into a known case: an open one goes on, an ended one begins a new episode."""
        severity = max(Severity(old.severity), g.told.severity, key=lambda s: s.rank)
        worst = stricter(old.class_value, g.told.class_value)
        if (severity, worst) != (old.severity, old.class_value):
            connection.execute(
                update(Case).where(Case.id == old.case_id).values(severity=severity, class_value=worst)
            )
        ids = self._store.ids
        if old.ended:
            episodes.begin(
                connection,
                ids,
                case_id=old.case_id,
                host_id=old.host_id,
                number=old.number + 1,
                severity=severity,
                received_at=g.told.received_at,
                at=self._now,
                who=self._who,
                kind=EventKind.REOPENED,
            )
            return
        if severity != old.severity:
            connection.execute(update(Episode).where(Episode.id == old.episode_id).values(severity=severity))
        state = episodes.load(connection, [old.episode_id])[old.episode_id]
        episodes.note(
            connection,
            ids,
            [state],
            EventKind.SUBMITTED_AGAIN,
            at=self._now,
            who=self._who,
            subject=self._hand_in,
        )


class _Known(NamedTuple):
    case_id: int
    host_id: int
    severity: str
    class_value: str
    episode_id: int
    number: int
    ended: bool


def _known_cases(connection: Connection, digests: Sequence[bytes]) -> dict[bytes, _Known]:
    """Return the cases that exist, each with its latest episode."""
    query = (
        select(
            Case.digest,
            Case.id,
            Case.host_id,
            Case.severity,
            Case.class_value,
            Episode.id,
            Episode.number,
            Episode.ended_at.is_not(None),
        )
        .join(Episode, Episode.case_id == Case.id)
        .where(Case.digest.in_(digests))
        .order_by(Episode.number)
    )
    return {row[0]: _Known(*row[1:7], ended=bool(row[7])) for row in connection.execute(query)}


def _by_digest(
    connection: Connection, table: type[Host] | type[Domain], digests: Sequence[bytes]
) -> dict[bytes, int]:
    if not digests:
        return {}
    return {
        row[0]: row[1]
        for row in connection.execute(select(table.digest, table.id).where(table.digest.in_(digests)))
    }


def _host_digest(key: bytes, host: str, port: int) -> bytes:
    return digest16(key, f"{host}:{port}".encode())
