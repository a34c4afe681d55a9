"""The command line as a function: arguments and settings in, exit code and both streams out."""

import io
import json
import logging
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from nta.adapters.clock import LabClock
from nta.bootstrap import House
from nta.cli import commands
from tests.conftest import NINE
from tests.fakes import SetClock


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Nta:
    """Runs commands in this process, with settings of the test's own and the service's time set to NINE."""

    def __init__(self, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch, folder: Path) -> None:
        self._capture = capture
        self._patch = patch
        self.instance = folder / "instance"
        self.settings: dict[str, str] = {"NTA_INSTANCE": str(self.instance)}
        self.make: Callable[[Mapping[str, str]], Any] = self._house
        self._houses: list[House] = []

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Ended:
        for name in [name for name in os.environ if name.startswith("NTA_")]:
            self._patch.delenv(name)
        for name, value in self.settings.items():
            self._patch.setenv(name, value)
        self._patch.setattr(sys, "argv", ["nta", *map(str, arguments)])
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capture.readouterr()
        with pytest.raises(SystemExit) as left:
            commands.run(self.make)
        while self._houses:
            house = self._houses.pop()
            house.close()
            if isinstance(clock := house.__dict__.get("clock"), LabClock):
                clock.close()
        said = self._capture.readouterr()
        return Ended(int(left.value.code or 0), said.out, said.err)

    def house(self) -> House:
        """Return the installation that the commands work on; to be closed."""
        return House(self.settings)

    def _house(self, environment: Mapping[str, str]) -> House:
        house = House(environment)
        self._houses.append(house)
        if house.settings.clock == "system":
            house.__dict__["clock"] = SetClock(NINE)
        return house


@pytest.fixture
def nta(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Nta]:
    handlers, level, raising = logging.root.handlers[:], logging.root.level, logging.raiseExceptions
    yield Nta(capsys, monkeypatch, tmp_path)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.raiseExceptions = raising
    structlog.reset_defaults()


@pytest.fixture
def ready(nta: Nta, blank_sqlite: Path) -> Nta:
    """An instance whose database is at the newest version."""
    nta.instance.mkdir(mode=0o700)
    shutil.copy(blank_sqlite, nta.instance / "nta.sqlite")
    return nta


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback on which nobody listens, and nobody will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
