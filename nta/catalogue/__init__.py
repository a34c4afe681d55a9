"""How folders of entries, `providers/` and what a hotline lays over it, become a Catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from nta.catalogue.checks import contradictions, doubts
from nta.catalogue.faults import Fault, Level, Place
from nta.catalogue.shelves import SHELVES
from nta.catalogue.strict import Entry, load
from nta.domain.errors import RefusedError
from nta.domain.parties import Catalogue

__all__ = ["Checked", "Fault", "Level", "check", "read"]


@dataclass(frozen=True)
class Checked:
    """What a check found: what is wrong or doubtful, and which file of ours stands before which."""

    faults: tuple[Fault, ...]
    overridden: tuple[tuple[Path, Path], ...]  # the file that does not count, the one that does
    entries: int

    def at(self, level: Level) -> tuple[Fault, ...]:
        """Return the faults of one level."""
        return tuple(fault for fault in self.faults if fault.level is level)


@dataclass
class _Read:
    catalogue: Catalogue
    places: dict[str, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    overridden: list[tuple[Path, Path]] = field(default_factory=list)


def read(folders: Sequence[Path]) -> Catalogue:
    """Return the catalogue of these folders; of files with one name that of the last folder counts.

    Raises:
        RefusedError: something is wrong; one line for each fault, with file and line.
    """
    found = _read(folders)
    if found.faults:
        raise RefusedError("\n".join(str(fault) for fault in found.faults))
    return found.catalogue


def check(folders: Sequence[Path], today: date) -> Checked:
    """Return all that is wrong with these folders, and all that a person should look at."""
    found = _read(folders)
    doubtful = doubts(found.catalogue, found.places, today)
    return Checked((*found.faults, *doubtful), tuple(found.overridden), len(found.places))


def _read(folders: Sequence[Path]) -> _Read:
    faults: list[Fault] = []
    overridden: list[tuple[Path, Path]] = []
    places: dict[str, Place] = {}
    shelves: dict[str, dict[str, Any]] = {shelf: {} for shelf in SHELVES}
    for shelf, path in _files(folders, faults, overridden):
        mapping = load(path, faults)
        if mapping is None:
            continue
        entry = Entry(path, mapping, faults)
        value = SHELVES[shelf](entry, path.stem)
        if entry.is_sound():
            shelves[shelf][getattr(value, "id", path.stem)] = value
            places[f"{shelf}/{path.stem}"] = Place(path, mapping)
    ladders = tuple(shelves.pop("ladders").values())
    parts: dict[str, Any] = shelves
    catalogue = Catalogue(**parts, ladders=ladders)
    return _Read(catalogue, places, faults + contradictions(catalogue, places), overridden)


def _files(
    folders: Sequence[Path], faults: list[Fault], overridden: list[tuple[Path, Path]]
) -> list[tuple[str, Path]]:
    """Return shelf and path of each file that counts, in the order of their names."""
    found: dict[tuple[str, str], Path] = {}
    for folder in folders:
        if not folder.is_dir():
            faults.append(Fault(str(folder), None, "there is no such folder"))
            continue
        for shelf in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
            if shelf.name not in SHELVES:
                known = ", ".join(SHELVES)
                faults.append(Fault(str(shelf), None, f"not a folder of the catalogue (there are {known})"))
                continue
            for path in sorted(shelf.iterdir()):
                if path.name.startswith("."):
                    continue
                if path.suffix != ".yaml":
                    faults.append(Fault(str(path), None, "not a .yaml file"))
                    continue
                if before := found.get((shelf.name, path.name)):
                    overridden.append((before, path))
                found[shelf.name, path.name] = path
    return [(shelf, found[shelf, name]) for shelf, name in sorted(found)]
