"""A URL handed in again: what its case takes from the new lines, and whether an episode begins."""

from collections.abc import Sequence
from typing import NamedTuple

from nta.domain.intake.lines import SubmissionTerms, stricter
from nta.domain.roles import Severity


class Resubmission(NamedTuple):
    """What comes of lines that name the URL of a case that is there."""

    severity: str  # of the case from now on
    class_value: str
    is_sharper: bool  # severity or class became stricter
    reopened_by: SubmissionTerms | None  # the line that begins a new episode
    repeated: int  # lines that only repeat, each noted as such


def resubmitted(
    severity: str, class_value: str, *, has_ended: bool, lines: Sequence[SubmissionTerms]
) -> Resubmission:
    """Return what a case becomes that stood at this severity and class.

    The strictest of both counts, whichever line says it, and none makes a
    case milder. Where the latest episode has ended, the first of the lines
    begins another; a line that begins nothing repeats.
    """
    worst = max((Severity(severity), *(line.severity for line in lines)), key=_rank).value
    strictest = class_value
    for line in lines:
        strictest = stricter(strictest, line.class_value)
    reopened_by = lines[0] if has_ended else None
    return Resubmission(
        worst,
        strictest,
        (worst, strictest) != (severity, class_value),
        reopened_by,
        len(lines) - (reopened_by is not None),
    )


def _rank(severity: Severity) -> int:
    return severity.rank
