"""How quickly a demo's doors answer while its world plays: asked at a fixed beat, whatever went before.

`python -m tests.world.polling [WORLD]` plays a world to its end and prints what it measured.
"""

import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from tests.world.playing import MOST_S, Played, end_lab, finish, ports_of, start

BEAT_S = 0.1
PATHS = {"desk": ("desk", "/login"), "portal": ("portal", "/"), "static": ("desk", "/static/nta.css")}
"""What is asked for at each beat: the door and the path."""


@dataclass
class Answers:
    """How long each answer took, in seconds, by what was asked for."""

    took: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PATHS})

    def share_within(self, name: str, most_s: float) -> float:
        """Return the share of answers that came within so many seconds."""
        took = self.took[name]
        return sum(one <= most_s for one in took) / len(took)

    def slowest(self, name: str) -> float:
        """Return how long the slowest answer took."""
        return max(self.took[name])

    def quantile(self, name: str, share: float) -> float:
        """Return within how many seconds that share of the answers came."""
        ordered = sorted(self.took[name])
        return ordered[max(0, ceil(share * len(ordered)) - 1)]


class Poller:
    """Asks each door at each beat, in a thread of its own each time: a slow answer holds up no later one.

    What cannot be connected to is not counted: the doors are not open yet,
    or are closed already. What is cut off without an answer counts as long as it took.
    """

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.answers = Answers()
        self._ports = ports
        self._stopping = threading.Event()
        self._asking: list[threading.Thread] = []
        self._beat = threading.Thread(target=self._go, name="beat")

    def __enter__(self) -> "Poller":
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._beat.join()
        for thread in self._asking:
            thread.join()

    def _go(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += BEAT_S
            self._asking = [one for one in self._asking if one.is_alive()]
            for name in PATHS:
                self._asking.append(threading.Thread(target=self._ask, args=(name,)))
                self._asking[-1].start()

    def _ask(self, name: str) -> None:
        door, path = PATHS[name]
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[door], timeout=MOST_S)
        began = time.monotonic()
        try:
            connection.connect()
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", path)
                connection.getresponse().read()
            self.answers.took[name].append(time.monotonic() - began)
        except OSError:
            return
        finally:
            connection.close()


@contextmanager
def played_and_polled(folder: Path, world: str) -> Iterator[tuple[Played, Answers]]:
    """Play a world to its end with its board shown, and poll its doors meanwhile; yield what came of both."""
    process = start(folder, world=world, quiet=False)
    try:
        with Poller(ports_of(folder)) as poller:
            ended = finish(process, folder)
        yield ended, poller.answers
    finally:
        process.kill()
        end_lab(folder)


def waited_in_vain(played: Played) -> list[str]:
    """Return what the lab says of its people whom the service did not answer in time."""
    said = (played.folder / "lab" / "lab.log").read_text(encoding="utf-8").splitlines()
    return [line for line in said if "in vain" in line]


def main(arguments: Sequence[str]) -> None:
    """Play a world and print how quickly its doors answered."""
    world = arguments[0] if arguments else "whole"
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="nta-polled-") as name,
        played_and_polled(Path(name) / "demo", world) as (ended, found),
    ):
        took, in_vain = time.monotonic() - began, len(waited_in_vain(ended))
        sys.stdout.write(f"{world}: code {ended.code}, {took:.1f} s, {in_vain} waited in vain\n")
    for name in PATHS:
        sys.stdout.write(
            f"{name:7} n {len(found.took[name])}  p50 {found.quantile(name, 0.5):.3f}  p99 "
            f"{found.quantile(name, 0.99):.3f}  max {found.slowest(name):.3f}  "
            f"within 1 s {found.share_within(name, 1.0):.4f}\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
