"""Registries, port 43 and DNS on loopback, asked through our own adapters: for tests of hostile answers."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from nta.adapters.dns.many_names import ManyNames
from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import Askers
from nta.adapters.net.rate_limits import ANYBODY, Rate, RateLimits
from nta.adapters.rdap.domains_lookup import RdapDomainAsker
from nta.adapters.rdap.networks import RdapAsker
from nta.adapters.whois.domains_on_port_43 import WhoisAsker
from nta.adapters.whois.national_registries import NATIONAL, NationalNetworks, RegistryAsker
from nta.adapters.whois.networks_on_port_43 import NetworkAsker, WhoisNetworkAsker
from nta.domain.hosting.lookups import LookupKind
from nta.settings import Reach
from tests.adapters.servers import DnsServer, Page, WebServer, WhoisServer, Zone, http

GOOD_IP, IP = "198.51.100.1", "192.0.2.1"
PATIENCE_S, HASTE_S = 10.0, 1.0
"""How long a step may take here: where all answer, and where somebody does not."""


def entity(roles: list[str], *properties: object, **more: object) -> dict[str, object]:
    return {
        "objectClassName": "entity",
        "handle": "ABUSE",
        "roles": roles,
        "vcardArray": ["vcard", list(properties)],
        **more,
    }


def abuse(mail: str, roles: tuple[str, ...] = ("abuse",)) -> dict[str, object]:
    return entity(list(roles), ["email", {}, "text", mail])


def network(cidr: str, holder: str, *entities: object) -> dict[str, object]:
    range_ = ip_network(cidr)
    return {
        "objectClassName": "ip network",
        "handle": f"NET-{holder}",
        "startAddress": str(range_[0]),
        "endAddress": str(range_[-1]),
        "country": "NL",
        "entities": [entity(["registrant"], ["fn", {}, "text", holder], handle=holder), *entities],
    }


def domain(name: str, *entities: object) -> dict[str, object]:
    return {
        "objectClassName": "domain",
        "ldhName": name,
        "status": ["active"],
        "entities": list(entities)
        or [
            entity(
                ["registrar"],
                ["fn", {}, "text", "Registrar B.V."],
                publicIds=[{"type": "IANA Registrar ID", "identifier": "9995"}],
                entities=[abuse("abuse@registrar.example")],
            )
        ],
    }


def said(document: object) -> bytes:
    return http(200, json.dumps(document).encode(), Content_Type="application/rdap+json")


def listed(services: Mapping[str, str]) -> bytes:
    return http(200, json.dumps({"services": [[[who], [url]] for who, url in services.items()]}).encode())


@dataclass
class Registries:
    """All who are asked, with the asker that knows the way to them."""

    dns: DnsServer
    rdap: WebServer
    registry: WebServer
    port_43: WhoisServer
    machine_s: list[float] = field(default_factory=lambda: [0.0])

    def askers(self, rate: Rate = ANYBODY, dns_s: float | None = None, *, many: bool = False) -> Askers:
        silent = never in {
            *self.rdap.pages.values(),
            *self.registry.pages.values(),
            *self.port_43.records.values(),
        }
        step_s = HASTE_S if silent else PATIENCE_S
        gate = Gate(Reach(public=False, ranges=(ip_network("127.0.0.0/8"),)))
        names = DnsAsker([self.dns.address], timeout_s=dns_s or step_s, tries=1)
        manners = RateLimits({"127.0.0.1": rate}, monotonic=lambda: self.machine_s[0])
        steps = {"connect_timeout_s": step_s, "timeout_s": step_s, "manners": manners}
        here = f"http://127.0.0.1:{self.rdap.port}"
        old = ("127.0.0.1", self.port_43.port)
        networks = RdapAsker(here, gate, resolve=names.resolve, **steps)
        old_networks = WhoisNetworkAsker(old, gate, resolve=names.resolve, **steps)
        national = [RegistryAsker(r, old[1], gate, resolve=names.resolve, **steps) for r in NATIONAL]
        return Askers(
            {
                LookupKind.ADDRESSES: ManyNames(
                    [self.dns.address], timeout_s=dns_s or step_s, tries=1, careful=names
                )
                if many
                else names,
                LookupKind.NETWORK: NationalNetworks(NetworkAsker(networks, old_networks), national),
                LookupKind.DOMAIN: RdapDomainAsker(here, gate, resolve=names.resolve, **steps),
                LookupKind.WHOIS: WhoisAsker(old, gate, resolve=names.resolve, **steps),
            }
        )

    def networks(self) -> list[str]:
        """Return the addresses that the registry of networks was asked about."""
        return sorted(asked.path.removeprefix("/ip/") for asked in self.rdap.asked if "/ip/" in asked.path)


@contextmanager
def registries(zone: Zone, pages: Mapping[str, Page]) -> Iterator[Registries]:
    """Yield a registry of networks, and one of domains and of the good network."""
    with DnsServer(zone) as dns, WebServer() as rdap, WebServer() as registry, WhoisServer() as port_43:
        here, there = (f"http://127.0.0.1:{server.port}/" for server in (rdap, registry))
        rdap.pages = {
            "/ipv4.json": listed({"192.0.2.0/24": here, "198.51.100.0/24": there, "203.0.113.0/24": here}),
            "/ipv6.json": listed({}),
            "/dns.json": listed({"test": there}),
            **{path: page for path, page in pages.items() if path.startswith("/ip/")},
        }
        registry.pages = {
            "/domain/a.test": said(domain("a.test")),
            f"/ip/{GOOD_IP}": said(network("198.51.100.0/24", "GOOD", abuse("abuse@good.example"))),
            **pages,
        }
        yield Registries(dns, rdap, registry, port_43)


def never(connection: socket.socket) -> None:
    """Answer nothing until the other side gives up."""
    connection.settimeout(30)
    connection.recv(1)
