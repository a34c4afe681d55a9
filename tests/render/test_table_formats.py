"""Figures on paper: nothing in a name steers a terminal or a spreadsheet, and too few say nothing."""

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nta.domain.figures.removal_report import (
    PRESUMED,
    Parameters,
    Report,
    Rows,
    make,
)
from nta.domain.figures.removal_times import RemovalClock
from nta.render import table_formats
from tests.conftest import NINE, hours

HOUR = 3_600_000_000
START = int(NINE.timestamp()) * 1_000_000


def of(n: int, *, party: str = "hosting:quick", name: str = "Quick Hosting B.V.") -> Report:
    """Return a report of n rows of one provider, each gone after one to three hours."""
    start = np.full(n, START, np.int64)
    rows = Rows(
        parties=[party],
        names=[name],
        group=np.zeros(n, np.int64),
        start=start,
        entry=start,
        last_up=start + HOUR,
        gone=start + 3 * HOUR,
        code=np.full(n, PRESUMED, np.uint8),
        before=np.array([2], np.int64),
    )
    parameters = Parameters(RemovalClock.B, "provider", "host", None, NINE + hours(1), NINE + hours(48))
    return make(parameters, rows)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_text_table_stands_in_columns_with_figures_to_the_right() -> None:
    found = table_formats.text_table(("provider", "n"), [("quick", 5), ("very slow", 120), ("none", None)])

    assert found == "provider     n\n---------  ---\nquick        5\nvery slow  120\nnone\n"


def test_a_text_table_of_wide_characters_stays_in_line() -> None:
    found = table_formats.text_table(("name", "n"), [("東京", 1), ("ab", 1)])

    assert found.splitlines()[2:] == ["東京  1", "ab    1"]


@pytest.mark.parametrize(
    "cell",
    ["a\x1b[2Jb", "a\x1b]0;owned\x07b", "a\rb", "a\nb", "a\tb", "a\x9bb", "a\u202eb", "a\u200fb", "a\x00b"],
)
def test_nothing_in_a_cell_steers_a_terminal(cell: str) -> None:
    found = table_formats.text_table(("name",), [(cell,)])

    lines = found.split("\n")
    assert len(lines) == 4
    assert all(character.isprintable() for line in lines for character in line)
    assert "\ufffd" in lines[2]


@pytest.mark.parametrize(
    "cell",
    [
        "=HYPERLINK(1)",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
    ],
)
def test_no_spreadsheet_takes_a_text_for_a_formula(cell: str) -> None:
    found = read(table_formats.csv_table((cell,), [(cell,)]))

    kept = cell[0] + "'" + cell[1:] if cell[0] in "\t\r\n" else cell  # each of these may begin a cell too
    assert found == [["'" + kept], ["'" + kept]]


@given(
    st.lists(
        st.tuples(*[st.text(st.sampled_from("=+-@;,\t\r\n\"' a1\uff1d"), max_size=8)] * 3),
        min_size=1,
        max_size=3,
    )
)
@example([("Hosting;=HYPERLINK(1)", "b", "c"), ("a", 'b;"=1', "c"), ("a", "b,\n=1", "c\t@1")])
def test_no_cell_begins_with_a_formula_wherever_lines_are_split(rows: list[tuple[str, str, str]]) -> None:
    text = table_formats.csv_table(("x", "y", "z"), [(*row, -1.5) for row in rows])

    for separator in ",;\t":
        cells = [
            cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row
        ]
        assert not [c for c in cells if c.lstrip()[:1] in tuple("=+-@\uff1d") and c.strip() != "-1.5"]


def test_figures_and_plain_text_are_left_as_they_are_in_csv() -> None:
    found = read(
        table_formats.csv_table(("name", "n"), [('a "b", c', -1.5), ("a=b", None), ("two\nlines", 0)])
    )

    assert found == [["name", "n"], ['a "b", c', "-1.5"], ["a=b", ""], ["two\nlines", "0"]]


