"""Lines between the service and what it speaks to, under a test's command: slow, stalled, cut, lying."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

OPEN, SLOW, STALLED, CUT, LYING = "open", "slow", "stalled", "cut", "lying"
RUBBISH = b"\x00\xff%s rubbish \r\n" * 3
DELAY_S = 0.5
_TICK_S = 0.02
_MOST = 65_536

Target = tuple[str, int] | Path
"""Host and port, or the path of a Unix socket."""


class Loop:
    """The thread in which all lines of a test live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)
        self._thread.start()
        self._open: list[Line | Datagrams] = []

    def line(self, target: Target, *, instead: tuple[bytes, bytes] = (b"", b"")) -> "Line":
        """Return a new line to a server; in what the server says `instead` replaces one text by another."""
        made = Line(self, target, instead)
        self.do(made.begin())
        self._open.append(made)
        return made

    def datagrams(self, target: tuple[str, int]) -> "Datagrams":
        """Return a new line for datagrams."""
        made = Datagrams(target)
        self.do(made.begin())
        self._open.append(made)
        return made

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the lines' thread, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        """Close every line."""
        for one in self._open:
            self.do(one.end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Line:
    """A forwarder of TCP; `manner` says how it treats what passes."""

    def __init__(self, loop: Loop, target: Target, instead: tuple[bytes, bytes]) -> None:
        self._all = loop
        self._target = target
        self.instead = instead
        self.manner = OPEN
        self.port = 0
        self._ways: set[asyncio.Task[None]] = set()

    def become(self, manner: str) -> None:
        """Treat what passes so from now on; `cut` also breaks what is open."""
        self.manner = manner
        if manner == CUT:
            self._all.do(self._break())

    async def begin(self) -> None:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        """Close everything."""
        self._server.close()
        await self._break()

    async def _break(self) -> None:
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        self._ways.add(way)
        try:
            if self.manner != CUT:
                await self._forward(near, back)
        except (OSError, asyncio.CancelledError):
            pass  # either end has gone, or the line was cut
        finally:
            self._ways.discard(way)
            _cut(back)

    async def _forward(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if isinstance(self._target, Path):
            far, there = await asyncio.open_unix_connection(self._target)
        else:
            far, there = await asyncio.open_connection(*self._target)
        try:
            ways = [
                asyncio.ensure_future(self._pass(near, there, says=False)),
                asyncio.ensure_future(self._pass(far, back, says=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            _cut(there)

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, says: bool) -> None:
        while part := await source.read(_MOST):
            while self.manner == STALLED:
                await asyncio.sleep(_TICK_S)
            if says and self.manner == SLOW:
                await asyncio.sleep(DELAY_S)
            if says and self.manner == LYING:
                part = RUBBISH
            to.write(part.replace(*self.instead) if says and self.instead[0] else part)
            await to.drain()


class Datagrams(asyncio.DatagramProtocol):
    """A forwarder of UDP; what is not open loses every packet."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self.manner = OPEN
        self.port = 0
        self._askers: set[asyncio.Task[None]] = set()

    def become(self, manner: str) -> None:
        """Treat what passes so from now on."""
        self.manner = manner

    async def begin(self) -> None:
        """Listen on a free port of loopback."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._transport: Any = transport
        self.port = transport.get_extra_info("sockname")[1]

    async def end(self) -> None:
        """Close everything."""
        self._transport.close()
        await asyncio.gather(*self._askers, return_exceptions=True)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.manner == OPEN:
            task = asyncio.ensure_future(self._ask(data, addr))
            self._askers.add(task)
            task.add_done_callback(self._askers.discard)

    async def _ask(self, data: bytes, addr: Any) -> None:
        loop = asyncio.get_running_loop()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
            contextlib.suppress(OSError, TimeoutError),
        ):
            out.setblocking(False)
            out.connect(self._target)
            await loop.sock_sendall(out, data)
            answer = await asyncio.wait_for(loop.sock_recv(out, _MOST), 2)
            self._transport.sendto(answer, addr)


def _cut(writer: asyncio.StreamWriter) -> None:
    """Close without a word, as a machine that is gone does."""
    with contextlib.suppress(OSError, RuntimeError):
        writer.transport.abort()
