"""Ranges of addresses, one beside another."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_network


def lie_in(narrow: Sequence[str], wide: Sequence[str]) -> bool:
    """Tell whether each of these ranges (CIDR) lies in one of the others."""
    around = [_ends(cidr) for cidr in wide]
    return all(
        any(version == other and low <= first and last <= high for other, low, high in around)
        for version, first, last in map(_ends, narrow)
    )


@lru_cache(maxsize=4096)
def _ends(cidr: str) -> tuple[int, int, int]:
    network = ip_network(cidr, strict=False)
    return network.version, int(network[0]), int(network[-1])
