"""Where to look: which addresses of a host to pin, and what its name alone says."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from nta.domain.checks.verdicts import (
    Cause,
    ProbeAnswer,
    Reading,
    Verdict,
    read,
)

STRANGER = "?"
"""Stands for the unknown party behind an address that the arrangement does not hold."""


ProxyOf = Callable[[str], str | None]
"""Says in which proxy's published ranges an address lies: a proxy goes over to others of its own at will."""


def no_proxy(address: str) -> None:
    """Know of no proxy's ranges."""


class Served(NamedTuple):
    """One address of an arrangement and who answers for it, the proxy where there is one."""

    address: str
    party: str | None
    network: str | None
    seen_at: datetime


SEEN_FOR = timedelta(hours=1)
"""So long an address counts as seen lately: it is not written at every look."""


def seen_anew(known: Iterable[Served], aims: Iterable["Aim"], now: datetime) -> frozenset[str]:
    """Return the known addresses that the name leads to, and that were not seen lately."""
    led_to = frozenset[str]().union(*(aim.addresses for aim in aims))
    return frozenset(one.address for one in known if one.address in led_to and now - one.seen_at > SEEN_FOR)


@dataclass(frozen=True, slots=True)
class Aim:
    """Where one host is looked at from one vantage point, or what its name says instead."""

    pins: tuple[str, ...]
    seen: frozenset[str]
    reading: Reading | None
    addresses: tuple[str, ...]


def aim_at(
    addresses: tuple[str, ...], error: str | None, known: Sequence[Served], proxy_of: ProxyOf = no_proxy
) -> Aim:
    """Return one pinned address for each party of the arrangement; today's addresses before earlier ones.

    Addresses that no party of the arrangement answers for are looked at
    only when there is no arrangement yet: a stranger's 404 says nothing
    about the party that was told.
    """
    if error is not None:
        return Aim((), frozenset(), read(_unasked(error), control_ok=True), ())
    if not known:
        return Aim(addresses[:1], frozenset(), None, addresses)
    parties = {ip: _party_of(ip, known, proxy_of) for ip in addresses}
    seen = frozenset(STRANGER if party is None else party for party in parties.values())
    if seen == {STRANGER}:
        return Aim((), seen, (Verdict.MOVED, Cause.OTHER_HOST, "addresses_of_others"), addresses)
    pins: dict[str, str] = {}
    for ip, party in parties.items():
        if party is not None:
            pins.setdefault(party, ip)
    for one in known:
        pins.setdefault(one.party or "", one.address)
    return Aim(tuple(pins.values()), seen, None, addresses)


def _unasked(error: str) -> ProbeAnswer:
    return ProbeAnswer(None, None, None, None, None, None, error, 0.0)


def _party_of(ip: str, known: Sequence[Served], proxy_of: ProxyOf) -> str | None:
    """Return who answers for an address: named in the arrangement, in a network of it, or its proxy.

    A party that nobody could name is "", a stranger None.
    """
    for one in known:
        if one.address == ip:
            return one.party or ""
    for one in known:
        if one.network and _within(ip, one.network):
            return one.party or ""
    proxy = proxy_of(ip)
    return proxy if any(one.party == proxy for one in known) else None


@lru_cache(maxsize=65536)
def _within(ip: str, network: str) -> bool:
    address, held = ip_address(ip), ip_network(network, strict=False)
    return address.version == held.version and address in held
