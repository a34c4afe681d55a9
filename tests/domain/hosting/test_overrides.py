"""What a person enters of who serves a host is taken, or refused in one line."""

from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from nta.domain.hosting.facts import AddressFacts, HostingFacts
from nta.domain.hosting.overrides import (
    FIELDS,
    LONGEST,
    EnteredOverride,
    Ground,
    Override,
    OverrideSlip,
    Scope,
    SlipError,
    judged,
)
from nta.domain.parties.organisations import Catalogue, NoticeRoute, Provider
from nta.web.desk.hosting_page import SLIPS
from tests.conftest import NINE, hours


def provider(name: str, title: str, **more: Any) -> Provider:
    return Provider(name, title, "NL", NoticeRoute("abuse@one.example"), "a page", date(2026, 1, 1), **more)


ONE = provider("hosting:one", "One Hosting")
TWINS = [provider("hosting:twin", "Twin"), provider("hosting:other-twin", "twin")]
SHIELD = provider("proxy:shield", "Shield", ranges=("203.0.113.0/24",))
CATALOGUE = Catalogue(hosting={p.id: p for p in (ONE, *TWINS)}, proxies={SHIELD.id: SHIELD})
FOUND = AddressFacts("192.0.2.1", None, None, None, "rdap:ORG-1", "First", None, ())
FACTS = HostingFacts("a.test", NINE, (), (FOUND,), "NL", None, ())
GROUND = Ground(FACTS, False, True, CATALOGUE, (), lambda party: True)
UNTIL = NINE + hours(24)
HOST = EnteredOverride("host", party="hosting:one", until=UNTIL, why="its invoice")
ORIGIN = EnteredOverride("origin", address="198.51.100.7", until=UNTIL, why="its headers")


@pytest.mark.parametrize(
    ("said", "party", "origin"),
    [
        pytest.param(HOST, "hosting:one", None, id="by-id"),
        pytest.param(replace(HOST, party=" one HOSTING "), "hosting:one", None, id="by-name"),
        pytest.param(replace(HOST, party="rdap:ORG-1"), "rdap:ORG-1", None, id="one-that-was-found"),
        pytest.param(ORIGIN, None, "198.51.100.7", id="address"),
        pytest.param(replace(ORIGIN, address="2001:DB8:0::1"), None, "2001:db8::1", id="written-shortest"),
        pytest.param(replace(ORIGIN, address="::ffff:198.51.100.7"), None, "198.51.100.7", id="mapped"),
        pytest.param(replace(HOST, until=NINE + LONGEST), "hosting:one", None, id="for-a-year"),
    ],
)
def test_an_entry_is_a_host_or_an_address(
    said: EnteredOverride, party: str | None, origin: str | None
) -> None:
    entry = judged(said, GROUND, NINE)

    assert entry == Override(Scope.HOST, origin, party, said.until, said.why)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "slip"),
    [
        pytest.param(replace(HOST, wrong="shoe"), OverrideSlip.NO_SUCH_CHOICE, id="choice"),
        pytest.param(
            replace(HOST, wrong="other"), OverrideSlip.NO_SUCH_CHOICE, id="nothing-is-entered-by-other"
        ),
        pytest.param(replace(HOST, party=" "), OverrideSlip.HOST_MISSING, id="no-party"),
        pytest.param(replace(HOST, party="hosting:nobody"), OverrideSlip.HOST_UNKNOWN, id="unknown-party"),
        pytest.param(replace(HOST, party="proxy:shield"), OverrideSlip.HOST_UNKNOWN, id="no-host"),
        pytest.param(replace(HOST, party="twin"), OverrideSlip.HOST_UNKNOWN, id="two-of-a-name"),
        pytest.param(replace(ORIGIN, address=""), OverrideSlip.ADDRESS_MISSING, id="no-address"),
        pytest.param(replace(ORIGIN, address="a.test"), OverrideSlip.ADDRESS_UNREADABLE, id="a-name"),
        pytest.param(replace(ORIGIN, address="fe80::1%eth0"), OverrideSlip.ADDRESS_UNREADABLE, id="zone"),
        pytest.param(replace(ORIGIN, address="10.0.0.1"), OverrideSlip.ADDRESS_NOBODYS, id="private"),
        pytest.param(replace(ORIGIN, address="::ffff:127.0.0.1"), OverrideSlip.ADDRESS_NOBODYS, id="ours"),
        pytest.param(replace(ORIGIN, address="224.0.0.1"), OverrideSlip.ADDRESS_NOBODYS, id="multicast"),
        pytest.param(replace(ORIGIN, address="203.0.113.9"), OverrideSlip.ADDRESS_PROXYS, id="the-proxys"),
        pytest.param(replace(ORIGIN, address="192.0.2.1"), OverrideSlip.ADDRESS_KNOWN, id="known"),
        pytest.param(replace(HOST, until=None), OverrideSlip.UNTIL_MISSING, id="no-end"),
        pytest.param(replace(HOST, until=NINE), OverrideSlip.UNTIL_PAST, id="over"),
        pytest.param(
            replace(HOST, until=NINE + LONGEST + timedelta(minutes=1)), OverrideSlip.UNTIL_FAR, id="too-long"
        ),
        pytest.param(replace(HOST, scope="world"), OverrideSlip.NO_SUCH_SCOPE, id="scope"),
        pytest.param(replace(HOST, why=" \n"), OverrideSlip.WHY_MISSING, id="no-reason"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line(said: EnteredOverride, slip: OverrideSlip) -> None:
    with pytest.raises(SlipError) as refusal:
        judged(said, GROUND, NINE)

    assert refusal.value.slip is slip
    assert str(refusal.value) == slip.value


def test_what_may_be_reached_may_be_an_origin() -> None:
    near = replace(GROUND, ranges=(ip_network("10.0.0.0/8"),))

    assert judged(replace(ORIGIN, address="10.0.0.1"), near, NINE).origin == "10.0.0.1"


@pytest.mark.parametrize(
    ("said", "ground", "slip"),
    [
        pytest.param(ORIGIN, replace(GROUND, is_ip=True), OverrideSlip.ON_AN_ADDRESS, id="address"),
        pytest.param(
            replace(HOST, scope="domain"),
            replace(GROUND, has_domain=False),
            OverrideSlip.NO_DOMAIN,
            id="no-domain",
        ),
        pytest.param(
            HOST,
            replace(GROUND, is_reachable=lambda party: False),
            OverrideSlip.HOST_UNREACHABLE,
            id="nobody-reads",
        ),
    ],
)
def test_what_makes_no_sense_for_this_case_is_refused(
    said: EnteredOverride, ground: Ground, slip: OverrideSlip
) -> None:
    with pytest.raises(SlipError) as refusal:
        judged(said, ground, NINE)

    assert refusal.value.slip is slip


def test_a_reason_is_one_line_of_bounded_length() -> None:
    entry = judged(replace(HOST, why="a\nb " + "x" * 300), GROUND, NINE)

    assert entry.why.startswith("a b x")
    assert len(entry.why) == 200


def test_every_slip_has_a_field_and_a_text() -> None:
    assert set(FIELDS) == set(OverrideSlip) == set(SLIPS)
