"""What a newer table would change: rows added, changed and gone, and the entries that say otherwise."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from nta.catalogue import read_entries, tables_of
from nta.catalogue.catalogue_errors import EntryFile
from nta.catalogue.columns import TABLES, Row
from nta.catalogue.imported_tables import (
    FOLDER,
    Table,
    read_table,
    settle,
)
from nta.domain.errors import RefusedError
from nta.domain.parties.organisations import Catalogue


@dataclass(frozen=True)
class Touch:
    """An entry that goes before a row, and in what they differ: what the entry says, what the row does."""

    id: str
    file: Path
    differs: Mapping[str, tuple[str, str]]
    gone: bool = False  # the newer table has the row no more


@dataclass(frozen=True)
class Difference:
    """What one newer table changes, by the rows' keys."""

    table: Table
    added: Mapping[str, Row]
    changed: Mapping[str, Mapping[str, tuple[str, str]]]  # key, column: before, now
    gone: Mapping[str, Row]
    kept: frozenset[str]  # their new rows are not sound, so the old ones stay
    touched: tuple[Touch, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return what the cells of a row are called."""
        return self.table.kind.columns


def compare(files: Iterable[Path], folders: Sequence[Path], today: date) -> tuple[Difference, ...]:
    """Return what these files (or the .csv files of these folders) change in the tables that count.

    Which table a file holds is told from its columns, whatever it is called.
    IANA's own list of registrar ids is taken too: its accredited registrars
    keep the contact, source and date that they had; new ones are of `today`.

    Raises:
        RefusedError: a file cannot be read as a table, or two hold the same one.
    """
    before = tables_of(folders)
    newer = [_newer(file, before, today) for file in _files(files)]
    names = [table.name for table in newer]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RefusedError(f"two of these files hold the table {twice}")
    entries, places = read_entries(folders)
    return tuple(
        _difference(table, before.get(table.name) or Table(table.name, table.file), entries, places)
        for table in newer
    )


def write(difference: Difference, folder: Path) -> Path:
    """Write the table into the folder of a catalogue, whole or not at all; return the file.

    Raises:
        RefusedError: nothing can be written there.
    """
    file = folder / FOLDER / f"{difference.table.name}.csv"
    fresh = file.with_name(f".{file.name}.new")
    rows = sorted(difference.table.rows.values(), key=_order)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(difference.columns)
            writer.writerows(rows)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(file)
    except OSError as error:
        what = f"{file}: cannot be written ({type(error).__name__}); NTA_CATALOGUE may name a folder of yours"
        raise RefusedError(what) from error
    return file


def _order(row: Row) -> tuple[int, str]:
    return (int(row[0]) if row[0].isdecimal() else 0, row[0])


def _files(given: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        inside = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        if not inside:
            raise RefusedError(f"{path}: there is no .csv file in it")
        found.extend(inside)
    return found


_IANA = ("ID", "Registrar Name", "Status", "RDAP Base URL")
"""The columns of https://www.iana.org/assignments/registrar-ids/registrar-ids-1.csv."""


def _newer(file: Path, before: Mapping[str, Table], today: date) -> Table:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            header = tuple(next(reader, ()))
            if header == _IANA:
                known = before["registrars"].rows if "registrars" in before else {}
                return _from_iana(Table("registrars", file), reader, known, today)
    except (OSError, ValueError, csv.Error) as error:
        raise RefusedError(f"{file}: cannot be read ({type(error).__name__})") from error
    name = next((name for name, kind in TABLES.items() if kind.columns == header), None)
    if name is None:
        names = "; ".join(f"{name}: {','.join(kind.columns)}" for name, kind in TABLES.items())
        raise RefusedError(f"{file}:1: these are the columns of no table (there are {names})")
    table = read_table(file, name)
    if any(fault.line is None for fault in table.faults):
        raise RefusedError("\n".join(str(fault) for fault in table.faults if fault.line is None))
    return table


def _from_iana(table: Table, reader: Any, known: Mapping[str, Row], today: date) -> Table:
    before = reader.line_num
    for fields in reader:
        line, before = before + 1, reader.line_num
        if len(fields) != len(_IANA) or fields[2] != "Accredited":
            continue
        number, name, _, rdap = (" ".join(cell.split()) for cell in fields)
        rest = known[number][3:] if number in known else ("", "", "IANA registrar ids", today.isoformat())
        table.raw.append((line, (number, name, rdap, *rest)))
    return settle(table)


def _difference(
    table: Table, before: Table, entries: Catalogue, places: Mapping[str, EntryFile]
) -> Difference:
    kept = {key: before.rows[key] for key in table.unread if key in before.rows and key not in table.rows}
    added = {key: row for key, row in table.rows.items() if key not in before.rows}
    gone = {key: row for key, row in before.rows.items() if key not in table.rows and key not in kept}
    changed = {
        key: found
        for key, row in table.rows.items()
        if key in before.rows and (found := _cells(table.kind.columns, before.rows[key], row))
    }
    news = [(table.values[key], False) for key in (*added, *changed)]
    news += [(before.values[key], True) for key in gone]
    whole = replace(table, rows={**table.rows, **kept})
    touched = tuple(_touched(table.name, news, entries, places))
    return Difference(whole, added, changed, gone, frozenset(kept), touched)


def _cells(columns: Sequence[str], before: Row, now: Row) -> dict[str, tuple[str, str]]:
    return {c: (old, new) for c, old, new in zip(columns, before, now, strict=True) if old != new}


_SAID = {
    "hosting": ("name", "country", "asns", "ranges", "notices", "form"),
    "proxies": ("name", "country", "asns", "ranges", "cnames", "notices", "form"),
    "registrars": ("name", "notices", "form", "rdap"),
    "registries": ("name", "country", "suffixes", "notices", "form"),
    "countries": ("name", "eu", "languages"),
}
"""What both an entry and a row say. Source and date are each's own."""


def _touched(
    name: str, news: Iterable[tuple[Any, bool]], entries: Catalogue, places: Mapping[str, EntryFile]
) -> Iterable[Touch]:
    """Return the entries that go before a new row and do not say the same, and those whose row is gone."""
    shelf: Mapping[str, Any] = getattr(entries, name)
    for row, gone in news:
        for one in _beside(name, row, shelf, entries):
            both = {column: _both(column, shelf[one], row) for column in _SAID[name]}
            differs = {column: said for column, said in both.items() if said[0] != said[1]}
            if gone or differs:
                stem = one.partition(":")[2] or one
                yield Touch(one, places[f"{name}/{stem}"].file, {} if gone else differs, gone)


def _beside(name: str, row: Any, shelf: Mapping[str, Any], entries: Catalogue) -> list[str]:
    """Return the ids of the entries that a row meets: its own, and those that claim what it claims."""
    own = [one for one in (getattr(row, "id", None) or row.code,) if one in shelf]
    met: list[Any] = []
    if name == "registrars":
        met = [entries.registrar_of(row.iana_id)]
    elif name == "registries":
        met = [r for r in shelf.values() if not set(r.suffixes).isdisjoint(row.suffixes)]
    elif name in ("hosting", "proxies"):
        mine = {*row.asns, *row.ranges, *row.cnames}
        met = [p for p in shelf.values() if not mine.isdisjoint((*p.asns, *p.ranges, *p.cnames))]
    return list(dict.fromkeys([*own, *(party.id for party in met if party)]))


def _both(column: str, entry: Any, row: Any) -> tuple[str, str]:
    """Return what entry and row say of one thing; a thing that the entry is silent on, twice the same."""
    said, told = getattr(entry, column), getattr(row, column)
    if column in ("rdap", "eu") and said is None:
        said = told
    if isinstance(said, tuple):
        said, told = " ".join(map(str, sorted(said))), " ".join(map(str, sorted(told)))
    if column == "notices":
        said, told = (route.to if route else "" for route in (said, told))
    return _text(said), _text(told)


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value or "")
