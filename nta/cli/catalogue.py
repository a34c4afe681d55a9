"""The catalogue from the terminal: is it sound, and what would a newer table change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from nta.catalogue import Level
from nta.catalogue.importing import Difference, Touch, compare, write
from nta.cli.output import (
    json_option,
    put,
    say,
    show,
)


@click.group()
def catalogue() -> None:
    """The directory of providers, registries, countries and ladders."""


@catalogue.command("check")
@json_option
@click.pass_obj
def catalogue_check(opener: Any, as_json: bool) -> int:
    """Check every entry and table of providers/ and of NTA_CATALOGUE.

    A fault (exit 2) keeps the catalogue from being used; a warning does not.
    Files of NTA_CATALOGUE that stand before shipped ones are named.

    \b
    Example:  NTA_CATALOGUE=/etc/nta/catalogue nta catalogue check
    """
    found = opener().check_catalogue()
    for fault in found.faults:
        if as_json:
            put({"level": fault.level, "file": fault.file, "line": fault.line, "what": fault.what})
        else:
            show(str(fault))
    for shipped, ours in found.overridden:
        if as_json:
            put({"level": "overridden", "file": str(shipped), "line": None, "what": f"{ours} counts instead"})
        else:
            show(f"{shipped}: overridden by {ours}")
    faults, warnings = len(found.at(Level.FAULT)), len(found.at(Level.WARNING))
    say(
        f"{found.rows} sound rows of tables, {found.entries} sound entries, {faults} faults, "
        f"{warnings} warnings, {len(found.overridden)} files overridden"
    )
    return 2 if faults else 0


@catalogue.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--write", "write_it", is_flag=True, help="Put the tables in the place of those that count.")
@json_option
@click.pass_obj
def catalogue_import(opener: Any, files: tuple[Path, ...], write_it: bool, as_json: bool) -> int:
    """Show what newer tables change, and which entries say otherwise; with --write, take them over.

    A file's columns tell which table it is, and IANA's own list of registrar
    ids is one too; of a folder all .csv files are read. A row that is not
    sound is named (exit 1) and the row before it stays. Tables are written to
    imported/ in NTA_CATALOGUE, else in the shipped providers/.

    \b
    Example:  nta catalogue import new/registrars.csv
              nta catalogue import new/ --write
    """
    kit = opener()
    folders = kit.catalogue_folders
    found = compare(files, folders, kit.clock.now().date())
    for difference in found:
        for line in _lines(difference):
            if as_json:
                put({"table": difference.table.name, **line})
            else:
                show(_told(line))
        say(_summary(difference))
        if write_it:
            say(f"written to {write(difference, folders[-1])}")
    if not write_it:
        say("nothing is written without --write")
    return 1 if any(difference.table.faults for difference in found) else 0


def _lines(difference: Difference) -> list[dict[str, Any]]:
    """Return what changes, one thing a line."""
    columns = difference.columns
    rows = [("added", difference.added), ("gone", difference.gone)]
    lines: list[dict[str, Any]] = [
        {"change": change, "id": key, "row": dict(zip(columns, row, strict=True))}
        for change, some in rows
        for key, row in some.items()
    ]
    lines += [
        {"change": "changed", "id": key, "differs": _pairs(cells, "was", "is")}
        for key, cells in difference.changed.items()
    ]
    lines += [_touch(touch) for touch in difference.touched]
    lines += [
        {"change": "refused", "file": fault.file, "line": fault.line, "what": fault.what}
        for fault in difference.table.faults
    ]
    return lines


def _touch(touch: Touch) -> dict[str, Any]:
    differs = _pairs(touch.differs, "entry", "row")
    return {
        "change": "touches",
        "id": touch.id,
        "file": str(touch.file),
        "gone": touch.gone,
        "differs": differs,
    }


def _pairs(cells: Mapping[str, tuple[str, str]], one: str, other: str) -> dict[str, dict[str, str]]:
    return {column: {one: first, other: second} for column, (first, second) in cells.items()}


def _told(line: Mapping[str, Any]) -> str:
    """Return a line for a person."""
    change = line["change"]
    if change == "refused":
        return f"! {line['file']}:{line['line']}: {line['what']}"
    if change in ("added", "gone"):
        return f"{'+' if change == 'added' else '-'} {line['id']}: {line['row']['name']}"
    said = "; ".join(
        f"{column}: {' -> '.join(repr(text) for text in texts.values())}"
        for column, texts in line["differs"].items()
    )
    if change == "changed":
        return f"~ {line['id']}: {said}"
    return f"= {line['id']} ({line['file']}) counts, the row {'is gone' if line['gone'] else f'says {said}'}"


def _summary(difference: Difference) -> str:
    return (
        f"{difference.table.name}: {len(difference.added)} added, {len(difference.changed)} changed, "
        f"{len(difference.gone)} gone, {len(difference.touched)} entries touched, "
        f"{len(difference.table.faults)} rows refused"
    )


COMMANDS = (catalogue,)
