"""The lab's web hosts: what each address answers to which request, and a fast HTTP/1.1 server for it."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from typing import cast

IDLE_S = 60.0
HEAD_LIMIT = 16_384

NO_SITE = (404, "no site of this name here\n")
NO_PAGE = (404, "no such page\n")
REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    451: "Unavailable For Legal Reasons",
    503: "Service Unavailable",
}


class HttpAnswer:
    """One HTTP answer, laid out once as bytes: with its body for GET, without for HEAD."""

    __slots__ = ("get", "head")

    def __init__(self, status: int, body: str, content_type: str = "text/plain; charset=utf-8") -> None:
        content = body.encode()
        self.head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nServer: lab\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        ).encode()
        self.get = self.head + content


@dataclass(slots=True)
class Shelf:
    """How one host name is answered at one address: pages by request target, and what holds for all.

    `missing` answers what is not there. With `referrer` visitors must say
    that they come from there. Those from the address `blocked_from` see
    `blocked`; while a site is out of order everybody sees `out`.
    """

    missing: Callable[[bytes], HttpAnswer]
    referrer: bytes = b""
    blocked_from: str = ""
    blocked: HttpAnswer | None = None
    out: HttpAnswer | None = None
    pages: dict[bytes, HttpAnswer] = field(default_factory=dict)

    def answer(self, target: bytes, source: str, referrer: bytes) -> HttpAnswer:
        """Return what a visitor is shown."""
        if self.out is not None:
            return self.out
        if self.blocked is not None and source == self.blocked_from:
            return self.blocked
        if self.referrer and referrer != self.referrer:
            return _FORBIDDEN
        return self.pages.get(target) or self.missing(target)


_FORBIDDEN = HttpAnswer(403, "this page is not shown to visitors from elsewhere\n")
_NO_PAGE = HttpAnswer(*NO_PAGE)


def no_page(_target: bytes) -> HttpAnswer:
    """Answer as an honest server does where there is nothing."""
    return _NO_PAGE


class WebTable:
    """What is shown where: address, then host name, then request target. Only the engine changes it."""

    def __init__(self) -> None:
        self._sites: dict[str, dict[bytes, Shelf]] = {}
        self._no_site = HttpAnswer(*NO_SITE)
        self.dead: dict[str, str] = {}
        """How an address that serves nobody fails: "refused", or "silence"."""

    def open_site(self, address: IPv4Address, host: str, shelf: Shelf | None = None) -> None:
        """Let a host name be known at an address."""
        self._sites.setdefault(str(address), {}).setdefault(host.encode(), shelf or Shelf(no_page))

    def close_site(self, address: IPv4Address, host: str) -> None:
        self._sites[str(address)].pop(host.encode(), None)

    def put(self, address: IPv4Address, host: str, target: str, answer: HttpAnswer | None) -> None:
        """Answer a target of an open site so from now on; None: as what is missing."""
        shelf = self.shelf(address, host)
        if shelf is None:
            return
        if answer is None:
            shelf.pages.pop(target.encode(), None)
        else:
            shelf.pages[target.encode()] = answer

    def shelf(self, address: IPv4Address, host: str) -> Shelf | None:
        """Return how a host name is answered at an address, if it is."""
        return self._sites.get(str(address), {}).get(host.encode())

    def answer(
        self, address: str, host: bytes, target: bytes, source: str, referrer: bytes = b""
    ) -> HttpAnswer:
        """Return what a visitor from `source` is shown."""
        shelf = self._sites.get(address, {}).get(host)
        return self._no_site if shelf is None else shelf.answer(target, source, referrer)


class WebProtocol(asyncio.Protocol):
    """One connection of a visitor. Requests have no body; what comes in is a run of heads."""

    def __init__(self, server: "WebServer", address: str, source: str | None = None) -> None:
        self._server = server
        self._address = address
        self._source = source
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self.seen = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._source is None:
            self._source = str(transport.get_extra_info("peername")[0])
        self._server.enter(self)

    @property
    def address(self) -> str:
        return self._address

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.leave(self)

    def data_received(self, data: bytes) -> None:
        self.seen = self._server.loop.time()
        data = self._rest + data
        begin = 0
        while (end := data.find(b"\r\n\r\n", begin)) >= 0:
            self._serve(data[begin:end])
            begin = end + 4
        self._rest = data[begin:] if begin else data
        if len(self._rest) > HEAD_LIMIT:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _serve(self, head: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._address in self._server.table.dead:
            return  # whoever asks may wait
        self._server.requests += 1
        line, _, fields = head.partition(b"\r\n")
        method, _, rest = line.partition(b" ")
        target, _, version = rest.rpartition(b" ")
        fields = b"\r\n" + fields.lower()
        if method not in (b"GET", b"HEAD") or not target.startswith(b"/"):
            transport.write(HttpAnswer(405, "this host reads GET and HEAD\n").get)
            transport.close()
            return
        host = _field(fields, b"\r\nhost:").partition(b":")[0]
        # The head is in lower case here, and so is the referrer that a site asks for.
        referrer = _field(fields, b"\r\nreferer:")
        answer = self._server.table.answer(self._address, host, target, self._source or "", referrer)
        content = answer.get if method == b"GET" else answer.head
        if version == b"HTTP/1.1" and _field(fields, b"\r\nconnection:") != b"close":
            transport.write(content)
        else:
            transport.write(content.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            transport.close()


def _field(fields: bytes, name: bytes) -> bytes:
    begin = fields.find(name)
    if begin < 0:
        return b""
    begin += len(name)
    end = fields.find(b"\r\n", begin)
    return fields[begin : end if end >= 0 else None].strip()


class WebServer:
    """Listens on every address of the world at one common port."""

    def __init__(self, table: WebTable, addresses: Iterable[str], port: int) -> None:
        self.table = table
        self.addresses = frozenset(addresses)
        self.port = port
        self.requests = 0
        self.loop = asyncio.get_running_loop()
        self._open: set[WebProtocol] = set()
        self._servers: dict[str, asyncio.Server] = {}

    async def start(self) -> None:
        """Bind every address.

        Raises:
            OSError: an address has this port in use.
        """
        for address in sorted(self.addresses):
            if self.table.dead.get(address) != "refused":
                await self._listen(address)

    def stop(self) -> None:
        for server in self._servers.values():
            server.close()
        for protocol in list(self._open):
            protocol.close()

    async def obey(self) -> None:
        """Listen on the addresses that the table does not call dead, and on no others.

        Who refuses connections has no socket there: nothing else makes a
        machine's own network say so.
        """
        refused = {address for address, how in self.table.dead.items() if how == "refused"}
        for address in sorted(refused & self._servers.keys()):
            self._servers.pop(address).close()
            for protocol in [one for one in self._open if one.address == address]:
                protocol.close()
        for address in sorted(self.addresses - refused - self._servers.keys()):
            await self._listen(address)

    async def _listen(self, address: str) -> None:
        make = partial(WebProtocol, self, address)
        self._servers[address] = await self.loop.create_server(make, address, self.port, backlog=512)

    def enter(self, protocol: WebProtocol) -> None:
        protocol.seen = self.loop.time()
        self._open.add(protocol)

    def leave(self, protocol: WebProtocol) -> None:
        self._open.discard(protocol)

    def sweep(self) -> None:
        """Close connections that have been idle too long."""
        limit = self.loop.time() - IDLE_S
        for protocol in [one for one in self._open if one.seen < limit]:
            protocol.close()
