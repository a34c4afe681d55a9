"""`nta resolve` of a name that places are shown differently, and where a national registry knows more."""

from collections.abc import Iterator

import pytest

from tests.adapters.servers import DnsServer, WebServer, WhoisServer, Zone
from tests.cli.conftest import Nta
from tests.cli.registries import bootstrap, registries
from tests.usecases.registries import abuse, network, said

HERE = """
a.test           60  A  192.0.2.1
whois.nic.ad.jp  60  A  127.0.0.1
"""
JPNIC = b"""\
a. [Network Number]             192.0.2.0/24
b. [Network Name]               SAMPLENET
g. [Organization]               Sample Hosting K.K.
o. [Abuse]                      abuse@hosting.example
"""

Asked = tuple[WebServer, WhoisServer, DnsServer]


@pytest.fixture
def asked(nta: Nta) -> Iterator[Asked]:
    """Serve one network each for two places, of which the second has DNS servers of its own."""
    there = DnsServer(Zone("a.test 60 A 198.51.100.1"))
    with registries(nta, HERE) as (rdap, whois), there:
        nta.settings |= {
            "NTA_VANTAGES": "nl=direct,de=direct",
            "NTA_DNS_SERVERS": f"{nta.settings['NTA_DNS_SERVERS']},de=127.0.0.1:{there.port}",
        }
        bootstrap(rdap, "ipv4", ["0.0.0.0/0"])
        rdap.pages |= {
            "/ip/192.0.2.1": said(network("192.0.2.0/24", "ONE", abuse("abuse@one.example"))),
            "/ip/198.51.100.1": said(network("198.51.100.0/24", "TWO", abuse("abuse@two.example"))),
        }
        yield rdap, whois, there


def test_who_serves_one_place_alone_is_found_and_told(nta: Nta, asked: Asked) -> None:
    (found,) = nta("resolve", "--json", "http://a.test/").objects
    shown = nta("resolve", "http://a.test/").out

    assert {a["ip"]: a["seen_from"] for a in found["addresses"]} == {
        "192.0.2.1": ["nl"],
        "198.51.100.1": ["de"],
    }
    hosts = {c["to"] for c in found["contacts"] if c["role"] == "host"}
    assert hosts == {"abuse@one.example", "abuse@two.example"}
    assert "shown only to those who ask from de" in shown


def test_a_place_that_cannot_ask_is_named(nta: Nta, asked: Asked) -> None:
    asked[2].zone.refused = {"a.test"}

    ended = nta("resolve", "--json", "http://a.test/")

    (found,) = ended.objects
    assert ended.code == 3
    reason = "the DNS server answers SERVFAIL (asked from de)"
    assert {"step": "dns", "reason": reason, "temporary": True} in found["problems"]
    assert [(a["ip"], a["seen_from"]) for a in found["addresses"]] == [("192.0.2.1", [])]


def test_the_national_registry_names_the_desk_that_its_region_does_not(nta: Nta, asked: Asked) -> None:
    rdap, whois, there = asked
    there.zone.refused = {"a.test"}
    regional = network("192.0.0.0/16", "MAINT-JPNIC", abuse("hostmaster@nic.ad.jp")) | {"country": "JP"}
    rdap.pages["/ip/192.0.2.1"] = said(regional)
    whois.records["192.0.2.1/e"] = JPNIC

    (found,) = nta("resolve", "--json", "http://a.test/").objects

    (address,) = found["addresses"]
    assert address["network"] == {
        "handle": "192.0.2.0 - 192.0.2.255",
        "name": "SAMPLENET",
        "cidr": ["192.0.2.0/24"],
        "country": "JP",
        "holder": "Sample Hosting K.K.",
    }
    assert [(c["email"], c["source"]) for c in address["abuse"]] == [("abuse@hosting.example", "whois")]
