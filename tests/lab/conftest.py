"""A lab running beside a test, on ports and in a folder of its own."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from nta.lab.lab import Lab, LabError
from nta.lab.world import World
from nta.lab.worldfile import parse_world, read_world
from tests.lab.fake_service import FakeService

SMALL = Path(__file__).parent / "small.yaml"
WIDE = Path(__file__).parent / "wide.yaml"


class Client:
    """Speaks with a lab's control port, and knows what lab.json says."""

    def __init__(self, card: dict[str, Any]) -> None:
        self.card = card

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        host, port = self.card["control"].removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def leap(self, next_due: str | None = None) -> str:
        """Leap and return the new time, as "03-02T09:00"."""
        return str(short(self.ask("POST", "/leap", {"next_due": next_due})["now"]))

    def truth(self) -> dict[str, list[tuple[str, str | None, str | None]]]:
        """Return for each page number of a host who showed it, from when until when."""
        return {
            one["url"]: [(h["provider"], short(h["from"]), short(h["until"])) for h in one["hosts"]]
            for one in self.ask("GET", "/truth")["urls"]
        }


def short(moment: str | None) -> str | None:
    return datetime.fromisoformat(moment).strftime("%m-%dT%H:%M") if moment else None


@contextmanager
def playing(world: World, path: Path, rate: int | None = None) -> Iterator[Client]:
    """Play a world in a thread of this process."""
    started: Future[dict[str, Any]] = Future()
    ended: list[Callable[[], object]] = []

    async def play() -> None:
        lab = Lab(world, path, rate)
        stop = asyncio.Event()
        try:
            card = await lab.start()
        except LabError as error:
            started.set_exception(error)
            return
        loop = asyncio.get_running_loop()
        ended.append(lambda: loop.call_soon_threadsafe(stop.set))
        started.set_result(card)
        await stop.wait()
        lab.stop()
        await asyncio.sleep(0)

    thread = Thread(target=lambda: asyncio.run(play()))
    thread.start()
    try:
        yield Client(started.result(timeout=10))
    finally:
        for end in ended:
            end()
        thread.join()


@pytest.fixture(scope="session")
def small() -> World:
    return parse_world(SMALL.read_text(encoding="utf-8"), "small.yaml")


@pytest.fixture(scope="session")
def loop_world() -> World:
    return read_world("loop")


@pytest.fixture
def lab(small: World, tmp_path: Path) -> Iterator[Client]:
    with playing(small, tmp_path / "lab") as client:
        yield client


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as made:
        yield made
