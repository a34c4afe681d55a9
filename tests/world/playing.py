"""Demos as processes of their own: started, killed, gone on with, and what they left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import load_keys
from tests.fakes import CountingIds

ROOT = Path(__file__).resolve().parents[2]
MOST_S = 600
"""A bound against hanging, not a figure: a world plays in a fraction of it."""


@dataclass(frozen=True)
class Played:
    """What a demo that ended left behind."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def episodes(self) -> list[dict[str, Any]]:
        lines = (self.folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def arguments(folder: Path, world: str = "loop", *, quiet: bool = True) -> list[str]:
    """Return what `nta` is given: a demo that ends with its world, or goes on with a killed one.

    One that is not `quiet` shows its board, and tells the lab what is believed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports_of(folder)
    episodes = str(folder / "episodes.jsonl")
    rest = ["--world", world, "--instance", str(folder), "--episodes", episodes]
    return ["demo", "--until-done", *(["--json"] if quiet else []), *rest]


def start(
    folder: Path, *, database_url: str | None = None, world: str = "loop", quiet: bool = True
) -> "subprocess.Popen[str]":
    """Start a demo that ends with its world."""
    return subprocess.Popen(
        [sys.executable, "-m", "nta", *arguments(folder, world, quiet=quiet)],
        cwd=ROOT,
        env=environment(database_url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]", folder: Path) -> Played:
    """Wait for a demo's end; one that hangs is ended, with its lab."""
    try:
        out, err = process.communicate(timeout=MOST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        end_lab(folder)
    return Played(process.returncode, out, err, folder)


def left_behind(played: Played) -> Store:
    """Open the store of an embedded demo that ended."""
    keys = load_keys(played.folder, (), None, ())
    return Store.open(Database(f"sqlite:///{played.folder / 'nta.sqlite'}"), keys, CountingIds())


def end_lab(folder: Path) -> None:
    """End the lab that a killed demo left behind."""
    card = folder / "lab" / "lab.json"
    if card.exists():
        try:
            os.kill(int(json.loads(card.read_text())["pid"]), signal.SIGTERM)
        except ProcessLookupError:
            return


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ports_of(folder: Path) -> dict[str, int]:
    """Return the ports of a demo's doors, given to it now if it has none yet."""
    card = folder / "demo.json"
    if not card.exists():
        give_ports(folder)
    found: dict[str, int] = json.loads(card.read_text(encoding="utf-8"))
    return found


def give_ports(folder: Path) -> None:
    """Give a demo ports of its own: two that begin at one moment would reach for the same."""
    with socket.socket() as desk, socket.socket() as portal:
        desk.bind(("127.0.0.1", 0))
        portal.bind(("127.0.0.1", 0))
        ports = {"desk": desk.getsockname()[1], "portal": portal.getsockname()[1]}
    (folder / "demo.json").write_text(json.dumps(ports))


def pause(process: "subprocess.Popen[Any]") -> None:
    """Let a hundredth of a second pass, or less where the process ends: who polls takes no time it needs."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.01)


def environment(database_url: str | None) -> Mapping[str, str]:
    """Return this environment without settings of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NTA_")}
    kept["PYTHONPATH"] = str(ROOT)
    if database_url is not None:
        kept["NTA_DATABASE_URL"] = database_url
    return kept
