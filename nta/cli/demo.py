"""`nta demo`: the whole service against the lab's small internet, until its world is over."""

import fcntl
import json
import os
import shutil
import signal
import tempfile
import threading
from base64 import b32encode
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import structlog

from nta.cli.context import Kit
from nta.cli.demo_beginning import QuickBeginning
from nta.cli.demo_beliefs import BeliefPusher
from nta.cli.demo_lab import RunningLab, free_port, settings_in, the_lab
from nta.cli.demo_show import Board
from nta.cli.demo_telling import Telling
from nta.cli.demo_truth import Truth, by_episode, with_medians, with_truth
from nta.cli.output import (
    configure_logs,
    json_option,
    put,
    say,
)
from nta.cli.processes import end_with_the_first_dead, leave
from nta.domain.errors import OutsideError, RefusedError
from nta.store import schema
from nta.store.reads.account_names import account_names
from nta.usecases.report import episode_lines, summary, true_figures

log = structlog.get_logger("nta.demo")

AGAIN_S = 0.5
WALK = 300
"""At this rate an hour takes twelve seconds."""

USERS = (
    ("analyst", "analyst@hotline.test"),
    ("lead", "lead@hotline.test"),
    ("lead2", "lead2@hotline.test"),
    ("administrator", "admin@hotline.test"),
)
"""Who they are in the world, and where their mail goes; what two leads must approve takes a second one."""


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """Where a demo lives: its folder, whether it goes when the demo ends, and its doors."""

    folder: Path
    passing: bool
    desk_port: int
    portal_port: int
    world_port: int | None
    held: int
    """The lock that says that this demo runs; it goes with the process, however that ends."""


@click.command()
@click.option("--until-done", is_flag=True, help="End when the world is over, and print the summary.")
@click.option(
    "--rate",
    type=click.IntRange(1, 3600),
    help=f"Walk: so many seconds a second. Default: {WALK} after a quick beginning; --until-done leaps.",
)
@click.option(
    "--port", type=click.IntRange(1024, 65533), help="The desk's port; portal and world take the next two."
)
@click.option(
    "--instance", type=click.Path(path_type=Path), help="Keep the demo here, or go on with an earlier one."
)
@click.option(
    "--episodes", type=click.Path(path_type=Path), help="With --until-done: write one JSON line an episode."
)
@click.option("--world", default="whole", show_default=True, help="A world of the lab, by name or file.")
@json_option
@click.pass_obj
def demo(
    opener: Any,
    until_done: bool,
    rate: int | None,
    port: int | None,
    instance: Path | None,
    episodes: Path | None,
    world: str,
    as_json: bool,
) -> int:
    """Start a small internet, the desk, the portal and the jobs, and let a world play out.

    Everything happens on this machine's loopback addresses, with invented
    names and harmless pages.

    \b
    Example:  nta demo
              nta demo --until-done --json --episodes episodes.jsonl
    """
    place = _place(instance, port)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # from the first moment on, also behind a &
    lab: RunningLab | None = None
    kit: Kit | None = None
    code = 0
    try:
        lab = the_lab(place.folder / "lab", world, rate if until_done else None, place.world_port)
        configure_logs((place.folder / "demo.log").open("a", encoding="utf-8", buffering=1))
        kit = opener.make(_environment(place, lab))
        visit = None if until_done else QuickBeginning(kit, lab, rate or WALK)
        code = _play(kit, lab, place, visit, episodes=episodes, as_json=as_json)
    except KeyboardInterrupt:
        say("stopped")
    finally:
        if lab is not None:
            lab.stop()
        if place.passing:
            shutil.rmtree(place.folder, ignore_errors=True)
    if kit is not None:
        leave(kit, code, grace_s=0.5)
    return code


def _play(
    kit: Kit,
    lab: RunningLab,
    place: DemoPlace,
    visit: QuickBeginning | None,
    *,
    episodes: Path | None,
    as_json: bool,
) -> int:
    until_done = visit is None
    dead = end_with_the_first_dead(kit)
    schema.upgrade(kit.database)
    kit.take_jobs()
    users = _users(kit, place.folder)
    runner = kit.runner()
    leaper = kit.leaper(runner) if visit is None else kit.leaper(runner, visit.tell)
    doors = [("desk", "127.0.0.1", place.desk_port), ("portal", "127.0.0.1", place.portal_port)]
    servers = kit.servers(doors)
    board = Board(kit, users, f"{lab.at['control']}/world", quiet=as_json)
    telling = Telling(board.show, *([] if as_json else [BeliefPusher(kit, lab).push]))
    for act in (partial(_begin, kit, lab, users, leaper), partial(_end, kit, leaper, board, until_done)):
        threading.Thread(target=act, daemon=True).start()
    telling.start()
    servers.loop()
    if not (until_done and leaper.over.is_set()):
        lab.ask_to_end()  # time stands still without it: nothing new begins while the rest comes down
    leaper.join(1.0)
    telling.stop(1.0)
    board.close()
    if leaper.fault is not None or dead:
        say("the demo broke off: see demo.log in its folder")
        return 70
    if until_done and leaper.over.is_set():
        return _finish(kit, lab, episodes, as_json=as_json)
    return 0


def _begin(kit: Kit, lab: RunningLab, users: list[dict[str, str]], leaper: Any) -> None:
    """Tell the lab's people where the doors are, then let time go on."""
    while not kit.stopping.is_set():
        try:
            lab.introduce(kit.settings.desk_url, kit.settings.portal_url, users)
        except OutsideError as fault:
            log.warning("the lab's people cannot be told where the doors are", reason=str(fault))
            kit.stopping.wait(AGAIN_S)
        else:
            leaper.start()
            return


