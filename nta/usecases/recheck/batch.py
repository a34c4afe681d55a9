"""The episodes of one batch, read and unsealed in parts as there is room to look at them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from nta.domain.checks.targets import Served
from nta.store.checks import look_records
from nta.store.checks.look_records import CurrentSpan, Job
from nta.store.db.handle import Connection, Store
from nta.store.hosting import host_arrangements
from nta.store.hosting.host_arrangements import HostRow
from nta.store.work import due
from nta.store.work.isolation import apart
from nta.store.work.leases import Leases

FIRST = 256
"""Episodes read before the first is looked at; then twice as many each time."""
MOST = 2_048
"""Episodes that are read, and their hosts' names asked, between two looks at their leases."""

NO_SPANS: Mapping[str, CurrentSpan] = {}


class LookBatch:
    """What is known of the episodes of one batch; more the further it is read.

    A host's episodes stand together. Those that are no more are left out,
    and those whose lease was lost.
    """

    def __init__(self, store: Store, ids: Sequence[int], leases: Leases) -> None:
        self._store = store
        self.leases = leases
        with store.db.read() as connection:
            self.ids: Sequence[int] = look_records.in_host_order(connection, ids)
        self._next = 0
        self._many = FIRST
        self._parts: list[Sequence[Job]] = []
        self.jobs: dict[int, Job] = {}
        self.hosts: dict[int, HostRow] = {}
        self._spans: dict[int, dict[str, CurrentSpan]] = {}
        self._served: dict[int, list[Served]] = {}
        self._pages: dict[int, str] = {}
        self._on_host: defaultdict[int, list[int]] = defaultdict(list)
        self.spoilt: dict[int, Exception] = {}
        """Episodes that could not be looked at, or not recorded, for what is kept of them."""

    def parts(self) -> Iterator[Sequence[Job]]:
        """Yield what is read, then read on; of each part what is not known to be lost. Writes nothing."""
        for part in self._parts:
            yield self.held(part)
        while part := self._read():
            yield self.held(part)

    def held(self, part: Sequence[Job]) -> Sequence[Job]:
        """Return those of these jobs whose leases are not known to be lost."""
        lost = self.leases.lost
        return [job for job in part if job.id not in lost] if lost else part

    def ours(self, connection: Connection, host_ids: Collection[int]) -> set[int]:
        """Return those of these hosts of which we hold a look: what was seen of them is ours to write."""
        looks = [number for host_id in host_ids for number in self._on_host[host_id]]
        held = due.still_mine(connection, due.LOOK, looks, self.leases.holder, lock=False)
        return {self.jobs[number].host_id for number in held}

    def spans(self, episode_id: int) -> Mapping[str, CurrentSpan]:
        """Return an episode's current span of each vantage point."""
        return self._spans.get(episode_id, NO_SPANS)

    def served(self, row: HostRow) -> Sequence[Served]:
        """Return the addresses that serve a host, as far as is known."""
        return self._served.get(row.arrangement_id or 0, ())

    def page(self, host_id: int) -> str:
        """Return a URL on a host."""
        return self._pages[host_id]

    def _read(self) -> Sequence[Job]:
        ids = self.ids[self._next : self._next + self._many]
        if not ids:
            return ()
        self._next, self._many = self._next + len(ids), min(2 * self._many, MOST)
        opened, spoilt = apart(ids, self._open)
        self.spoilt |= spoilt
        part = [job for some in opened for job in some]
        self.jobs |= {job.id: job for job in part}
        self._pages |= {job.host_id: job.url for job in part}
        for job in part:
            self._on_host[job.host_id].append(job.id)
        self._parts.append(part)
        return part or self._read()  # none of these could be read: there may be others

    def _open(self, ids: Sequence[int]) -> Sequence[Job]:
        """Read and unseal some episodes."""
        with self._store.db.read() as connection:
            part = look_records.jobs(connection, self._store, ids)
            new = {job.host_id for job in part} - self.hosts.keys()
            rows = host_arrangements.hosts(connection, self._store, new)
            in_force = {row.arrangement_id for row in rows.values() if row.arrangement_id is not None}
            self._served |= host_arrangements.served(connection, in_force)
            self._spans |= look_records.spans(connection, ids)
        self.hosts |= rows
        return part
