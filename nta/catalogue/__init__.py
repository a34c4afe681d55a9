"""How folders of entries, `providers/` and what a hotline lays over it, become a Catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from nta.catalogue.catalogue_errors import EntryFile, Fault, Level, sentence
from nta.catalogue.checks import contradictions, doubts
from nta.catalogue.columns import TABLES
from nta.catalogue.entry_schema import SHELVES, read_entry
from nta.catalogue.files import load
from nta.catalogue.imported_tables import (
    FOLDER,
    Table,
    lay,
    read_table,
    scan_table,
    settle,
)
from nta.domain.errors import RefusedError
from nta.domain.parties.organisations import Catalogue

__all__ = ["Checked", "Fault", "Level", "check", "read", "read_entries", "tables_of"]

BOOTSTRAP = "rdap"
"""IANA's lists of RDAP servers lie beside the entries; the adapters read them."""


@dataclass(frozen=True)
class Checked:
    """What a check found: what is wrong or doubtful, and which file of ours stands before which."""

    faults: tuple[Fault, ...]
    overridden: tuple[tuple[Path, Path], ...]  # the file that does not count, the one that does
    entries: int
    rows: int = 0  # of the tables

    def at(self, level: Level) -> tuple[Fault, ...]:
        """Return the faults of one level."""
        return tuple(fault for fault in self.faults if fault.level is level)


@dataclass
class _ReadEntries:
    catalogue: Catalogue  # of entries alone
    shelves: Mapping[str, Mapping[str, Any]]
    tables: list[Table]
    places: dict[str, EntryFile] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    overridden: list[tuple[Path, Path]] = field(default_factory=list)


def read(folders: Sequence[Path]) -> Catalogue:
    """Return the catalogue of these folders; of files with one name that of the last folder counts.

    Raises:
        RefusedError: something is wrong; one line for each fault, with file and line.
    """
    found = _read(folders)
    bad = [fault for fault in found.faults if fault.level is Level.FAULT]
    if bad:
        raise RefusedError("\n".join(str(fault) for fault in bad))
    whole: dict[str, Any] = lay(found.shelves, found.tables)
    return replace(found.catalogue, **whole)


def read_entries(folders: Sequence[Path]) -> tuple[Catalogue, Mapping[str, EntryFile]]:
    """Return the catalogue without its tables, and where each entry stands (`registrars/name`)."""
    found = _read(folders)
    return found.catalogue, found.places


def tables_of(folders: Sequence[Path]) -> Mapping[str, Table]:
    """Return the tables that count, by name."""
    found = _files(folders, [], [])
    return {path.stem: read_table(path, path.stem) for shelf, path in found if shelf == FOLDER}


def check(folders: Sequence[Path], today: date) -> Checked:
    """Return all that is wrong with these folders, and all that a person should look at."""
    found = _read(folders)
    doubtful = doubts(found.catalogue, found.places, today)
    scanned = [(table, len(table.faults)) for table in found.tables]
    bad = [fault for table, noted in scanned for fault in settle(table).faults[noted:]]
    rows = sum(len(table.rows) for table in found.tables)
    return Checked((*found.faults, *bad, *doubtful), tuple(found.overridden), len(found.places), rows)


def _read(folders: Sequence[Path]) -> _ReadEntries:
    faults: list[Fault] = []
    overridden: list[tuple[Path, Path]] = []
    places: dict[str, EntryFile] = {}
    shelves: dict[str, dict[str, Any]] = {shelf: {} for shelf in SHELVES}
    tables: list[Table] = []
    for shelf, path in _files(folders, faults, overridden):
        if shelf == FOLDER:
            tables.append(scan_table(path, path.stem))
            faults.extend(tables[-1].faults)
            continue
        mapping = load(path, faults)
        if mapping is None:
            continue
        value = read_entry(shelf, path.stem, mapping)
        if isinstance(value, list):
            faults.extend(Fault(str(path), wrong.line, sentence(wrong)) for wrong in value)
            continue
        shelves[shelf][getattr(value, "id", path.stem)] = value
        places[f"{shelf}/{path.stem}"] = EntryFile(path, mapping)
    ladders = tuple(shelves.pop("ladders").values())
    parts: dict[str, Any] = shelves
    catalogue = Catalogue(**parts, ladders=ladders)
    return _ReadEntries(
        catalogue, parts, tables, places, faults + contradictions(catalogue, places), overridden
    )


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
            if shelf.name == BOOTSTRAP:
                continue
            if shelf.name not in SHELVES and shelf.name != FOLDER:
                known = ", ".join((*SHELVES, FOLDER))
                faults.append(Fault(str(shelf), None, f"not a folder of the catalogue (there are {known})"))
                continue
            for path in sorted(shelf.iterdir()):
                if path.name.startswith("."):
                    continue
                if wrong := _no_file_of(shelf.name, path):
                    faults.append(Fault(str(path), None, wrong))
                    continue
                if before := found.get((shelf.name, path.name)):
                    overridden.append((before, path))
                found[shelf.name, path.name] = path
    return [(shelf, found[shelf, name]) for shelf, name in sorted(found)]


def _no_file_of(shelf: str, path: Path) -> str:
    """Return why this is no file of its folder, or nothing."""
    if shelf != FOLDER:
        return "" if path.suffix == ".yaml" else "not a .yaml file"
    known = ", ".join(f"{name}.csv" for name in TABLES)
    return "" if path.suffix == ".csv" and path.stem in TABLES else f"not a table (there are {known})"
