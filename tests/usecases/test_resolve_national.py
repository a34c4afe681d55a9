"""A network of which the region names only the national registry's own desk: who is told instead."""

from collections.abc import Iterator

import pytest

from nta.domain.hosting.facts import HostingFacts, LookupProblem
from nta.domain.reasons import Code, Reason, because
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.work import due
from nta.usecases.resolve import resolve_due
from tests.adapters.servers import Zone
from tests.builders import MadeCase
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, LATER, due_at, host, made, parties, state
from tests.usecases.registries import IP, Registries, abuse, network, registries, said

KRNIC = b"""\
[ Network Information ]
IPv4 Address       : 192.0.2.0 - 192.0.2.255 (/24)
Organization Name  : Sample Telecom
Service Name       : SAMPLENET

[ Network Abuse Contact Information ]
E-Mail             : abuse@telecom.example
"""
UNKNOWN = because(Code.ONE_OF_SEVERAL, reason=Reason(Code.NATION_KNOWS_NO_NETWORK), who="KRNIC")
MISSING = LookupProblem("rdap_ip", UNKNOWN, False)


@pytest.fixture
def at() -> Iterator[Registries]:
    regional = network("192.0.0.0/16", "MNT-KRNIC-AP", abuse("irt@nic.or.kr")) | {"country": "KR"}
    zone = Zone(f"a.test 300 A {IP}\nwhois.kisa.or.kr 300 A 127.0.0.1")
    with registries(zone, {f"/ip/{IP}": said(regional)}) as all_of_them:
        all_of_them.port_43.records[IP] = KRNIC
        yield all_of_them


def resolve(store: Store, at: Registries, now=NINE) -> None:
    resolve_due(store, asker=at.askers(), catalogue=EVERYWHERE, holder="one", now=now)


def facts(store: Store, case: MadeCase) -> HostingFacts:
    number = host(store, case).arrangement_id
    assert number is not None
    with store.db.read() as connection:
        return host_arrangements.facts(connection, store, number)


def test_the_holders_desk_is_found_where_the_region_names_the_registry(store: Store, at: Registries) -> None:
    case = made(store, "http://a.test/x")

    resolve(store, at)

    (address,) = facts(store, case).addresses
    assert (address.party, address.party_name) == ("net:192.0.2.0 - 192.0.2.255", "Sample Telecom")
    assert [(c.email, c.source) for c in address.abuse] == [("abuse@telecom.example", "whois")]
    assert facts(store, case).problems == ()


def test_the_case_goes_on_with_the_regions_word_while_nobody_says_more(store: Store, at: Registries) -> None:
    del at.port_43.records[IP]
    case = made(store, "http://a.test/x")

    resolve(store, at)

    assert state(store, case).stage == "ready"
    assert facts(store, case).problems == (MISSING,)
    assert [c.email for c in facts(store, case).addresses[0].abuse] == ["irt@nic.or.kr"]
    assert due_at(store, due.RESOLVE, case.host_id) <= NINE + hours(12)


def test_who_was_known_stays_known_when_the_national_registry_says_nothing(
    store: Store, at: Registries
) -> None:
    case = made(store, "http://a.test/x")
    resolve(store, at)
    del at.port_43.records[IP]

    resolve(store, at, LATER)

    assert facts(store, case).problems == (MISSING,)
    assert parties(store, host(store, case).arrangement_id) == {IP: "net:192.0.2.0 - 192.0.2.255"}
    assert [c.email for c in facts(store, case).addresses[0].abuse] == ["abuse@telecom.example"]
