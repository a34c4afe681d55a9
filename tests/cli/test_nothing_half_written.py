"""Bad input writes nothing: what the database holds before a refused command, it holds after it."""

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nta.jobs.single_runner import Alone
from tests.cli.conftest import Nta

ENTRY = """\
id: odd
name: Odd Hosting
country: NL
colour: red
source: https://odd.example/
checked: 2026-01-05
"""


@pytest.fixture
def used(ready: Nta) -> Nta:
    """An instance that holds a case already."""
    ready.settings["NTA_HOTLINE"] = "example"
    assert ready("submit", "http://a.test/x").code == 0
    return ready


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def held(nta: Nta) -> list[str]:
    """Return all that the database holds, but how many processes have started."""
    with sqlite3.connect(nta.instance / "nta.sqlite") as connection:
        dump = [line for line in connection.iterdump() if '"process_start"' not in line]
    connection.close()
    return dump


def refused(nta: Nta, *arguments: object, stdin: bytes = b"") -> str:
    """Return the one line with which a command is refused."""
    ended = nta(*arguments, stdin=stdin)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended
    return ended.err


def test_a_port_in_use(used: Nta, taken_port: int) -> None:
    before = held(used)

    said = refused(used, "serve", "--desk-port", "0", "--portal-port", taken_port)

    assert said == f"nta: portal: port {taken_port} on 127.0.0.1: Address already in use\n"
    assert held(used) == before


@pytest.mark.parametrize("command", [("serve",), ("jobs", "--once")], ids=" ".join)
def test_a_second_runner_leaves_the_work_to_the_first(used: Nta, command: tuple[str, ...]) -> None:
    first = Alone(used.instance / "nta.sqlite")
    first.take()
    with sqlite3.connect(used.instance / "nta.sqlite") as connection:
        connection.execute("UPDATE due SET taken_by = 'node-1', taken_until = 9e15")
    connection.close()
    before = held(used)

    said = refused(used, *command)

    assert "runs the jobs of" in said
    assert held(used) == before
    first.release()


@pytest.mark.parametrize(
    "command", [("serve",), ("jobs", "--once"), ("resolve", "http://a.test/")], ids=" ".join
)
def test_a_catalogue_with_an_unknown_key(used: Nta, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "ours" / "hosting").mkdir(parents=True)
    (tmp_path / "ours" / "hosting" / "odd.yaml").write_text(ENTRY)
    used.settings["NTA_CATALOGUE"] = str(tmp_path / "ours")
    before = held(used)

    said = refused(used, *command)

    assert "odd.yaml" in said
    assert "colour" in said
    assert held(used) == before


def test_a_database_newer_than_the_code(used: Nta) -> None:
    with sqlite3.connect(used.instance / "nta.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = held(used)

    for command in (
        ("serve",),
        ("jobs", "--once"),
        ("submit", "http://b.test/"),
        ("db", "upgrade"),
        ("audit", "verify"),
    ):
        assert "newer than this code" in refused(used, *command)

    assert held(used) == before


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(("--file", "-"), b"url;colour\nhttp://b.test/;red\n", id="a-column-nobody-knows"),
        pytest.param(("--file", "-"), b"\n\n", id="no-line"),
        pytest.param(("--key", "k" * 65, "http://b.test/"), b"", id="a-key-too-long"),
        pytest.param(("--law", "x" * 65, "http://b.test/"), b"", id="a-law-too-long"),
        pytest.param(("--file", "/none.csv"), b"", id="no-file"),
    ],
)
def test_a_hand_in_that_cannot_be_read_at_all(used: Nta, arguments: tuple[str, ...], stdin: bytes) -> None:
    before = held(used)

    refused(used, "submit", *arguments, stdin=stdin)

    assert held(used) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", "--dry-run", "http://b.test/"),
        ("settings",),
        ("catalogue", "check"),
        ("audit", "verify"),
        ("report", "removal-times"),
        ("db", "upgrade"),
    ],
    ids=" ".join,
)
def test_a_command_that_only_looks(used: Nta, arguments: tuple[str, ...]) -> None:
    before = held(used)

    assert used(*arguments).code == 0

    assert held(used) == before


def test_an_unknown_setting_makes_no_instance(nta: Nta) -> None:
    nta.settings["NTA_SENDIGN"] = "on"

    said = refused(nta, "serve")

    assert said == "nta: unknown setting NTA_SENDIGN (environment); `nta settings` lists the known ones\n"
    assert not nta.instance.exists()