@pytest.mark.parametrize("kind", ["csv", "text", "lines"])
@pytest.mark.parametrize(
    "steering", ["\x1b[31m", "\x9b31m", "\x85", "\u202e", "\u2066", "\U000e0041", "\x7f"]
)
def test_a_providers_name_is_harmless_in_every_form(kind: str, steering: str) -> None:
    report = of(20, name=f"=cmd|x{steering}\n!A1")

    if kind == "csv":
        text = table_formats.report_csv(report)
        heads, line = read(text)
        assert line[heads.index("name")].startswith("'=")
        assert all(c.isprintable() or c in "\r\n" for c in text)
    elif kind == "text":
        assert all(c.isprintable() or c == "\n" for c in table_formats.report_text(report))
        [shown] = [line for line in table_formats.report_text(report).splitlines() if "cmd" in line]
        assert "!A1" in shown
    else:
        lines = list(table_formats.report_lines(report))
        assert len(lines) == 2
        assert all(c.isprintable() for line in lines for c in line)
        assert json.loads(lines[1])["name"] == f"=cmd|x{steering}\n!A1"


@pytest.mark.parametrize(
    ("n", "published", "ranked"), [(1, False, False), (19, False, False), (20, True, False), (50, True, True)]
)
def test_too_few_have_counts_but_no_times(n: int, published: bool, ranked: bool) -> None:
    _, line = map(json.loads, table_formats.report_lines(of(n)))

    assert (line["n"], line["gone"], line["published"], line["ranked"]) == (n, n, published, ranked)
    assert line["median_h"] == (2.0 if published else None)
    assert [each["surely"] for each in line["within"]] == ([1.0] * 4 if published else [None] * 4)
    assert (line["presumed_share"], line["check_interval_h"]) == ((1.0, 2.0) if published else (None, None))
    assert (line["gone_before_notice_share"] is None) is (line["one_vantage_share"] is None) is not published
    assert ("n < 20" in table_formats.report_text(of(n))) is not published


def test_forty_nine_are_published_and_not_ranked() -> None:
    _, line = map(json.loads, table_formats.report_lines(of(49)))

    assert (line["published"], line["ranked"]) == (True, False)


def test_json_lines_say_first_what_was_asked_for() -> None:
    first, second = map(json.loads, table_formats.report_lines(of(20)))

    assert first == {
        "report": "removal-times",
        "clock": "B",
        "clock_means": "from the first notice handed over to gone",
        "by": "provider",
        "role": "host",
        "since": None,
        "until": (NINE + hours(1)).isoformat(),
        "as_of": (NINE + hours(48)).isoformat(),
    }
    assert (second["provider"], second["name"]) == ("hosting:quick", "Quick Hosting B.V.")
    assert second["presumed_share"] == 1.0
    assert second["one_vantage_share"] == 0.0
    assert second["check_interval_h"] == 2.0
    assert (second["gone_before_notice"], second["gone_before_notice_share"]) == (2, round(2 / 22, 6))
    assert [each["hours"] for each in second["within"]] == [24, 48, 168, 672]


def test_every_line_of_csv_says_its_clock_and_the_date_of_the_data() -> None:
    heads, line = read(table_formats.report_csv(of(20)))

    found = dict(zip(heads, line, strict=True))
    assert (found["clock"], found["as_of"]) == ("B", (NINE + hours(48)).isoformat())
    assert (found["n"], found["median_h"], found["within_24h_surely"]) == ("20", "2.0", "1.0")
    assert (found["since"], found["published"]) == ("", "True")


def test_text_says_clock_role_period_and_date_above_and_how_to_read_it_below() -> None:
    found = table_formats.report_text(of(20)).splitlines()

    assert found[0] == (
        "Removal times by provider, role host, clock B (from the first notice handed over to gone)"
    )
    assert found[1] == (
        "Clocks that began from the beginning until 2026-03-02 10:00; data of 2026-03-04 09:00 UTC"
    )
    [line] = [line for line in found if line.startswith("hosting:quick")]
    assert line.split()[-10:] == ["2.0", "2.0", "2.0", "100%", "100%", "100%", "100%", "2.0", "0%", "100%"]
    assert found[-1].startswith("counted until last seen (Kaplan-Meier)")


def test_a_report_of_nobody_is_a_heading_alone() -> None:
    nobody = np.array([], np.int64)
    rows = Rows([], [], nobody, nobody, nobody, nobody, nobody, nobody.astype(np.uint8), nobody)
    report = make(Parameters(RemovalClock.B, "provider", "host", None, None, NINE), rows)

    assert len(list(table_formats.report_lines(report))) == 1
    assert len(read(table_formats.report_csv(report))) == 1
    assert "provider" in table_formats.report_text(report)
