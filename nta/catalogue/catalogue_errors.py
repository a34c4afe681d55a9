"""What can be wrong with an entry, and where in which file."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nta.strict_entries import EntryFault
from nta.strict_yaml import Lined


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


@dataclass(frozen=True, slots=True)
class EntryFile:
    """The file that an entry was read from."""

    file: Path
    mapping: Lined

    def fault(self, key: str, what: str, level: Level = Level.FAULT) -> Fault:
        """Return a fault at one key of the entry."""
        return Fault(str(self.file), self.mapping.line(key), f"{key}: {what}", level)


def sentence(wrong: EntryFault) -> str:
    """Return what is wrong with an entry in one sentence that begins with its keys (`rung 2: tell: …`)."""
    parts: list[str] = []
    for step in wrong.path:
        if isinstance(step, int) and parts:
            parts[-1] = f"{parts[-1].removesuffix('s')} {step + 1}"
        else:
            parts.append(str(step))
    return ": ".join((*parts, wrong.what))
