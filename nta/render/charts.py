"""Figures as drawings: survival curves as SVG, made to be read on a page, aloud and on paper.

No style attribute and no script, so that the strictest policy of a page lets
them through: colours are presentation attributes, which a style sheet may
overrule by class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from nta.domain.figures.curves import Curve, Mark

_INK, _QUIET, _LINE, _BAND = "#1b2733", "#5b6875", "#d9dfe5", "#a9c6dc"
_STROKE: Final = "#1f4b6e"
_DAY_H: Final = 24
_TICKS: Final = {48: (12, 1), 168: (24, 24), 672: (168, 24), 2160: (360, 24), 8760: (1440, 24)}
"""By horizon: hours between ticks, and hours in the unit they are labelled with."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a drawing says: its title and description, the axes, the units of hours and days."""

    title: str
    description: str
    across: str
    up: str
    hours: str
    days: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a drawing and of its letters, in units of its own."""

    width: int
    height: int
    letters: int

    @property
    def left(self) -> float:
        return self.letters * 3.6

    @property
    def right(self) -> float:
        return self.width - self.letters * 1.2

    @property
    def top(self) -> float:
        return self.letters * 2.1

    @property
    def bottom(self) -> float:
        return self.height - self.letters * 3.6

    def x(self, hours: float, horizon: int) -> float:
        """Return where a time is drawn."""
        return self.left + (self.right - self.left) * min(hours / horizon, 1.0)

    def y(self, share: float) -> float:
        """Return where a share is drawn."""
        return self.bottom - (self.bottom - self.top) * share


LARGE: Final = Frame(520, 320, 13)
SMALL: Final = Frame(300, 190, 11)


def survival(
    name: str,
    curve: Curve,
    horizon: int,
    words: Words,
    *,
    frame: Frame = LARGE,
    median_h: float | None = None,
) -> str:
    """Return a survival curve with what the looks leave open around it. `name` is unlike any other id."""
    opening = (
        f'<svg class="chart" role="img" aria-labelledby="{name}-t {name}-d" width="{frame.width}" '
        f'height="{frame.height}" viewBox="0 0 {frame.width} {frame.height}" font-family="inherit" '
        f'font-size="{frame.letters}" xmlns="http://www.w3.org/2000/svg">'
    )
    line = f'fill="none" stroke="{_STROKE}" stroke-width="2" stroke-linejoin="round"'
    parts = [
        opening,
        f'<title id="{name}-t">{escape(words.title)}</title>',
        f'<desc id="{name}-d">{escape(words.description)}</desc>',
        *_grid(frame, horizon, words),
        f'<path class="chart-band" fill="{_BAND}" d="{_band(curve, horizon, frame)}"/>',
        f'<path class="chart-line" {line} d="{_steps(curve, horizon, frame)}"/>',
    ]
    if median_h is not None and median_h <= horizon:
        parts += _median(median_h, horizon, frame)
    return "".join([*parts, "</svg>"])


def _grid(frame: Frame, horizon: int, words: Words) -> list[str]:
    drawn = []
    for percent in (0, 25, 50, 75, 100):
        y = frame.y(percent / 100)
        drawn.append(_rule(frame.left, y, frame.right, y))
        drawn.append(_text(frame.left - frame.letters * 0.5, y + frame.letters * 0.35, f"{percent} %", "end"))
    every, unit = _TICKS[horizon]
    for hours in range(0, horizon + 1, every):
        x = frame.x(hours, horizon)
        label = str(hours // unit) if unit == _DAY_H else str(hours)
        drawn.append(_rule(x, frame.bottom, x, frame.bottom + frame.letters * 0.35))
        drawn.append(_text(x, frame.bottom + frame.letters * 1.5, label, "middle"))
    across = f"{words.across} ({words.days if unit == _DAY_H else words.hours})"
    drawn.append(_text(frame.right, frame.height - frame.letters * 0.7, across, "end"))
    drawn.append(_text(frame.left, frame.letters * 1.1, words.up, "start"))
    return drawn


def _band(curve: Curve, horizon: int, frame: Frame) -> str:
    """Between two marks lies what their bounds allow: from the earlier's most to the later's least."""
    marks: Sequence[Mark] = curve.marks
    if not marks:
        return ""
    hours = [0.0, *(mark.hours for mark in marks)]
    most = [1.0, *(mark.at_most for mark in marks)]
    least = [mark.at_least for mark in marks]
    upper = [f"M{_at(frame.x(0, horizon))} {_at(frame.y(1))}"]
    for place, share in enumerate(most[:-1]):
        upper.append(f"V{_at(frame.y(share))}H{_at(frame.x(hours[place + 1], horizon))}")
    lower = [
        f"V{_at(frame.y(least[place]))}H{_at(frame.x(hours[place], horizon))}"
        for place in reversed(range(len(least)))
    ]
    return "".join([*upper, *lower, "Z"])


def _steps(curve: Curve, horizon: int, frame: Frame) -> str:
    """Return the curve as steps; of falls within one pixel the last is drawn."""
    drawn = [f"M{_at(frame.x(0, horizon))} {_at(frame.y(1))}"]
    last = ""
    for hours, share in zip(curve.falls_h.tolist(), curve.still.tolist(), strict=True):
        x = _at(frame.x(hours, horizon))
        if x == last:
            drawn.pop()
        drawn.append(f"H{x}V{_at(frame.y(share))}")
        last = x
    drawn.append(f"H{_at(frame.x(curve.until_h, horizon))}")
    return "".join(drawn)


def _median(median_h: float, horizon: int, frame: Frame) -> list[str]:
    x, y = frame.x(median_h, horizon), frame.y(0.5)
    ends = f'x1="{_at(x)}" y1="{_at(y)}" x2="{_at(x)}" y2="{_at(frame.bottom)}"'
    return [
        f'<line class="chart-median" {ends} stroke="{_INK}" stroke-dasharray="3 3"/>',
        f'<circle class="chart-median" cx="{_at(x)}" cy="{_at(y)}" r="3.5" fill="{_INK}"/>',
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{_at(x1)}" y1="{_at(y1)}" x2="{_at(x2)}" y2="{_at(y2)}"'
    return f'<line class="chart-rule" {ends} stroke="{_LINE}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    place = f'x="{_at(x)}" y="{_at(y)}" text-anchor="{anchor}"'
    return f'<text class="chart-text" {place} fill="{_QUIET}">{escape(text)}</text>'


def _at(place: float) -> str:
    return f"{place:.1f}".removesuffix(".0")
