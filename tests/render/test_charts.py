"""Survival curves as SVG: for eyes, for screen readers, and for a policy that allows no style."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from nta.domain.figures.curves import HORIZONS_H, Curve, Mark
from nta.render import charts

SVG = "{http://www.w3.org/2000/svg}"
WORDS = charts.Words("Curve of <A & B>", "Half were gone.", "since", "still online", "hours", "days")


def curve(falls: list[float], until: float = 48) -> Curve:
    still = 1 - np.arange(1, len(falls) + 1) / (len(falls) + 1)
    marks = tuple(Mark(h, 0.25, 0.75, 3) for h in (12.0, 24.0, until))
    return Curve("hosting:a", "A", len(falls) + 1, until, np.array(falls), still, marks)


def drawn(found: Curve, horizon: int = 48, **how: object) -> ET.Element:
    return ET.fromstring(charts.survival("c", found, horizon, WORDS, **how))  # type: ignore[arg-type]


def points(path: str, frame: charts.Frame = charts.LARGE) -> list[tuple[float, float]]:
    """Return where a path of right angles goes, as hours of 48 and shares."""
    x = y = 0.0
    found = []
    for letter, first, second in re.findall(r"([MHV])([\d.]+)(?: ([\d.]+))?", path):
        x = float(first) if letter in "MH" else x
        y = float(second) if letter == "M" else float(first) if letter == "V" else y
        hours = (x - frame.left) / (frame.right - frame.left) * 48
        share = (frame.bottom - y) / (frame.bottom - frame.top)
        found.append((round(hours, 0), round(share, 2)))
    return found


def test_a_curve_says_what_it_is_to_who_cannot_see_it() -> None:
    svg = drawn(curve([10, 20]))

    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert (svg.get("role"), title.text, description.text) == ("img", "Curve of <A & B>", "Half were gone.")
    assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}" == "c-t c-d"


def test_a_curve_goes_in_steps_from_all_to_what_is_left() -> None:
    [line] = [p for p in drawn(curve([12, 24])).iter(f"{SVG}path") if p.get("class") == "chart-line"]

    assert points(line.get("d", "")) == [
        (0, 1), (12, 1), (12, 0.67), (24, 0.67), (24, 0.33), (48, 0.33)
    ]  # fmt: skip


def test_the_band_holds_what_the_marks_leave_open() -> None:
    [band] = [p for p in drawn(curve([12, 24])).iter(f"{SVG}path") if p.get("class") == "chart-band"]

    assert points(band.get("d", ""))[:5] == [(0, 1), (0, 1), (12, 1), (12, 0.75), (24, 0.75)]
    assert points(band.get("d", ""))[-1] == (0, 0.25)


def test_a_curve_of_very_many_falls_stays_small() -> None:
    falls = np.sort(np.random.default_rng(1).uniform(0, 48, 100_000)).tolist()

    assert len(charts.survival("c", curve(falls), 48, WORDS)) < 120_000


def test_the_median_is_marked_where_it_is_within_the_drawing() -> None:
    assert len(list(drawn(curve([10]), median_h=10).iter(f"{SVG}circle"))) == 1
    assert list(drawn(curve([10]), median_h=60).iter(f"{SVG}circle")) == []
    assert list(drawn(curve([10]), median_h=None).iter(f"{SVG}circle")) == []


@pytest.mark.parametrize("horizon", HORIZONS_H)
@pytest.mark.parametrize("frame", [charts.LARGE, charts.SMALL], ids=["large", "small"])
def test_every_letter_lies_within_the_drawing(horizon: int, frame: charts.Frame) -> None:
    svg = drawn(curve([10]), horizon, frame=frame)

    for text in svg.iter(f"{SVG}text"):
        width = len(text.text or "") * frame.letters * 0.55
        x = float(text.get("x", ""))
        left = {"start": x, "middle": x - width / 2, "end": x - width}[text.get("text-anchor", "")]
        assert left >= -frame.letters * 0.5
        assert left + width <= frame.width + frame.letters * 0.5
        assert 0 < float(text.get("y", "")) < frame.height


def test_no_policy_refuses_a_curve() -> None:
    text = charts.survival("c", curve([10, 20]), 48, WORDS, median_h=10)

    assert not re.search(r"style|script|href|\son\w+=", text)
