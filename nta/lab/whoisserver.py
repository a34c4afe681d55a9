"""Registration data on port 43 (RFC 3912): a root that refers to the servers of suffixes without RDAP."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import cast

from nta.lab.landscape import Landscape
from nta.lab.parties import WorldRegistry
from nta.lab.world import Site, World

ROOT = IPv4Address("127.0.0.1")
FIRST = IPv4Address("127.0.0.43")
TIMEOUT_S = 10.0
LONGEST = 1_000
END = "\r\n"


def whois_places(world: World) -> Mapping[WorldRegistry, IPv4Address]:
    """Return where each registry without RDAP listens; the root is at 127.0.0.1, all on one port."""
    bare = [registry for registry in world.registries.values() if registry.whois]
    return {registry: FIRST + number for number, registry in enumerate(bare)}


class WHOISServer:
    """Listens at the root's address and at those of the registries."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._world = landscape.world
        self._servers: list[asyncio.Server] = []
        self.questions = 0

    async def start(self, port: int) -> None:
        """Bind every address.

        Raises:
            OSError: an address has this port in use.
        """
        loop = asyncio.get_running_loop()
        places: dict[IPv4Address, Callable[[str], str]] = {ROOT: self._refer}
        for registry, address in whois_places(self._world).items():
            places[address] = lambda name, registry=registry: self._answer(name, registry)  # type: ignore[misc]
        for address, answer in places.items():
            server = await loop.create_server(lambda a=answer: _Question(self, a), str(address), port)  # type: ignore[misc]
            self._servers.append(server)

    def stop(self) -> None:
        for server in self._servers:
            server.close()

    def _refer(self, name: str) -> str:
        """Answer as the root does: who runs the suffix, and which server to ask instead."""
        suffix = name.rpartition(".")[2]
        found = [r for r in self._world.registries.values() if r.suffix == suffix]
        if not found:
            return f"% This query returned 0 objects.{END}"
        lines = [f"domain:       {suffix.upper()}", "", f"organisation: {found[0].name}"]
        if found[0].whois:
            lines = [f"refer:        {found[0].server}", "", *lines, f"whois:        {found[0].server}"]
        return END.join(["% The lab's root of all suffixes", "", *lines, "source:       LAB", ""])

    def _answer(self, name: str, registry: WorldRegistry) -> str:
        sites = [s for s in self._world.sites.values() if s.domain == name and s.suffix == registry.suffix]
        if not sites:
            return f'No match for "{name.upper()}".{END}>>> End of the registry\'s data <<<{END}'
        return END.join([*self._lines(sites[0]), "", f">>> {registry.name}: end of data <<<", ""])

    def _lines(self, site: Site) -> Iterator[str]:
        world = self._world
        keeper = world.providers[self._landscape.placements(site)[0].provider].domain
        registrar = world.registrar(site)
        yield f"Domain Name: {site.domain.upper()}"
        yield "Creation Date: 2025-06-01T00:00:00Z"
        if registrar is not None:
            yield f"Registrar: {registrar.name}"
            yield f"Registrar IANA ID: {registrar.iana_id}"
            yield f"Registrar Abuse Contact Email: {registrar.mail}"
            yield "Registrar Abuse Contact Phone: +31.000000000"
        for status in statuses(self._landscape, site):
            yield f"Domain Status: {status[0]} https://icann.org/epp#{status[0]}"
        yield "Registry Registrant ID: REDACTED FOR PRIVACY"
        yield "Registrant Name: REDACTED FOR PRIVACY"
        for host in ("ns1", "ns2"):
            yield f"Name Server: {host.upper()}.{keeper.upper()}"
        yield "DNSSEC: unsigned"


def statuses(landscape: Landscape, site: Site) -> list[tuple[str, str]]:
    """Return a domain's status as EPP writes it (RFC 5731) and as RDAP does (RFC 8056)."""
    suspended = landscape.suspension(site.domain)
    if suspended is None:
        return [("ok", "active")]
    if suspended.parks:
        return [("clientUpdateProhibited", "client update prohibited")]
    if suspended.by == "registrar":
        return [("clientHold", "client hold")]
    return [("serverHold", "server hold")]


class _Question(asyncio.Protocol):
    """One connection: a line in, an answer out, the end."""

    def __init__(self, server: WHOISServer, answer: Callable[[str], str]) -> None:
        self._server = server
        self._answer = answer
        self._asked = b""
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
        self._asked += data
        if b"\n" not in self._asked and len(self._asked) < LONGEST:
            return
        self._server.questions += 1
        words = self._asked.partition(b"\n")[0].decode("ascii", "replace").split()
        name = words[-1].lower().rstrip(".") if words else ""
        self._transport.write(self._answer(name).encode())
        self._transport.close()
