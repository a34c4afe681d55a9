"""Serving several apps from one process: waitress servers that share one loop."""

import signal
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from nta.domain.errors import RefusedError

_IN_MEMORY: Final = 64 * 1024
_LONGEST_HEADER: Final = 32 * 1024
"""Bytes of all header lines; our own cookies have less than four."""


@dataclass(frozen=True, slots=True)
class Door:
    """One app and where it listens."""

    name: str
    app: Flask
    host: str
    port: int


class Servers:
    """The doors of one process. `loop` serves until `stopping` is set or a signal comes."""

    def __init__(self, doors: Sequence[Door], stopping: threading.Event) -> None:
        self._stopping = stopping
        self._sockets: dict[int, Any] = {}
        self._servers: list[Any] = []
        try:
            self._servers += map(self._listen, doors)
        except RefusedError:
            self._close()
            raise
        self.listening = [
            (door.name, door.host, server.effective_port)
            for door, server in zip(doors, self._servers, strict=True)
        ]
        """Name, address and port of each door; the port is the real one where any was asked for."""

    def heed_signals(self) -> None:
        """Let SIGINT and SIGTERM end the loop, also one that has yet to begin."""
        for number in (signal.SIGINT, signal.SIGTERM):
            # Set by ourselves: a process begun with & has SIGINT ignored, and is never interrupted.
            signal.signal(number, self._ask_to_stop)

    def loop(self) -> None:
        """Serve. All doors are answered from this thread: it does nothing else, and waits for nobody."""
        self.heed_signals()
        while not self._stopping.is_set():
            if self._sockets:
                wasyncore.loop(timeout=0.25, map=self._sockets, count=1)
            else:
                self._stopping.wait(0.25)  # without a door the loop would not wait at all
        self._close()

    def _close(self) -> None:
        for server in self._servers:
            server.task_dispatcher.shutdown(cancel_pending=True, timeout=0.5)
            server.close()

    def _ask_to_stop(self, *_: object) -> None:
        self._stopping.set()
        if self._servers:
            self._servers[0].pull_trigger()

    def _listen(self, door: Door) -> Any:
        try:
            ip_address(door.host)
        except ValueError:
            raise RefusedError(
                f"{door.name}: {door.host} is no address to listen on; say 127.0.0.1"
            ) from None
        # Waitress binds with SO_REUSEADDR; another process that listens already is still refused.
        with socket.socket(socket.AF_INET6 if ":" in door.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((door.host, door.port))
            except OSError as fault:
                why = f"{door.name}: port {door.port} on {door.host}: {fault.strerror}"
                raise RefusedError(why) from None
        return create_server(
            door.app,
            map=self._sockets,
            host=door.host,
            port=door.port,
            threads=4,
            ident=None,
            # A body waits in a nameless file, a small one in memory, before an app sees it.
            inbuf_overflow=_IN_MEMORY,
            max_request_body_size=door.app.config["MAX_CONTENT_LENGTH"] + 1,
            max_request_header_size=_LONGEST_HEADER,
            # The apps see to these themselves, by NTA_TRUSTED_PROXIES; waitress knows one proxy only.
            clear_untrusted_proxy_headers=False,
        )
