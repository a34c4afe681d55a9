"""Which addresses may be connected to: the last word before any look-up, look or redirect."""

import socket
from collections.abc import Collection, Iterator
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from nta.domain.errors import OutsideError
from nta.domain.reasons import Code
from nta.settings import Reach

# The IANA special-purpose registries (RFC 6890 and its successors) and multicast, written out: what
# `ipaddress.is_global` says changed between Python 3.11 and 3.13.
_NOT_PUBLIC_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_PUBLIC_V6: Final = (IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96"))
_NOT_PUBLIC_V6: Final = tuple(
    map(
        IPv6Network,
        ("2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "3fff::/20"),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_KEPT: Final = 65_536

_Address = IPv4Address | IPv6Address


class Gate:
    """Vets addresses against `NTA_REACH`.

    Public means globally routable, for an IPv6 address that carries an IPv4
    address (mapped, NAT64, 6to4, Teredo) also that one. Ranges named are
    reachable beside it. What we listen on ourselves never is: `own` holds
    (address, port) pairs and is set once the doors are open; an unspecified
    address there stands for all addresses of this machine.
    """

    def __init__(self, reach: Reach, own: Collection[tuple[str, int]] = ()) -> None:
        self._reach = reach
        self._judged: dict[str, str | None] = {}
        self.own = own

    @property
    def reach(self) -> Reach:
        """Return the policy."""
        return self._reach

    @property
    def own(self) -> Collection[tuple[str, int]]:
        """Return our own listening addresses."""
        return self._own

    @own.setter
    def own(self, own: Collection[tuple[str, int]]) -> None:
        # A host name is a mistake worth hearing about: ValueError.
        self._own = frozenset((str(_unmapped(ip_address(ip))), port) for ip, port in own)
        self._own_ports = frozenset(port for _, port in self._own)

    def vet(self, ip: str, port: int | None = None) -> str:
        """Return the address in its normal form, an IPv4-mapped one as IPv4.

        Raises: OutsideError when policy does not let us connect there.
        """
        if ip in self._judged:
            normal = self._judged[ip]
        else:
            if len(self._judged) >= _KEPT:
                self._judged.clear()
            normal = self._judged[ip] = self._judge(ip)
        if normal is None or (port in self._own_ports and self._is_own(normal, port)):
            raise OutsideError(Code.ADDRESS_BARRED, temporary=False)
        return normal

    def _judge(self, ip: str) -> str | None:
        try:
            address = _unmapped(ip_address(ip))
        except ValueError:
            return None
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return None
        if not all(self._allows(part) for part in (address, *_inner(address))):
            return None
        return str(address)

    def _allows(self, address: _Address) -> bool:
        # 0.0.0.0 and :: lead to this machine, multicast to no machine: no range lets them through.
        if address.is_unspecified or address.is_multicast:
            return False
        if any(address.version == range_.version and address in range_ for range_ in self._reach.ranges):
            return True
        return self._reach.public and _is_public(address)

    def _is_own(self, ip: str, port: int | None) -> bool:
        return any(
            port == own_port and (ip == own_ip or (ip_address(own_ip).is_unspecified and _is_ours(ip)))
            for own_ip, own_port in self._own
        )


def _is_public(address: _Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in range_ for range_ in _NOT_PUBLIC_V4)
    return any(address in range_ for range_ in _PUBLIC_V6) and not any(
        address in range_ for range_ in _NOT_PUBLIC_V6
    )


def _unmapped(address: _Address) -> _Address:
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _inner(address: _Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses a packet to this address may end at."""
    if isinstance(address, IPv4Address):
        return
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo


def _is_ours(ip: str) -> bool:
    """Return whether this machine has the address: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind((ip, 0))
        except OSError:
            return False
    return True


def literal(host: str) -> str | None:
    """Return the address when the host is one (an IPv6 one with or without brackets), else None."""
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None
