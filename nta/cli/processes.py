"""`nta serve`, `nta desk`, `nta portal`, `nta jobs`: the processes of an installation."""

import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import click
import structlog

from nta.cli.context import Kit
from nta.cli.output import complain, say
from nta.domain.errors import RefusedError

log = structlog.get_logger("nta.cli")

desk_port = click.option("--desk-port", default=8000, show_default=True, type=click.IntRange(0, 65535))
portal_port = click.option("--portal-port", default=8001, show_default=True, type=click.IntRange(0, 65535))
address = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")


@click.command()
@address
@desk_port
@portal_port
@click.pass_obj
def serve(opener: Any, host: str, desk_port: int, portal_port: int) -> int:
    """Run desk, portal and jobs in one process, on the embedded database by default.

    \b
    Example:  NTA_HOTLINE=example nta serve
    """
    kit: Kit = opener()
    ask_who_we_are(kit)
    kit.refuse_nobody()
    kit.take_jobs()
    return run_doors(kit, [("desk", host, desk_port), ("portal", host, portal_port)], jobs=True)


@click.command()
@address
@desk_port
@click.pass_obj
def desk(opener: Any, host: str, desk_port: int) -> int:
    """Run the desk alone; for several machines, on PostgreSQL.

    \b
    Example:  NTA_DATABASE_URL=postgresql+psycopg://… nta desk
    """
    kit = _of_several(opener())
    return run_doors(kit, [("desk", host, desk_port)], jobs=False)


@click.command()
@address
@portal_port
@click.pass_obj
def portal(opener: Any, host: str, portal_port: int) -> int:
    """Run the portal alone; for several machines, on PostgreSQL.

    \b
    Example:  NTA_DATABASE_URL=postgresql+psycopg://… nta portal
    """
    kit = _of_several(opener())
    return run_doors(kit, [("portal", host, portal_port)], jobs=False)


@click.command()
@click.option("--once", is_flag=True, help="Do all that is due, then end.")
@click.pass_obj
def jobs(opener: Any, once: bool) -> int:
    """Run the jobs alone; any number of them share the work on PostgreSQL.

    \b
    Example:  nta jobs --once
    """
    kit: Kit = opener()
    if not once:
        _of_several(kit)
    kit.refuse_nobody()
    kit.take_jobs()
    if once:
        runner = kit.runner()
        say(f"{runner.turn()} done, {runner.failures} failures")
        kit.close()
        return 1 if runner.failures else 0
    return run_doors(kit, [], jobs=True)


def ask_who_we_are(kit: Kit) -> None:
    """Ask once, on a terminal, which entry of hotlines/ is ours; the instance keeps the answer."""
    if kit.settings.hotline is None and sys.stdin.isatty():
        known = sorted(h.id.partition(":")[2] for h in kit.catalogue.hotlines.values() if h.can_be_ours)
        say("NTA_HOTLINE is not set. Your own entry goes into the folder hotlines/ of NTA_CATALOGUE.")
        kit.choose_hotline(click.prompt("Which hotline are you", type=click.Choice(known), err=True))


def run_doors(kit: Kit, doors: Sequence[tuple[str, str, int]], *, jobs: bool) -> int:
    """Serve until a signal comes, or until a thread of ours is dead: then the process ends too, with 70."""
    dead = end_with_the_first_dead(kit)
    metronome = None
    if jobs:
        runner = kit.runner()
        metronome = kit.metronome(runner)
    servers = kit.servers(doors)
    servers.heed_signals()
    if not doors:
        say("the jobs run")
    for name, host, port in servers.listening:
        say(f"{name} listens on http://{host}:{port}")
    if metronome is not None:
        metronome.start()
    servers.loop()
    if metronome is not None:
        metronome.stop()
    code = complain(f"the thread {dead[0]} died: the service ends, see its log", 70) if dead else 0
    leave(kit, code)
    return code


def end_with_the_first_dead(kit: Kit) -> list[str]:
    """Stop the process when a thread dies of what nobody foresaw; return where the names of such go.

    Pages that stay up while no job runs any more would hide it for days.
    """
    dead: list[str] = []

    def tell(died: threading.ExceptHookArgs) -> None:
        name = died.thread.name if died.thread else "unknown"
        dead.append(name)
        try:
            found = (died.exc_type, died.exc_value, died.exc_traceback)
            log.error("a thread died", thread=name, exc_info=found)
        finally:
            kit.stopping.set()

    threading.excepthook = tell
    return dead


def leave(kit: Kit, code: int, grace_s: float = 1.5) -> None:
    """Close and end the process: a batch under way gets a little time, then nothing holds the exit up."""
    kit.stopping.set()
    wait_for(threading.enumerate(), grace_s)
    kit.close()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk behind it changes nothing of how this ended
            stream.flush()
    os._exit(code)


def wait_for(threads: Iterable[threading.Thread], grace_s: float) -> None:
    """Wait for threads other than this one to end, so many seconds for all of them together."""
    until = time.monotonic() + grace_s
    for thread in threads:
        if thread is not threading.current_thread():
            with suppress(RuntimeError):  # one that is only just being started cannot be waited for
                thread.join(max(0.0, until - time.monotonic()))


def _of_several(kit: Kit) -> Kit:
    # Judged by the setting: an embedded database would be made by looking at it.
    if not (kit.settings.database_url or "").startswith("postgresql"):
        raise RefusedError(
            "desk, portal and jobs alone want PostgreSQL (NTA_DATABASE_URL); on one machine run `nta serve`"
        )
    return kit


COMMANDS = (serve, desk, portal, jobs)
