"""Resolving 20,000 URLs on 2,000 hosts with all that is written, cold and warm.

`resolve-cold`: nothing is known, and every server answers after 50 ms. Raw is what concurrency and latency
allow: a bare client that asks the questions that must be asked, each once, in the same order of dependence
(a host's names, then networks; domains from the start) and as many side by side as we do, and does nothing
with the answers.

`resolve-warm`: registrations are known already, names are not, and the DNS answers at once. Raw is bare
aiodns asking for A and AAAA of the same hosts.
"""

import asyncio
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiodns

from nta import settings
from nta.adapters.dns.many_names import AT_ONCE
from nta.adapters.lookup_chain import look_ups
from nta.adapters.net.address_policy import Gate
from nta.adapters.rdap.client import SIDE_BY_SIDE
from nta.catalogue import read
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.intake.urls import registrable_domain, registry_domain
from nta.domain.parties.organisations import Catalogue
from nta.jobs.garbage_collection import calm
from nta.ports import Asker
from nta.shipped import shipped
from nta.store.db.handle import Store
from nta.store.hosting import findings
from nta.usecases.resolve import resolve_due
from nta.usecases.submit import Terms, hand_in, read_lines
from tests.benchmarks.hand_in import NINE
from tests.benchmarks.little_registries import (
    DOMAINS,
    HOSTS,
    PER_HOST,
    RANGES,
    Registries,
    addresses,
    domain,
    name,
    range_of,
    running,
)
from tests.benchmarks.running import Result, beside, child
from tests.benchmarks.stores import blank, copied, open_store

LATENCY_S = 0.05
GOAL_COLD = 0.8
GOAL_WARM = 0.4
_A, _AAAA = 1, 28


def ours(database: str, dns_port: int, bootstrap: str) -> dict[str, Any]:
    """Resolve all that is due, as the jobs do."""
    store = open_store(database)
    asker, catalogue = _asker(dns_port, bootstrap), _catalogue()
    _begin(store, asker, catalogue)
    calm()
    begun, cpu = time.perf_counter(), time.process_time()
    taken = 0
    while done := resolve_due(store, asker=asker, catalogue=catalogue, holder="bench", now=NINE):
        taken += done
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert taken == HOSTS, taken
    _check(store)
    store.db.dispose()
    return {"seconds": seconds, "cpu": cpu}


def _begin(store: Store, asker: Asker, catalogue: Catalogue) -> None:
    """Do what a process does once: read the list of suffixes, sort the catalogue, prepare statements."""
    registrable_domain(name(0)), registry_domain(name(0))
    for ip in addresses(0):
        catalogue.host_of(ip, 0), catalogue.proxy_of(ip, 0)
    catalogue.registrar_of("1"), catalogue.registry_of("test"), catalogue.party("hosting:x")
    yesterday = NINE - timedelta(days=1)
    assert resolve_due(store, asker=asker, catalogue=catalogue, holder="bench", now=yesterday) == 0


def _asker(dns_port: int, bootstrap: str) -> Asker:
    given, _ = settings.read(
        {
            "NTA_DNS_SERVERS": f"127.0.0.1:{dns_port}",
            "NTA_RDAP_BOOTSTRAP": bootstrap,
            "NTA_REACH": "public,127.0.0.1/32",
            "NTA_MANNERS": "lifted",
        }
    )
    return look_ups(given, Gate(given.reach), None, "bench")


def _catalogue() -> Catalogue:
    return replace(read([shipped("providers")]), home="NL")


def _check(store: Store) -> None:
    """Make sure that everything was written, once."""
    episodes = HOSTS * PER_HOST
    places = sum(len(addresses(host)) for host in range(HOSTS))
    counts = {
        "SELECT count(*) FROM episode WHERE stage = 'ready' AND ladder IS NOT NULL": episodes,
        "SELECT count(*) FROM episode JOIN host ON host.id = host_id"
        " WHERE episode.arrangement_id = host.arrangement_id": episodes,
        "SELECT count(*) FROM event WHERE kind = 'resolved'": episodes,
        "SELECT count(*) FROM due WHERE kind = 'escalate'": episodes,
        "SELECT count(*) FROM due WHERE kind = 'resolve' AND taken_by IS NULL": HOSTS,
        "SELECT count(*) FROM arrangement": HOSTS,
        "SELECT count(*) FROM arrangement_party WHERE party IS NOT NULL": places,
        "SELECT count(*) FROM domain WHERE registrar_party IS NOT NULL": DOMAINS,
        "SELECT count(*) FROM finding WHERE kind = 'dns' AND problem IS NULL": HOSTS,
        "SELECT count(*) FROM finding WHERE kind = 'rdap_domain' AND problem IS NULL": DOMAINS,
    }
    with store.db.read() as connection:
        for asked, expected in counts.items():
            found = connection.exec_driver_sql(asked).scalar_one()
            assert found == expected, (asked, found)


def raw_cold(dns_port: int, rdap_port: int) -> dict[str, Any]:
    """Ask the questions of a cold start with nothing around them."""
    begun, cpu = time.perf_counter(), time.process_time()
    asyncio.run(_ask_all(dns_port, rdap_port))
    return {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}


