"""Ids are unique and rise, whatever the machine's clock does."""

import itertools
import threading

import pytest

from nta.adapters.ids import SnowflakeIds

EPOCH_MS = 1_735_689_600_000


def test_an_id_tells_time_node_and_place():
    (first,) = SnowflakeIds(5, lambda: EPOCH_MS + 1_000).take(1)

    assert first >> 22 == 1_000
    assert first >> 12 & 1023 == 5
    assert first & 4095 == 0


def test_more_ids_than_a_millisecond_holds_borrow_from_the_next():
    ids = SnowflakeIds(0, lambda: EPOCH_MS + 1)

    taken = [*ids.take(4_000), *ids.take(10_000), *ids.take(0), *ids.take(1)]

    assert len(taken) == 14_001
    assert all(a < b for a, b in itertools.pairwise(taken))


def test_ids_go_on_rising_when_the_clock_steps_back():
    clock = iter([EPOCH_MS + 9_000, EPOCH_MS + 3_000, EPOCH_MS - 5, EPOCH_MS + 9_001])
    ids = SnowflakeIds(0, lambda: next(clock))

    taken = [id_ for _ in range(4) for id_ in ids.take(3)]

    assert taken == sorted(set(taken))


def test_the_largest_id_has_63_bits():
    (last,) = SnowflakeIds(1023, lambda: EPOCH_MS + (1 << 41) - 1).take(1)

    assert last < 1 << 63


def test_threads_never_get_the_same_id():
    ids = SnowflakeIds(0)
    taken: list[int] = []

    threads = [threading.Thread(target=lambda: taken.extend(ids.take(100))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(taken)) == 5_000


@pytest.mark.parametrize("node", [-1, 1024])
def test_a_node_outside_its_bits_is_refused(node):
    with pytest.raises(ValueError, match="node"):
        SnowflakeIds(node)
