"""The report page of the desk: figures with their meaning, choices, files, and what few may not show."""

import csv
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nta.store.db.handle import Store
from tests.builders import make_case, make_notice
from tests.conftest import NINE, hours
from tests.web.conftest import entered

PAGE = "/reports/removal-times"


def told(store: Store, many: int, party: str = "hosting:quick", role: str = "host") -> None:
    """Tell a party of pages, thirty hours ago; each is gone ten to eleven hours later."""
    name = party.partition(":")[2]
    cases = [
        make_case(
            store,
            f"http://{name}.example/{number}",
            NINE - hours(31),
            party=party,
            presence="removed",
            last_up_at=NINE - hours(20),
            first_gone_at=NINE - hours(19),
            proven_gone_at=NINE - hours(18),
        )
        for number in range(many)
    ]
    make_notice(store, cases, NINE - hours(30), party=party, role=role)


def cells(page: str, table: str) -> list[list[str]]:
    """Return the cells of a table of the page, found by its caption's id."""
    [body] = re.findall(rf'<caption id="{table}">.*?</table>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    texts = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in texts]


@pytest.mark.parametrize("role", ["analyst", "lead", "administrator"])
def test_every_role_of_today_reads_the_report_and_finds_it_in_the_menu(
    desk: Flask, lite: Store, role: str
) -> None:
    client = entered(desk, lite, role)

    assert f'href="{PAGE}"' in client.get("/tasks").text
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize("ending", ["", ".html", ".csv"])
def test_nobody_else_reads_it(desk: Flask, ending: str) -> None:
    answer = desk.test_client().get(PAGE + ending)

    assert answer.status_code == 302
    assert "/login" in answer.location


def test_a_provider_of_twenty_has_figures_and_no_place(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)

    page = lead.get(PAGE).text

    [line] = cells(page, "host-times")[1:]
    assert line[:6] == ["–", "Quick Hosting B.V.", "20", "0", "10.5 (10.0–11.0)", "10.5"]
    assert line[6:] == ["100 %", "0 %", "1.0", "0 %", "100 %"]
    assert cells(page, "host-shares")[1] == ["Quick Hosting B.V.", "20", *["100 %"] * 4]
    assert "Survival curve of 20 spans. Half were gone after 10.5 hours." in page
    assert "example" not in page.replace("hotline.test", "")


def test_fewer_than_twenty_are_counted_and_have_no_figure_at_all(lead: FlaskClient, lite: Store) -> None:
    told(lite, 19)

    page = lead.get(PAGE).text

    assert 'id="host-times"' not in page
    assert "<svg" not in page
    assert " %" not in re.sub(r"<section class=\"report-meaning.*", "", page, flags=re.DOTALL)
    assert "Fewer than 20 were timed" in page
    assert cells(page, "host-endings")[1:] == [
        ["Quick Hosting B.V.", "19", "0", "0", "0", "19", "0"],
        ["Together", "19", "0", "0", "0", "19", "0"],
    ]


def test_fifty_have_a_place_among_others_that_have_one(lead: FlaskClient, lite: Store) -> None:
    told(lite, 50)
    told(lite, 50, "hosting:slow")
    told(lite, 49, "hosting:almost")

    table = cells(lead.get(PAGE).text, "host-times")

    assert [(row[0], row[1]) for row in table[1:]] == [
        ("1–2", "Quick Hosting B.V."),
        ("1–2", "Slow Hosting B.V."),
        ("–", "Almost Hosting B.V."),
    ]


def test_proxies_stand_in_a_table_of_their_own(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)
    told(lite, 21, "proxy:front", role="proxy")

    page = lead.get(PAGE).text

    assert [row[1] for row in cells(page, "host-times")[1:]] == ["Quick Hosting B.V."]
    assert [row[1:3] for row in cells(page, "proxy-times")[1:]] == [["Front Hosting B.V.", "21"]]


ASKED = {
    "clock=A": "Clock A runs from the receipt",
    "clock=C": "Clock C runs from the acceptance",
    "from=2026-03-01": "began from 1 March 2026, 00:00 on",
    "to=2026-03-02": "began before 2 March 2026, 00:00",
    "as_of=2026-03-02": "As it was known on 2 March 2026, 00:00 UTC",
    "from=2026-03-02": "Nothing was timed in this period",
    "provider=hosting:slow": "Slow Hosting B.V.",
    "provider=hosting:nobody": "Nothing was timed in this period",
}
"""What may be asked for, and what the page then says."""


def test_what_was_asked_for_is_shown_and_said(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)
    told(lite, 22, "hosting:slow")

    answers = {asked: lead.get(f"{PAGE}?{asked}") for asked in ASKED}

    assert {answer.status_code for answer in answers.values()} == {200}
    pages = {asked: re.sub(r"\s+", " ", answer.text) for asked, answer in answers.items()}
    assert [asked for asked, said in ASKED.items() if said not in pages[asked]] == []
    slow = pages["provider=hosting:slow"]
    assert [row[1] for row in cells(slow, "host-times")[1:]] == ["Slow Hosting B.V."]
    assert 'value="hosting:slow" selected' in slow


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param("clock=D", "There is no such clock", id="clock"),
        pytest.param("from=yesterday", "Write a day like", id="day"),
        pytest.param("as_of=2026-03-03", "in the future", id="future"),
        pytest.param("from=2026-03-02&to=2026-03-01", "ends before it begins", id="period"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(lead: FlaskClient, asked: str, reason: str) -> None:
    answer = lead.get(f"{PAGE}?{asked}")

    assert answer.status_code == 422
    assert reason in answer.text


def test_the_report_is_in_dutch_with_dutch_figures(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)
    with lead.session_transaction() as session:
        session["lang"] = "nl"

    page = lead.get(PAGE).text

    assert "Wat deze cijfers betekenen" in page
    assert "10,5" in page
    assert "2 maart 2026" in page


def test_the_file_needs_no_other_and_holds_the_same_figures(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)

    answer = lead.get(f"{PAGE}.html?clock=B")
    page = lead.get(f"{PAGE}?clock=B").text

    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="removal-times-clock-B-2026-03-02.html"'
    )
    assert not re.search(r"<script|<link|src=|href=|url\(|@import", answer.text)
    assert "Example Hotline" in answer.text
    for table in ("host-times", "host-shares", "host-endings"):
        assert cells(answer.text, table) == cells(page, table)


def test_the_table_holds_hosts_and_proxies(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)
    told(lite, 3, "proxy:front", role="proxy")

    answer = lead.get(f"{PAGE}.csv")

    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert answer.mimetype == "text/csv"
    assert [(line["role"], line["provider"], line["n"], line["median_h"]) for line in lines] == [
        ("host", "hosting:quick", "20", "10.5"),
        ("proxy", "proxy:front", "3", ""),
    ]


def test_the_page_has_no_style_of_its_own_that_the_policy_would_refuse(
    lead: FlaskClient, lite: Store
) -> None:
    told(lite, 20)

    page = lead.get(PAGE).text

    assert not re.search(r"\sstyle=|<style|\son\w+=|<script>", page)


def test_after_the_last_is_gone_nothing_is_online(lead: FlaskClient, lite: Store) -> None:
    told(lite, 20)

    assert cells(lead.get(PAGE).text, "host-read")[1:] == [
        ["6 hours", "100 %", "20"],
        ["12 hours", "0 %", "0"],
        ["24 hours", "0 %", "0"],
        ["36 hours", "0 %", "0"],
        ["48 hours", "0 %", "0"],
    ]


def test_after_the_last_look_nobody_knows(lead: FlaskClient, lite: Store) -> None:
    cases = [
        make_case(
            lite, f"http://quick.example/{n}", NINE - hours(31), presence="up", last_up_at=NINE - hours(1)
        )
        for n in range(20)
    ]
    make_notice(lite, cases, NINE - hours(30))

    # Nothing is gone yet: a week is drawn, and all are followed until one hour ago.
    assert cells(lead.get(PAGE).text, "host-read")[1:] == [
        ["24 hours", "100 %", "20"],
        ["48 hours", "–", "0"],
        ["3 days", "–", "0"],
        ["5 days", "–", "0"],
        ["7 days", "–", "0"],
    ]
