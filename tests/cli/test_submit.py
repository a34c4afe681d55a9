"""Handing in from the command line: every line answered, the good ones taken, nothing twice."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from nta.store.tables import Case, HandIn, Submission
from tests.cli.conftest import Nta

KEYS = ["line", "input", "url", "host", "registrable_domain", "accepted", "reason"]
GOOD = "http://gallery.example/a"
BROKEN = "no address at all"


def written(nta: Nta) -> tuple[int, ...]:
    """Return how many cases, submissions and hand-ins there are."""
    house = nta.house()
    with house.store.db.read() as connection:
        found = tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Case, Submission, HandIn)
        )
    house.close()
    return found


def test_urls_of_the_command_line_are_taken_defanged_ones_too(ready: Nta) -> None:
    ended = ready("submit", "--json", "hxxps://www[.]gallery[.]example/a", "http://192.0.2.7/b")

    assert (ended.code, ended.err) == (0, "2 taken, 0 refused\n")
    assert ended.objects == [
        {
            "line": 1,
            "input": "hxxps://www[.]gallery[.]example/a",
            "url": "https://www.gallery.example/a",
            "host": "www.gallery.example",
            "registrable_domain": "gallery.example",
            "accepted": True,
            "reason": None,
        },
        {
            "line": 2,
            "input": "http://192.0.2.7/b",
            "url": "http://192.0.2.7/b",
            "host": "192.0.2.7",
            "registrable_domain": None,
            "accepted": True,
            "reason": None,
        },
    ]
    assert written(ready) == (2, 2, 1)


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        pytest.param(f"{GOOD}\n{BROKEN}\nhttp://other.example/b\n", [1, 2, 3], id="text"),
        pytest.param(
            f"url,severity\n{GOOD},high\n{BROKEN},high\nhttp://other.example/b,\n", [2, 3, 4], id="csv"
        ),
        pytest.param(
            "".join(json.dumps({"url": url}) + "\n" for url in (GOOD, BROKEN, "http://other.example/b")),
            [1, 2, 3],
            id="json-lines",
        ),
        pytest.param(
            f'{{"url": "{GOOD}"}}\n{{broken\n{{"url": "http://other.example/b"}}\n', [1, 2, 3], id="half"
        ),
    ],
)
def test_the_good_lines_of_a_file_are_taken_and_the_others_answered(
    ready: Nta, tmp_path: Path, content: str, numbers: list[int]
) -> None:
    file = tmp_path / "morning"
    file.write_text(content)

    ended = ready("submit", "--json", "--file", file)

    assert (ended.code, ended.err) == (1, "2 taken, 1 refused\n")
    assert [list(line) for line in ended.objects] == [KEYS] * 3
    assert [line["line"] for line in ended.objects] == numbers
    assert [line["accepted"] for line in ended.objects] == [True, False, True]
    refused: dict[str, Any] = ended.objects[1]
    assert (refused["url"], refused["host"], refused["registrable_domain"]) == (None, None, None)
    assert refused["reason"]
    assert written(ready) == (2, 2, 1)


def test_a_dry_run_says_the_same_and_writes_nothing(nta: Nta) -> None:
    ended = nta("submit", "--dry-run", "--json", GOOD, BROKEN)

    assert (ended.code, ended.err) == (1, "1 would be taken, 1 refused\n")
    assert [(line["url"], line["accepted"]) for line in ended.objects] == [(GOOD, True), (None, False)]
    assert not nta.instance.exists()


def test_a_file_handed_in_again_takes_nothing_twice(ready: Nta, tmp_path: Path) -> None:
    file = tmp_path / "morning.txt"
    file.write_text(f"{GOOD}\n")

    first, again = ready("submit", "--file", file), ready("submit", "--file", file)

    assert (first.code, first.out, first.err) == (0, "line 1: taken\n", "1 taken, 0 refused\n")
    assert (again.code, again.out) == (0, "")
    assert again.err == "handed in before: 1 taken, 0 refused\n"
    assert written(ready) == (1, 1, 1)


def test_a_key_makes_urls_of_the_command_line_a_hand_in_that_is_taken_once(ready: Nta) -> None:
    ended = [ready("submit", "--key", "monday", GOOD), ready("submit", "--key", "monday", GOOD)]

    assert [one.code for one in ended] == [0, 0]
    assert written(ready) == (1, 1, 1)


def test_lines_come_from_the_standard_input(ready: Nta) -> None:
    ended = ready("submit", "--file", "-", stdin=f"{GOOD}\n".encode())

    assert (ended.code, ended.out) == (0, "line 1: taken\n")


def test_a_hand_in_of_broken_lines_alone_is_refused(ready: Nta) -> None:
    ended = ready("submit", BROKEN, "ftp://gallery.example/a")

    assert (ended.code, ended.err) == (2, "0 taken, 2 refused\n")
    assert [line.partition(": ")[0] for line in ended.out.splitlines()] == ["line 1", "line 2"]
    assert "gallery" not in ended.out
    assert written(ready)[:2] == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        ((), b""),
        (("--file", "-"), b""),
        (("--file", "-", GOOD), b""),
        (("--file", "nowhere.txt"), b""),
        (("--key", "k" * 65, GOOD), b""),
        (("--severity", "terrible", GOOD), b""),
    ],
    ids=["nothing", "empty", "both", "no-file", "long-key", "no-severity"],
)
def test_what_cannot_be_a_hand_in_is_refused(ready: Nta, arguments: tuple[str, ...], stdin: bytes) -> None:
    ended = ready("submit", *arguments, stdin=stdin)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err
    assert written(ready) == (0, 0, 0)
