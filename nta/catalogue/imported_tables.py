"""Reading the tables of `providers/imported/`: bulk facts, that an entry of its own goes before."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from nta.catalogue.catalogue_errors import Fault, Level
from nta.catalogue.columns import CONVERT, TABLES, Nation, Row, TableKind
from nta.domain.parties.organisations import (
    Country,
    Party,
    Provider,
    Registrar,
    Registry,
)

FOLDER = "imported"

P = TypeVar("P", bound=Party)


@dataclass
class Table:
    """The sound rows of one file by their key, and what each becomes; what is wrong with the others."""

    name: str
    file: Path
    rows: dict[str, Row] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)  # keys of rows that are not sound
    raw: list[tuple[int, Row]] = field(default_factory=list)  # not looked at yet, each with its line

    @property
    def kind(self) -> TableKind:
        """Return the columns that such a table has."""
        return TABLES[self.name]


def read_table(file: Path, name: str) -> Table:
    """Return the table of a file. A row that is not sound is left out and named; the others are kept."""
    return settle(scan_table(file, name))


def scan_table(file: Path, name: str) -> Table:
    """Return a table whose rows are read and not looked at: most commands need few of the tables."""
    table = Table(name, file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            _scan(csv.reader(opened, strict=True), table)
    except (OSError, ValueError) as error:
        table.faults.append(Fault(str(file), None, f"cannot be read ({type(error).__name__})"))
    except csv.Error as error:
        table.faults.append(Fault(str(file), None, f"not CSV ({error})"))
    return table


def _scan(reader: Any, table: Table) -> None:
    header = tuple(next(reader, ()))
    if header != table.kind.columns:
        what = f"the columns must be {','.join(table.kind.columns)}"
        table.faults.append(Fault(str(table.file), 1, what))
        return
    before = reader.line_num
    for fields in reader:
        line, before = before + 1, reader.line_num
        if len(fields) == len(header):
            table.raw.append((line, fields))
        elif fields:
            _leave_out(table, line, fields[0], f"has {len(fields)} fields instead of {len(header)}")


def settle(table: Table) -> Table:
    """Look at the rows that were only read: make the sound ones parties, leave out and name the others."""
    kind, rows, table.raw = table.kind, table.raw, []
    wrong: dict[int, str] = {}
    columns = [
        _convert(name, [fields[place] for _, fields in rows], wrong)
        for place, name in enumerate(kind.columns)
    ]
    claims: list[tuple[str, int, dict[Any, str]]] = [
        (name, kind.columns.index(name), {}) for name in kind.claims
    ]
    for number, ((line, fields), values) in enumerate(zip(rows, zip(*columns, strict=True), strict=True)):
        key = fields[0]
        if what := wrong.get(number) or _repeated(key, values, table, claims):
            _leave_out(table, line, key, what)
            continue
        table.rows[key] = fields
        table.values[key] = kind.make(*values)
    return table


def _leave_out(table: Table, line: int, key: str, what: str) -> None:
    table.faults.append(Fault(str(table.file), line, f"{what}; the row is left out", Level.WARNING))
    table.unread.add(key)


class _Remembered(dict[str, Any]):
    """What the cells of a column mean; sources, dates and contacts stand in hundreds of rows."""

    def __init__(self, convert: Callable[[str], Any]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, cell: str) -> Any:
        value = self[cell] = self._convert(cell)
        return value


def _convert(column: str, cells: list[str], wrong: dict[int, str]) -> list[Any]:
    """Return what the cells of a column mean; note by row what is wrong with one."""
    meaning = _Remembered(CONVERT[column])
    try:
        return list(map(meaning.__getitem__, cells))
    except ValueError:
        values: list[Any] = []
        for number, cell in enumerate(cells):
            try:
                values.append(meaning[cell])
            except ValueError as error:
                values.append(None)
                wrong.setdefault(number, f"{column}: {error}")
        return values


def _repeated(
    key: str, values: Sequence[Any], table: Table, claims: Iterable[tuple[str, int, dict[Any, str]]]
) -> str:
    """Return what another row of the table claims already, or nothing; note what this one claims."""
    if key in table.values:
        return f"{table.kind.key}: {key} stands twice"
    for column, place, owners in claims:
        for claim in values[place]:
            if owner := owners.get(claim):
                return f"{column}: {owner} claims {claim} too"
    for _, place, owners in claims:
        for claim in values[place]:
            owners[claim] = key
    return ""


class Laid(Mapping[str, Any]):
    """A shelf with what a table adds to it; it is made when first asked for."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> dict[str, Any]:
        return self._make()

    def __getitem__(self, key: str) -> Any:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


