"""Whose range holds an address: the narrowest, however ranges lie in each other."""

from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.parties.organisations import Provider, Ranges


def _provider(number: int, *ranges: str) -> Provider:
    return Provider(f"hosting:p{number}", f"P{number}", "NL", None, "x", date(2026, 3, 2), ranges=ranges)


def _prefixes() -> st.SearchStrategy[IPv4Network | IPv6Network]:
    """Return ranges that lie in few places, so that they meet."""
    v4 = st.builds(
        lambda low, length: ip_network((0xC0000200 + low, length), strict=False),
        st.integers(0, 255),
        st.integers(8, 32),
    )
    v6 = st.builds(
        lambda low, length: ip_network(((0x20010DB8 << 96) + low, length), strict=False),
        st.integers(0, 255),
        st.integers(120, 128),
    )
    return st.one_of(v4, v6)


@given(st.lists(_prefixes(), max_size=12), st.integers(0, 255), st.booleans())
def test_the_narrowest_range_that_holds_an_address_counts(
    prefixes: list[IPv4Network | IPv6Network], low: int, is_v6: bool
) -> None:
    address = ip_address((0x20010DB8 << 96) + low if is_v6 else 0xC0000200 + low)
    providers = [_provider(number, str(prefix)) for number, prefix in enumerate(prefixes)]

    found = Ranges(providers).holder(str(address))

    around = [
        (prefix.prefixlen, number)
        for number, prefix in enumerate(prefixes)
        if prefix.version == address.version and address in prefix
    ]
    assert found == (providers[max(around)[1]] if around else None)


@pytest.mark.parametrize(
    ("ip", "holder"),
    [
        ("192.0.1.255", None),
        ("192.0.2.0", 0),
        ("192.0.2.127", 0),
        ("192.0.2.128", 1),
        ("192.0.2.255", 1),
        ("192.0.3.0", None),
        ("255.255.255.255", None),
        ("::", None),
        ("2001:db8::1", 2),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ],
)
def test_a_range_ends_where_it_ends(ip: str, holder: int | None) -> None:
    providers = [_provider(0, "192.0.2.0/24"), _provider(1, "192.0.2.128/25"), _provider(2, "2001:db8::/32")]

    found = Ranges(providers).holder(ip)

    assert found == (None if holder is None else providers[holder])