def _end(kit: Kit, leaper: Any, board: Board, until_done: bool) -> None:
    """Let the doors close once the world is over, where that is wanted or it broke off."""
    leaper.over.wait()
    board.is_over = True
    if until_done or leaper.fault is not None:
        kit.stopping.set()


def _finish(kit: Kit, lab: RunningLab, episodes: Path | None, *, as_json: bool) -> int:
    now = kit.clock.now()
    lines = with_truth(list(episode_lines(kit.store, with_url=True)), Truth(lab.truth()))
    true = true_figures(kit.store, as_of=now, vanished=by_episode(lines))
    told = with_medians(summary(kit.store, now), true)
    if episodes is not None:
        with episodes.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line) + "\n")
    if as_json:
        put(told)
    else:
        click.echo(json.dumps(told, indent=2))
    unfinished = [line for line in lines if line["outcome"] is None]
    if unfinished:
        say(f"{len(unfinished)} episodes have not ended")
    return 1 if unfinished else 0


def _place(instance: Path | None, port: int | None) -> DemoPlace:
    folder = instance or Path(tempfile.mkdtemp(prefix="nta-demo-"))
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        folder = folder.resolve()
        kept = folder / "demo.json"
        ports = _ports_in(kept)
        # A demo that was killed in its first moments left a draft, or an empty file.
        if ports is None and any(not path.name.startswith(kept.name) for path in folder.iterdir()):
            raise RefusedError(f"--instance {folder} holds other things and no demo; name another folder")
        held = _hold(folder, kept)
        if ports is None:
            ports = _ports(port)
            _write(kept, ports)
        elif port not in (None, ports["desk"]):
            raise RefusedError(f"--port {port}: this demo has its desk on {ports['desk']}, as its mails say")
    except OSError as fault:
        raise RefusedError(f"--instance {folder}: {fault.strerror}") from None
    return DemoPlace(folder, instance is None, ports["desk"], ports["portal"], ports.get("world"), held)


def _hold(folder: Path, kept: Path) -> int:
    held = os.open(kept.with_name(f"{kept.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise RefusedError(f"--instance {folder}: a demo runs there already") from None
    return held


def _ports(port: int | None) -> dict[str, int]:
    """Return the doors' ports: those asked for, by option or in the environment's URLs, or free ones."""
    if port is not None:
        wanted = {"desk": port, "portal": port + 1, "world": port + 2}
        taken = [one for one in wanted.values() if free_port(one) != one]
        if taken:
            raise RefusedError(f"--port {port}: port {taken[0]} is in use")
        return wanted
    desk = _local_port("NTA_DESK_URL") or free_port(8000)
    return {"desk": desk, "portal": _local_port("NTA_PORTAL_URL") or free_port(8001, but=desk)}


def _local_port(name: str) -> int | None:
    """Return the port that a door's URL in the environment says, where the URL is of this machine."""
    try:
        address = urlsplit(os.environ.get(name, ""))
        return address.port if address.hostname in ("localhost", "127.0.0.1") else None
    except ValueError:
        raise RefusedError(f"{name} is no URL") from None


def _ports_in(kept: Path) -> dict[str, int] | None:
    if not kept.exists() or not (text := kept.read_text(encoding="utf-8")):
        return None
    ports: dict[str, int] = json.loads(text)
    return ports


def _environment(place: DemoPlace, lab: RunningLab) -> dict[str, str]:
    """Return the settings of a demo: the lab's servers and our own doors."""
    kept = {k: v for k, v in os.environ.items() if k in ("NTA_DATABASE_URL", "NTA_DATABASE_URL_FILE")}
    doors = {
        "NTA_DESK_URL": f"http://localhost:{place.desk_port}",
        "NTA_PORTAL_URL": f"http://localhost:{place.portal_port}",
    }
    doors |= {name: os.environ[name] for name in doors if os.environ.get(name)}
    return kept | settings_in(lab.at, place.folder) | doors


def _users(kit: Kit, folder: Path) -> list[dict[str, str]]:
    """Return the accounts of the demo, made on its first start.

    Who they are is written down before there is any: a demo that was killed
    between two of them makes those that are missing.
    """
    kept = folder / "users.json"
    with kit.store.db.read() as connection:
        there = account_names(connection)
    if not kept.exists():
        if there & {email for _, email in USERS}:
            raise RefusedError(f"the database has the accounts of a demo, and {folder} not their passwords")
        _write(kept, [_drawn(role, email) for role, email in USERS])
    users: list[dict[str, str]] = json.loads(kept.read_text(encoding="utf-8"))
    for user in users:
        if user["email"] not in there:
            kit.add_user(user["email"], user["password"], user["role"].rstrip("2"), user["totp_secret"])
    return users


def _drawn(role: str, email: str) -> dict[str, str]:
    """Return an account to be made: with a secret of 160 bits (RFC 4226, section 4)."""
    password = f"demo-{os.urandom(3).hex()}-{os.urandom(3).hex()}"
    secret = b32encode(os.urandom(20)).decode()
    return {"role": role, "email": email, "password": password, "totp_secret": secret}


def _write(path: Path, value: Any) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(value), encoding="utf-8")
    draft.rename(path)


COMMANDS = (demo,)
