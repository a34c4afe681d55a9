"""`nta report`: removal times in three shapes, kept, computed again, and refused."""

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from nta.store.tables import FrozenReport
from tests.builders import make_case, make_notice
from tests.cli.conftest import Nta
from tests.conftest import NINE


@pytest.fixture
def told(ready: Nta) -> Nta:
    """An instance where one provider was told of three pages, 24 hours before now."""
    house = ready.house()
    began = NINE - timedelta(hours=24)
    cases = [make_case(house.store, f"http://gallery.example/{n}", began) for n in range(3)]
    make_notice(house.store, cases, began)
    house.close()
    return ready


def kept(nta: Nta) -> int:
    house = nta.house()
    with house.store.db.read() as connection:
        count = connection.execute(select(func.count()).select_from(FrozenReport)).scalar_one()
    house.close()
    return count


def test_removal_times_are_a_table_for_a_person(told: Nta) -> None:
    ended = told("report", "removal-times")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Removal times by provider, role host, clock B (")
    assert f"data of {NINE:%Y-%m-%d %H:%M} UTC" in ended.out
    (line,) = re.findall(r"^hosting:quick .*", ended.out, re.MULTILINE)
    assert re.search(r" 3 +3 +0 ", line)
    assert "gallery" not in ended.out


@pytest.mark.parametrize("option", [("--json",), ("--format", "json")], ids=" ".join)
def test_removal_times_as_json_are_what_was_asked_and_then_each_provider(
    told: Nta, option: tuple[str, ...]
) -> None:
    ended = told("report", "removal-times", *option)

    asked, group = ended.objects
    assert (ended.code, ended.err) == (0, "")
    assert (asked["report"], asked["clock"], asked["as_of"]) == ("removal-times", "B", NINE.isoformat())
    assert (group["provider"], group["n"], group["open"]) == ("hosting:quick", 3, 3)


def test_removal_times_as_csv_have_a_provider_a_line(told: Nta) -> None:
    ended = told("report", "removal-times", "--format", "csv")

    (line,) = csv.DictReader(io.StringIO(ended.out))
    assert (ended.code, ended.err) == (0, "")
    assert (line["clock"], line["provider"], line["n"], line["open"]) == ("B", "hosting:quick", "3", "3")


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "What these figures mean"), ("nl", "Wat deze cijfers betekenen")],
)
def test_removal_times_as_html_are_a_file_that_needs_no_other(told: Nta, language: str, said: str) -> None:
    ended = told("report", "removal-times", "--format", "html", "--language", language)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("<!doctype html>")
    assert f'<html lang="{language}">' in ended.out
    assert said in ended.out
    assert "Quick Hosting B.V." in ended.out
    assert "gallery" not in ended.out
    assert not re.search(r"<script|<link|src=|href=|url\(", ended.out)


def test_html_has_hosts_and_proxies_unless_one_is_asked_for(told: Nta) -> None:
    both = told("report", "removal-times", "--format", "html")
    hosts = told("report", "removal-times", "--format", "html", "--role", "host")

    assert ("host-heading" in both.out, "proxy-heading" in both.out) == (True, True)
    assert ("host-heading" in hosts.out, "proxy-heading" in hosts.out) == (True, False)


@pytest.mark.parametrize(
    ("options", "timed"),
    [
        pytest.param(("--from", "2026-03-01"), [3], id="began-within"),
        pytest.param(("--from", "2026-03-01T10:00:00+00:00"), [], id="began-before"),
        pytest.param(("--to", "2026-03-01T10:00:00+01:00"), [], id="began-after"),
        pytest.param(("--as-of", "2026-02-28"), [], id="not-known-then"),
        pytest.param(("--role", "proxy"), [], id="in-no-other-role"),
    ],
)
def test_a_report_is_bounded_by_what_was_asked(told: Nta, options: tuple[str, ...], timed: list[int]) -> None:
    ended = told("report", "removal-times", "--json", *options)

    assert [group["n"] for group in ended.objects[1:] if group["n"]] == timed


def test_a_kept_report_is_computed_again_with_the_same_figures(told: Nta) -> None:
    made = told("report", "removal-times", "--freeze")
    found = re.search(r"^kept as report (\d+);", made.err)
    assert found

    again = told("report", "again", found[1])
    as_json = told("report", "again", found[1], "--json")

    assert (made.code, again.code) == (0, 0)
    assert as_json.out == told("report", "removal-times", "--json").out
    assert (again.out, again.err) == (made.out, "the figures are the same\n")


def test_a_kept_report_whose_figures_were_changed_is_found_out(told: Nta) -> None:
    number = told("report", "removal-times", "--freeze").err.split()[3].rstrip(";")
    house = told.house()
    with house.store.db.write() as connection:
        connection.execute(update(FrozenReport).values(figures=b"[]"))
    house.close()

    again = told("report", "again", number)

    assert (again.code, again.err) == (1, "the figures differ\n")


def test_without_freeze_nothing_is_kept(told: Nta) -> None:
    told("report", "removal-times")

    assert kept(told) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("removal-times", "--as-of", "2026-03-02T09:00:01Z"), "--as-of lies in the future"),
        (("removal-times", "--from", "2026-03-02", "--to", "2026-03-01"), "the period ends before it begins"),
        (("removal-times", "--as-of", "yesterday"), "say 2026-03-01"),
        (("removal-times", "--as-of", "2026-03-01T09:00"), "a time of day needs an offset"),
        (("again", "1"), "there is no such report"),
    ],
    ids=["future", "backwards", "no-time", "no-offset", "no-report"],
)
def test_what_cannot_be_reported_is_refused(ready: Nta, arguments: tuple[str, ...], reason: str) -> None:
    ended = ready("report", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert reason in ended.err