async def _ask_all(dns_port: int, rdap_port: int) -> None:
    one_of_each = {range_of(ip): ip for host in range(HOSTS) for ip in addresses(host)}
    domains = {domain(host) for host in range(HOSTS)}

    async def about_hosts() -> None:
        names = iter([(name(host), type_) for host in range(HOSTS) for type_ in (_A, _AAAA)])
        await asyncio.gather(*(_resolver(dns_port, names) for _ in range(2 * AT_ONCE)))
        networks = iter([f"ip/{ip}" for ip in one_of_each.values()])
        await asyncio.gather(*(_client(rdap_port, networks) for _ in range(SIDE_BY_SIDE)))

    async def about_domains() -> None:
        paths = iter([f"domain/{one}" for one in domains])
        await asyncio.gather(*(_client(rdap_port, paths) for _ in range(SIDE_BY_SIDE)))

    await asyncio.gather(about_hosts(), about_domains())


class _Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.put_nowait(data)


async def _resolver(port: int, names: Iterator[tuple[str, int]]) -> None:
    """Ask for one name after the other over one socket."""
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(_Answers, remote_addr=("127.0.0.1", port))
    for host, type_ in names:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in host.split("."))
        transport.sendto(
            struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, type_, 1)
        )
        await answers.came.get()
    transport.close()


async def _client(port: int, paths: Iterator[str]) -> None:
    """Ask for one document after the other over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r")[0]))
    writer.close()


def raw_warm(dns_port: int) -> dict[str, Any]:
    """Ask for both addresses of every host with aiodns, as many hosts side by side as we do."""
    begun, cpu = time.perf_counter(), time.process_time()
    found = asyncio.run(_with_aiodns(dns_port))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert found == sum(len(addresses(host)) for host in range(HOSTS)), found
    return {"seconds": seconds, "cpu": cpu}


async def _with_aiodns(port: int) -> int:
    resolver = aiodns.DNSResolver(nameservers=[f"127.0.0.1:{port}"], timeout=5)
    hosts = iter(range(HOSTS))
    found = 0

    async def resolve() -> None:
        nonlocal found
        for host in hosts:
            both = (resolver.query_dns(name(host), type_) for type_ in ("A", "AAAA"))
            for answer in await asyncio.gather(*both, return_exceptions=True):
                if not isinstance(answer, BaseException):
                    found += len(answer.answer)

    await asyncio.gather(*(resolve() for _ in range(AT_ONCE)))
    await resolver.close()
    return found


def fill(store: Store) -> None:
    """Hand the URLs in."""
    lines = [f"http://{name(host)}/{page}/picture.html" for host in range(HOSTS) for page in range(PER_HOST)]
    text = "\n".join(lines).encode()
    found = hand_in(
        store, read_lines(text), Terms(source="bench"), who="bench", key="1", way="file", now=NINE
    )
    assert (found.accepted, found.refused) == (HOSTS * PER_HOST, 0)


def fill_registrations(store: Store, asker: Asker) -> None:
    """Write what the registries say, as if another hand-in had asked."""
    ranges = {range_of(ip): ip for host in range(HOSTS) for ip in addresses(host)}
    wanted = [Lookup(LookupKind.NETWORK, ip) for ip in ranges.values()]
    wanted += [Lookup(LookupKind.DOMAIN, one) for one in sorted({domain(host) for host in range(HOSTS)})]
    found = list(asker.ask(wanted, NINE))
    assert not any(finding.problem for finding in found)
    with store.db.write() as connection:
        findings.save(connection, store, found)


def run_cold(folder: Path) -> list[Result]:
    """Measure with nothing known."""
    filled = blank(folder)
    store = open_store(f"sqlite:///{filled}")
    fill(store)
    _close(store)
    with running(folder, LATENCY_S) as registries:

        def run_ours() -> dict[str, Any]:
            registries.asked()
            measured = _ours(copied(filled, folder / "resolved.sqlite"), registries)
            _few_questions(registries.asked())
            return measured

        def run_raw() -> dict[str, Any]:
            given = {"dns_port": registries.dns_port, "rdap_port": registries.rdap_port}
            return child("resolve", "raw_cold", given)

        return [beside("resolve-cold", "hosts/s", HOSTS, run_ours, run_raw)]


def run_warm(folder: Path) -> list[Result]:
    """Measure with registrations known."""
    filled = blank(folder)
    with running(folder, 0) as registries:
        store = open_store(f"sqlite:///{filled}")
        fill(store)
        fill_registrations(store, _asker(registries.dns_port, str(registries.bootstrap)))
        _close(store)

        def run_ours() -> dict[str, Any]:
            registries.asked()
            measured = _ours(copied(filled, folder / "resolved.sqlite"), registries)
            asked = registries.asked()
            assert not asked["ip"], asked["ip"]
            assert not asked["domain"], asked["domain"]
            return measured

        def run_raw() -> dict[str, Any]:
            return child("resolve", "raw_warm", {"dns_port": registries.dns_port})

        return [beside("resolve-warm", "hosts/s", HOSTS, run_ours, run_raw, repeats=5)]


def _ours(database: str, registries: Registries) -> dict[str, Any]:
    given = {
        "database": database,
        "dns_port": registries.dns_port,
        "bootstrap": str(registries.bootstrap),
    }
    return child("resolve", "ours", given)


def _close(store: Store) -> None:
    with store.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.db.dispose()


def _few_questions(asked: dict[str, dict[str, int]]) -> None:
    """Make sure that each host was asked for once of each type, and ranges and domains hardly more often."""
    assert len(asked["dns"]) == 2 * HOSTS
    assert max(asked["dns"].values()) == 1
    for kind, many in (("ip", RANGES), ("domain", DOMAINS)):
        assert len(asked[kind]) == many, (kind, len(asked[kind]))
        assert sum(asked[kind].values()) <= 1.05 * many, (kind, sum(asked[kind].values()))
