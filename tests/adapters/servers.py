"""Servers on loopback that answer as told, well or badly."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Server:
    """A TCP server with a thread for each connection; leaves none behind."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.stopped = threading.Event()

    def __enter__(self) -> Self:
        self._go(self._accept)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _go(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            self._go(lambda connection=connection: self._serve(connection))

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            try:
                if self._tls:
                    with self._tls.wrap_socket(connection, server_side=True) as secured:
                        self.serve(secured)
                else:
                    self.serve(connection)
            finally:
                self._open.discard(connection)

    def serve(self, connection: socket.socket) -> None:
        raise OSError


@dataclass
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Page = bytes | Callable[[socket.socket], None]


class WebServer(Server):
    """Answers `pages[path]`: bytes as they are, or a function that does what it likes with the socket."""

    def __init__(self, pages: dict[str, Page] | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.pages: dict[str, Page] = pages or {}
        self.asked: list[Asked] = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while asked := _request(lines):
                with self._lock:
                    self.asked.append(asked)
                    self.at_once += 1
                    self.most_at_once = max(self.most_at_once, self.at_once)
                path = asked.path.partition("?")[0]
                page = self.pages.get(f"{asked.method} {path}", self.pages.get(path, http(404)))
                try:
                    if callable(page):
                        page(connection)
                        return
                    whole = page if asked.method != "HEAD" else page.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                    connection.sendall(whole)
                finally:
                    with self._lock:
                        self.at_once -= 1
                if b"connection: close" in page.lower():
                    return


def _request(lines) -> Asked | None:
    first = lines.readline(65536).decode("latin-1").split()
    if len(first) < 3:
        return None
    headers = {}
    while line := lines.readline(65536).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(first[0], first[1], headers, lines.read(int(headers.get("content-length", "0"))))


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer; header names with _ for -."""
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Zone:
    """What a DNS server knows. `records` in zone file notation; the rest are names that misbehave."""

    records: str = ""
    refused: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    garbage: set[str] = field(default_factory=set)
    truncated: set[str] = field(default_factory=set)
    no_chain: set[str] = field(default_factory=set)
    cut_short: set[str] = field(default_factory=set)  # its answer over TCP breaks off in the middle


class DnsServer(Server):
    """An authoritative server over UDP and TCP on one port, made with dnspython."""

    def __init__(self, zone: Zone) -> None:
        super().__init__()
        self.zone = zone
        self.asked: list[tuple[str, str]] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._rrsets: dict[tuple[str, str], dns.rrset.RRset] = {}
        for line in filter(None, map(str.strip, zone.records.splitlines())):
            name, ttl, type_, value = line.split(None, 3)
            key = (name, type_)
            if key in self._rrsets:
                self._rrsets[key].update(dns.rrset.from_text(name + ".", int(ttl), "IN", type_, value))
            else:
                self._rrsets[key] = dns.rrset.from_text(name + ".", int(ttl), "IN", type_, value)

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def __enter__(self) -> Self:
        self._go(self._serve_udp)
        return super().__enter__()

    def __exit__(self, *details) -> None:
        with contextlib.suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)
        super().__exit__(*details)
        self._udp.close()

    def _serve_udp(self) -> None:
        while not self.stopped.is_set():
            try:
                wire, client = self._udp.recvfrom(4096)
            except OSError:
                return
            if wire and (reply := self._reply(wire, over_udp=True)):
                self._udp.sendto(reply, client)

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while size := stream.read(2):
                wire = stream.read(int.from_bytes(size))
                reply = self._reply(wire, over_udp=False)
                if self._asked_name(wire) in self.zone.cut_short:
                    connection.sendall((len(reply) + 400).to_bytes(2) + reply[:20])
                    return
                connection.sendall(len(reply).to_bytes(2) + reply)

    def _asked_name(self, wire: bytes) -> str:
        return str(dns.message.from_wire(wire).question[0].name).rstrip(".").lower()

    def _reply(self, wire: bytes, *, over_udp: bool) -> bytes:
        query = dns.message.from_wire(wire)
        name = str(query.question[0].name).rstrip(".").lower()
        type_ = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, type_))
        if name in self.zone.silent:
            return b""
        if name in self.zone.garbage:
            return wire[:2] + b"\xff" * 30
        reply = dns.message.make_response(query)
        if name in self.zone.refused:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.zone.truncated | self.zone.cut_short and over_udp:
            reply.flags |= dns.flags.TC
        else:
            self._fill(reply, name, type_)
        return reply.to_wire()

    def _fill(self, reply: dns.message.Message, name: str, type_: str) -> None:
        for _ in range(20):
            if (name, type_) in self._rrsets:
                reply.answer.append(self._rrsets[name, type_])
                return
            alias = self._rrsets.get((name, "CNAME"))
            if alias is None:
                if not any(known == name for known, _ in self._rrsets):
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                return
            reply.answer.append(alias)
            if name in self.zone.no_chain:
                return
            name = str(alias[0].target).rstrip(".")


class SmtpServer(Server):
    """Speaks as much SMTP as we use. `replies` gives another reply to a command; None hangs up."""

    def __init__(
        self,
        replies: Mapping[str, str | None] | None = None,
        extensions: tuple[str, ...] = ("PIPELINING", "SIZE 100000", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES"),
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls)
        self._replies = replies or {}
        self._extensions = extensions
        self._starttls = starttls
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self.was_secured = False

    def serve(self, connection: socket.socket) -> None:
        if self._talk(connection, "220 relay.test") and self._starttls:
            with self._starttls.wrap_socket(connection, server_side=True) as secured:
                self.was_secured = True
                self._talk(secured, None)

    def _talk(self, connection: socket.socket, greeting: str | None) -> bool:
        """Return whether the client wants to go on in TLS."""
        with connection.makefile("rb") as lines:
            if greeting:
                connection.sendall(self._replies.get("greeting", greeting).encode() + b"\r\n")
            while line := lines.readline():
                command = line.decode("utf-8").strip()
                self.commands.append(command)
                reply = self._reply(command, lines, connection)
                if reply is None:
                    return False
                connection.sendall(reply.encode("utf-8", "surrogateescape") + b"\r\n")
                if command.upper() == "STARTTLS":
                    return True
                if reply.startswith(("221", "421")):
                    return False
        return False

    def _reply(self, command: str, lines, connection: socket.socket) -> str | None:
        for begin, reply in self._replies.items():
            if command.upper().startswith(begin.upper()):
                return reply
        verb = command.split(":")[0].split()[0].upper()
        if verb == "EHLO":
            offered = (*self._extensions, *(("STARTTLS",) if self._starttls and not self.was_secured else ()))
            return "\r\n".join(["250-relay.test", *(f"250-{name}" for name in offered), "250 HELP"])
        if verb == "DATA":
            connection.sendall(b"354 go on\r\n")
            content = []
            while (line := lines.readline()) not in (b".\r\n", b""):
                content.append(line)
            if not line:  # hung up before its end: the message is dropped (RFC 5321, 4.1.1.10)
                return None
            self.messages.append(b"".join(content))
            return self._replies.get("dot", "250 2.0.0 queued as 4Xyz1")
        return {"QUIT": "221 bye", "AUTH": "235 welcome", "STARTTLS": "220 go on"}.get(verb, "250 ok")


class SocksServer(Server):
    """A SOCKS5 proxy; `places` holds what it was asked to connect to, as (kind, address, port)."""

    def __init__(self, refusal: int = 0) -> None:
        super().__init__()
        self._refusal = refusal
        self.places: list[tuple[int, str, int]] = []

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            connection_methods = stream.read(2)[1]
            stream.read(connection_methods)
            connection.sendall(b"\x05\x00")
            kind = stream.read(4)[3]
            length = {1: 4, 4: 16}.get(kind) or stream.read(1)[0]
            raw = stream.read(length)
            port = int.from_bytes(stream.read(2))
            address = raw.decode() if kind == 3 else socket.inet_ntop({1: 2, 4: 10}[kind], raw)
            self.places.append((kind, address, port))
            connection.sendall(bytes([5, self._refusal, 0, 1, 0, 0, 0, 0, 0, 0]))
            if self._refusal:
                return
            with socket.create_connection((address, port)) as there:
                self._go(lambda: _pipe(there, connection))
                while data := stream.read1(65536):
                    there.sendall(data)
                there.shutdown(socket.SHUT_RDWR)


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def nobody_listening() -> Iterator[int]:
    """Yield a port that is bound and refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class WhoisServer(Server):
    """Answers `records[question]`, else that it knows nothing; notes what it was asked."""

    def __init__(self, records: Mapping[str, bytes | Callable[[socket.socket], None]] | None = None) -> None:
        super().__init__()
        self.records = dict(records or {})
        self.asked: list[str] = []

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            question = lines.readline(1000).decode("ascii").rstrip("\r\n")
        self.asked.append(question)
        record = self.records.get(question, b"No match for this query.\r\n")
        if callable(record):
            record(connection)
        else:
            connection.sendall(record)
