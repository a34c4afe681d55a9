"""The step that resolves due hosts, many as a set."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from nta.domain.deadlines import back_off
from nta.domain.hosting import HostingFacts
from nta.domain.parties import AskableProxies, Catalogue
from nta.domain.resolution import conclude
from nta.ports import Asker
from nta.store import alike, arrangements, due, findings, forced
from nta.store.base import Store
from nta.store.forced import Forced
from nta.store.leases import Leases
from nta.usecases.resolve.asking import subject_of
from nta.usecases.resolve.gathering import gather
from nta.usecases.resolve.settling import Concluded, settle_hosts

BATCH = 2_000
"""Hosts of one batch: as a set they ask each question once, and so a whole hand-in mostly is one."""

PART = 500
"""Hosts written in one transaction: short enough for others to wait for."""


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
    with store.db.read() as connection:
        rows = arrangements.hosts(connection, store, taken)
        behind = forced.of_hosts(connection, store, taken, now)
        told = alike.told_on(connection, taken)  # their upstreams may be the next to be told
    owner_in = catalogue.owners_told_in
    subjects = {
        i: subject_of(
            row.name,
            row.is_ip,
            behind.get(i),
            routes=routes,
            askable=askable,
            upstream=i in told,
            owner_in=owner_in,
            mark=row.proxy_mark,
        )
        for i, row in rows.items()
    }
    gathered = gather(store, subjects, asker, now, leases, machine=machine)
    checkpoint("resolve.asked")
    with store.db.write() as connection:
        if due.still_mine(connection, due.RESOLVE, sorted(subjects), holder):
            findings.save(connection, store, gathered.new)
    fault: DBAPIError | None = None
    recording = _Recording(store, catalogue, holder, behind, now)
    numbers = sorted(subjects)
    for start in range(0, len(numbers), PART):
        part = {
            number: None
            if number in gathered.unfinished
            else conclude(subjects[number], gathered.known, catalogue, now)
            for number in numbers[start : start + PART]
        }
        fault = recording.record(part) or fault
        checkpoint("resolve.recorded")
    if fault is not None:
        raise fault
    return len(taken)


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

    def record(self, part: Mapping[int, HostingFacts | None]) -> DBAPIError | None:
        """Write hosts in one transaction; None stands for facts that are not all there yet.

        Where one of them cannot be written, each is by itself, so that it
        harms no other; what was wrong with the last such is returned.
        """
        try:
            self._write(part)
        except DBAPIError as fault:
            if len(part) == 1:
                return fault
        else:
            return None
        faults = [self.record({number: after}) for number, after in part.items()]
        return next((fault for fault in faults if fault), None)

    def _write(self, part: Mapping[int, HostingFacts | None]) -> None:
        store, now = self._store, self._now
        with store.db.write() as connection:
            # Episodes, then hosts, then due rows: the order in which all steps lock.
            states = alike.open_on_hosts(connection, part, lock=True)
            rows = arrangements.hosts(connection, store, part, lock=True)
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
