"""The episodes of one batch, read and unsealed in parts as there is room to look at them."""

from collections.abc import Iterator, Mapping, Sequence

from nta.domain.aiming import Served
from nta.store import arrangements, looking
from nta.store.apart import apart
from nta.store.arrangements import HostRow
from nta.store.base import Store
from nta.store.looking import Job, Span

FIRST = 256
"""Episodes read before the first is looked at; then twice as many each time."""

NO_SPANS: Mapping[str, Span] = {}


class Batch:
    """What is known of the episodes of one batch; more the further it is read.

    A host's episodes stand together. Those that are no more are left out.
    """

    def __init__(self, store: Store, ids: Sequence[int]) -> None:
        self._store = store
        with store.db.read() as connection:
            self.ids: Sequence[int] = looking.in_host_order(connection, ids)
        self._next = 0
        self._many = FIRST
        self._parts: list[Sequence[Job]] = []
        self.jobs: dict[int, Job] = {}
        self.hosts: dict[int, HostRow] = {}
        self._spans: dict[int, dict[str, Span]] = {}
        self._served: dict[int, list[Served]] = {}
        self._pages: dict[int, str] = {}
        self.spoilt: dict[int, Exception] = {}
        """Episodes that could not be looked at, or not recorded, for what is kept of them."""

    def parts(self) -> Iterator[Sequence[Job]]:
        """Yield what is read, then read on."""
        yield from self._parts
        while part := self._read():
            yield part

    def spans(self, episode_id: int) -> Mapping[str, Span]:
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
        self._next, self._many = self._next + len(ids), 2 * self._many
        opened, spoilt = apart(ids, self._open)
        self.spoilt |= spoilt
        part = [job for some in opened for job in some]
        self.jobs |= {job.id: job for job in part}
        self._pages |= {job.host_id: job.url for job in part}
        self._parts.append(part)
        return part or self._read()  # none of these could be read: there may be others

    def _open(self, ids: Sequence[int]) -> Sequence[Job]:
        """Read and unseal some episodes."""
        with self._store.db.read() as connection:
            part = looking.jobs(connection, self._store, ids)
            new = {job.host_id for job in part} - self.hosts.keys()
            rows = arrangements.hosts(connection, self._store, new)
            in_force = {row.arrangement_id for row in rows.values() if row.arrangement_id is not None}
            self._served |= arrangements.served(connection, in_force)
            self._spans |= looking.spans(connection, ids)
        self.hosts |= rows
        return part
