"""Asking registries by RDAP: the bootstrap kept for a day, many questions side by side, within a time."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final, Generic, TypeVar

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import failed, side_by_side
from nta.adapters.net.pinned_connections import Resolve
from nta.adapters.net.rate_limits import RateLimits
from nta.adapters.net.web_services import Web
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.reasons import Code, because

SOURCE: Final = "rdap"
ACCEPT: Final = "application/rdap+json, application/json;q=0.9"
VALID: Final = timedelta(hours=12)
NOTHING_VALID: Final = timedelta(hours=1)
_BOOTSTRAP_VALID: Final = timedelta(hours=24)  # the registries' files change a few times a year
_LONGEST_FILE: Final = 4 << 20
SIDE_BY_SIDE: Final = 8  # questions to registries, of one kind: they want few connections

Directory = TypeVar("Directory")


class RdapAsking(ABC, Generic[Directory]):
    """What asking about networks and about domains have in common.

    `bootstrap` is a folder or URL holding the files of RFC 9224. `resolve`
    gives the addresses of the registries' own names; the gate vets the one
    that is connected to, at each redirect again. What is not answered after
    `patience_s` is a passing problem: one slow registry stops no other work.
    """

    files: ClassVar[tuple[str, ...]]
    needed: ClassVar[bool] = True  # a bootstrap without these files is a fault

    def __init__(
        self,
        bootstrap: str,
        gate: Gate,
        ca_file: Path | None = None,
        *,
        resolve: Resolve,
        user_agent: str = "nta",
        connect_timeout_s: float = 5,
        timeout_s: float = 20,
        patience_s: float = 120,
        workers: int = SIDE_BY_SIDE,
        manners: RateLimits | None = None,
    ) -> None:
        self._source = bootstrap
        self._gate = gate
        self._ca_file = ca_file
        self._resolve = resolve
        self._user_agent = user_agent
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._workers = workers
        self._lock = threading.Lock()
        self._directory: tuple[Directory, datetime] | None = None
        self._manners = manners or RateLimits(lifted=True)

    @abstractmethod
    def _read(self, documents: Mapping[str, object]) -> Directory:
        """Return who answers for what, from the bootstrap's files by name."""

    @abstractmethod
    def _answer(self, web: Web, directory: Directory, lookup: Lookup, now: datetime) -> Finding:
        """Ask one question. Raises OutsideError when nobody answers it."""

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up as answers come.

        A server that wants to be left alone is not asked again before its
        time: the problem is valid until then.
        """
        wanted = dict.fromkeys(lookups)
        if not wanted:
            return
        with self._web() as web:
            try:
                directory = self._read_bootstrap(now)
            except OutsideError as fault:
                yield from (failed(lookup, SOURCE, now, fault) for lookup in wanted)
                return
            slow = OutsideError(Code.REGISTRIES_SLOW, temporary=True)
            yield from side_by_side(
                lambda lookup: self._find(web, directory, lookup, now),
                wanted,
                self._workers,
                self._patience_s,
                lambda lookup: failed(lookup, SOURCE, now, slow),
            )

    def _find(self, web: Web, directory: Directory, lookup: Lookup, now: datetime) -> Finding:
        try:
            return self._answer(web, directory, lookup, now)
        except OutsideError as fault:
            return failed(lookup, SOURCE, now, fault)

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
            whole_s=self._patience_s,
            manners=self._manners,
        )

    def _read_bootstrap(self, now: datetime) -> Directory:
        with self._lock:
            if self._directory is None or now >= self._directory[1]:
                try:
                    self._directory = (self._read(self._load(now)), now + _BOOTSTRAP_VALID)
                except OutsideError:
                    # An old bootstrap beats none.
                    if self._directory is None:
                        raise
            return self._directory[0]

    def _load(self, now: datetime) -> dict[str, object]:
        if not self._source.startswith(("http://", "https://")):
            folder = Path(self._source)
            return {name: as_json(_file(folder / name)) for name in self.files}
        base = self._source if self._source.endswith("/") else f"{self._source}/"
        documents: dict[str, object] = {}
        with self._web(_LONGEST_FILE) as web:
            for name in self.files:
                body = web.get(base + name, "application/json", now)
                if body is None and not self.needed:
                    documents[name] = {"services": []}
                    continue
                if body is None:
                    raise OutsideError(because(Code.BOOTSTRAP_LACKS, file=name), temporary=True)
                documents[name] = as_json(body)
        return documents


def as_json(body: bytes) -> object:
    """Return the document in an answer. Raises OutsideError when it is none."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise OutsideError(Code.ANSWER_NOT_JSON, temporary=True) from None
    return document


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        reason = because(Code.BOOTSTRAP_UNREADABLE, file=path.name, why=str(fault.strerror))
        raise OutsideError(reason, temporary=False) from None
