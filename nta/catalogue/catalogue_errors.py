"""What can be wrong with an entry, and where in which file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Level(StrEnum):
    """How bad it is."""

    FAULT = "fault"  # the catalogue is not used until it is mended
    WARNING = "warning"  # used all the same; a person should look


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, in one sentence that begins with the key."""

    file: str
    line: int | None
    what: str
    level: Level = Level.FAULT

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {'' if self.level is Level.FAULT else f'{self.level}: '}{self.what}"


class Lined(dict[Any, Any]):
    """A mapping of a YAML file that knows on which line it begins and each of its keys stands."""

    __slots__ = ("begins", "lines")

    def __init__(self, begins: int = 1, lines: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.begins = begins
        self.lines = lines or {}

    def line(self, key: str) -> int:
        """Return where a key stands; where the mapping begins when it has no such key."""
        return self.lines.get(key, self.begins)


@dataclass(frozen=True, slots=True)
class EntryFile:
    """The file that an entry was read from."""

    file: Path
    mapping: Lined

    def fault(self, key: str, what: str, level: Level = Level.FAULT) -> Fault:
        """Return a fault at one key of the entry."""
        return Fault(str(self.file), self.mapping.line(key), f"{key}: {what}", level)
