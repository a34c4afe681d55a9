"""Removal times as a page: figures, curves, tables and what they mean, for the desk and as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nta.domain.figures.curves import (
    READ_AT_H,
    TOGETHER,
    Curve,
    Endings,
    Mark,
    Rank,
    curves,
    endings,
    horizon_h,
    ranks,
    together,
)
from nta.domain.figures.removal_report import Group, Report
from nta.domain.figures.removal_times import LIMITS, SMALLEST_PUBLISHED, SMALLEST_RANKED
from nta.render import charts, speech

MOST_CURVES: Final = 12
"""How many providers have a curve of their own on a page: those with the most addressees."""

STYLE: Final = Path(__file__).parents[1] / "web" / "static" / "report.css"
"""What the desk links and the file carries."""

_NOTHING: Final = 1e-9
_ALL_ENDINGS: Final = Endings._fields


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """One provider of the tables."""

    group: Group
    endings: Endings
    rank: Rank | None


@dataclass(frozen=True, slots=True)
class ReportPart:
    """What is shown of one report: all together, those compared, those shown, and those too few to show."""

    report: Report
    whole: ProviderLine | None
    ranked: Sequence[ProviderLine]
    unranked: Sequence[ProviderLine]
    few: Sequence[ProviderLine]
    horizon: int
    curve: Curve | None
    curves: Sequence[Curve]

    @property
    def lines(self) -> Sequence[ProviderLine]:
        """Return every provider, in the order of the tables."""
        return [*self.ranked, *self.unranked, *self.few]

    @property
    def read(self) -> Sequence[tuple[int, Mark | None]]:
        """Return the curve as a table: hours, and what is known there."""
        if self.curve is None:
            return []
        known = {mark.hours: mark for mark in self.curve.marks}
        # After the last mark nobody is followed: either all are gone by then, or nobody knows.
        is_all_gone = self.curve.marks[-1].at_most < _NOTHING
        return [
            (hours, known.get(float(hours)) or (Mark(hours, 0, 0, 0) if is_all_gone else None))
            for hours in READ_AT_H[self.horizon]
        ]


def body(reports: Sequence[Report], *, language: str, folders: Sequence[Path]) -> Markup:
    """Return reports as what stands below a page's heading. `folders` hold templates, ours first."""
    made = _environment(language, tuple(folders)).get_template("reports/removal_times.html")
    return Markup(made.render(**_values(reports)))  # noqa: S704  # the template escapes


def page(reports: Sequence[Report], *, language: str, folders: Sequence[Path], by_whom: str | None) -> str:
    """Return reports as an HTML file that needs no other file."""
    environment = _environment(language, tuple(folders))
    return environment.get_template("reports/file.html").render(
        **_values(reports),
        language=language,
        style=STYLE.read_text(encoding="utf-8"),
        by_whom=by_whom,
    )


def part(report: Report) -> ReportPart:
    """Return what is shown of a report."""
    whole = together(report)
    counted = {**endings(report), **endings(whole)}
    placed = ranks(report.groups)
    if len(placed) < 2:
        placed = {}  # a place among nobody is none
    lines = [ProviderLine(g, counted[g.party], placed.get(g.party)) for g in report.groups]
    horizon = horizon_h(whole)
    chosen = sorted((g for g in report.groups if g.is_published), key=lambda g: (-g.n, g.party))
    drawn = curves(report, horizon, [g.party for g in chosen[:MOST_CURVES]])
    own = [drawn[g.party] for g in chosen[:MOST_CURVES]] if len(chosen) > 1 else []
    return ReportPart(
        report=report,
        whole=next((ProviderLine(g, counted[g.party], None) for g in whole.groups), None),
        ranked=sorted((x for x in lines if x.rank), key=_by_rank),
        unranked=sorted((x for x in lines if x.group.is_published and not x.rank), key=_by_name),
        few=sorted((x for x in lines if not x.group.is_published), key=_by_name),
        horizon=horizon,
        curve=curves(whole, horizon, [TOGETHER]).get(TOGETHER),
        curves=own,
    )


def _by_rank(line: ProviderLine) -> tuple[int, int, str]:
    assert line.rank is not None
    return (line.rank.best, line.rank.worst, line.group.name)


def _by_name(line: ProviderLine) -> tuple[str, str]:
    return (line.group.name.casefold(), line.group.party)


def _values(reports: Sequence[Report]) -> Mapping[str, Any]:
    return {"parts": [part(report) for report in reports], "asked": reports[0].parameters}


@lru_cache(maxsize=16)
def _environment(language: str, folders: tuple[Path, ...]) -> Environment:
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(speech.translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(speech.filters(language))
    made.globals.update(
        limits=[round(limit.total_seconds() / 3600) for limit in LIMITS],
        smallest_published=SMALLEST_PUBLISHED,
        smallest_ranked=SMALLEST_RANKED,
        most_curves=MOST_CURVES,
        all_endings=_ALL_ENDINGS,
        large=partial(_drawn, charts.LARGE),
        small=partial(_drawn, charts.SMALL),
    )
    return made


def _drawn(
    frame: charts.Frame, name: str, curve: Curve, horizon: int, median_h: float | None, **words: str
) -> Markup:
    """Draw a curve; the texts come from the template, where they are translated."""
    said = charts.Words(**{key: str(Markup(text).unescape()) for key, text in words.items()})  # noqa: S704
    drawing = charts.survival(name, curve, horizon, said, frame=frame, median_h=median_h)
    return Markup(drawing)  # noqa: S704  # charts escapes what it is given
