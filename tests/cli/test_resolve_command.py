"""`nta resolve` in a world with registrars, a suffix without RDAP and a proxy: domains and whom to tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nta.lab.world import World
from nta.lab.worldfile import parse_world
from tests.cli.conftest import Nta
from tests.lab.conftest import WIDE, Client, playing


@pytest.fixture(scope="module")
def wide() -> World:
    return parse_world(WIDE.read_text(encoding="utf-8"), "wide.yaml")


@pytest.fixture(scope="module")
def lab(wide: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with playing(wide, tmp_path_factory.mktemp("lab")) as client:
        yield client


@pytest.fixture
def online(nta: Nta, lab: Client) -> Nta:
    card = lab.card
    nta.settings |= {
        "NTA_HOTLINE": card["hotline"],
        "NTA_CATALOGUE": card["catalogue"],
        "NTA_CLOCK": f"lab:{card['control']}",
        "NTA_DNS_SERVERS": card["dns"],
        "NTA_RDAP_BOOTSTRAP": card["rdap_bootstrap"],
        "NTA_WHOIS_SERVER": card["whois"],
        "NTA_REACH": "127.0.0.0/8",
    }
    return nta


def test_registry_and_registrar_tell_of_a_domain_together(online: Nta) -> None:
    ended = online("resolve", "--json", "http://www.fronted.test/")

    (found,) = ended.objects
    assert (ended.code, found["problems"]) == (0, [])
    assert found["domain"] == {
        "registered": True,
        "registrar": {
            "name": "Tidy Names",
            "iana_id": "9101",
            "abuse": [{"email": "abuse@tidy.example", "source": "rdap", "confidence": 0.9}],
        },
        "registry": {
            "suffix": "test",
            "abuse": [{"email": "abuse@registry.example", "source": "catalogue", "confidence": 1.0}],
        },
        "status": ["active"],
        "nameservers": ["ns1.front.example", "ns2.front.example"],
        "source": "rdap",
    }
    assert [(c["role"], c["email"]) for c in found["contacts"]] == [
        ("proxy", "abuse@front.example"),
        ("registrar", "abuse@tidy.example"),
        ("registry", "abuse@registry.example"),
    ]
    assert all(c["reason"].endswith(".") for c in found["contacts"])
    assert [a["proxy"] for a in found["addresses"]] == ["proxy:lab-front"]
    assert found["lookups"] == {"dns": 1, "rdap": 2, "whois": 0}


def test_a_suffix_without_rdap_is_asked_for_on_port_43(online: Nta) -> None:
    ended = online("resolve", "--json", "http://grumpy.example/")

    (found,) = ended.objects
    registrar = {
        "name": "Lots of Names",
        "iana_id": "9102",
        "abuse": [{"email": "abuse@lots.test", "source": "whois", "confidence": 0.9}],
    }
    assert (ended.code, found["problems"]) == (0, [])
    assert (found["domain"]["source"], found["domain"]["registrar"]) == ("whois", registrar)
    assert found["domain"]["status"] == ["active"]
    assert found["lookups"] == {"dns": 1, "rdap": 2, "whois": 1}
    (told,) = [c for c in found["contacts"] if c["role"] == "registrar"]
    assert (told["party"], told["reason"]) == ("iana:9102", "WHOIS names it as the abuse contact.")


def test_a_proxy_that_is_asked_names_the_host_behind_it(online: Nta, lab: Client) -> None:
    online.settings["NTA_ORIGIN_LOOKUPS"] = lab.card["origin_lookups"]
    online.settings["NTA_ORIGIN_TOKENS"] = lab.card["origin_tokens"]

    ended = online("resolve", "--json", "http://www.fronted.test/")

    (found,) = ended.objects
    assert (ended.code, found["problems"]) == (0, [])
    assert [(a["ip"], a["from"]) for a in found["origins"]] == [("127.10.0.21", "proxy:lab-front")]
    assert [(c["role"], c["to"]) for c in found["contacts"]][:2] == [
        ("host", "abuse@quick.example"),
        ("proxy", "abuse@front.example"),
    ]
    assert found["lookups"]["origin"] == 1


def test_a_routing_table_tells_who_announces_an_address(online: Nta, tmp_path: Path) -> None:
    table = tmp_path / "routes.txt"
    table.write_text("127.0.0.0/8 64499 SOMEBODY-ELSE\n", encoding="utf-8")
    online.settings["NTA_ROUTES"] = f"file:{table}"

    (found,) = online("resolve", "--json", "http://grumpy.example/").objects

    assert [(a["asn"], a["as_name"]) for a in found["addresses"]] == [(64499, "SOMEBODY-ELSE")]
    assert found["lookups"] == {"dns": 1, "rdap": 2, "whois": 1, "route": 1}
    assert found["problems"] == []


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://grumpy.example/", "registered through Lots of Names (IANA 9102)\n"),
        ("http://grumpy.example/", "status: active\n"),
        ("http://nobody.test/", "domain nobody.test: not registered\n"),
        ("http://nobody.test/", "dns: the name does not exist\n"),
    ],
)
def test_what_the_registry_says_is_told_to_a_person_too(online: Nta, url: str, line: str) -> None:
    assert line in online("resolve", url).out


def test_no_look_up_leaves_what_may_be_reached(online: Nta, lab: Client) -> None:
    online.settings["NTA_REACH"] = "public"
    before = lab.ask("GET", "/state")

    ended = online("resolve", "--json", "http://grumpy.example/", "http://www.fronted.test/")

    after = lab.ask("GET", "/state")
    assert [found["lookups"]["whois"] for found in ended.objects] == [1, 1]
    assert {p["reason"] for found in ended.objects for p in found["problems"]} == {
        "address not reachable by policy"
    }
    asked = {name: after["asked"][name] - before["asked"][name] for name in ("rdap", "whois")}
    assert asked == {"rdap": 0, "whois": 0}
