"""The world `loop`, played once."""

from collections.abc import Iterator

import pytest

from tests.world.playing import Played, end_lab, finish, start


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
    return "played" in getattr(item, "fixturenames", ()) and "test_whole" not in item.nodeid


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The loop on the embedded database; PostgreSQL comes to the same when killed, and in the whole world."""
    folder = tmp_path_factory.mktemp("loop")
    process = start(folder)
    try:
        yield finish(process, folder)
    finally:
        process.kill()
        end_lab(folder)
