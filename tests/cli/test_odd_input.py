"""Numbers without end, moments outside the calendar, files that are none: refused, never our fault."""

import json
from pathlib import Path
from random import Random

import pytest

from tests.cli.conftest import Nta
from tests.fuzzing import rounds, spoil

HAND_INS = Path(__file__).parents[1] / "data" / "hand_ins"
DIGITS = "9" * 4_400
ENDLESS = "0001-01-01T00:00+23:59"
LATEST = "9999-12-31T23:59-23:59"
ENTRY = "{id: one, name: One, country: NL, asns: [64500], notices: {to: desk@one.example}, source: a page, "


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("report", "removal-times", "--from", ENDLESS), id="a-moment-before-the-calendar"),
        pytest.param(("report", "removal-times", "--to", LATEST), id="a-moment-after-it"),
        pytest.param(("report", "removal-times", "--as-of", "0001-01-01"), id="a-day-at-its-edge"),
        pytest.param(("report", "again", str(2**63)), id="a-report-beyond-64-bits"),
        pytest.param(("report", "again", DIGITS), id="a-report-of-4400-digits"),
        pytest.param(("submit", "--key", "k" * 5_000, "http://one.example/a"), id="a-long-key"),
        pytest.param(("submit", "--law", "a\x00b", "http://one.example/a"), id="a-law-with-a-nul"),
        pytest.param(("submit", "--law", "x" * 300, "http://one.example/a"), id="a-long-law"),
        pytest.param(("submit", "http://one.example:" + DIGITS + "/"), id="a-port-of-4400-digits"),
        pytest.param(("submit", "http://[" + ":" * 5_000 + "]/"), id="an-address-without-end"),
    ],
)
def test_an_odd_argument_is_refused(ready: Nta, arguments: tuple[str, ...]) -> None:
    ended = ready(*arguments)

    assert ended.code == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "line",
    [
        {"url": "http://odd.example/a", "reported_at": ENDLESS},
        {"url": "http://odd.example/a", "reported_at": LATEST},
        {"url": "http://odd.example/a", "confirmed_at": "2026-03-01T09:00:00\x00Z"},
        {"url": "http://odd.example/a", "law": "x" * 300},
        {"url": "http://odd.example/a", "reference": "a\x00b"},
        {"url": "http://odd.example/a", "group": "\ud800"},
        {"url": "http://odd.example/a", "referrer": "http://[::1"},
        {"url": "http://odd.example/a", "reference": 10**400},
        {"url": "\ud800"},
        {"url": 2**64},
        {"url": "http://odd.example/a", DIGITS: 1},
    ],
)
def test_an_odd_line_is_answered_and_its_neighbours_are_taken(
    ready: Nta, tmp_path: Path, line: dict[str, object]
) -> None:
    file = tmp_path / "lines"
    good = [json.dumps({"url": f"http://{name}.example/a"}) for name in ("one", "two")]
    file.write_text("\n".join([good[0], json.dumps(line), good[1]]))

    ended = ready("submit", "--json", "--file", file)

    assert ended.code == 1
    assert [one["accepted"] for one in ended.objects] == [True, False, True]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(ENTRY + "checked: 0001-01-01T00:00:00+23:59}", id="a-moment-before-the-calendar"),
        pytest.param(ENTRY + f"checked: {DIGITS}}}", id="a-number-of-4400-digits"),
        pytest.param(ENTRY.replace("64500", DIGITS) + "checked: 2026-03-01}", id="an-as-of-4400-digits"),
        pytest.param("[" * 5_000, id="lists-without-end"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(nta: Nta, tmp_path: Path, said: str) -> None:
    (tmp_path / "own" / "hosting").mkdir(parents=True)
    (tmp_path / "own" / "hosting" / "one.yaml").write_text(said)
    nta.settings["NTA_CATALOGUE"] = str(tmp_path / "own")

    ended = nta("catalogue", "check")

    assert ended.code in (1, 2)
    assert "one.yaml" in ended.out + ended.err


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(f"{DIGITS},Long,,,,a list,2026-03-01", id="a-number-of-4400-digits"),
        pytest.param("7,Seven\x00,,,,a list,2026-03-01", id="a-nul"),
    ],
)
def test_a_row_that_cannot_be_read_is_answered(nta: Nta, tmp_path: Path, row: str) -> None:
    (tmp_path / "own").mkdir()
    nta.settings["NTA_CATALOGUE"] = str(tmp_path / "own")
    file = tmp_path / "registrars.csv"
    file.write_text(f"iana_id,name,rdap,email,form,source,checked\n8,Eight,,,,a list,2026-03-01\n{row}\n")

    ended = nta("catalogue", "import", "--as", "registrars", file)

    assert ended.code in (0, 1, 2)


@pytest.mark.parametrize("name", ["lines.txt", "lines.csv", "lines.jsonl"])
def test_a_spoilt_file_is_never_our_fault(ready: Nta, tmp_path: Path, name: str) -> None:
    whole = (HAND_INS / name).read_bytes()
    file = tmp_path / name
    for number in rounds(4):
        file.write_bytes(spoil(whole, Random(number)))

        assert ready("submit", "--file", file).code in (0, 1, 2)
