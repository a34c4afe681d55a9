"""Reading the tables of `providers/imported/`: bulk facts, that an entry of its own goes before."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from nta.catalogue.columns import CONVERT, TABLES, Kind, Nation, Row
from nta.catalogue.faults import Fault, Level
from nta.domain.parties import Country, Party, Provider, Registrar, Registry

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

    @property
    def kind(self) -> Kind:
        """Return the columns that such a table has."""
        return TABLES[self.name]


def read_table(file: Path, name: str) -> Table:
    """Return the table of a file. A row that is not sound is left out and named; the others are kept."""
    table = Table(name, file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            _read_rows(csv.reader(opened, strict=True), table)
    except (OSError, ValueError) as error:
        table.faults.append(Fault(str(file), None, f"cannot be read ({type(error).__name__})"))
    except csv.Error as error:
        table.faults.append(Fault(str(file), None, f"not CSV ({error})"))
    return table


def _read_rows(reader: Any, table: Table) -> None:
    header = tuple(next(reader, ()))
    if header != table.kind.columns:
        what = f"the columns must be {','.join(table.kind.columns)}"
        table.faults.append(Fault(str(table.file), 1, what))
        return
    rows: list[tuple[int, list[str]]] = []
    before = reader.line_num
    for fields in reader:
        line, before = before + 1, reader.line_num
        if len(fields) == len(header):
            rows.append((line, fields))
        elif fields:
            _leave_out(table, line, fields[0], f"has {len(fields)} fields instead of {len(header)}")
    fill(table, rows)


def fill(table: Table, rows: Sequence[tuple[int, Row]]) -> None:
    """Put rows into a table, each with its line in the file; those that are not sound are left out."""
    kind = table.kind
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


def lay(shelves: Mapping[str, Mapping[str, Any]], tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    """Return the shelves with what the tables add. What an entry says or claims is never a row's.

    An entry that says nothing of its RDAP server, or of membership of the
    European Union, is given what the table has of it.
    """
    laid = {name: dict(shelf) for name, shelf in shelves.items()}
    for table in tables:
        _LAY[table.name](laid, table.values)
    return laid


def _registrars(shelves: dict[str, dict[str, Any]], rows: Mapping[str, Registrar]) -> None:
    shelf = shelves["registrars"]
    own = {entry.iana_id: entry for entry in shelf.values() if entry.iana_id}
    for number, row in rows.items():
        entry = own.get(number)
        if entry is None:
            shelf.setdefault(row.id, row)
        elif entry.rdap is None and row.rdap:
            shelf[entry.id] = replace(entry, rdap=row.rdap)


def _claimed(shelf: Mapping[str, Any], column: str) -> set[Any]:
    return {claim for party in shelf.values() for claim in getattr(party, column)}


def _without(row: P, taken: Mapping[str, set[Any]]) -> P | None:
    """Return a row without what entries claim; None where that leaves nothing to know it by."""
    if all(taken[column].isdisjoint(getattr(row, column)) for column in taken):
        return row
    left: dict[str, Any] = {
        column: tuple(claim for claim in getattr(row, column) if claim not in taken[column])
        for column in taken
    }
    return replace(row, **left) if any(left.values()) else None


def _registries(shelves: dict[str, dict[str, Any]], rows: Mapping[str, Registry]) -> None:
    shelf = shelves["registries"]
    taken = {"suffixes": _claimed(shelf, "suffixes")}
    for row in rows.values():
        if row.id not in shelf and (left := _without(row, taken)):
            shelf[row.id] = left


def _networks(name: str, columns: tuple[str, ...]) -> Callable[..., None]:
    def put(shelves: dict[str, dict[str, Any]], rows: Mapping[str, Provider]) -> None:
        own = [p for p in (*shelves["hosting"].values(), *shelves["proxies"].values()) if not p.imported]
        taken = {column: _claimed({p.id: p for p in own}, column) for column in columns}
        shelf = shelves[name]
        for row in rows.values():
            if row.id not in shelf and (left := _without(row, taken)):
                shelf[row.id] = left

    return put


def _countries(shelves: dict[str, dict[str, Any]], rows: Mapping[str, Nation]) -> None:
    shelf = shelves["countries"]
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


_LAY: Mapping[str, Callable[..., None]] = {
    "hosting": _networks("hosting", ("asns", "ranges")),
    "proxies": _networks("proxies", ("asns", "ranges", "cnames")),
    "registrars": _registrars,
    "registries": _registries,
    "countries": _countries,
}
