"""What ipwhois reads for us: prepared so that it reads right, and without a socket of its own."""

import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from nta.adapters.whois.ipwhois_parsers import ParsedNetwork, ParsedOrigin
from nta.adapters.whois.ipwhois_parsers import parsed_network as network
from nta.adapters.whois.ipwhois_parsers import parsed_origin as origin
from nta.adapters.whois.ipwhois_parsers import parsed_system as system

ROOT = Path(__file__).resolve().parents[3]
NETWORK = (ip_network("192.0.2.0/24"),)
RANGE = ("inetnum", "192.0.2.0 - 192.0.2.255")
FIRST = ParsedOrigin(*NETWORK, 64500)
NO_SOCKETS = """
import sys
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("socket.") else None)
from ipwhois.exceptions import BaseIpwhoisException
from nta.adapters.whois import ipwhois_parsers as parsers
from nta.adapters.whois.network_texts import network
network("inetnum: 192.0.2.0 - 192.0.2.255\\nnetname: A\\n", "192.0.2.7")
network("inetnum: 192.0.2/24\\nowner: A\\n", "192.0.2.7")
network("NetRange: 192.0.2.0 - 192.0.2.255\\nCIDR: 192.0.2.0/24\\n", "192.0.2.7")
parsers.parsed_origin("64500 | 192.0.2.0/24 | NL | ripencc | 2020-01-01")
parsers.parsed_system("64500 | NL | ripencc | 2020-01-01 | EXAMPLE")
assert not opened, opened
for ask in (parsers._NETWORKS.lookup, parsers._ORIGINS.lookup):
    try:
        ask(**({"asn_data": {"asn_registry": "ripencc"}} if ask == parsers._NETWORKS.lookup else {}))
    except (AttributeError, BaseIpwhoisException):
        continue
    raise AssertionError("the library asked by itself")
assert not {"socket.connect", "socket.sendto", "socket.getaddrinfo"}.intersection(opened), opened
"""


def test_reading_opens_no_socket_and_the_library_has_nothing_to_ask_with() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_SOCKETS], check=False, cwd=ROOT, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_else_imports_the_library() -> None:
    users = [path.name for path in (ROOT / "nta").rglob("*.py") if "from ipwhois" in path.read_text("utf-8")]

    assert users == ["ipwhois_parsers.py"]


@pytest.mark.parametrize(
    ("form", "lines", "expected"),
    [
        pytest.param(
            "ripencc",
            [
                ("inetnum", "192.0.2.0 - 192.0.2.255"),
                ("netname", ""),
                ("descr", ""),
                ("country", "nl # or so"),
            ],
            ParsedNetwork(NETWORK, None, "NL", None),
            id="an-empty-label-does-not-take-the-next-line",
        ),
        pytest.param(
            "ripencc",
            [
                ("inetnum", "192.0.2.0/24"),
                ("descr", "netname: B, country: DE"),
                ("country", "NL"),
                ("netname", "A"),
            ],
            ParsedNetwork(NETWORK, "A", "NL", "netname: B, country: DE"),
            id="labels-within-free-text-are-text",
        ),
        pytest.param(
            "ripencc",
            [
                ("inetnum", "192.0.2.0 - 192.0.2.255"),
                ("descr", "First"),
                ("descr", "Second"),
                ("country", "Narnia"),
            ],
            ParsedNetwork(NETWORK, None, None, "First"),
            id="the-first-line-names-the-holder",
        ),
        pytest.param(
            "arin",
            [
                ("netrange", "192.0.2.0 - 192.0.3.255"),
                ("cidr", "192.0.3.0/24, 192.0.2.0/24"),
                ("netname", "A"),
                ("custname", "Somebody"),
            ],
            ParsedNetwork((*NETWORK, ip_network("192.0.3.0/24")), "A", None, "Somebody"),
            id="ranges-in-order",
        ),
        pytest.param(
            "arin",
            [("netrange", "192.0.2.0 - 192.0.2.255"), *[("cidr", "192.0.2.0/24")] * 20_000],
            ParsedNetwork(NETWORK, None, None, None),
            id="thousands-of-ranges-are-one",
        ),
        pytest.param(
            "arin", [("netrange", "192.0.2.0"), ("cidr", "192.0.2.0/24, 2001:db8::/32")], None, id="mixed"
        ),
        pytest.param("lacnic", [("inetnum", "here"), ("owner", "A")], None, id="no-range"),
        pytest.param("ripencc", [], None, id="nothing"),
    ],
)
def test_the_lines_of_a_network_are_read(form, lines, expected):
    assert network(form, lines) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "64500 64503 | 192.0.2.0/24 | NL | ripencc | 2020-01-01",
            FIRST,
            id="whole",
        ),
        pytest.param("64500 | 192.0.2.0/24 | NL | other | ", FIRST, id="another-registry"),
        pytest.param("64500|192.0.2.0/24", FIRST, id="short"),
        pytest.param("NA | 192.0.2.0/24 | | | ", None, id="announced-by-nobody"),
        pytest.param("64500 | NA | | | ", None, id="no-prefix"),
        pytest.param("", None, id="empty"),
        pytest.param("v=spf1 -all", None, id="something-else"),
    ],
)
def test_an_origin_is_read_whatever_registry_it_names(text, expected):
    assert origin(text) == expected


def test_the_name_of_an_as_is_read_whatever_registry_it_names():
    assert system("64500 | NL | other | | EXAMPLE-AS, NL") == ("64500", "EXAMPLE-AS, NL")
    assert system("64500") == ("64500", "")
