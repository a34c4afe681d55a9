"""The world `loop`, played once on each database, side by side."""

from collections.abc import Iterator

import pytest

from tests.databases import Cluster
from tests.world.playing import Played, end_lab, finish, start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the worlds, and keep what asks for the loop in one worker: it is played once.

    The kills are the longest chain of all, so that they come first; the
    stories go to whoever is free.
    """
    world = [item for item in items if "tests/world" in item.nodeid]
    for item in world:
        if "both" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("world"))
    world.sort(key=lambda item: "both" not in getattr(item, "fixturenames", ()))
    rest = [item for item in items if "tests/world" not in item.nodeid]
    items[:] = world + rest


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[dict[str, Played]]:
    """The same world on SQLite and on PostgreSQL."""
    folders = {name: tmp_path_factory.mktemp(f"world-{name}") for name in ("sqlite", "postgresql")}
    with cluster.fresh() as uri:
        running = {
            "sqlite": start(folders["sqlite"]),
            "postgresql": start(folders["postgresql"], database_url=uri),
        }
        try:
            yield {name: finish(process, folders[name]) for name, process in running.items()}
        finally:
            for name, process in running.items():
                process.kill()
                end_lab(folders[name])


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def played(request: pytest.FixtureRequest, both: dict[str, Played]) -> Played:
    return both[request.param]
