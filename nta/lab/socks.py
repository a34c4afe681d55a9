"""A vantage point elsewhere: SOCKS5 CONNECT (RFC 1928) to the lab's web hosts, by address or by name.

The web hosts live in this process, so a connection is not carried through a
second pair of sockets: once the CONNECT is answered, the visitor's connection
is handed to the web server with the vantage point's own source address.
"""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import cast

from nta.lab.webserver import WebProtocol, WebServer

SOURCE = "127.0.0.200"
TIMEOUT_S = 10.0

GRANTED, NOT_ALLOWED, NO_HOST, REFUSED, NO_REPLY, NO_COMMAND, NO_KIND = 0, 2, 4, 5, 6, 7, 8
LENGTH_OF_IPV4, LENGTH_OF_IPV6 = 4, 16


class SOCKSProtocol(asyncio.Protocol):
    """One visitor's handshake."""

    def __init__(self, server: "SOCKSServer") -> None:
        self._server = server
        self._rest = b""
        self._greeted = False
        self._transport: asyncio.Transport | None = None
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._limit = asyncio.get_running_loop().call_later(TIMEOUT_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._limit is not None:
            self._limit.cancel()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._rest += data
        if not self._greeted and not self._greet(self._transport):
            return
        wanted = _request(self._rest)
        if wanted is None:
            return
        command, kind, host, port, self._rest = wanted
        self._connect(self._transport, command, kind, host, port)

    def _greet(self, transport: asyncio.Transport) -> bool:
        if len(self._rest) < 2 or len(self._rest) < 2 + self._rest[1]:
            return False
        methods = self._rest[2 : 2 + self._rest[1]]
        accepted = self._rest[0] == 5 and 0 in methods
        self._rest = self._rest[2 + len(methods) :]
        transport.write(b"\x05\x00" if accepted else b"\x05\xff")
        if not accepted:
            transport.close()
        self._greeted = accepted
        return accepted

    def _connect(self, transport: asyncio.Transport, command: int, kind: int, host: bytes, port: int) -> None:
        code, address = self._server.route(command, kind, host, port)
        transport.write(bytes((5, code, 0, 1)) + IPv4Address(SOURCE).packed + port.to_bytes(2))
        if code != GRANTED:
            transport.close()
            return
        if self._limit is not None:
            self._limit.cancel()
        protocol = WebProtocol(self._server.web, address, SOURCE)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._rest:
            protocol.data_received(self._rest)


def _request(data: bytes) -> tuple[int, int, bytes, int, bytes] | None:
    """Return command, kind of address, address, port and what follows; None while bytes are missing."""
    if len(data) < 5:
        return None
    begin = 5 if data[3] == 3 else 4
    length = {1: LENGTH_OF_IPV4, 3: data[4], 4: LENGTH_OF_IPV6}.get(data[3], 0)
    end = begin + length
    if len(data) < end + 2:
        return None
    return data[1], data[3], data[begin:end], int.from_bytes(data[end : end + 2]), data[end + 2 :]


class SOCKSServer:
    """Lets visitors through to the lab's web hosts and to nothing else."""

    def __init__(self, web: WebServer, addresses: Callable[[str], list[str]]) -> None:
        self.web = web
        self._addresses = addresses
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Bind the port on 127.0.0.1.

        Raises:
            OSError: the port is in use.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SOCKSProtocol(self), "127.0.0.1", port, backlog=512)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def route(self, command: int, kind: int, host: bytes, port: int) -> tuple[int, str]:
        """Return the reply code, and the address that a granted visitor reaches."""
        if command != 1:
            return NO_COMMAND, ""
        if kind not in (1, 3):
            return NO_KIND, ""
        if kind == 1:
            address = str(IPv4Address(host))
        else:
            found = self._addresses(host.decode("latin-1").lower().rstrip("."))
            if not found:
                return NO_HOST, ""
            address = found[0]
        if address not in self.web.addresses:
            return NOT_ALLOWED, ""
        dead = self.web.table.dead.get(address)
        if dead is not None or port != self.web.port:
            return (NO_REPLY if dead == "silence" else REFUSED), ""
        return GRANTED, address
