"""Looking whether something is still there: many hosts side by side, no byte of a body kept."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

import certifi
import pycurl

from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.probe_handle import (
    Exit,
    Handle,
    Pinned,
    Rules,
    begins,
    exit_through,
)
from nta.domain.checks.verdicts import ProbeAnswer
from nta.domain.errors import OutsideError
from nta.ports import LookRequest
from nta.settings import ProbeBody, Vantage

_MOST_HANDLES: Final = 800  # curl's plain waiting is select(2), which knows 1,024 descriptors
_LONGEST_WAIT_S: Final = 1.0
_HOST: Final = attrgetter("host", "port")


class CurlProber:
    """Looks with pycurl's multi interface, in the calling thread; each call makes and closes its handles.

    The address of each request is vetted and pinned (CONNECT_TO), and checked
    once more when curl asks for the socket. Through a SOCKS vantage point the
    proxy is asked to connect to that same address. Redirects are told, never
    followed; no cookies, no .netrc, no proxy from the environment. `marks`
    says which proxy a header field tells of; of the field only that is kept.
    """

    def __init__(
        self,
        vantages: Iterable[Vantage],
        gate: Gate,
        ca_file: Path | None = None,
        body: ProbeBody = "text",
        user_agent: str = "nta",
        concurrency: int = 256,
        *,
        connect_timeout_s: float = 5,
        timeout_s: float = 15,
        marks: Mapping[str, str] | None = None,
    ) -> None:
        self._vantages = {vantage.name: vantage for vantage in vantages}
        self._gate = gate
        self._body = body
        self._concurrency = min(concurrency, _MOST_HANDLES)
        self._rules = Rules(
            ca_file=str(ca_file or certifi.where()),
            user_agent=user_agent,
            connect_timeout_ms=int(connect_timeout_s * 1000),
            timeout_ms=int(timeout_s * 1000),
            may_get=body in ("headers", "text"),
            may_read=body == "text",
            marks=(fields := {name.encode(): whose for name, whose in (marks or {}).items()}),
            noted=begins(fields),
        )

    def look(self, requests: Iterable[LookRequest], vantage: str) -> Iterator[tuple[int, ProbeAnswer]]:
        """Yield (key, answer) as answers come: a host's requests one after the other, hosts side by side.

        Requests of one host stand together; the next are drawn when there is
        room for them. Yields nothing where the settings say that nothing is
        looked at.

        Raises: OutsideError when the vantage point's proxy has no address.
        """
        if self._body == "none":
            return
        proxy = self._vantages[vantage].proxy
        round_ = _Round(
            self._rules, self._gate, self._concurrency, requests, exit_through(proxy) if proxy else None
        )
        try:
            yield from round_.answers()
        finally:
            round_.close()


class _Round:
    """One call's handles, each working through the queue of one host at a time."""

    def __init__(
        self,
        rules: Rules,
        gate: Gate,
        concurrency: int,
        requests: Iterable[LookRequest],
        exit_: Exit | None,
    ) -> None:
        self._rules = rules
        self._gate = gate
        self._concurrency = concurrency
        self._waiting = groupby(requests, _HOST)
        self._unreachable: list[LookRequest] = []
        self._exit = exit_
        self._multi = pycurl.CurlMulti()
        self._handles: list[Handle] = []
        self._idle: list[Handle] = []
        self._busy: dict[pycurl.Curl, Handle] = {}

    def answers(self) -> Iterator[tuple[int, ProbeAnswer]]:
        """Yield (key, answer) until all queues are worked through."""
        self._fill()
        while self._busy or self._unreachable:
            for request in self._unreachable:
                yield (
                    request.key,
                    ProbeAnswer(request.address, None, None, None, None, None, "not_reachable", 0.0),
                )
            self._unreachable = []
            self._multi.perform()
            is_quiet = True
            for curl, code in self._ended():
                is_quiet = False
                handle = self._busy.pop(curl)
                self._multi.remove_handle(curl)
                answered = handle.finish(code)
                if handle.is_through:
                    self._idle.append(handle)
                else:
                    self._start(handle)
                if answered is not None:
                    yield answered
            self._fill()
            if is_quiet:
                self._wait()

    def close(self) -> None:
        """Close all handles now rather than when collected: their callbacks point back at them."""
        for curl in self._busy:
            self._multi.remove_handle(curl)
        for handle in self._handles:
            handle.curl.close()
        self._multi.close()

    def _wait(self) -> None:
        """Wait until a socket is ready or curl has a time-out to see to."""
        until_timeout_ms = self._multi.timeout()
        if until_timeout_ms != 0:
            self._multi.select(
                _LONGEST_WAIT_S if until_timeout_ms < 0 else min(until_timeout_ms / 1000, _LONGEST_WAIT_S)
            )

    def _ended(self) -> Iterator[tuple[pycurl.Curl, int]]:
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            for curl in good:
                yield curl, 0
            for curl, code, _ in bad:
                yield curl, code

    def _fill(self) -> None:
        """Give every handle without work the queue of another host, while there is one."""
        while self._idle or len(self._handles) < self._concurrency:
            queue = self._next_queue()
            if queue is None:
                return
            if not self._idle:
                self._idle.append(Handle(self._rules, self._exit))
                self._handles += self._idle
            handle = self._idle.pop()
            handle.queue = queue
            self._start(handle)

    def _next_queue(self) -> deque[Pinned] | None:
        """Return the requests of the next host that can be made, each with its vetted address."""
        for _, requests in self._waiting:
            queue: deque[Pinned] = deque()
            for request in requests:
                if not (request.url.isascii() and request.url.isprintable()):
                    self._unreachable.append(request)  # no URL as they are kept: curl takes none such
                    continue
                try:
                    queue.append((request, self._gate.vet(request.address, request.port)))
                except OutsideError:
                    self._unreachable.append(request)
            if queue:
                return queue
        return None

    def _start(self, handle: Handle) -> None:
        handle.start()
        self._busy[handle.curl] = handle
        self._multi.add_handle(handle.curl)
