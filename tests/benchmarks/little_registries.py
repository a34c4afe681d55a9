"""2,000 hosts' names and who they are registered with: a DNS server and registries that answer after a while.

Hosts lie in 300 ranges, larger than the neighbourhood of one address, and under 1,500 domains. All that is
asked is counted. `python -m tests.benchmarks.little_registries <latency in s>` prints the ports and serves.
"""

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.request import urlopen

HOSTS = 2_000
DOMAINS = 1_500
RANGES_V4 = 250
RANGES_V6 = 50
RANGES = RANGES_V4 + RANGES_V6
PER_HOST = 10
_ALL_V4 = int(ip_address("198.18.0.0"))  # for benchmarks (RFC 2544)
_ALL_V6 = int(ip_address("2001:db8::"))
_A, _AAAA = 1, 28
_TTL_S = 600


@dataclass(frozen=True, slots=True)
class Registries:
    """Where they are."""

    dns_port: int
    rdap_port: int
    bootstrap: Path

    def asked(self) -> dict[str, dict[str, int]]:
        """Return how often each question was asked since this was last asked, by kind."""
        with urlopen(f"http://127.0.0.1:{self.rdap_port}/asked", timeout=10) as answer:
            counted: dict[str, dict[str, int]] = json.load(answer)
        return counted


def name(host: int) -> str:
    """Return a host's name."""
    return f"h{host}.{domain(host)}"


def domain(host: int) -> str:
    """Return a host's domain."""
    return f"d{host % DOMAINS}.test"


