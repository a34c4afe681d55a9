"""`nta resolve` and names: zones, literals in odd notations, names nobody may be asked for, and the tree."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.servers import DnsServer, WebServer, Zone, http
from tests.cli.conftest import Nta

RECORDS = """
shop.test            600 NS    ns1.keeper.example.
shop.test            600 NS    ns2.keeper.example.
shop.test            600 SOA   ns1.keeper.example. host\\.master.keeper.example. 1 7200 900 1209600 300
shop.test            600 MX    20 mx2.keeper.example.
shop.test            600 MX    10 mx1.keeper.example.
a.b.shop.test        600 CNAME edge.shop.test.
edge.shop.test       600 A     198.51.100.2
edge.shop.test       600 A     198.51.100.1
edge.shop.test       600 AAAA  2001:db8::1
parked.test          600 NS    ns1.parkingcrew.net.
parked.test          600 MX    0 .
parked.test          600 A     198.51.100.9
*.parked.test        600 A     198.51.100.9
xn--bcher-kva.test   600 A     198.51.100.3
intranet             600 A     198.51.100.4
"""
TOLD = {
    "objectClassName": "domain",
    "entities": [
        {
            "objectClassName": "entity",
            "roles": ["registrar"],
            "vcardArray": [
                "vcard",
                [
                    ["version", {}, "text", "4.0"],
                    ["fn", {}, "text", "Names \u001b[2J\u202e[red]Inc[/red] :bomb:"],
                ],
            ],
            "entities": [
                {
                    "roles": ["abuse"],
                    "vcardArray": ["vcard", [["email", {}, "text", "abuse@names.example"]]],
                }
            ],
        }
    ],
    "status": ["client hold\u0007"],
}


class Wildcards(DnsServer):
    """Answers names that nobody made where a zone has a record for any."""

    def _fill(self, reply: Any, name: str, type_: str) -> None:
        any_name = f"*.{name.partition('.')[2]}"
        made = any(known == name for known, _ in self._rrsets)
        if not made and (found := self._rrsets.get((any_name, type_))):
            own = found.copy()
            own.name = reply.question[0].name
            reply.answer.append(own)
            return
        super()._fill(reply, name, type_)


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with Wildcards(Zone(RECORDS)) as server:
        yield server


@pytest.fixture
def rdap() -> Iterator[WebServer]:
    with WebServer() as server:
        here = f"http://127.0.0.1:{server.port}/"
        served = {"ipv4": ["0.0.0.0/0"], "ipv6": ["::/0"], "dns": ["test"], "asn": []}
        for name, entries in served.items():
            listed = json.dumps({"services": [[entries, [here]]]}).encode()
            server.pages[f"/{name}.json"] = http(200, listed)
        server.pages["/domain/shop.test"] = http(200, json.dumps(TOLD).encode())
        yield server


@pytest.fixture
def asking(nta: Nta, names: DnsServer, rdap: WebServer) -> Nta:
    nta.settings |= {
        "NTA_DNS_SERVERS": f"127.0.0.1:{names.port}",
        "NTA_RDAP_BOOTSTRAP": f"http://127.0.0.1:{rdap.port}/",
        "NTA_WHOIS_SERVER": "127.0.0.1:1",
        "NTA_REACH": "127.0.0.0/8",
    }
    return nta


def found(nta: Nta, url: str) -> dict[str, Any]:
    (one,) = nta("resolve", "--json", url).objects
    return one


def test_every_address_and_alias_and_the_domains_zone_are_told(asking: Nta, names: DnsServer) -> None:
    told = found(asking, "https://a.b.shop.test:8443/x")

    assert (told["host"], told["cname"]) == ("a.b.shop.test", ["edge.shop.test"])
    assert [a["ip"] for a in told["addresses"]] == ["198.51.100.1", "198.51.100.2", "2001:db8::1"]
    assert told["zone"] == {
        "ns": ["ns1.keeper.example", "ns2.keeper.example"],
        "soa": {"mname": "ns1.keeper.example", "rname": "host.master@keeper.example"},
        "mx": ["mx1.keeper.example", "mx2.keeper.example"],
        "wildcard": False,
        "parked": None,
    }
    assert max(names.asked.count(question) for question in names.asked) == 1


def test_a_parked_zone_that_answers_any_name_is_told_apart(asking: Nta) -> None:
    zone = found(asking, "http://www.parked.test/")["zone"]

    assert (zone["wildcard"], zone["parked"]) == (True, "ns1.parkingcrew.net")
    assert (zone["soa"], zone["mx"]) == (None, [])


def test_an_international_name_is_asked_for_in_ascii(asking: Nta, names: DnsServer) -> None:
    told = found(asking, "http://B\u00fccher.TEST/")

    assert told["registrable_domain"] == "xn--bcher-kva.test"
    assert [a["ip"] for a in told["addresses"]] == ["198.51.100.3"]


def test_a_host_of_one_label_has_addresses_and_no_domain(asking: Nta) -> None:
    told = found(asking, "http://intranet/")

    assert [a["ip"] for a in told["addresses"]] == ["198.51.100.4"]
    assert (told["registrable_domain"], told["domain"], told["zone"]) == (None, None, None)


def test_an_onion_address_is_told_apart_and_asked_of_nobody(asking: Nta, names: DnsServer) -> None:
    ended = asking("resolve", "--json", f"http://{'a' * 56}.onion/x")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nta: an onion address: ")
    assert names.asked == []


@pytest.mark.parametrize("host", ["localhost", "printer.local", "wiki.internal"])
def test_names_that_are_no_hosts_on_the_internet_are_asked_of_no_server(
    asking: Nta, names: DnsServer, host: str
) -> None:
    ended = asking("resolve", "--json", f"http://{host}/")

    assert ended.code == 1
    assert "no DNS server is asked" in ended.objects[0]["problems"][0]["reason"]
    assert names.asked == []


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("0xc6.0x33.100.7", "198.51.100.7"),
        ("3325256711", "198.51.100.7"),
        ("0306.063.0144.07", "198.51.100.7"),
        ("198.51.25607", "198.51.100.7"),
        ("[::ffff:198.51.100.7]", "198.51.100.7"),
        ("[::FFFF:c633:6407]:8080", "198.51.100.7"),
        ("[2001:DB8:0::7]", "2001:db8::7"),
    ],
)
def test_a_literal_in_any_notation_is_one_address(
    asking: Nta, names: DnsServer, rdap: WebServer, written: str, asked: str
) -> None:
    told = found(asking, f"http://{written}/")

    assert [a["ip"] for a in told["addresses"]] == [asked]
    assert f"/ip/{asked}" in [one.path for one in rdap.asked]
    assert names.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "0x7f.1",
        "127.1",
        "0",
        "[::]",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[fe80::1]",
        "169.254.169.254",
        "0xa000001",
    ],
)
def test_an_address_that_is_nobodys_is_refused_in_a_sentence(asking: Nta, rdap: WebServer, host: str) -> None:
    asking.settings["NTA_REACH"] = "public"

    ended = asking("resolve", "--json", f"http://{host}/")

    assert (ended.code, ended.out) == (2, "")
    assert "which no host on the internet has" in ended.err
    assert "NTA_REACH does not name it" in ended.err
    assert rdap.asked == []


def test_an_address_that_may_be_reached_here_is_looked_up(asking: Nta) -> None:
    assert [a["ip"] for a in found(asking, "http://0x7f.1/")["addresses"]] == ["127.0.0.1"]


def test_of_several_urls_those_refused_are_named_and_the_rest_resolved(asking: Nta) -> None:
    ended = asking("resolve", "--json", "http://10.0.0.1/", "http://intranet/")

    assert ended.err.startswith("nta: URL 1: the URL leads to the address 10.0.0.1, ")
    assert (ended.code, [one["host"] for one in ended.objects]) == (1, ["intranet"])


def test_nothing_in_the_tree_steers_the_terminal(asking: Nta) -> None:
    ended = asking("resolve", "http://edge.shop.test/")

    assert "registered through Names \ufffd[2J\ufffd[red]Inc[/red] :bomb:" in ended.out
    assert "status: client hold\ufffd" in ended.out
    assert "abuse contact: abuse@names.example  (RDAP, very likely)" in ended.out
    assert "name servers: ns1.keeper.example, ns2.keeper.example" in ended.out
    assert all(c.isprintable() or c == "\n" for c in ended.out)
