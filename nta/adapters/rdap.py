"""Who holds a network and where its abuse desk is: RDAP over our own transport."""

import json
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from nta.adapters import rdap_answers
from nta.adapters.asking import failed
from nta.adapters.rdap_bootstrap import Bootstrap
from nta.adapters.reach import Gate
from nta.adapters.web import Resolve, Web
from nta.domain.errors import OutsideError
from nta.domain.resolution import Finding, Lookup

_SOURCE: Final = "rdap"
_VALID: Final = timedelta(hours=12)
_NOTHING_VALID: Final = timedelta(hours=1)
_BOOTSTRAP_VALID: Final = timedelta(hours=24)  # the registries' files change a few times a year
_FILES: Final = {4: "ipv4.json", 6: "ipv6.json"}
_ACCEPT: Final = "application/rdap+json, application/json;q=0.9"
_LONGEST_FILE: Final = 4 << 20


class RdapAsker:
    """Asks the registry that the bootstrap names for an address, several lookups side by side.

    `bootstrap` is a folder or URL holding ipv4.json and ipv6.json. `resolve`
    gives the addresses of the registries' own names; the gate vets the one
    that is connected to, at each redirect again.
    """

    def __init__(
        self,
        bootstrap: str | None,
        gate: Gate,
        ca_file: Path | None = None,
        *,
        resolve: Resolve,
        user_agent: str = "nta",
        connect_timeout_s: float = 5,
        timeout_s: float = 20,
        workers: int = 8,
    ) -> None:
        self._source = bootstrap
        self._gate = gate
        self._ca_file = ca_file
        self._resolve = resolve
        self._user_agent = user_agent
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._workers = workers
        self._lock = threading.Lock()
        self._bootstrap: tuple[Bootstrap, datetime] | None = None
        self._resting: dict[str, datetime] = {}

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up as answers come; the subject is an address.

        `covers` holds the ranges the answer is valid for, 12 h long. A server
        that wants to be left alone is not asked again before its time: the
        problem is valid until then.
        """
        wanted = dict.fromkeys(lookups)
        if not wanted:
            return
        with self._web() as web:
            try:
                bootstrap = self._read_bootstrap(now)
            except OutsideError as fault:
                yield from (failed(lookup, _SOURCE, now, fault) for lookup in wanted)
                return
            with ThreadPoolExecutor(self._workers, "rdap") as pool:
                asked = [pool.submit(self._find, web, bootstrap, lookup, now) for lookup in wanted]
                try:
                    for finding in as_completed(asked):
                        yield finding.result()
                finally:
                    for rest in asked:
                        rest.cancel()

    def _web(self, longest: int = 1 << 20) -> Web:
        return Web(
            self._gate,
            self._resolve,
            self._ca_file,
            user_agent=self._user_agent,
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
            longest=longest,
            connections=self._workers,
            resting=self._resting,
        )

    def _find(self, web: Web, bootstrap: Bootstrap, lookup: Lookup, now: datetime) -> Finding:
        try:
            return self._network(web, bootstrap, lookup, now)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, fault)

    def _network(self, web: Web, bootstrap: Bootstrap, lookup: Lookup, now: datetime) -> Finding:
        error = OutsideError("no registry answers for this address", temporary=False)
        for base in bootstrap.servers(lookup.subject):
            try:
                body = web.get(f"{base}ip/{lookup.subject}", _ACCEPT, now)
            except OutsideError as fault:
                error = fault
                continue
            if body is None:
                alone = f"{lookup.subject}/{ip_address(lookup.subject).max_prefixlen}"
                return Finding(lookup, None, _SOURCE, now, now + _NOTHING_VALID, None, (alone,))
            value = rdap_answers.network(_json(body))
            return Finding(lookup, value, _SOURCE, now, now + _VALID, None, tuple(value["cidr"]))
        raise error

    def _read_bootstrap(self, now: datetime) -> Bootstrap:
        if not self._source:
            raise OutsideError("no RDAP bootstrap is set", temporary=False)
        with self._lock:
            if self._bootstrap is None or now >= self._bootstrap[1]:
                try:
                    self._bootstrap = (self._load_bootstrap(now), now + _BOOTSTRAP_VALID)
                except OutsideError:
                    # An old bootstrap beats none.
                    if self._bootstrap is None:
                        raise
            return self._bootstrap[0]

    def _load_bootstrap(self, now: datetime) -> Bootstrap:
        assert self._source
        if not self._source.startswith(("http://", "https://")):
            folder = Path(self._source)
            return Bootstrap({version: _json(_file(folder / name)) for version, name in _FILES.items()})
        base = self._source if self._source.endswith("/") else f"{self._source}/"
        documents: dict[int, object] = {}
        with self._web(_LONGEST_FILE) as web:
            for version, name in _FILES.items():
                body = web.get(base + name, "application/json", now)
                if body is None:
                    raise OutsideError(f"the RDAP bootstrap has no {name}", temporary=True)
                documents[version] = _json(body)
        return Bootstrap(documents)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        reason = f"the RDAP bootstrap's {path.name} cannot be read: {fault.strerror}"
        raise OutsideError(reason, temporary=False) from None


def _json(body: bytes) -> object:
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise OutsideError("the answer is not JSON", temporary=True) from None
    return document
