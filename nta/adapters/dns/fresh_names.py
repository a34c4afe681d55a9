"""Fresh addresses of thousands of hosts at once, for looks."""

import selectors
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Generic, TypeVar, cast

import pycares

from nta.adapters.dns.resolver import (
    ASKED_AT_ONCE,
    FAILURE,
    NO_ADDRESS,
    NXDOMAIN,
    DnsAsker,
    Servers,
    in_order,
    system_servers,
)
from nta.adapters.net.address_policy import literal
from nta.ports import NameAnswer

_ALIAS_ONLY: Final = "alias_only"
_TICK_S: Final = 0.05
# What c-ares says of one type of address: the addresses, or why there are none.
_FastHalf = tuple[str, ...] | str
_RECORDS: Final = (pycares.ARecordData, pycares.AAAARecordData)
_TYPES: Final = (pycares.QUERY_TYPE_A, pycares.QUERY_TYPE_AAAA)
_ANSWERED: Final = (None, pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA)

Half = TypeVar("Half")
Read = Callable[[str, int, pycares.DNSResult | None, int | None], Half]
"""Of a host and a type of record, the answer or c-ares' error: what is kept of it, never None."""


class FreshNames:
    """Addresses of many hosts right now: c-ares through pycares, one channel per call, so no answer is kept.

    pycares is what aiodns is made of. aiodns itself hands every answer over
    from a thread of c-ares: 5,300 hosts a second (two questions each) where
    driving the sockets here gives 8,500, without a thread. Names cannot be
    asked through a SOCKS proxy: a vantage point sees what others do not only
    where `own` has servers of its own.
    """

    def __init__(
        self,
        servers: Servers = (),
        own: Mapping[str, Servers] | None = None,
        *,
        timeout_s: float = 2,
        tries: int = 2,
        at_once: int = 200,
    ) -> None:
        self._servers = servers
        self._own = own or {}
        self._timeout_s = timeout_s
        self._tries = tries
        self._at_once = at_once

    def addresses(self, hosts: Collection[str], vantage: str) -> Mapping[str, NameAnswer]:
        """Return an answer for each host, IPv4 addresses first.

        Raises: OutsideError when this machine has no DNS server configured.
        """
        answers: dict[str, NameAnswer] = {}
        names = []
        for host in dict.fromkeys(hosts):
            address = literal(host)
            if address is None:
                names.append(host)
            else:
                answers[host] = NameAnswer((address,))
        if names:
            servers = self._own.get(vantage, self._servers) or system_servers()
            halves = CaresQueries(_fast_half, servers, self._timeout_s, self._tries).ask(names, self._at_once)
            answers |= {host: _name_answer(pair) for host, pair in halves.items()}
            loose_ends = [host for host, pair in halves.items() if _is_loose_end(pair)]
            asker = DnsAsker(servers, timeout_s=self._timeout_s, tries=self._tries)
            with ThreadPoolExecutor(ASKED_AT_ONCE, "dns") as pool:
                answers |= zip(loose_ends, pool.map(asker.name_answer, loose_ends), strict=True)
        return answers


def _name_answer(halves: Sequence[_FastHalf]) -> NameAnswer:
    addresses = tuple(ip for half in halves if not isinstance(half, str) for ip in half)
    if addresses:
        return NameAnswer(addresses)
    return NameAnswer((), next((word for word in (FAILURE, NXDOMAIN) if word in halves), NO_ADDRESS))


def _is_loose_end(halves: Sequence[_FastHalf]) -> bool:
    """Return whether an alias was all there is: its target must be asked for, as DnsAsker does."""
    return _ALIAS_ONLY in halves and all(isinstance(half, str) for half in halves)


