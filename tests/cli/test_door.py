"""What holds for every command: its help, its exit codes, and what goes to which stream."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest

from nta.cli import commands
from nta.domain.errors import OutsideError, RefusedError
from tests.cli.conftest import Nta
from tests.world.playing import ROOT, environment

BUILT = {
    "demo",
    "serve",
    "desk",
    "portal",
    "jobs",
    "submit",
    "resolve",
    "check",
    "inbox explain",
    "report removal-times",
    "report again",
    "catalogue check",
    "catalogue import",
    "notice preview",
    "audit verify",
    "backup",
    "restore",
    "keys new",
    "keys rotate",
    "db grant-portal",
    "db upgrade",
    "user add",
    "user disable",
    "user enable",
    "user end-sessions",
    "user list",
    "user reset-password",
    "user reset-second-factor",
    "settings",
}


def every(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every(command, (*above, name))
        else:
            yield (*above, name)


def test_the_commands_are_those_of_the_design() -> None:
    assert {" ".join(path) for path in every(commands.nta)} == BUILT


@pytest.mark.parametrize("path", list(every(commands.nta)), ids=" ".join)
def test_the_help_of_every_command_holds_an_example(nta: Nta, path: tuple[str, ...]) -> None:
    ended = nta(*path, "--help")

    assert (ended.code, ended.err) == (0, "")
    (line,) = (line for line in ended.out.splitlines() if "Example:" in line)
    assert f"nta {' '.join(path)}" in line


@pytest.mark.parametrize(
    "arguments",
    [("nothing",), ("settings", "--nothing"), ("check",), ("report", "removal-times", "--clock", "D")],
    ids=["no-command", "no-option", "no-argument", "no-choice"],
)
def test_a_command_line_that_cannot_be_read_is_refused(nta: Nta, arguments: tuple[str, ...]) -> None:
    ended = nta(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert "Error: " in ended.err


@pytest.mark.parametrize(
    ("fault", "code"),
    [(RefusedError("the folder is open to others"), 2), (OutsideError("no answer", temporary=True), 3)],
)
def test_what_others_can_put_right_is_said_in_one_line(nta: Nta, fault: Exception, code: int) -> None:
    def broken(_: Mapping[str, str]) -> Any:
        raise fault

    nta.make = broken

    ended = nta("settings")

    assert (ended.code, ended.out, ended.err) == (code, "", f"nta: {fault}\n")


def test_a_fault_of_ours_is_logged_by_its_place_and_without_its_text(nta: Nta) -> None:
    def broken(_: Mapping[str, str]) -> Any:
        raise KeyError("http://gallery.example/a")

    nta.make = broken

    ended = nta("settings")

    logged = json.loads(ended.err)
    assert (ended.code, ended.out) == (70, "")
    assert (logged["event"], logged["level"]) == ("our fault", "error")
    assert logged["exception"].startswith("KeyError at commands.py:")
    assert logged["exception"].endswith(" broken")
    assert "gallery" not in ended.err


def test_a_database_out_of_reach_is_another_systems_fault(nta: Nta, closed_port: int) -> None:
    nta.settings["NTA_DATABASE_URL"] = f"postgresql+psycopg://nta:s3cret@127.0.0.1:{closed_port}/nta"

    ended = nta("db", "upgrade")

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("nta: ")
    assert ended.err.count("\n") == 1
    assert "s3cret" not in ended.err


def test_a_reader_that_goes_away_is_no_fault() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "nta", "settings"],
        cwd=ROOT,
        env=environment(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        err = process.stderr.read()

    assert (process.returncode, err) == (0, b"")
