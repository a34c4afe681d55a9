"""Many hosts ask about few addresses."""

from ipaddress import ip_address, ip_network
from itertools import islice

import pytest

from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.hosting.query_batching import one_of_each


def networks(*ips: str) -> list[Lookup]:
    return [Lookup(LookupKind.NETWORK, ip) for ip in ips]


def test_of_addresses_side_by_side_one_is_asked_about_and_every_name():
    near, far = networks("192.0.2.0", "192.0.2.1", "192.0.2.64"), networks("2001:db8::1", "198.51.100.1")
    names = [Lookup(LookupKind.ADDRESSES, "a.test"), Lookup(LookupKind.ADDRESSES, "b.test")]

    chosen, _ = one_of_each([*near, *far, *names])

    assert chosen == {near[0], *far, *names}


def test_where_answers_are_narrow_the_rest_is_asked_about_more_closely():
    near = networks("192.0.2.0", "192.0.2.1", "192.0.2.64")

    _, step = one_of_each(near)
    chosen, step = one_of_each(near[1:], step)
    assert chosen == {near[1], near[2]}
    last, _ = one_of_each(near, 16)
    assert last == set(near)


@pytest.mark.parametrize("length", range(16, 33))
def test_blocks_of_one_length_are_asked_about_once_each(length):
    blocks = list(islice(ip_network("198.18.0.0/15").subnets(new_prefix=length), 0, None, 3))[:60]
    places = {str(ip) for block in blocks for ip in (block[0], block[-1], block[block.num_addresses // 3])}

    assert len(asked_about(places, blocks)) == len(blocks)


def test_blocks_of_all_lengths_are_asked_about_hardly_more_than_once():
    lengths = [19, 22, 24, 20, 23, 29, 21, 24, 26, 22] * 4
    blocks, rest = [], int(ip_address("198.18.0.0"))
    for length in lengths:
        size = 1 << 32 - length
        rest += -rest % size
        blocks.append(ip_network((rest, length)))
        rest += size
    places = {str(block[block.num_addresses * n // 7]) for block in blocks for n in range(7)}

    assert len(asked_about(places, blocks)) <= 1.05 * len(blocks)


def asked_about(places, blocks):
    """Return the questions until every place is covered by an answer, which covers its block alone."""
    asked, step, waiting = [], 0, set(places)
    while waiting:
        chosen, step = one_of_each(networks(*waiting), step)
        asked += chosen
        covered = [block for block in blocks for x in chosen if ip_address(x.subject) in block]
        waiting = {ip for ip in waiting if not any(ip_address(ip) in block for block in covered)}
    return asked
