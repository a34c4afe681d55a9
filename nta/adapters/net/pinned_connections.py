"""Connections that go to a vetted address and nowhere else, each with one time limit over all it reads."""

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from nta.adapters.net.address_policy import Gate, literal
from nta.domain.errors import OutsideError
from nta.domain.reasons import Code

Resolve = Callable[[str], Sequence[str]]


class Limits(Protocol):
    """How long requests may take."""

    def request_s(self) -> float:
        """Return how long a request may take that begins now."""
        ...


class _TimedSocket(socket.socket):
    """A socket that keeps one time limit over all reads: a byte now and then does not extend it."""

    ends_at: float | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        _set_rest(self, self.ends_at)
        return super().recv_into(*args, **kwargs)


class _TimedTLSSocket(ssl.SSLSocket):
    ends_at: float | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        _set_rest(self, self.ends_at)
        return super().recv_into(*args, **kwargs)


def _set_rest(sock: socket.socket, ends_at: float | None) -> None:
    if ends_at is not None:
        rest = ends_at - time.monotonic()
        if rest <= 0:
            raise TimeoutError("the answer takes too long")
        sock.settimeout(rest)


class Pins:
    """Where connections may go: the host's addresses, vetted; the first that may be reached."""

    def __init__(self, gate: Gate, resolve: Resolve) -> None:
        self._gate = gate
        self._resolve = resolve

    def pin(self, host: str, port: int) -> str:
        """Return the one address to connect to.

        Raises: OutsideError when there is none, or none that may be reached.
        """
        address = literal(host)
        refusal = OutsideError(Code.SERVER_WITHOUT_ADDRESS, temporary=True)
        for candidate in (address,) if address else self._resolve(host):
            try:
                return self._gate.vet(candidate, port)
            except OutsideError as fault:
                refusal = fault
        raise refusal


class PinningAdapter(HTTPAdapter):
    """Connects to the pinned address; the host's name stays in TLS and in the Host header."""

    def __init__(self, pins: Pins, ca_file: str, web: Limits, connections: int) -> None:
        self._pins = pins
        self._web = web
        self._tls = _tls_context(ca_file)
        super().__init__(pool_connections=connections, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections of ours in them."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tls)
        own = {"pins": self._pins, "web": self._web}
        plain = type("_Plain", (_PlainConnection,), own)
        secure = type("_Secure", (_SecureConnection,), own)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    # Reading the usual 140 authorities takes 30 ms.
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _TimedTLSSocket
    return context


class _PlainConnection(HTTPConnection):
    pins: ClassVar[Pins]
    web: ClassVar[Limits]

    def _new_conn(self) -> socket.socket:
        return _connected(self, self.pins)

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        _start_limit(self.sock, self.web.request_s())


class _SecureConnection(_PlainConnection, HTTPSConnection):
    """The same over TLS: the plain one opens the socket, `HTTPSConnection` does the rest."""


def _connected(connection: HTTPConnection, pins: Pins) -> socket.socket:
    address = pins.pin(connection.host, connection.port)
    sock = _TimedSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(connection.timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, connection.port))
    except TimeoutError as fault:
        sock.close()
        raise urllib3.exceptions.ConnectTimeoutError(connection, "no connection in time") from fault
    except OSError as fault:
        sock.close()
        raise urllib3.exceptions.NewConnectionError(connection, "no connection") from fault
    return sock


def _start_limit(sock: object, timeout_s: float) -> None:
    if isinstance(sock, _TimedSocket | _TimedTLSSocket):
        sock.ends_at = time.monotonic() + timeout_s


class PlainSession(requests.Session):
    """A session that follows no redirect by itself."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no redirect: following one is ours, and requests would read its whole body first."""