def addresses(host: int) -> tuple[str, ...]:
    """Return a host's addresses: each has one, each fourth a second in another range."""
    place = host // RANGES_V4
    four = _ALL_V4 + (host % RANGES_V4 << 9) + place * 63 + 1
    if host % 4:
        return (str(ip_address(four)),)
    return (str(ip_address(four)), str(ip_address(_ALL_V6 + (host // 4 % RANGES_V6 << 80) + host + 1)))


def range_of(ip: str) -> str:
    """Return the registered range of an address."""
    return str(ip_network(f"{ip}/{48 if ':' in ip else 23}", strict=False))


@contextmanager
def running(folder: Path, latency_s: float) -> Iterator[Registries]:
    """Start the servers in a process of their own, and end it afterwards."""
    command = [sys.executable, "-m", "tests.benchmarks.little_registries", str(latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as servers:
        try:
            assert servers.stdout is not None
            dns_port, rdap_port = map(int, servers.stdout.readline().split())
            yield Registries(dns_port, rdap_port, _bootstrap(folder, rdap_port))
        finally:
            servers.terminate()


def _bootstrap(folder: Path, port: int) -> Path:
    """Write the files that say who is asked (RFC 9224)."""
    bootstrap = folder / "bootstrap"
    bootstrap.mkdir(exist_ok=True)
    known = {"dns": ["test"], "ipv4": ["198.18.0.0/15"], "ipv6": ["2001:db8::/32"], "asn": []}
    for file, entries in known.items():
        services = [[entries, [f"http://127.0.0.1:{port}/"]]]
        (bootstrap / f"{file}.json").write_text(json.dumps({"version": "1.0", "services": services}))
    return bootstrap


class _Names:
    """Answers A and AAAA of the hosts, everything else with nothing."""

    def __init__(self, asked: dict[str, Counter[str]]) -> None:
        self._asked = asked
        self._records = {name(host): addresses(host) for host in range(HOSTS)}
        self._answers: dict[bytes, tuple[str, bytes]] = {}

    def answer(self, data: bytes) -> bytes:
        question = data[12 : data.index(0, 12) + 5]
        if question not in self._answers:
            self._answers[question] = self._made(question)
        told, answer = self._answers[question]
        self._asked["dns"][told] += 1
        return data[:2] + answer

    def _made(self, question: bytes) -> tuple[str, bytes]:
        labels, at = [], 0
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        (type_,) = struct.unpack("!H", question[-4:-2])
        host = ".".join(labels)
        wanted = [ip for ip in self._records.get(host, ()) if (":" in ip) == (type_ == _AAAA)]
        found = wanted if type_ in (_A, _AAAA) else []
        head = struct.pack("!5H", 0x8580, 1, len(found), 0, 0)
        records = [
            struct.pack("!HHHIH", 0xC00C, type_, 1, _TTL_S, len(packed)) + packed
            for packed in (ip_address(ip).packed for ip in found)
        ]
        return f"{host} {type_}", head + question + b"".join(records)


def _answer_at_once(listening: socket.socket, names: _Names) -> None:
    while True:
        data, whom = listening.recvfrom(512)
        listening.sendto(names.answer(data), whom)


def _answer_later(listening: socket.socket, names: _Names, latency_s: float) -> None:
    loop = asyncio.get_running_loop()
    listening.setblocking(False)

    def read() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, whom = listening.recvfrom(512)
                loop.call_later(latency_s, listening.sendto, names.answer(data), whom)

    loop.add_reader(listening, read)


class _Registry(asyncio.Protocol):
    """Answers one request after the other on a connection that stays open."""

    def __init__(self, latency_s: float, asked: dict[str, Counter[str]]) -> None:
        self._latency_s = latency_s
        self._asked = asked
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while b"\r\n\r\n" in self._read:
            request, _, self._read = self._read.partition(b"\r\n\r\n")
            kind, _, subject = request.split(b" ", 2)[1].decode()[1:].partition("/")
            body = json.dumps(self._document(kind, subject)).encode()
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\nContent-Length: %d\r\n\r\n"
                % len(body)
            )
            asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, head + body)

    def _document(self, kind: str, subject: str) -> Any:
        if kind == "asked":
            counted = {of: dict(counts) for of, counts in self._asked.items()}
            for counts in self._asked.values():
                counts.clear()
            return counted
        self._asked[kind][range_of(subject) if kind == "ip" else subject] += 1
        return _network(subject) if kind == "ip" else _domain(subject)


def _network(ip: str) -> dict[str, Any]:
    """Return a range as RIPE's registry tells it."""
    network = ip_network(range_of(ip))
    number = (int(network.network_address) >> 9) % 64
    version = "v6" if isinstance(network, IPv6Network) else "v4"
    prefix = {f"{version}prefix": str(network.network_address), "length": network.prefixlen}
    return {
        "rdapConformance": ["nro_rdap_profile_0", "cidr0", "rdap_level_0"],
        "objectClassName": "ip network",
        "handle": f"{network[0]} - {network[-1]}",
        "startAddress": str(network[0]),
        "endAddress": str(network[-1]),
        "ipVersion": version,
        "name": f"BENCH-{number}",
        "type": "ASSIGNED PA",
        "country": "NL",
        "status": ["active"],
        "cidr0_cidrs": [prefix],
        "remarks": [{"description": ["Servers of customers", "A range of the bench"]}],
        "events": [{"eventAction": "last changed", "eventDate": "2024-05-01T09:00:00Z"}],
        "entities": [
            _entity(f"ORG-B{number}", "registrant", f"Bench {number} B.V.", f"info@bench{number}.example"),
            _entity(f"AR{number}-BENCH", "abuse", "Abuse desk", f"abuse@bench{number}.example"),
            _entity(f"TE{number}-BENCH", "technical", "Network operations", f"noc@bench{number}.example"),
        ],
        "links": [{"rel": "self", "href": f"https://registry.test/ip/{network}"}],
        "notices": [{"title": "Terms", "description": ["Objects are in RDAP format.", "x" * 600]}],
    }


def _domain(subject: str) -> dict[str, Any]:
    number = sum(subject.encode()) % 20
    registrar = _entity(str(number), "registrar", f"Registrar {number}", f"mail@registrar{number}.example")
    registrar["publicIds"] = [{"type": "IANA Registrar ID", "identifier": str(9000 + number)}]
    registrar["entities"] = [_entity("A", "abuse", "Abuse desk", f"abuse@registrar{number}.example")]
    return {
        "rdapConformance": ["rdap_level_0", "icann_rdap_response_profile_1"],
        "objectClassName": "domain",
        "handle": f"{subject.upper()}-BENCH",
        "ldhName": subject,
        "status": ["active", "client transfer prohibited"],
        "events": [{"eventAction": "registration", "eventDate": "2020-05-01T09:00:00Z"}],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": f"ns{n}.bench.test"} for n in range(4)],
        "entities": [registrar],
        "secureDNS": {"delegationSigned": False},
        "links": [{"rel": "self", "href": f"https://registry.test/domain/{subject}"}],
        "notices": [{"title": "Terms", "description": ["x" * 600]}],
    }


def _entity(handle: str, role: str, title: str, email: str) -> dict[str, Any]:
    card = [
        ["version", {}, "text", "4.0"],
        ["fn", {}, "text", title],
        ["adr", {"label": "Street 1\n1000 AA Amsterdam"}, "text", ["", "", "", "", "", "", ""]],
        ["tel", {"type": "voice"}, "uri", "tel:+31-20-5550100"],
        ["email", {}, "text", email],
    ]
    return {"objectClassName": "entity", "handle": handle, "roles": [role], "vcardArray": ["vcard", card]}


async def _serve(latency_s: float) -> None:
    loop = asyncio.get_running_loop()
    asked: dict[str, Counter[str]] = {kind: Counter() for kind in ("dns", "ip", "domain")}
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    listening.bind(("127.0.0.1", 0))
    names = _Names(asked)
    if latency_s:
        _answer_later(listening, names, latency_s)
    else:
        threading.Thread(target=_answer_at_once, args=(listening, names), daemon=True).start()
    server = await loop.create_server(lambda: _Registry(latency_s, asked), "127.0.0.1", 0, backlog=1024)
    print(listening.getsockname()[1], server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
