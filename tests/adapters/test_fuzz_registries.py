"""What registries and files say, spoilt by seed: a value within bounds or a reason, never a fault."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nta.adapters.net.concurrency import tellable
from nta.adapters.rdap import domain_records, network_answers
from nta.adapters.rdap.bootstrap_files import Bootstrap, Suffixes, Systems
from nta.adapters.rdap.client import as_json
from nta.adapters.routes.route_table import RouteTable
from nta.adapters.security_txt import file_value
from nta.adapters.whois import domain_texts, network_texts
from nta.adapters.whois.national_texts import jpnic_desk, krnic, twnic
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import to_plain
from nta.domain.hosting.lookup_answers import HostAddresses
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.reading import LARGEST_ID
from tests.conftest import NINE
from tests.fuzzing import rounds, spoil
from tests.resolving import EVERYWHERE

SEEDS = Path(__file__).parents[1] / "data" / "registries"
IP, NAME = "192.0.2.77", "site.test"
FEW = 150

Read = Callable[[bytes], Any]


def text(read: Callable[..., Any], *more: str) -> Read:
    return lambda data: read(domain_texts.decoded(data), *more)


READERS: dict[str, tuple[str, Read]] = {
    "a network by RDAP": ("network.json", lambda data: network_answers.network(as_json(data))),
    "an AS by RDAP": ("system.json", lambda data: network_answers.system(as_json(data))),
    "a domain by RDAP": ("domain.json", lambda data: domain_records.domain(as_json(data), NAME)),
    "a registrar's link": (
        "domain.json",
        lambda data: domain_records.registrar_link(as_json(data), "http://x.test/"),
    ),
    "a network on port 43": ("network.txt", text(network_texts.network, IP)),
    "a domain on port 43": ("domain.txt", text(domain_texts.domain, NAME)),
    "a referral": ("domain.txt", text(domain_texts.referral)),
    "whether a server wants rest": ("domain.txt", text(domain_texts.wants_rest)),
    "KRNIC": ("network.txt", text(krnic, IP)),
    "TWNIC": ("network.txt", text(twnic, IP)),
    "a desk of JPNIC": ("network.txt", text(jpnic_desk)),
    "security.txt": ("security.txt", lambda data: file_value(data, NAME, (), NINE)),
    "a routing table": (
        "routes.txt",
        lambda data: RouteTable(data.decode("utf-8", "replace").splitlines()).origin(IP),
    ),
    "a list of networks": (
        "bootstrap.json",
        lambda data: Bootstrap({4: as_json(data), 6: as_json(data)}).servers(IP),
    ),
    "a list of suffixes": ("bootstrap.json", lambda data: Suffixes(as_json(data)).servers(NAME)),
    "a list of systems": ("bootstrap.json", lambda data: Systems(as_json(data)).servers(64500)),
}


@pytest.mark.parametrize(("seed", "read"), READERS.values(), ids=READERS)
def test_a_spoilt_answer_is_a_value_within_bounds_or_a_reason(seed: str, read: Read) -> None:
    whole = (SEEDS / seed).read_bytes()
    for number in rounds(FEW):
        with suppress(OutsideError):
            said = read(spoil(whole, Random(number)))
            within(tellable(tuple(said) if isinstance(said, list) else said))


def within(value: Any) -> None:
    """Check that a database holds every part of a value."""
    if is_dataclass(value):
        within([getattr(value, field.name) for field in fields(value)])
        asn = getattr(value, "asn", None)
        assert asn is None or 0 < asn < 1 << 32
    elif isinstance(value, list | tuple):
        assert len(value) <= 1_000
        for one in value:
            within(one)
    elif isinstance(value, str):
        assert len(value) <= 1_000
        assert "\x00" not in value
        value.encode()
    elif isinstance(value, int):
        assert abs(value) <= LARGEST_ID


def test_facts_follow_from_any_spoilt_answer_and_can_be_kept() -> None:
    """What is concluded is written: it has to fit into JSON, and its parties into their column."""
    subject = Subject(NAME, False, NAME, "test", NAME)
    names = HostAddresses((IP,))
    for number in rounds(FEW):
        said = {
            Lookup(LookupKind.ADDRESSES, NAME): names,
            Lookup(LookupKind.NETWORK, IP): spoilt("a network by RDAP", number),
            Lookup(LookupKind.DOMAIN, NAME): spoilt("a domain by RDAP", number + 1),
            Lookup(LookupKind.WHOIS, NAME): spoilt("a domain on port 43", number + 2),
        }
        until = NINE + timedelta(hours=1)
        known = [Finding(lookup, value, "x", NINE, until, None) for lookup, value in said.items() if value]

        next_lookups(subject, known, NINE)
        facts = conclude(subject, known, EVERYWHERE, NINE)

        assert json.dumps(to_plain(facts))
        assert all(len(party) <= 96 for party in facts.parties)
        assert all(a.asn is None or 0 < a.asn < 1 << 32 for a in facts.addresses)


def spoilt(what: str, number: int) -> Any:
    seed, read = READERS[what]
    try:
        return tellable(read(spoil((SEEDS / seed).read_bytes(), Random(number))))
    except OutsideError:
        return None
