"""What looks, and where: the addresses of hosts asked of the names when they are first needed."""

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from nta.domain.checks.canaries import (
    Trace,
    is_parking,
    made_up,
    trace,
)
from nta.domain.checks.page_text import says_text
from nta.domain.checks.targets import (
    STRANGER,
    Aim,
    ProxyOf,
    aim_at,
    no_proxy,
)
from nta.domain.checks.verdicts import (
    Cause,
    ProbeAnswer,
    Reading,
    Verdict,
    read,
)
from nta.domain.intake.urls import parse
from nta.domain.parties.organisations import PartyId
from nta.ports import LookRequest, NameAnswer, Names, Prober
from nta.store.checks import host_moves, look_records
from nta.store.db.handle import Connection, Store
from nta.store.hosting.host_arrangements import HostRow
from nta.store.work.isolation import say
from nta.usecases.recheck.batch import LookBatch

_STRANGERS = frozenset({STRANGER})
_PARKED: Reading = (Verdict.GONE, Cause.DOMAIN_HOLD, "led_to_parking")


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks: the vantage points by name, fresh names, the probe, and the pages that must be there."""

    vantages: tuple[str, ...]
    names: Names
    prober: Prober
    control_urls: tuple[str, ...]
    proxy_of: ProxyOf = no_proxy


def control(eyes: Eyes, vantage: str) -> Trace | None:
    """Return how a page that must be there answers; None when none does: our own network may be at fault."""
    for at in map(parse, eyes.control_urls):
        names = {} if at.is_ip else eyes.names.addresses([at.host], vantage)
        addresses = (at.host,) if at.is_ip else names[at.host].addresses
        requests = [LookRequest(0, at.url, at.host, at.port, ip) for ip in addresses[:1]]
        for _, answer in eyes.prober.look(requests, vantage):
            if read(answer, control_ok=True)[0] is Verdict.UP:
                return trace(answer, at.url)
    return None


class Aims:
    """Where to look at each host from each vantage point, asked of the names when it is first needed.

    What the names and the answers say of the hosts is noted, and written
    when whoever works through the round says so. The prober draws what to
    look at in the midst of its looks, and that writes nothing: where leases
    are to be lengthened first, a stretch ends, and the next goes on from
    there.
    """

    def __init__(
        self,
        store: Store,
        eyes: Eyes,
        batch: LookBatch,
        now: datetime,
    ) -> None:
        self.one_moved = False
        self._store, self._eyes, self._batch, self._now = store, eyes, batch, now
        self._found: dict[tuple[int, str], Aim] = {}
        self._asked: set[int] = set()
        self._is_cut = False
        self._unrecorded: dict[int, HostRow] = {}
        self._marks: dict[int, PartyId] = {}

    def __getitem__(self, key: tuple[int, str]) -> Aim:
        """Return the aim of a host and vantage point whose names were asked for a stretch."""
        return self._found[key]

    def _ask(self, part: Sequence[look_records.Job]) -> Iterator[None]:
        """Ask the names of hosts that were not asked yet, from every vantage point.

        Yields wherever leases are to be lengthened before it goes on.
        """
        yield from self._until_kept()
        hosts = {job.host_id: self._batch.hosts[job.host_id] for job in self._batch.held(part)}
        new = {number: row for number, row in hosts.items() if number not in self._asked}
        if not new:
            return
        self._asked.update(new)
        named = {row.name for row in new.values() if not row.is_ip}
        found: dict[tuple[int, str], Aim] = {}
        for vantage in self._eyes.vantages:
            answers = self._eyes.names.addresses(named, vantage) if named else {}
            for host_id, row in new.items():
                answer = NameAnswer((row.name,)) if row.is_ip else answers[row.name]
                found[host_id, vantage] = self._aim(row, answer)
        strangers = {n for n in new if all(found[n, v].seen == _STRANGERS for v in self._eyes.vantages)}
        if strangers:
            yield from self._mark_out_of_use(part, strangers, found)
        self._found |= found
        self._unrecorded |= new

    def _until_kept(self) -> Iterator[None]:
        """Yield once where leases are to be lengthened before anything more is asked."""
        if self._batch.leases.are_due():
            yield

    def _aim(self, row: HostRow, answer: NameAnswer) -> Aim:
        """Return the aim of one host; where what is kept of it is spoilt, of a name that fails."""
        try:
            known = self._batch.served(row)
            return aim_at(answer.addresses, answer.error, known, self._eyes.proxy_of)
        except ValueError as fault:
            say("aims", {row.id: fault})
            return aim_at((), "dns_failure", ())

    def record_moves(self) -> None:
        """Record what the names said of the hosts that were asked for since: seen again, joined, moved."""
        if not self._unrecorded:
            return
        hosts, self._unrecorded = self._unrecorded, {}
        led = {(host_id, v): self._found[host_id, v] for host_id in hosts for v in self._eyes.vantages}
        if host_moves.record_hosts(self._store, hosts, self._batch, led, self._now):
            self.one_moved = True

    def record_marks(self, connection: Connection, host_ids: Collection[int]) -> None:
        """Record the marks of these hosts that are new; those hosts are resolved again."""
        new = {number: self._marks[number] for number in self._marks.keys() & host_ids}
        if new:
            host_moves.record_marks(connection, new, self._now)

    def _mark_out_of_use(
        self, part: Sequence[look_records.Job], host_ids: Collection[int], found: dict[tuple[int, str], Aim]
    ) -> Iterator[None]:
        """Change the aims of hosts that no longer serve anything: their name leads to a parking page.

        Only where its keepers were told, and every vantage point is shown the
        same. Yields wherever leases are to be lengthened before it goes on.
        """
        with self._store.db.read() as connection:
            told = look_records.keepers_told(connection, sorted(host_ids))
        for number in sorted(told):
            yield from self._until_kept()
            if all(job.host_id != number for job in self._batch.held(part)):
                continue
            row, url = self._batch.hosts[number], self._batch.page(number)
            aims = {v: found[number, v] for v in self._eyes.vantages}
            if all(self._is_parked(row, url, aim.addresses[0], v) for v, aim in aims.items()):
                found |= {(number, v): Aim((), frozenset(), _PARKED, a.addresses) for v, a in aims.items()}

    def _is_parked(self, row: HostRow, url: str, ip: str, vantage: str) -> bool:
        made = made_up(url, secrets.token_bytes(16))
        page = LookRequest(-1, url, row.name, row.port, ip)
        asked = [page, page._replace(key=-2, url=made, text=says_text(made))]
        answers = dict(self._eyes.prober.look(asked, vantage))
        return len(answers) == len(asked) and is_parking(answers[-1], answers[-2], url, made)

    def stretches(self, vantage: str) -> Iterator[Iterator[LookRequest]]:
        """Yield all that is to be looked at: mostly in one stretch, drawn while others are looked at.

        A stretch ends early where leases are to be lengthened before anything
        more is asked. Whoever works through the round lengthens them before
        each stretch; what was lost is in none that follows.
        """
        drawn = self._requests(vantage)
        self._is_cut = True
        while self._is_cut:
            self._is_cut = False
            yield self._stretch(drawn)

    def _stretch(self, drawn: Iterator[LookRequest | None]) -> Iterator[LookRequest]:
        for request in drawn:
            if request is None:
                self._is_cut = True
                return
            yield request

    def _requests(self, vantage: str) -> Iterator[LookRequest | None]:
        """Yield what is to be looked at, None wherever leases are to be lengthened before it goes on."""
        for part in self._batch.parts():
            yield from self._ask(part)
            for job in part:
                yield from self._until_kept()
                if job.id in self._batch.leases.lost:
                    continue
                row = self._batch.hosts[job.host_id]
                for ip in self[row.id, vantage].pins:
                    yield LookRequest(job.id, job.url, row.name, row.port, ip, job.referrer)

    def answers(self, stretch: Iterable[LookRequest], vantage: str) -> Iterator[tuple[int, ProbeAnswer]]:
        """Yield (episode id, answer) of what is to be looked at; marks of proxies are noted."""
        for key, answer in self._eyes.prober.look(stretch, vantage):
            if answer.mark is not None:
                self._bears(self._batch.jobs[key].host_id, answer.mark)
            yield key, answer

    def _bears(self, host_id: int, proxy: PartyId) -> None:
        """Note that a host's answers bear the mark of a proxy; nothing new where it is known to serve it."""
        row = self._batch.hosts[host_id]
        if proxy != row.proxy_mark and all(one.party != proxy for one in self._batch.served(row)):
            self._marks[host_id] = proxy