class CaresQueries(Generic[Half]):
    """One c-ares channel whose sockets are watched here, in the calling thread.

    `read` makes of an answer or an error what is kept of it.
    """

    def __init__(self, read: Read[Half], servers: Servers, timeout_s: float, tries: int) -> None:
        self._read = read
        self._selector = selectors.DefaultSelector()
        self._is_closed = False
        self._open = 0
        self._patience_s = 2 * timeout_s * tries + 1
        self._heard_at = self._ticked_at = time.monotonic()
        self._channel = pycares.Channel(
            servers=[f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip, port in servers],
            timeout=timeout_s,
            tries=tries,
            # The kernel's default overflows with a few hundred answers, and each one lost costs a time-out.
            socket_receive_buffer_size=1 << 20,
            sock_state_cb=self._watch,
        )

    def ask(self, hosts: Iterable[str], at_once: int) -> Mapping[str, Sequence[Half]]:
        """Return the two halves of each host's answer, IPv4 first. To be called once.

        Servers that have said nothing for long are given up for all that is left.
        """
        halves: dict[str, list[Half | None]] = {}
        waiting = iter(hosts)
        try:
            while True:
                while self._open < 2 * at_once and (host := next(waiting, None)) is not None:
                    halves[host] = [None, None]
                    self._query(host, halves[host])
                if not self._open:
                    return cast(dict[str, list[Half]], halves)
                self._process()
                if time.monotonic() > self._heard_at + self._patience_s:
                    return self._given_up(halves, waiting)
        finally:
            self._is_closed = True
            self._channel.close()
            self._selector.close()

    def _given_up(
        self, halves: dict[str, list[Half | None]], waiting: Iterable[str]
    ) -> Mapping[str, Sequence[Half]]:
        self._channel.cancel()
        halves |= {host: [None, None] for host in waiting}
        silence = pycares.errno.ARES_ETIMEOUT
        return {
            host: [
                self._read(host, type_, None, silence) if half is None else half
                for type_, half in zip(_TYPES, pair, strict=True)
            ]
            for host, pair in halves.items()
        }

    def _query(self, host: str, halves: list[Half | None]) -> None:
        for place, type_ in enumerate(_TYPES):
            self._open += 1
            try:
                self._channel.query(host, type_, callback=partial(self._take, host, halves, place))
            except (pycares.AresError, UnicodeError):
                self._take(host, halves, place, None, pycares.errno.ARES_EBADNAME)

    def _take(
        self,
        host: str,
        halves: list[Half | None],
        place: int,
        result: pycares.DNSResult | None,
        error: int | None,
    ) -> None:
        if halves[place] is not None:
            return  # c-ares may call back and raise for one and the same bad name
        self._open -= 1
        halves[place] = self._read(host, _TYPES[place], result, error)
        if error in _ANSWERED:
            self._heard_at = time.monotonic()

    def _process(self) -> None:
        bad = pycares.ARES_SOCKET_BAD
        for key, mask in self._selector.select(_TICK_S):
            is_readable, is_writable = mask & selectors.EVENT_READ, mask & selectors.EVENT_WRITE
            self._channel.process_fd(key.fd if is_readable else bad, key.fd if is_writable else bad)
        if time.monotonic() > self._ticked_at + _TICK_S:
            self._ticked_at = time.monotonic()
            self._channel.process_fd(bad, bad)  # lets time-outs happen

    def _watch(self, fd: int, readable: bool, writable: bool) -> None:
        # After `ask` this is called once more, from the thread in which pycares takes channels apart.
        if self._is_closed:
            return
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        events = (selectors.EVENT_READ if readable else 0) | (selectors.EVENT_WRITE if writable else 0)
        if events:
            self._selector.register(fd, events)


def _fast_half(_host: str, type_: int, result: pycares.DNSResult | None, error: int | None) -> _FastHalf:
    if error == pycares.errno.ARES_ENOTFOUND:
        return NXDOMAIN
    if error == pycares.errno.ARES_ENODATA:
        return NO_ADDRESS
    if error is not None or result is None:
        return FAILURE
    found = tuple(
        record.data.addr
        for record in result.answer
        if isinstance(record.data, _RECORDS) and record.type == type_
    )
    if len(found) > 1:
        return in_order(found)
    return found or (_ALIAS_ONLY if result.answer else NO_ADDRESS)
