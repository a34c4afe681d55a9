"""When a person is told of what looks cannot settle: once, when the time is over."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.checks.attention import attention
from nta.domain.checks.verdicts import (
    Cause,
    ProofRules,
    Run,
    Sighting,
    Verdict,
    extend,
    judge,
)
from nta.domain.lifecycle import Presence
from nta.domain.reasons import Code

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEEN = {
    "U": (Verdict.UP, Cause.CONTENT_PRESENT),
    "B": (Verdict.RESTRICTED, Cause.GEO_BLOCKED),
    "F": (Verdict.RESTRICTED, Cause.FORBIDDEN),
    "?": (Verdict.UNKNOWN, Cause.TIMEOUT),
    "N": (Verdict.UNKNOWN, Cause.OUR_NETWORK),
    "G": (Verdict.GONE, Cause.NOT_FOUND),
}


def told(rounds: list[tuple[float, str]], presence: Presence = Presence.UP) -> list[str | None]:
    """Return what a person is told in each round: hours since nine, a letter for each vantage point."""
    runs: dict[str, Run] = {}
    said = []
    for hour, letters in rounds:
        now = NINE + timedelta(hours=hour)
        sightings = [
            Sighting(place, now, *SEEN[letter], "rule", None, None, None, 0.1)
            for place, letter in zip("abc", letters, strict=False)
        ]
        before = [runs.get(s.vantage) for s in sightings]
        runs = {s.vantage: extend(run, s) for run, s in zip(before, sightings, strict=True)}
        after = list(runs.values())
        said.append(attention(presence, judge(sightings, after, ProofRules()), before, after, now))
    return said


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        pytest.param(
            [(0, "BU"), (47, "BU"), (48, "BU"), (50, "BU")],
            [None, None, Code.SEEN_BY_SOME, None],
            id="blocked",
        ),
        pytest.param([(0, "BU"), (30, "UU"), (48, "BU"), (60, "BU")], [None] * 4, id="blocked-now-and-then"),
        pytest.param(
            [(0, "??"), (71, "??"), (80, "??"), (90, "??")],
            [None, None, Code.LOOKS_TELL_NOTHING, None],
            id="down",
        ),
        pytest.param([(0, "FF"), (72, "FF")], [None, Code.LOOKS_TELL_NOTHING], id="forbidden"),
        pytest.param([(0, "?U"), (80, "?U")], [None, None], id="one-sees-it"),
        pytest.param([(0, "G?"), (80, "G?")], [None, None], id="one-says-gone"),
        pytest.param([(0, "??"), (40, "?U"), (80, "??"), (111, "??")], [None] * 4, id="seen-between"),
        pytest.param([(0, "NN"), (80, "NN")], [None, None], id="our-own-network"),
        pytest.param([(80, "??")], [None], id="first-look"),
    ],
)
def test_what_a_person_is_told(rounds, expected):
    assert told(rounds) == expected


@pytest.mark.parametrize("presence", [Presence.REMOVED, Presence.CLOSED])
def test_what_is_gone_asks_nothing(presence):
    assert told([(0, "??"), (80, "??")], presence) == [None, None]


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["??", "FF", "BU", "F?"])), max_size=20))
def test_a_run_is_told_of_once_at_most(steps):
    hour, rounds = 0, []
    for gap, letters in steps:
        hour += gap
        rounds.append((hour, letters))
    changes = sum(a[1] != b[1] for a, b in itertools.pairwise(rounds))

    assert sum(one is not None for one in told(rounds)) <= changes + 1
