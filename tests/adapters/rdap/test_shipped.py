"""The copy of IANA's bootstrap files that ships: read when no other is named, and without any network."""

import json
from datetime import date, datetime

import pytest

from nta.adapters.lookup_chain import look_ups
from nta.adapters.rdap.bootstrap_files import Bootstrap, Suffixes
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.render.reason_sentences import sentence
from nta.settings import read
from nta.shipped import shipped
from tests.conftest import NINE

FILES = ("asn.json", "dns.json", "ipv4.json", "ipv6.json")


def document(name: str) -> dict:
    return json.loads(((shipped("providers") / "rdap") / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("example.com", "https://rdap.verisign.com/com/v1/"),
        ("example.nl", "https://rdap.sidn.nl/"),
        ("example.de", None),
        ("example.test", None),
    ],
)
def test_a_suffix_has_the_server_that_iana_names_or_none(name, server):
    suffixes = Suffixes(document("dns.json"))

    try:
        first = suffixes.servers(name)[0]
    except OutsideError:
        first = None

    assert first == server


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("193.0.0.0", "https://rdap.db.ripe.net/"),
        ("2a00::", "https://rdap.db.ripe.net/"),
        ("12.0.0.0", "https://rdap.arin.net/registry/"),
        ("2600::", "https://rdap.arin.net/registry/"),
    ],
)
def test_an_address_has_the_registry_of_its_region(address, server):
    networks = Bootstrap({4: document("ipv4.json"), 6: document("ipv6.json")})

    assert networks.servers(address)[0] == server


def test_it_is_read_when_no_other_is_named(loopback):
    """A suffix it does not hold is answered from the file alone: no server, so port 43 is next."""
    settings, _ = read({})
    asker = look_ups(settings, loopback, None, "nta")

    (finding,) = asker.ask([Lookup(LookupKind.DOMAIN, "a.test")], NINE)

    assert sentence(finding.problem.reason) == "no RDAP server is named for this suffix"


@pytest.mark.parametrize("name", FILES)
def test_every_file_says_when_it_was_published_as_the_readme_does(name):
    published: date = datetime.fromisoformat(document(name)["publication"]).date()

    assert f"| `{name}` | {published} |" in ((shipped("providers") / "rdap") / "README.md").read_text(
        encoding="utf-8"
    )
    assert document(name)["services"]
