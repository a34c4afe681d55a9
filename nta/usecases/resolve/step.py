"""The step that resolves due hosts, many as a set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from nta.domain.deadlines import back_off
from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.lookups import Finding, Subject
from nta.domain.hosting.resolution import conclude
from nta.domain.parties.organisations import AskableProxies, Catalogue
from nta.ports import Asker
from nta.store.cases import bulk_transitions
from nta.store.db.handle import Store
from nta.store.hosting import findings, host_arrangements, override_rows
from nta.store.hosting.override_rows import Forced
from nta.store.work import due
from nta.store.work.isolation import apart, put_off, say
from nta.store.work.leases import Leases
from nta.usecases.resolve.asking import subject_of
from nta.usecases.resolve.gathering import Gathered, gather
from nta.usecases.resolve.settling import Concluded, settle_hosts

BATCH = 2_000
"""Hosts of one batch: as a set they ask each question once, and so a whole hand-in mostly is one."""

PART = 500
"""Hosts written in one transaction: short enough for others to wait for."""

FINDINGS = 1_000
"""Findings written in one transaction."""


def resolve_due(
    store: Store,
    *,
    asker: Asker,
    catalogue: Catalogue,
    holder: str,
    now: datetime,
    limit: int = BATCH,
    routes: bool = False,
    askable: AskableProxies | None = None,
    checkpoint: Callable[[str], None] = lambda name: None,
    machine: Callable[[], datetime] = due.machine_now,
) -> int:
    """Resolve one batch of due hosts as a set: a question is asked once for all of them. Return how many.

    `routes` says that the asker knows routes too, `askable` which proxies it can ask for an origin.
    """
    with store.db.write() as connection:
        taken = due.take(connection, due.RESOLVE, holder, now, limit, machine=machine)
    if not taken:
        return 0
    checkpoint("resolve.taken")
    leases = Leases(store.db, due.RESOLVE, holder, taken, machine)
    batch = _Batch(store, asker, catalogue, now, leases, routes=routes, askable=askable)
    read, spoilt = apart(taken, batch.read)
    subjects = {number: subject for part in read for number, subject in part.items()}
    gathered, unasked = apart(subjects, lambda part: batch.gather({n: subjects[n] for n in part}))
    checkpoint("resolve.asked")
    batch.keep(new for one in gathered for new in one.new)
    concluded, unclear = apart(subjects.keys() - unasked.keys(), batch.conclusions(subjects, gathered))
    facts = {number: after for part in concluded for number, after in part.items()}
    spoilt |= unasked | unclear
    recording = _Recording(store, catalogue, holder, batch.behind, now)
    numbers = sorted(facts)
    for start in range(0, len(numbers), PART):
        _, unwritten = apart(
            numbers[start : start + PART], lambda part: recording.write({n: facts[n] for n in part})
        )
        spoilt |= unwritten
        checkpoint("resolve.recorded")
    put_off(store, due.RESOLVE, spoilt, holder, now)
    return len(taken)


class _Batch:
    """What is read, asked and concluded about the hosts of a batch, any number of them at a time."""

    def __init__(
        self,
        store: Store,
        asker: Asker,
        catalogue: Catalogue,
        now: datetime,
        leases: Leases,
        *,
        routes: bool,
        askable: AskableProxies | None,
    ) -> None:
        self._store = store
        self._asker = asker
        self._catalogue = catalogue
        self._now = now
        self._leases = leases
        self._routes = routes
        self._askable = askable
        self.behind: dict[int, Forced] = {}

    def read(self, numbers: Sequence[int]) -> dict[int, Subject]:
        """Return what is asked about these hosts."""
        with self._store.db.read() as connection:
            rows = host_arrangements.hosts(connection, self._store, numbers)
            behind = override_rows.of_hosts(connection, self._store, numbers, self._now)
            told = bulk_transitions.told_on(connection, numbers)  # their upstreams may be the next to be told
        self.behind |= behind
        return {
            i: subject_of(
                row.name,
                row.is_ip,
                behind.get(i),
                routes=self._routes,
                askable=self._askable,
                upstream=i in told,
                owner_in=self._catalogue.owners_told_in,
                mark=row.proxy_mark,
            )
            for i, row in rows.items()
        }

    def gather(self, subjects: Mapping[int, Subject]) -> Gathered:
        """Return what is known of them; what was answered before a fault is kept, and not asked again."""
        new: list[Finding] = []
        try:
            return gather(self._store, subjects, self._asker, self._now, self._leases, new=new)
        except Exception:
            self.keep(new)
            raise

    def keep(self, new: Iterable[Finding]) -> None:
        """Keep findings; one that cannot be kept is lost by itself."""
        listed = list(new)
        for start in range(0, len(listed), FINDINGS):
            _, lost = apart(range(start, min(start + FINDINGS, len(listed))), partial(self._save, listed))
            say("findings", {listed[n].lookup.kind.value: fault for n, fault in lost.items()})

    def _save(self, listed: Sequence[Finding], part: Sequence[int]) -> None:
        with self._store.db.write() as connection:
            if self._leases.held(connection):
                findings.save(connection, self._store, [listed[number] for number in part])

    def conclusions(
        self, subjects: Mapping[int, Subject], gathered: Sequence[Gathered]
    ) -> Callable[[Sequence[int]], dict[int, HostingFacts | None]]:
        """Return what concludes: facts by host, None for those that are not all there yet."""
        known = {number: one for one in gathered for number in one.about}

        def conclude_some(part: Sequence[int]) -> dict[int, HostingFacts | None]:
            return {
                n: None
                if n in known[n].unfinished
                else conclude(subjects[n], known[n].known, self._catalogue, self._now)
                for n in part
            }

        return conclude_some


class _Recording:
    """Writes what was concluded about the hosts of a batch, part by part."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        holder: str,
        behind: Mapping[int, Forced],
        now: datetime,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._holder = holder
        self._behind = behind
        self._now = now

    def write(self, part: Mapping[int, HostingFacts | None]) -> None:
        """Write hosts in one transaction; None stands for facts that are not all there yet."""
        store, now = self._store, self._now
        with store.db.write() as connection:
            # Episodes, then hosts, then due rows: the order in which all steps lock.
            states = bulk_transitions.open_on_hosts(connection, part, lock=True)
            rows = host_arrangements.hosts(connection, store, part, lock=True)
            mine = sorted(due.still_mine(connection, due.RESOLVE, sorted(part), self._holder))
            # Why they were wanted was not known here: what was found is kept, and concluded from anew.
            again = due.wanted_meanwhile(connection, due.RESOLVE, mine)
            soon = now + back_off(1)
            moments = {number: soon if number in states else None for number in mine}
            whole = [
                Concluded(rows[number], states.get(number, ()), after)
                for number in mine
                if number not in again and (after := part[number]) is not None
            ]
            settled = settle_hosts(connection, store, whole, self._catalogue, now)
            moments |= {n: _not_after(at, self._behind.get(n)) for n, at in settled.items()}
            due.record_many(connection, due.RESOLVE, list(moments.items()))


def _not_after(next_at: datetime | None, behind: Forced | None) -> datetime | None:
    """Return when to ask again: no later than what a person knows runs out."""
    until = behind.until if behind else None
    return min(next_at, until) if next_at and until else next_at
