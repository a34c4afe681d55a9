"""The world `loop`, played once."""

from collections.abc import Iterator

import pytest

from tests.world.playing import Played
from tests.world.polling import Answers, played_and_polled


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the worlds, and keep what asks for the loop in one worker: it is played once.

    The kills are the longest chain of all, so that they come first; the
    stories go to whoever is free.
    """
    world = [item for item in items if "tests/world" in item.nodeid]
    for item in world:
        if _asks_for_the_loop(item):
            item.add_marker(pytest.mark.xdist_group("world"))
    world.sort(key=lambda item: not _asks_for_the_loop(item))
    rest = [item for item in items if "tests/world" not in item.nodeid]
    items[:] = world + rest


def _asks_for_the_loop(item: pytest.Item) -> bool:
    asked = getattr(item, "fixturenames", ())
    return ("played" in asked or "polled" in asked) and "test_whole" not in item.nodeid


@pytest.fixture(scope="session")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Played, Answers]]:
    """The loop on the embedded database, its board shown, and how quickly its doors answered meanwhile."""
    folder = tmp_path_factory.mktemp("loop")
    with played_and_polled(folder, "loop") as both:
        yield both


@pytest.fixture(scope="session")
def played(polled: tuple[Played, Answers]) -> Played:
    """The loop; PostgreSQL comes to the same when killed, and in the whole world."""
    return polled[0]
