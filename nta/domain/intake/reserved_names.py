"""Which addresses and names no host on the internet has, whatever a URL says."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from nta.domain.reasons import Code

# The IANA special-purpose registries (RFC 6890 and its successors), less what only documentation uses:
# that is nobody's either, but no machine answers there and registries have records about it.
_NOBODYS: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "224.0.0.0/3",
            "::/96",
            "100::/64",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Special-use names (RFC 6761, 6762, 7686, 9476): servers that are asked for them learn who looks for what.
_NOT_IN_THE_DNS: Final = {
    "onion": Code.ONION_NOT_ASKED,
    "localhost": Code.LOCALHOST_NOT_ASKED,
    "local": Code.LOCAL_NOT_ASKED,
    "internal": Code.INTERNAL_NOT_ASKED,
    "alt": Code.ALT_NOT_ASKED,
}


def not_in_the_dns(host: str) -> Code | None:
    """Return why nobody is to be asked about a name, None where the DNS may know it."""
    return _NOT_IN_THE_DNS.get(host.rstrip(".").rpartition(".")[2].lower())


@lru_cache(maxsize=4096)
def is_nobodys(ip: str) -> bool:
    """Tell whether an address is private, reserved or each machine's own, also inside an IPv6 address."""
    return any(
        part.version == range_.version and part in range_ for part in _parts(ip) for range_ in _NOBODYS
    )


@lru_cache(maxsize=65536)
def number_of(ip: str) -> tuple[int, int]:
    """Return an address's version and number, by which addresses are ordered."""
    address = ip_address(ip)
    return address.version, int(address)


@lru_cache(maxsize=65536)
def unmapped(ip: str) -> str:
    """Return an address as registries hold it: one that is mapped into IPv6 (RFC 4291, 2.5.5.2) as IPv4."""
    if ":" not in ip:
        return ip
    mapped = getattr(ip_address(ip), "ipv4_mapped", None)
    return str(mapped) if mapped else ip


def _parts(ip: str) -> list[IPv4Address | IPv6Address]:
    address = ip_address(ip)
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.sixtofour
    return [address, inner] if inner else [address]
