"""Registries on loopback for `nta resolve`: a zone, RDAP and port 43, with the settings that lead there."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.adapters.servers import DnsServer, WebServer, WhoisServer, Zone, http
from tests.cli.conftest import Nta


@contextmanager
def registries(nta: Nta, zone: str) -> Iterator[tuple[WebServer, WhoisServer]]:
    """Serve a zone, RDAP with an empty bootstrap, and port 43; the settings lead there."""
    with DnsServer(Zone(zone)) as names, WebServer() as rdap, WhoisServer({}) as whois:
        for name in ("ipv4", "ipv6", "dns", "asn"):
            rdap.pages[f"/{name}.json"] = http(200, b'{"services": []}')
        nta.settings |= {
            "NTA_DNS_SERVERS": f"127.0.0.1:{names.port}",
            "NTA_RDAP_BOOTSTRAP": f"http://127.0.0.1:{rdap.port}/",
            "NTA_WHOIS_SERVER": f"127.0.0.1:{whois.port}",
            "NTA_REACH": "127.0.0.0/8",
        }
        yield rdap, whois


def bootstrap(server: WebServer, name: str, entries: Sequence[str]) -> None:
    here = f"http://127.0.0.1:{server.port}/"
    server.pages[f"/{name}.json"] = http(200, json.dumps({"services": [[list(entries), [here]]]}).encode())
