"""Manners: rates by machine time, rests by the service's, and nobody ever waits inside."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import TEMPORARY_KEPT, TryLaterError
from nta.adapters.net.rate_limits import (
    ANYBODY,
    PORT_43,
    RATES,
    Rate,
    RateLimits,
)
from nta.adapters.whois.domains_on_port_43 import WhoisAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.reasons import Code
from tests.adapters.rdap.test_networks import answer, asker, bootstrap
from tests.adapters.servers import WebServer, WhoisServer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SLOW = Rate(3, 0.5, "for a test")


@pytest.fixture
def registry() -> Iterator[WebServer]:
    with WebServer() as server:
        server.pages = bootstrap((["192.0.2.0/24"], [f"http://127.0.0.1:{server.port}/"]))
        yield server


class Machine:
    """The machine's clock, turned by hand."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def taken(manners: RateLimits, server: str, most: int = 1000) -> int:
    """Return how many questions a server may be asked now."""
    for number in count():
        if number == most:
            return most
        try:
            manners.turn(server, NOW)
        except TryLaterError:
            return number
    raise AssertionError


def test_a_burst_then_no_more_than_the_rate_by_machine_time() -> None:
    machine = Machine()
    manners = RateLimits({"rdap.test": SLOW}, monotonic=machine)

    assert taken(manners, "rdap.test:443") == 3
    machine.s += 1.9
    assert taken(manners, "rdap.test:443") == 0
    machine.s += 0.2
    assert taken(manners, "rdap.test:443") == 1
    machine.s += 3600
    assert taken(manners, "rdap.test:443") == 3


def test_who_comes_too_soon_is_told_when_the_whole_burst_is_free_again() -> None:
    machine = Machine()
    manners = RateLimits({"rdap.test": SLOW}, monotonic=machine)
    taken(manners, "rdap.test")

    with pytest.raises(TryLaterError) as told:
        manners.turn("rdap.test", NOW)

    assert (told.value.reason.code, told.value.at) == (Code.OWN_PACE, NOW + timedelta(seconds=6))


def test_each_server_has_a_rate_of_its_own_and_strangers_one_too() -> None:
    manners = RateLimits({"rdap.test": SLOW}, others=Rate(5, 1, "x"), monotonic=Machine())

    assert taken(manners, "rdap.test") == 3
    assert taken(manners, "rdap.example") == 5
    assert taken(manners, "rdap.example:8443") == 5


def test_a_server_on_this_machine_has_no_rate_unless_the_table_names_it() -> None:
    manners = RateLimits({"127.0.0.2": SLOW}, monotonic=Machine())

    assert [taken(manners, f"{host}:8080") for host in ("127.0.0.1", "[::1]", "127.0.0.2")] == [1000, 1000, 3]
    assert taken(manners, "[2001:db8::1]:8080") == ANYBODY.burst


def test_lifted_manners_know_no_rate_but_keep_what_a_server_asks_for() -> None:
    manners = RateLimits({"rdap.test": SLOW}, lifted=True, monotonic=Machine())

    assert taken(manners, "rdap.test") == 1000
    manners.leave_alone("rdap.test", NOW + timedelta(hours=1))

    with pytest.raises(TryLaterError) as told:
        manners.turn("rdap.test", NOW)
    assert told.value.at == NOW + timedelta(hours=1)
    manners.turn("rdap.test", NOW + timedelta(hours=1))


def test_a_server_that_is_silent_several_times_in_a_row_is_passed_over_for_a_moment() -> None:
    manners = RateLimits(lifted=True)
    for _ in range(2):
        manners.was_silent("rdap.test", NOW, most=3)
    manners.has_answered("rdap.test")
    for _ in range(2):
        manners.was_silent("rdap.test", NOW, most=3)
    manners.turn("rdap.test", NOW)

    manners.was_silent("rdap.test", NOW, most=3)

    with pytest.raises(OutsideError) as told:
        manners.turn("rdap.test", NOW)
    assert not isinstance(told.value, TryLaterError)  # it promised nothing
    manners.turn("rdap.test", NOW + TEMPORARY_KEPT)


@pytest.mark.parametrize("rate", [ANYBODY, PORT_43, *RATES.values()])
def test_every_rate_has_a_reason_and_lets_something_through(rate: Rate) -> None:
    assert len(rate.why) > 10
    assert rate.burst >= 1
    assert rate.burst / rate.per_second <= 300  # full again before a notice has waited long


def test_what_a_registry_may_be_asked_now_is_asked_and_the_rest_is_due_later(
    registry: WebServer, loopback: Gate
) -> None:
    machine = Machine()
    ips = [f"192.0.2.{number}" for number in range(10)]
    registry.pages |= dict.fromkeys((f"/ip/{ip}" for ip in ips), answer())
    manners = RateLimits({"127.0.0.1": Rate(6, 1, "for a test")}, monotonic=machine)
    polite = asker(registry, loopback, manners=manners)
    lookups = [Lookup(LookupKind.NETWORK, ip) for ip in ips]

    found = list(polite.ask(lookups, NOW))

    told = [f for f in found if f.problem is None]
    later = [f for f in found if f.problem]
    assert (len(told), len(later)) == (4, 6)  # two were spent on the bootstrap
    assert {(f.problem.reason.code, f.problem.temporary) for f in later} == {(Code.OWN_PACE, True)}
    assert (
        {f.valid_until for f in later} == {f.problem.again_at for f in later} == {NOW + timedelta(seconds=6)}
    )
    machine.s += 6
    again = list(polite.ask([f.lookup for f in later], NOW + timedelta(seconds=6)))
    assert [f.problem for f in again] == [None] * 6


def test_port_43_has_its_rate_and_shares_the_count_with_whoever_asks_there(loopback: Gate) -> None:
    with WhoisServer({"test": b"refer: whois.registry.test\r\n"}) as port_43:
        names = {"whois.root.test": ("127.0.0.1",), "whois.registry.test": ("127.0.0.1",)}
        manners = RateLimits({"whois.registry.test": Rate(2, 1, "for a test")}, monotonic=Machine())
        here = ("whois.root.test", port_43.port)
        two = [WhoisAsker(here, loopback, resolve=names.__getitem__, manners=manners) for _ in range(2)]

        found = [
            finding
            for one, who in enumerate(two)
            for finding in who.ask([Lookup(LookupKind.WHOIS, f"s{one}{n}.test") for n in range(2)], NOW)
        ]

    assert [f.problem.reason.code for f in found if f.problem] == [Code.OWN_PACE] * 2
    assert sorted(set(port_43.asked)) == ["s00.test", "s01.test", "test"]


def test_a_whole_call_ends_in_its_time_though_each_answer_keeps_its_own(
    registry: WebServer, loopback: Gate
) -> None:
    def slowly(connection: socket.socket) -> None:
        connection.settimeout(0.7)
        connection.recv(1)

    ips = [f"192.0.2.{number}" for number in range(40)]
    registry.pages |= dict.fromkeys((f"/ip/{ip}" for ip in ips), slowly)

    found = list(
        asker(registry, loopback, timeout_s=60, patience_s=0.4).ask(
            [Lookup(LookupKind.NETWORK, ip) for ip in ips], NOW
        )
    )

    assert len(found) == 40
    assert all(f.problem and f.problem.temporary for f in found)
    assert registry.connections <= 9  # nothing new was begun after the end
