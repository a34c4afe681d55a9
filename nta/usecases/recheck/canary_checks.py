"""Made-up pages, asked for where one can change a verdict: each host seldom, its answer kept."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from nta.domain.checks.canaries import (
    NOTHING,
    Canary,
    Trace,
    is_fresh,
    made_up,
    path_length,
    trace,
)
from nta.ports import LookRequest
from nta.store.checks import canary_answers
from nta.store.db.handle import Store
from nta.store.work.isolation import apart, say
from nta.usecases.recheck.batch import LookBatch
from nta.usecases.recheck.look_targets import Eyes


class Doubt(NamedTuple):
    """A page that a canary of its host could say more of. `last_as_first` is when it was as at first."""

    host_id: int
    request: LookRequest
    last_as_first: datetime | None


class Canaries:
    """The canaries of a store's batch, known and asked. Without these they are asked and forgotten."""

    def __init__(self, store: Store | None, batch: LookBatch | None, eyes: Eyes, now: datetime) -> None:
        self._store, self._batch, self._eyes, self._now = store, batch, eyes, now
        self._known: dict[int, dict[str, Canary]] = {}

    def __call__(self, host_id: int, vantage: str) -> Canary | None:
        """Return how a host that `ask` was called for answered from there; None when that says nothing."""
        canary = self._known.get(host_id, {}).get(vantage)
        return canary if canary is not None and canary.trace.kind != NOTHING else None

    def ask(self, doubts: Sequence[Doubt], vantage: str) -> None:
        """Ask each of these hosts for a page that never was, unless it was asked lately."""
        self._read({doubt.host_id for doubt in doubts})
        wanted: dict[int, LookRequest] = {}
        for doubt in doubts:
            known = self._known[doubt.host_id].get(vantage)
            if not is_fresh(known, doubt.last_as_first, self._now):
                wanted.setdefault(doubt.host_id, doubt.request)
        if not wanted:
            return
        hosts = dict(enumerate(wanted, 1))
        requests = [
            wanted[host_id]._replace(key=-key, url=made_up(wanted[host_id].url, secrets.token_bytes(16)))
            for key, host_id in hosts.items()
        ]
        urls = {request.key: request.url for request in requests}
        for host_id in wanted:
            self._known[host_id][vantage] = Canary(self._now, 0, Trace(NOTHING))
        for key, answer in self._eyes.prober.look(requests, vantage):
            found = Canary(self._now, path_length(urls[key]), trace(answer, urls[key]))
            self._known[hosts[-key]][vantage] = found
        self._keep({host_id: self._known[host_id] for host_id in wanted})

    def _read(self, host_ids: set[int]) -> None:
        new = host_ids - self._known.keys()
        self._known.update({host_id: {} for host_id in new})
        if new and self._store is not None:
            with self._store.db.read() as connection:
                for host_id, answers in canary_answers.of_hosts(connection, new).items():
                    self._known[host_id] |= answers

    def _keep(self, found: Mapping[int, Mapping[str, Canary]]) -> None:
        store, batch = self._store, self._batch
        if store is None or batch is None:
            return

        def keep(host_ids: Sequence[int]) -> None:
            with store.db.write(lazy=True) as connection:
                ours = batch.ours(connection, host_ids)
                canary_answers.keep(connection, {n: found[n] for n in host_ids if n in ours}, self._now)

        say("canaries", apart(sorted(found), keep)[1])
