"""Files of a hand-in with a line spoilt by seed: it is taken or answered, the others are all taken."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from nta.domain.errors import RefusedError
from nta.domain.intake.lines import (
    InputLine,
    SubmissionTerms,
    Terms,
    locate,
    read_lines,
    told,
)
from tests.conftest import NINE
from tests.fuzzing import rounds, spoil

SEEDS = Path(__file__).parents[1] / "data" / "hand_ins"
TERMS = Terms(source="test")
FILES = ("lines.txt", "lines.csv", "lines.jsonl")


def taken(line: InputLine) -> tuple[str, SubmissionTerms] | None:
    """Return what becomes of a line; None where it is refused."""
    with suppress(RefusedError):
        return locate(line).url, told(line, TERMS, NINE)
    return None


@pytest.mark.parametrize("name", FILES)
def test_a_spoilt_line_loses_no_other(name: str) -> None:
    lines = (SEEDS / name).read_bytes().splitlines()
    whole = [taken(line) for line in read_lines(b"\n".join(lines))]
    assert None not in whole
    head = len(lines) - len(whole)  # the header of CSV stands before them
    for number in rounds(150):
        random = Random(number)
        at = random.randrange(head + 1, len(lines))  # the first line says what kind of file it is
        spoilt = spoil(lines[at], random)

        read = read_lines(b"\n".join([*lines[:at], spoilt, *lines[at + 1 :]]))

        became = [taken(line) for line in read]
        assert became[: at - head] == whole[: at - head]
        after = len(lines) - at - 1
        assert after == 0 or became[-after:] == whole[at - head + 1 :]


@pytest.mark.parametrize("name", FILES)
def test_of_a_file_spoilt_anywhere_every_line_is_taken_or_answered(name: str) -> None:
    whole = (SEEDS / name).read_bytes()
    for number in rounds(150):
        with suppress(RefusedError):  # the header alone may refuse a whole file
            for line in read_lines(spoil(whole, Random(number))):
                found = taken(line)
                assert found is None or found[0].startswith(("http://", "https://"))
                if found is not None:
                    found[0].encode()
                    assert all("\x00" not in str(one) for one in (found[1].reference, found[1].referrer))
