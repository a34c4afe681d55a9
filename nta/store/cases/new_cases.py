"""Cases from handed-in lines: new ones in bulk with all that begins with them, known ones taken in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from nta.domain.intake.lines import SubmissionTerms
from nta.domain.intake.resubmissions import Resubmission, resubmitted
from nta.domain.lifecycle import EventKind, Presence, Stage
from nta.domain.references import reference
from nta.store.cases import episodes
from nta.store.db.bulk import (
    found_by,
    insert_rows,
    table_of,
    update_rows,
)
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.store.tables import Case, Due, Episode, Event, Submission
from nta.store.work import due

Row = tuple[Any, ...]

_CASE = (
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
_EPISODE = (
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
_EVENT = (
    "id",
    "episode_id",
    "at",
    "kind",
    "who",
    "stage",
    "presence",
    "subject",
)
_DUE = (
    "kind",
    "subject",
    "due_at",
    "tries",
)
_SUBMISSION = (
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
_ASKED = (
    "SELECT c.digest, c.id, c.host_id, c.severity, c.class_value, "
    "e.id, e.number, e.stage, e.presence, e.ended_at "
    'FROM "case" c JOIN episode e ON e.case_id = c.id WHERE c.digest'
)
_REFERRED = 'SELECT reference FROM "case" WHERE reference'
_NEW_STAGE, _NEW_PRESENCE = Stage.SUBMITTED.value, Presence.UNSEEN.value


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
    told: SubmissionTerms


class _KnownCase(NamedTuple):
    """A case with its latest episode."""

    case_id: int
    host_id: int
    severity: str
    class_value: str
    episode_id: int
    number: int
    stage: str
    presence: str
    has_ended: bool


class _Words(NamedTuple):
    """What a Told is in the columns; most lines of a hand-in share one."""

    told: SubmissionTerms
    received: int
    submission: tuple[Any, ...]  # from source to submitted_at
    ending: tuple[Any, ...]  # from class_value to scope


class CaseWriter:
    """Writes the cases of one hand-in."""

    def __init__(self, store: Store, *, hand_in_id: int, who: str, class_scheme: str, now: datetime) -> None:
        self._store = store
        self._hand_in = hand_in_id
        self._who = who
        self._scheme = class_scheme
        self._now = now
        self._now_us = to_us(now)
        self._reference_key = store.keys.derived("reference")
        self._words: _Words | None = None

    def write(
        self, connection: Connection, good: Sequence[Good], hosts: Mapping[tuple[str, int], int]
    ) -> list[int]:
        """Write cases, episodes, events, due rows and submissions; return the submissions' ids in order.

        Lines of one chunk that name one URL are one case, as they would be
        in two chunks.
        """
        known = _known(connection, [g.digest for g in good])
        firsts = {g.digest: g for g in reversed(good) if g.digest not in known}
        again = [g for g in good if firsts.get(g.digest) is not g]
        new = [g for g in good if firsts.get(g.digest) is g]
        known |= self._begin(connection, new, hosts)
        numbers = self._store.ids.take(len(good))
        insert_rows(
            connection,
            table_of(Submission),
            _SUBMISSION,
            [
                self._submission(n, known[g.digest].case_id, g.told)
                for n, g in zip(numbers, good, strict=True)
            ],
        )
        self._take_in(connection, again, known)
        return list(numbers)

    def _begin(
        self, connection: Connection, new: Sequence[Good], hosts: Mapping[tuple[str, int], int]
    ) -> dict[bytes, _KnownCase]:
        """Write new cases, each with its first episode."""
        if not new:
            return {}
        ids = self._store.ids.take(3 * len(new))
        case_ids, episode_ids, event_ids = ids[: len(new)], ids[len(new) : 2 * len(new)], ids[2 * len(new) :]
        cases: list[Row] = []
        begun: list[Row] = []
        found: dict[bytes, _KnownCase] = {}
        at, seal = self._now_us, self._store.sealer.seal
        for g, case_id, episode_id in zip(new, case_ids, episode_ids, strict=True):
            told, host_id = g.told, hosts[g.host, g.port]
            severity, worst, received = told.severity.value, told.class_value, self._worded(told).received
            referrer = seal("case.referrer", case_id, told.referrer) if told.referrer else None
            url = seal("case.url", case_id, g.url)
            name = self._reference(case_id)
            cases.append(
                (
                    case_id,
                    name,
                    g.digest,
                    host_id,
                    url,
                    self._scheme,
                    worst,
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
                    _NEW_STAGE,
                    _NEW_PRESENCE,
                    at,
                    received,
                    0,
                    False,
                    0,
                )
            )
            found[g.digest] = _KnownCase(
                case_id, host_id, severity, worst, episode_id, 1, _NEW_STAGE, _NEW_PRESENCE, False
            )
        self._refer_apart(connection, cases)
        insert_rows(connection, table_of(Case), _CASE, cases)
        insert_rows(connection, table_of(Episode), _EPISODE, begun)
        self._events(connection, EventKind.SUBMITTED, event_ids, found.values())
        insert_rows(connection, table_of(Due), _DUE, [(due.LOOK, number, at, 0) for number in episode_ids])
        due.want(connection, due.RESOLVE, {k.host_id for k in found.values()}, self._now)
        return found

    def _events(
        self, connection: Connection, kind: EventKind, ids: Iterable[int], of: Collection[_KnownCase]
    ) -> None:
        at, who, hand_in = self._now_us, self._who, self._hand_in
        word = kind.value
        insert_rows(
            connection,
            table_of(Event),
            _EVENT,
            [
                (number, k.episode_id, at, word, who, k.stage, k.presence, hand_in)
                for number, k in zip(ids, of, strict=True)
            ],
        )

    def _submission(self, number: int, case_id: int, told: SubmissionTerms) -> Row:
        words = self._worded(told)
        sealed = (
            self._store.sealer.seal("submission.referrer", number, told.referrer) if told.referrer else None
        )
        return (number, case_id, self._hand_in, *words.submission, self._scheme, *words.ending, sealed)

    def _worded(self, told: SubmissionTerms) -> _Words:
        if self._words is None or self._words.told is not told:
            received = to_us(told.received_at)
            reported = to_us(told.reported_at) if told.reported_at else None
            confirmed = to_us(told.confirmed_at)
            self._words = _Words(
                told,
                received,
                (told.source, told.reference, told.group, reported, received, confirmed, self._now_us),
                (told.class_value, told.law, told.severity.value, told.programme, told.scope),
            )
        return self._words

    def _reference(self, case_id: int, attempt: int = 0) -> str:
        return reference("C", case_id, self._now.year, self._reference_key, attempt)

    def _refer_apart(self, connection: Connection, cases: list[Row]) -> None:
        """Give another reference to each new case whose first one is taken, in the table or in this chunk."""
        for attempt in range(1, 9):
            listed = [row[1] for row in cases]
            seen = {row[0] for row in found_by(connection, _REFERRED, listed)}
            clash = []
            for place, name in enumerate(listed):
                if name in seen:
                    clash.append(place)
                seen.add(name)
            if not clash:
                return
            for place in clash:
                row = cases[place]
                cases[place] = (row[0], self._reference(row[0], attempt), *row[2:])

    def _take_in(
        self, connection: Connection, again: Sequence[Good], known: Mapping[bytes, _KnownCase]
    ) -> None:
        """Take submissions into cases that are there: an open one goes on, an ended one begins an episode."""
        together: dict[bytes, list[Good]] = {}
        for g in again:
            together.setdefault(g.digest, []).append(g)
        sharper: list[tuple[_KnownCase, Resubmission]] = []
        noted: list[_KnownCase] = []
        for digest, lines in together.items():
            old = known[digest]
            told = [g.told for g in lines]
            after = resubmitted(old.severity, old.class_value, has_ended=old.has_ended, lines=told)
            if after.is_sharper:
                sharper.append((old, after))
            if after.reopened_by is not None:
                old = self._reopen(connection, old, after.severity, after.reopened_by)
            noted += [old] * after.repeated
        self._sharpen(connection, sharper)
        self._events(connection, EventKind.SUBMITTED_AGAIN, self._store.ids.take(len(noted)), noted)

    def _sharpen(self, connection: Connection, sharper: Sequence[tuple[_KnownCase, Resubmission]]) -> None:
        """Write the strictest class and severity of cases, and the severity of episodes that go on."""
        update_rows(
            connection,
            table_of(Case),
            ("severity", "class_value"),
            ("id",),
            [(after.severity, after.class_value, old.case_id) for old, after in sharper],
        )
        update_rows(
            connection,
            table_of(Episode),
            ("severity",),
            ("id",),
            [(after.severity, old.episode_id) for old, after in sharper if not old.has_ended],
        )

    def _reopen(
        self, connection: Connection, old: _KnownCase, severity: str, told: SubmissionTerms
    ) -> _KnownCase:
        state = episodes.begin(
            connection,
            self._store.ids,
            case_id=old.case_id,
            host_id=old.host_id,
            number=old.number + 1,
            severity=severity,
            received_at=told.received_at,
            at=self._now,
            who=self._who,
            kind=EventKind.REOPENED,
        )
        return old._replace(
            episode_id=state.id,
            number=state.number,
            stage=state.stage,
            presence=state.presence,
            has_ended=False,
        )


def _known(connection: Connection, digests: Sequence[bytes]) -> dict[bytes, _KnownCase]:
    """Return the cases that exist, each with its latest episode."""
    latest: dict[bytes, _KnownCase] = {}
    for row in found_by(connection, _ASKED, digests):
        found = _KnownCase._make((*row[1:9], row[9] is not None))
        held = latest.get(bytes(row[0]))
        if held is None or held.number < found.number:
            latest[bytes(row[0])] = found
    return latest
