"""Figures as a text table, as JSON lines, and as CSV that no spreadsheet takes for formulas."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

from nta.domain.figures.removal_report import Group, Parameters, Report
from nta.domain.figures.removal_times import SMALLEST_PUBLISHED
from nta.render.plain import json_line, shown

Cell = str | int | float | None

_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_BEGINS_FORMULA = re.compile(rf"[\t\r\n]|\s*[{_SIGNS}]")
_LATER_FORMULA = re.compile(rf'[;\t\r\n]["\s]*(?=[{_SIGNS}])')
"""Where a cell begins for who splits at semicolons or tabs, as spreadsheets do in half of Europe: they then
pass over the quotes that keep a line end, or a quote, within a cell."""

_TOO_FEW = f"n < {SMALLEST_PUBLISHED}"
_HEADS = (
    "provider",
    "name",
    "n",
    "open",
    "other",
    "moved",
    "apart",
    "before",
    "median h",
    "p75 h",
    "p90 h",
    "24 h",
    "48 h",
    "7 d",
    "28 d",
    "check h",
    "1 vantage",
    "presumed",
)


def text_table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows under their heads, figures to the right, and nothing that would steer a terminal."""
    table = [tuple(heads), *(tuple(_shown(cell) for cell in row) for row in rows)]
    is_number = [all(_is_figure(row[place]) for row in table[1:]) for place in range(len(heads))]
    widths = [max(_width(row[place]) for row in table) for place in range(len(heads))]
    lines = [
        "  ".join(
            _padded(cell, width, right) for cell, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in table
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]]) + "\n"


def csv_table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as CSV (RFC 4180). Text that a spreadsheet would run is led by an apostrophe.

    So is text within a cell that would be a cell of its own, and be run,
    where somebody splits at semicolons or tabs.
    """
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow([_guarded(head) for head in heads])
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return held.getvalue()


def report_text(report: Report) -> str:
    """Return removal times as a table for a person, with what was asked above and how to read it below."""
    rows = [_cells(group) for group in report.groups]
    return f"{_heading(report.parameters)}\n\n{text_table(_HEADS, rows)}\n{_READING}"


def report_lines(report: Report) -> Iterator[str]:
    """Yield one JSON object a line: what was asked for, then each provider; too few rows have no figures."""
    yield json.dumps({"report": "removal-times", **parameters(report.parameters)})
    for group in report.groups:
        yield json_line(figures(group))


def report_csv(*reports: Report) -> str:
    """Return removal times as CSV, a provider a line, each with the clock, the role and the data's date."""
    plain = [
        parameters(report.parameters) | _flat(figures(group)) for report in reports for group in report.groups
    ]
    heads = list(plain[0]) if plain else list(parameters(reports[0].parameters))
    return csv_table(heads, [list(line.values()) for line in plain])


def _report_json(report: Report) -> str:
    return "".join(f"{line}\n" for line in report_lines(report))


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "table": report_text,
    "json": _report_json,
    "csv": report_csv,
}
"""The forms in which `nta report` prints one report of removal times, by the name that `--format` takes."""


def parameters(p: Parameters) -> dict[str, Any]:
    """Return what was asked for as plain values."""
    return {
        "clock": p.clock.value,
        "clock_means": p.clock.gloss,
        "by": p.by,
        "role": p.role,
        "since": p.since.isoformat() if p.since else None,
        "until": p.until.isoformat() if p.until else None,
        "as_of": p.as_of.isoformat(),
    }


def figures(group: Group) -> dict[str, Any]:
    """Return a provider's figures as plain values; of too few only counts."""
    shown = group.is_published
    return {
        "provider": group.party,
        "name": group.name,
        "n": group.n,
        "open": group.open,
        "gone": group.gone,
        "gone_by_unknown_hand": group.unknown_hand,
        "ended_by_other": group.other,
        "moved": group.moved,
        "set_apart": group.set_apart,
        "gone_before_notice": group.gone_before,
        "gone_before_notice_share": _rounded(group.gone_before_share) if shown else None,
        "never_seen": group.unseen,
        "one_vantage_share": _rounded(group.one_vantage_share) if shown else None,
        "presumed_share": _rounded(group.presumed_share) if shown else None,
        "check_interval_h": _rounded(group.check_h) if shown else None,
        "published": group.is_published,
        "ranked": group.is_ranked,
        "median_h": _rounded(group.median_h) if shown else None,
        "median_low_h": _rounded(group.median_low_h) if shown else None,
        "median_high_h": _rounded(group.median_high_h) if shown else None,
        "p75_h": _rounded(group.p75_h) if shown else None,
        "p90_h": _rounded(group.p90_h) if shown else None,
        "within": [
            {
                "hours": round(within.limit.total_seconds() / 3600),
                "surely": _rounded(within.surely) if shown else None,
                "possibly": _rounded(within.possibly) if shown else None,
            }
            for within in group.within
        ],
    }


def _flat(plain: dict[str, Any]) -> dict[str, Cell]:
    found: dict[str, Cell] = {key: value for key, value in plain.items() if key != "within"}
    for within in plain["within"]:
        found[f"within_{within['hours']}h_surely"] = within["surely"]
        found[f"within_{within['hours']}h_possibly"] = within["possibly"]
    return found


def _cells(group: Group) -> list[Cell]:
    if group.is_published:
        times = [_one(group.median_h), _one(group.p75_h), _one(group.p90_h)]
        shares = [_range(within.surely, within.possibly) for within in group.within]
        marks = [_one(group.check_h), _percent(group.one_vantage_share), _percent(group.presumed_share)]
    else:
        times = [_TOO_FEW, "", ""]
        shares = [""] * len(group.within)
        marks = [""] * 3
    return [
        group.party,
        group.name,
        group.n,
        group.open,
        group.other,
        group.moved,
        group.set_apart,
        group.gone_before,
        *times,
        *shares,
        *marks,
    ]


_READING = """\
n: timed. open: still there. other: ended by another party. moved: served by another host since.
apart: restricted, expired or withdrawn. before: gone before notice, not timed. All but the gone are
counted until last seen (Kaplan-Meier). 24 h to 28 d: share gone within, surely - possibly.
"""


def _heading(p: Parameters) -> str:
    period = f"{p.since:%Y-%m-%d %H:%M}" if p.since else "the beginning"
    until = f"{p.until:%Y-%m-%d %H:%M}" if p.until else "the data's date"
    return (
        f"Removal times by {p.by}, role {p.role}, clock {p.clock.value} ({p.clock.gloss})\n"
        f"Clocks that began from {period} until {until}; data of {p.as_of:%Y-%m-%d %H:%M} UTC"
    )


def _one(hours: float | None) -> str:
    return "-" if hours is None else f"{hours:.1f}"


def _range(low: float, high: float) -> str:
    return f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low * 100:.0f}-{high:.0%}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _guarded(cell: Cell) -> Cell:
    """Return a cell that neither a spreadsheet runs nor a terminal obeys, its line ends kept."""
    if not isinstance(cell, str):
        return cell
    text = "".join(c if c.isprintable() or c in "\t\r\n" else "\ufffd" for c in cell)
    apart = _LATER_FORMULA.sub(r"\g<0>'", text)
    return f"'{apart}" if _BEGINS_FORMULA.match(apart) else apart


def _shown(cell: Cell) -> str:
    return "" if cell is None else shown(str(cell))


def _is_figure(text: str) -> bool:
    return not text or text == _TOO_FEW or text[0].isdigit() or text == "-"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
