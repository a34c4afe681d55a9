"""What a case becomes when its URL is handed in again."""

from datetime import timedelta

import pytest

from nta.domain.intake.lines import InputLine, SubmissionTerms, Terms, told
from nta.domain.intake.resubmissions import resubmitted
from nta.domain.roles import Severity
from tests.conftest import NINE


def line(severity: str = "normal", class_value: str = "baseline", hour: int = 0) -> SubmissionTerms:
    terms = Terms("desk", severity=Severity(severity), class_value=class_value)
    return told(InputLine(1, ""), terms, NINE + timedelta(hours=hour))


@pytest.mark.parametrize(
    ("severity", "class_value", "lines", "after"),
    [
        pytest.param("normal", "baseline", [line()], ("normal", "baseline", False), id="the-same"),
        pytest.param("normal", "baseline", [line("high")], ("high", "baseline", True), id="more-severe"),
        pytest.param("high", "baseline", [line("normal")], ("high", "baseline", False), id="never-milder"),
        pytest.param(
            "high", "national", [line("normal", "baseline")], ("high", "baseline", True), id="each-by-itself"
        ),
        pytest.param("normal", "baseline", [line(class_value="national")], ("normal", "baseline", False),
                     id="class-never-milder"),
        pytest.param("normal", "national", [line("high", "national"), line("normal", "baseline")],
                     ("high", "baseline", True), id="from-any-line"),
    ],
)  # fmt: skip
def test_the_strictest_word_counts_and_none_makes_a_case_milder(
    severity: str, class_value: str, lines: list[SubmissionTerms], after: tuple[str, str, bool]
) -> None:
    found = resubmitted(severity, class_value, has_ended=False, lines=lines)

    assert (found.severity, found.class_value, found.is_sharper) == after


@pytest.mark.parametrize(
    ("has_ended", "count", "reopens", "repeated"),
    [(False, 1, False, 1), (False, 3, False, 3), (True, 1, True, 0), (True, 3, True, 2)],
)
def test_the_first_line_after_the_end_begins_an_episode_and_the_others_repeat(
    has_ended: bool, count: int, reopens: bool, repeated: int
) -> None:
    lines = [line(hour=n) for n in range(count)]

    found = resubmitted("normal", "baseline", has_ended=has_ended, lines=lines)

    assert found.reopened_by == (lines[0] if reopens else None)
    assert found.repeated == repeated
