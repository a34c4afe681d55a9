"""Asking all that must be known about many hosts: each question once, kinds of questions side by side."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import NamedTuple

from nta.domain.hosting.answers_cache import AnswersCache
from nta.domain.hosting.holders import file_of
from nta.domain.hosting.lookup_answers import HostAddresses, ToldOrigin
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.origins import origin_lookups
from nta.domain.hosting.query_batching import one_of_each
from nta.domain.hosting.resolution import domain_lookups, next_lookups, raised_lookups
from nta.domain.notices.contact_choice import Health
from nta.domain.parties.contact_addresses import MAIL
from nta.ports import Asker
from nta.store.db.handle import Store
from nta.store.hosting import findings
from nta.store.notices import addressees, contact_decisions
from nta.store.work import due
from nta.store.work.leases import Leases
from nta.usecases.resolve.asking import ROUNDS


class Gathered(NamedTuple):
    """What is known about some hosts, what of it was asked for just now, and whose questions are not done."""

    about: Collection[int]
    known: AnswersCache
    new: list[Finding]
    unfinished: Collection[int]


ASKING = due.LEASE / 2
"""Machine time after which nothing more is asked: others' work waits for the end of the batch."""
BEAT_S = 10.0
"""How often the leases are looked at while nothing is answered."""


def gather(
    store: Store,
    subjects: Mapping[int, Subject],
    asker: Asker,
    now: datetime,
    leases: Leases,
    *,
    new: list[Finding] | None = None,
    machine: Callable[[], datetime] = due.machine_now,
) -> Gathered:
    """Ask what is still to be asked about hosts, by number, until nothing is, or rounds or time are over.

    A kind of question waits only for what it follows from: a slow registry
    of domains holds up no network. Of one kind a single asking is under way.
    Of hosts whose lease was lost nothing more is asked.
    `new` takes in the answers as they come, for whoever cannot go on.
    """
    begun = machine()
    about = _About(store, subjects, now, [] if new is None else new)
    rounds: Counter[LookupKind] = Counter()
    steps: Counter[LookupKind] = Counter()
    under_way: dict[Future[list[Finding]], LookupKind] = {}
    with ThreadPoolExecutor(len(LookupKind), "ask") as pool:
        while True:
            leases.keep()
            about.leave_out(leases.lost)
            wanted = about.wanted()
            for kind in sorted(wanted.keys() - set(under_way.values())):
                if rounds[kind] < ROUNDS and machine() - begun < ASKING:
                    part, steps[kind] = one_of_each(wanted[kind], steps[kind])
                    under_way[pool.submit(_asked, asker, part, now)] = kind
                    rounds[kind] += 1
            if not under_way:
                return Gathered(subjects.keys(), about.known, about.new, about.unfinished)
            for future in wait(under_way, BEAT_S, return_when=FIRST_COMPLETED).done:
                del under_way[future]
                about.take_in(future.result())


def _asked(asker: Asker, lookups: Collection[Lookup], now: datetime) -> list[Finding]:
    return list(asker.ask(lookups, now))


class _About:
    """What is known about some hosts and what is still to be asked; findings kept are read as they matter."""

    def __init__(
        self, store: Store, subjects: Mapping[int, Subject], now: datetime, new: list[Finding]
    ) -> None:
        self._store = store
        self._subjects = dict(subjects)
        self._now = now
        self._all = self._subjects.values()
        self._named = {s.host for s in self._all}
        self._looked_for: set[str] = set()
        self._read: set[Lookup] = set()
        with store.db.read() as connection:
            health = addressees.troubled(connection)
            spoken_of = contact_decisions.known(connection)
        given_up = [address for address, one in health.items() if one is Health.DEAD]
        given_up += [one.address.folded for theirs in spoken_of.values() for one in theirs if one.refused_at]
        dead = {address.to for address in given_up if address.channel == MAIL}
        self.known = AnswersCache((), now, dead)
        self.new = new
        self.unfinished: Collection[int] = ()
        first = {Lookup(LookupKind.ADDRESSES, s.host) for s in self._all if not s.is_ip}
        first.update(lookup for s in self._all for lookup in (*domain_lookups(s), *origin_lookups(s)))
        first.update(file_of(s.domain) for s in self._all if s.domain and s.owner_in)
        self._read_questions(first)

    def leave_out(self, numbers: Collection[int]) -> None:
        """Ask nothing more about these hosts."""
        for number in numbers:
            self._subjects.pop(number, None)

    def take_in(self, answers: list[Finding]) -> None:
        """Take in what was answered just now."""
        self.known.add(answers)
        self.new += answers

    def wanted(self) -> Mapping[LookupKind, Collection[Lookup]]:
        """Return what is to be asked by now, by kind; what is being asked is still among it."""
        self._read_about_addresses()
        found: defaultdict[LookupKind, set[Lookup]] = defaultdict(set)
        unfinished = []
        for number, subject in self._subjects.items():
            lookups = next_lookups(subject, self.known, self._now)
            if lookups:
                unfinished.append(number)
            for lookup in lookups:
                found[lookup.kind].add(lookup)
        self.unfinished = frozenset(unfinished)
        return found

    def _read_about_addresses(self) -> None:
        addresses = self._addresses() - self._looked_for
        if addresses:
            with self._store.db.read() as connection:
                self.known.add(findings.of_networks(connection, self._store, addresses, self._now))
            kinds = {kind for s in self._all for kind in s.about_addresses}
            self._read_questions({Lookup(kind, address) for kind in kinds for address in addresses})
            self._looked_for |= addresses
        upstream = any(s.upstream for s in self._all)
        while raised := self._raised(upstream) - self._read:
            self._read_questions(raised)
            self._read |= raised  # what was found there may raise others

    def _raised(self, upstream: bool) -> frozenset[Lookup]:
        return raised_lookups(self._looked_for, self.known, self._now, upstream=upstream)

    def _read_questions(self, lookups: Collection[Lookup]) -> None:
        with self._store.db.read() as connection:
            self.known.add(findings.of_questions(connection, self._store, lookups, self._now))

    def _addresses(self) -> set[str]:
        found = {s.address for s in self._all if s.is_ip}.union(*(s.origins for s in self._all))
        for lookup, finding in self.known.valid.items():
            if lookup.subject in self._named and isinstance(finding.value, HostAddresses | ToldOrigin):
                found.update(finding.value.addresses)
        return found
