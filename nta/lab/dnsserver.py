"""The lab's name server: authoritative for all names of the world, over UDP and TCP."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

from nta.lab.landscape import CONTROLS, Landscape
from nta.lab.whoisserver import whois_places
from nta.lab.world import Site

TTL = 0
TIMEOUT_S = 10.0
OWN_ADDRESS = "127.0.0.1"
SUFFIXES = ("test", "example")
HEAD_LENGTH = 12
OPT_BEGINS = b"\x00\x00\x29"  # the root's name and the type, RFC 6891 section 6.1.2


@dataclass(frozen=True, slots=True)
class Found:
    """What the zones hold for a name: record texts by type, or that there is no such name."""

    exists: bool
    records: dict[str, list[str]]
    zone: str


class Zones:
    """The names of the world and what they say at a moment."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        world = landscape.world
        self._sites = {site.host: site for site in world.sites.values()}
        self._apexes = {site.domain: site for site in world.sites.values()}
        self._mail_domains = {mail.partition("@")[2] for mail in world.mailboxes}
        self._whois = {one.server: str(at) for one, at in whois_places(world).items()}
        self._ancestors = {parent for name in self._sites for parent in _parents(name)}

    def find(self, name: str, now: datetime) -> Found:
        """Return what a lower-case name without its last dot holds."""
        suffix = name.rpartition(".")[2]
        if suffix not in SUFFIXES:
            return Found(False, {}, "")
        domain = ".".join(name.split(".")[-2:])
        if not self._landscape.has_names(domain):
            return Found(False, {}, suffix)
        zone = domain if domain in self._apexes or domain in self._mail_domains else suffix
        records = self._records(name, now)
        if records is None:
            return Found(name in self._ancestors, {}, zone)
        return Found(True, records, zone)

    def _records(self, name: str, now: datetime) -> dict[str, list[str]] | None:
        if name in SUFFIXES:
            return {"NS": [f"ns.{name}."], "SOA": [_soa(name)]}
        if name in self._whois:
            return {"A": [self._whois[name]]}
        if name in CONTROLS:
            return {"A": [str(CONTROLS[name])]}
        found: dict[str, list[str]] = {}
        site = self._sites.get(name)
        if site is not None and site.alias:
            return {"CNAME": [f"{site.id}.{self._keeper(site)}."]}
        site = site or self._apexes.get(name)
        if site is not None:
            found["A"] = self._addresses(site, now)
        if name in self._apexes:
            keeper = self._keeper(self._apexes[name])
            found["NS"] = [f"ns1.{keeper}.", f"ns2.{keeper}."]
            found["SOA"] = [_soa(name)]
        if name in self._mail_domains:
            found |= {"A": [OWN_ADDRESS], "MX": [f"10 mail.{name}."], "SOA": [_soa(name)]}
            found.setdefault("NS", [f"ns1.{name}.", f"ns2.{name}."])
        host, _, rest = name.partition(".")
        if host in ("ns1", "ns2", "mail") and rest in self._mail_domains:
            found["A"] = [OWN_ADDRESS]
        aliased = self._landscape.world.sites.get(host)
        if aliased is not None and aliased.alias and rest == self._keeper(aliased):
            found["A"] = self._addresses(aliased, now)
        return found or None

    def version(self, now: datetime) -> tuple[int, ...]:
        """Return a value that is another one as soon as any name says something else."""
        return self._landscape.names_version(now)

    def addresses(self, name: str, now: datetime) -> list[str]:
        """Return the IPv4 addresses of a name, through an alias too."""
        records = self.find(name, now).records
        if "CNAME" in records:
            records = self.find(records["CNAME"][0].rstrip("."), now).records
        return records.get("A", [])

    def _addresses(self, site: Site, now: datetime) -> list[str]:
        return [str(address) for address in self._landscape.addresses(site, now)]

    def _keeper(self, site: Site) -> str:
        """Return the domain of the provider that a site stands with first."""
        provider = self._landscape.placements(site)[0].provider
        return self._landscape.world.providers[provider].domain


def _parents(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[n:]) for n in range(1, len(labels))]


def _soa(zone: str) -> str:
    return f"ns1.{zone}. hostmaster.{zone}. 2026030200 3600 600 86400 0"


class DNSServer:
    """Answers messages. Answers are kept by the question's bytes until some name says something else."""

    def __init__(self, zones: Zones, now: Callable[[], datetime]) -> None:
        self._zones = zones
        self._now = now
        self._kept: dict[bytes, bytes] = {}
        self._version: tuple[int, ...] = ()
        self.questions = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Bind UDP and TCP on 127.0.0.1.

        Raises:
            OSError: the port is in use.
        """
        loop = asyncio.get_running_loop()
        found = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(OWN_ADDRESS, port))
        self._transport = found[0]
        self._server = await asyncio.start_server(self._stream, OWN_ADDRESS, port)

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()

    def answer(self, wire: bytes) -> bytes | None:
        """Return the answer to one message, or None for what is no question."""
        self.questions += 1
        version = self._zones.version(self._now())
        if version != self._version:
            self._version, self._kept = version, {}
        kept = self._kept  # should a name change meanwhile, this answer goes with the old ones
        asked = _asked(wire)
        known = kept.get(asked)
        if known is None:
            made = self._make(wire)
            if made is None:
                return None
            known = kept[asked] = made[2:]
        return wire[:2] + known

    def _make(self, wire: bytes) -> bytes | None:
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.flags & dns.flags.QR or query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        answer.flags |= dns.flags.AA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self._fill(answer, name, question.name, dns.rdatatype.to_text(question.rdtype))
        return answer.to_wire()

    def _fill(self, answer: dns.message.Message, name: str, owner: dns.name.Name, kind: str) -> None:
        now = self._now()
        found = self._zones.find(name, now)
        texts = found.records.get(kind, [])
        if "CNAME" in found.records and kind != "CNAME":
            target = found.records["CNAME"][0]
            answer.answer.append(dns.rrset.from_text(owner, TTL, "IN", "CNAME", target))
            owner = dns.name.from_text(target)
            found = self._zones.find(target.rstrip("."), now)
            texts = found.records.get(kind, [])
        if texts:
            answer.answer.append(dns.rrset.from_text_list(owner, TTL, "IN", kind, texts))
            return
        if not found.exists:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        zone = found.zone
        answer.authority.append(
            dns.rrset.from_text(f"{zone}." if zone else ".", TTL, "IN", "SOA", _soa(zone or "test"))
        )

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    length = int.from_bytes(await reader.readexactly(2))
                    answer = self.answer(await reader.readexactly(length))
                    if answer is None:
                        break
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            pass
        except asyncio.CancelledError:
            pass  # the lab ends; asyncio would call this a fault of the connection
        finally:
            writer.close()


def _asked(wire: bytes) -> bytes:
    """Return what an answer hangs on: flags, question, EDNS head; not the id, nor a cookie (RFC 7873)."""
    end = wire.find(b"\0", HEAD_LENGTH) + 5
    if wire[end : end + 3] == OPT_BEGINS:
        return wire[2 : end + 9]
    return wire[2:]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DNSServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
