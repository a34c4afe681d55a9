"""Where to look: one address of each party, and what a name alone says."""

from datetime import UTC, datetime, timedelta

import pytest

from nta.domain.checks.targets import (
    STRANGER,
    Aim,
    Served,
    aim_at,
    seen_anew,
)
from nta.domain.checks.verdicts import Cause, Verdict

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
ELSEWHERE = (Verdict.MOVED, Cause.OTHER_HOST, "addresses_of_others")


def served(address: str, party: str | None = "hosting:one", network: str | None = None) -> Served:
    return Served(address, party, network, NINE)


ONE = served("192.0.2.1")
TWO = served("198.51.100.2", "hosting:two", "198.51.100.0/24")
UNNAMED = served("192.0.2.9", None)
SIX = served("2001:db8::1", "hosting:six", "2001:db8::/32")


@pytest.mark.parametrize(
    ("addresses", "known", "pins", "seen", "reading"),
    [
        pytest.param(("192.0.2.7", "192.0.2.8"), (), ("192.0.2.7",), set(), None, id="no-arrangement-yet"),
        pytest.param((), (), (), set(), None, id="nothing-known-at-all"),
        pytest.param(("192.0.2.1",), (ONE,), ("192.0.2.1",), {"hosting:one"}, None, id="as-it-was"),
        pytest.param(
            ("198.51.100.77",),
            (TWO,),
            ("198.51.100.77",),
            {"hosting:two"},
            None,
            id="another-address-of-its-network-is-pinned-today",
        ),
        pytest.param(
            ("192.0.2.1", "192.0.2.3"),
            (ONE, served("192.0.2.3")),
            ("192.0.2.1",),
            {"hosting:one"},
            None,
            id="one-address-a-party",
        ),
        pytest.param(
            ("192.0.2.1",),
            (ONE, TWO),
            ("192.0.2.1", "198.51.100.2"),
            {"hosting:one"},
            None,
            id="a-party-not-led-to-today-is-looked-at-where-it-was",
        ),
        pytest.param(
            ("192.0.2.1", "203.0.113.5"),
            (ONE,),
            ("192.0.2.1",),
            {"hosting:one", STRANGER},
            None,
            id="a-stranger-beside-it-is-noted-and-not-looked-at",
        ),
        pytest.param(("203.0.113.5",), (ONE,), (), {STRANGER}, ELSEWHERE, id="strangers-alone"),
        pytest.param(
            ("192.0.2.9",),
            (UNNAMED,),
            ("192.0.2.9",),
            {""},
            None,
            id="a-party-nobody-could-name-is-no-stranger",
        ),
        pytest.param(
            ("203.0.113.5",),
            (UNNAMED,),
            (),
            {STRANGER},
            ELSEWHERE,
            id="strangers-beside-a-party-nobody-could-name",
        ),
        pytest.param(
            ("2001:db8::ff", "198.51.100.9"),
            (TWO, SIX),
            ("2001:db8::ff", "198.51.100.9"),
            {"hosting:two", "hosting:six"},
            None,
            id="both-families",
        ),
        pytest.param(
            ("198.51.100.2",),
            (served("198.51.100.2", "proxy:two"), served("198.51.100.3", "hosting:two", "198.51.100.0/24")),
            ("198.51.100.2", "198.51.100.3"),
            {"proxy:two"},
            None,
            id="an-address-by-name-before-its-network",
        ),
    ],
)
def test_aim(addresses, known, pins, seen, reading) -> None:
    assert aim_at(addresses, None, known) == Aim(pins, frozenset(seen), reading, addresses)


def test_a_proxy_that_goes_over_to_another_of_its_ranges_is_looked_at_there() -> None:
    behind = (served("198.51.100.2", "proxy:two", "198.51.100.0/24"),)

    aim = aim_at(("203.0.113.9",), None, behind, lambda ip: "proxy:two")

    assert aim == Aim(("203.0.113.9",), frozenset({"proxy:two"}), None, ("203.0.113.9",))


def test_a_proxy_that_is_not_of_the_arrangement_is_a_stranger() -> None:
    aim = aim_at(("203.0.113.9",), None, (UNNAMED,), lambda ip: "proxy:other")

    assert (aim.pins, aim.seen, aim.reading) == ((), {STRANGER}, ELSEWHERE)


@pytest.mark.parametrize(
    ("error", "verdict", "cause"),
    [
        ("nxdomain", Verdict.GONE, Cause.NXDOMAIN),
        ("no_address", Verdict.GONE, Cause.NO_ADDRESS),
        ("dns_failure", Verdict.UNKNOWN, Cause.DNS_FAILURE),
    ],
)
def test_a_name_without_an_address_is_not_looked_at(error: str, verdict: Verdict, cause: Cause) -> None:
    aim = aim_at((), error, (ONE,))

    assert (aim.pins, aim.seen, aim.addresses) == ((), frozenset(), ())
    assert aim.reading is not None
    assert aim.reading[:2] == (verdict, cause)


def aims(*addresses: tuple[str, ...]) -> list[Aim]:
    return [Aim(one[:1], frozenset(), None, one) for one in addresses]


@pytest.mark.parametrize(
    ("led_to", "ago", "expected"),
    [
        pytest.param(aims(("192.0.2.1",)), timedelta(hours=1, seconds=1), {"192.0.2.1"}, id="long-ago"),
        pytest.param(aims(("192.0.2.1",)), timedelta(hours=1), set(), id="lately"),
        pytest.param(aims(("192.0.2.9",)), timedelta(days=1), set(), id="it-leads-elsewhere"),
        pytest.param(
            aims((), ("198.51.100.2", "192.0.2.1")),
            timedelta(days=1),
            {"192.0.2.1", "198.51.100.2"},
            id="from-one-of-two-places",
        ),
        pytest.param([], timedelta(days=1), set(), id="nobody-asked"),
    ],
)
def test_an_address_is_seen_anew_where_the_name_leads_to_it_and_it_was_not_seen_lately(
    led_to: list[Aim], ago: timedelta, expected: set[str]
) -> None:
    assert seen_anew([ONE, TWO], led_to, NINE + ago) == expected