Shelves = Mapping[str, Mapping[str, Any]]


def lay(shelves: Shelves, tables: Iterable[Table]) -> dict[str, Mapping[str, Any]]:
    """Return the shelves with what the tables add. What an entry says or claims is never a row's.

    An entry that says nothing of its RDAP server, or of membership of the
    European Union, is given what the table has of it.
    """
    laid = {table.name: Laid(partial(_laid, shelves, table)) for table in tables}
    return {**shelves, **laid}


_making = Lock()


def _laid(shelves: Shelves, table: Table) -> dict[str, Any]:
    with _making:  # Two threads may ask first, and a table is settled once.
        rows = settle(table).values if table.raw else table.values
    return _LAY[table.name](shelves, rows)


def _registrars(shelves: Shelves, rows: Mapping[str, Registrar]) -> dict[str, Any]:
    shelf = dict(shelves["registrars"])
    own = {entry.iana_id: entry for entry in shelf.values() if entry.iana_id}
    for number, row in rows.items():
        entry = own.get(number)
        if entry is None:
            shelf.setdefault(row.id, row)
        elif entry.rdap is None and row.rdap:
            shelf[entry.id] = replace(entry, rdap=row.rdap)
    return shelf


def _claimed(parties: Iterable[Any], column: str) -> set[Any]:
    return {claim for party in parties for claim in getattr(party, column)}


def _without(row: P, taken: Mapping[str, set[Any]]) -> P | None:
    """Return a row without what entries claim; None where that leaves nothing to know it by."""
    if all(taken[column].isdisjoint(getattr(row, column)) for column in taken):
        return row
    left: dict[str, Any] = {
        column: tuple(claim for claim in getattr(row, column) if claim not in taken[column])
        for column in taken
    }
    return replace(row, **left) if any(left.values()) else None


def _registries(shelves: Shelves, rows: Mapping[str, Registry]) -> dict[str, Any]:
    own = shelves["registries"]
    return _beside(own, rows, {"suffixes": _claimed(own.values(), "suffixes")})


def _networks(name: str) -> Callable[[Shelves, Mapping[str, Provider]], dict[str, Any]]:
    def put(shelves: Shelves, rows: Mapping[str, Provider]) -> dict[str, Any]:
        own = [*shelves["hosting"].values(), *shelves["proxies"].values()]
        return _beside(shelves[name], rows, {claim: _claimed(own, claim) for claim in TABLES[name].claims})

    return put


def _beside(own: Mapping[str, Any], rows: Mapping[str, P], taken: Mapping[str, set[Any]]) -> dict[str, Any]:
    shelf = dict(own)
    for row in rows.values():
        if row.id not in shelf and (left := _without(row, taken)):
            shelf[row.id] = left
    return shelf


def _countries(shelves: Shelves, rows: Mapping[str, Nation]) -> dict[str, Any]:
    shelf = dict(shelves["countries"])
    default: Country | None = shelf.get("default")
    for code, row in rows.items():
        entry: Country | None = shelf.get(code)
        if entry and entry.eu is None:
            shelf[code] = replace(entry, eu=row.eu)
        elif entry is None and default:
            shelf[code] = replace(
                default,
                code=code,
                name=row.name,
                eu=row.eu,
                languages=row.languages or default.languages,
                source=row.source,
                checked=row.checked,
                hotlines=(),
                imported=True,
            )
    return shelf


_LAY: Mapping[str, Callable[[Shelves, Any], dict[str, Any]]] = {
    "hosting": _networks("hosting"),
    "proxies": _networks("proxies"),
    "registrars": _registrars,
    "registries": _registries,
    "countries": _countries,
}
