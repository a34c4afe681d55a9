"""The world `loop`, played once on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import SystemCluster
from tests.world.playing import Played, end_lab, finish, start


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
    return bool({"embedded_loop", "served_loop", "played"} & set(getattr(item, "fixturenames", ()))) and (
        "test_whole" not in item.nodeid
    )


@pytest.fixture(scope="session")
def embedded_loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The loop on the embedded database."""
    yield from _played(tmp_path_factory.mktemp("world-sqlite"), None)


@pytest.fixture(scope="session")
def served_loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The same world on the system's PostgreSQL."""
    server = SystemCluster()
    try:
        yield from _played(tmp_path_factory.mktemp("world-postgresql"), server.uri)
    finally:
        server.stop()


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def played(request: pytest.FixtureRequest) -> Played:
    found = request.getfixturevalue("embedded_loop" if request.param == "sqlite" else "served_loop")
    assert isinstance(found, Played)
    return found


def _played(folder: Path, database_url: str | None) -> Iterator[Played]:
    process = start(folder, database_url=database_url)
    try:
        yield finish(process, folder)
    finally:
        process.kill()
        end_lab(folder)
