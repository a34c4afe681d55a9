"""`nta catalogue import`: what a newer table changes, before and after it is written."""

from pathlib import Path

import pytest

from nta.catalogue import read
from tests.cli.conftest import Nta

HEAD = "iana_id,name,rdap,email,form,source,checked"
BEFORE = (
    "1007,Seven,https://rdap.seven.example/,abuse@seven.example,,a list,2026-03-01",
    "1008,Eight,,abuse@eight.example,,a list,2026-03-01",
    "1009,Nine,,,,a list,2026-03-01",
)
AFTER = (
    "1007,Seven Ltd,https://rdap.seven.example/,abuse@seven.example,,a list,2026-06-01",
    "1008,Eight,,abuse@,,a list,2026-06-01",
    "1010,Ten,,,,a list,2026-06-01",
)
ENTRY = """\
{id: seven, name: Seven, country: NL, iana_id: 1007, notices: {to: desk@seven.example}, source: a page,
 checked: 2026-03-01}"""
IANA = """\
ID,Registrar Name,Status,RDAP Base URL
1,Reserved,Reserved,
1007,Seven,Accredited,https://rdap.seven.example/
1008,Eight,Terminated,
1010, Ten  Ltd,Accredited,https://rdap.ten.example/
"""


@pytest.fixture
def own(nta: Nta, tmp_path: Path) -> Path:
    """Lay a table and an entry of our own over the shipped ones; return their folder."""
    folder = tmp_path / "own"
    (folder / "imported").mkdir(parents=True)
    (folder / "registrars").mkdir()
    (folder / "imported" / "registrars.csv").write_text("\n".join((HEAD, *BEFORE, "")), "utf-8")
    (folder / "registrars" / "seven.yaml").write_text(ENTRY, "utf-8")
    nta.settings["NTA_CATALOGUE"] = str(folder)
    return folder


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    file = tmp_path / "new" / "of-june.csv"
    file.parent.mkdir()
    file.write_text("\n".join((HEAD, *AFTER, "")), "utf-8")
    return file


def test_added_changed_gone_and_refused_rows_and_the_entries_touched_are_shown(
    nta: Nta, own: Path, newer: Path
) -> None:
    before = (own / "imported" / "registrars.csv").read_bytes()

    ended = nta("catalogue", "import", "--json", newer)

    touched = {"name": {"entry": "Seven", "row": "Seven Ltd"}}
    touched["notices"] = {"entry": "desk@seven.example", "row": "abuse@seven.example"}
    ten = dict(zip(HEAD.split(","), AFTER[2].split(","), strict=True))
    nine = dict(zip(HEAD.split(","), BEFORE[2].split(","), strict=True))
    differs = {
        "name": {"was": "Seven", "is": "Seven Ltd"},
        "checked": {"was": "2026-03-01", "is": "2026-06-01"},
    }
    assert ended.code == 1
    assert ended.objects == [
        {"table": "registrars", "change": "added", "id": "1010", "row": ten},
        {"table": "registrars", "change": "gone", "id": "1009", "row": nine},
        {"table": "registrars", "change": "changed", "id": "1007", "differs": differs},
        {
            "table": "registrars",
            "change": "touches",
            "id": "registrar:seven",
            "file": str(own / "registrars" / "seven.yaml"),
            "gone": False,
            "differs": touched,
        },
        {
            "table": "registrars",
            "change": "refused",
            "file": str(newer),
            "line": 3,
            "what": "email: must be one plain mail address; the row is left out",
        },
    ]
    assert "nothing is written without --write" in ended.err
    assert (own / "imported" / "registrars.csv").read_bytes() == before


def test_a_person_reads_the_same(nta: Nta, own: Path, newer: Path) -> None:
    ended = nta("catalogue", "import", newer)

    assert ended.out.splitlines() == [
        "+ 1010: Ten",
        "- 1009: Nine",
        "~ 1007: name: 'Seven' -> 'Seven Ltd'; checked: '2026-03-01' -> '2026-06-01'",
        (
            f"= registrar:seven ({own / 'registrars' / 'seven.yaml'}) counts, the row says "
            "name: 'Seven' -> 'Seven Ltd'; notices: 'desk@seven.example' -> 'abuse@seven.example'"
        ),
        f"! {newer}:3: email: must be one plain mail address; the row is left out",
    ]
    assert ended.err.startswith("registrars: 1 added, 1 changed, 1 gone, 1 entries touched, 1 rows refused\n")


def test_what_is_written_counts_and_a_refused_row_leaves_the_one_before(
    nta: Nta, own: Path, newer: Path
) -> None:
    written = nta("catalogue", "import", newer.parent, "--write")
    again = nta("catalogue", "import", "--json", newer)

    file = own / "imported" / "registrars.csv"
    assert (written.code, f"written to {file}\n" in written.err) == (1, True)
    assert file.read_text("utf-8").splitlines() == [HEAD, AFTER[0], BEFORE[1], AFTER[2]]
    assert [line["change"] for line in again.objects] == ["refused"]
    known = read([own])
    assert [known.registrar_of(number) is not None for number in ("1007", "1009", "1010")] == [
        True,
        False,
        True,
    ]
    assert known.registrar_of("1007") is known.registrars["registrar:seven"]


def test_an_entry_whose_row_is_gone_is_named(nta: Nta, own: Path, newer: Path) -> None:
    newer.write_text("\n".join((HEAD, *BEFORE[1:], "")), "utf-8")

    text, as_json = nta("catalogue", "import", newer), nta("catalogue", "import", "--json", newer)

    file = own / "registrars" / "seven.yaml"
    assert text.out.splitlines() == ["- 1007: Seven", f"= registrar:seven ({file}) counts, the row is gone"]
    assert (text.code, as_json.objects[1]["gone"], as_json.objects[1]["differs"]) == (0, True, {})


def test_the_list_of_iana_is_taken_as_it_is_published(nta: Nta, own: Path, newer: Path) -> None:
    newer.write_text(IANA, "utf-8")

    ended = nta("catalogue", "import", newer, "--write")

    assert ended.code == 0
    assert (own / "imported" / "registrars.csv").read_text("utf-8").splitlines() == [
        HEAD,
        BEFORE[0],
        "1010,Ten Ltd,https://rdap.ten.example/,,,IANA registrar ids,2026-03-02",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("a,b\n1,2\n", "of-june.csv:1: these are the columns of no table", id="columns"),
        pytest.param("", "of-june.csv:1: these are the columns of no table", id="empty"),
        pytest.param(f'{HEAD}\n7,"a\n', "of-june.csv: not CSV", id="not-csv"),
    ],
)
def test_a_file_that_is_no_table_is_refused(nta: Nta, own: Path, newer: Path, text: str, what: str) -> None:
    newer.write_text(text, "utf-8")

    ended = nta("catalogue", "import", newer, "--write")

    assert (ended.code, ended.out, what in ended.err) == (2, "", True)


def test_a_table_is_not_taken_from_two_files(nta: Nta, own: Path, newer: Path) -> None:
    newer.with_name("of-may.csv").write_text("\n".join((HEAD, *BEFORE, "")), "utf-8")

    ended = nta("catalogue", "import", newer.parent, "--write")

    assert (ended.code, "two of these files hold the table registrars" in ended.err) == (2, True)
