"""The command `nta` in a process that kills itself, forked from one that has imported it already.

`after:SECONDS` counts from the first step that runs; `at:NAME` waits for the
next time that a step passes the checkpoint of that name, `at:NAME*3` for the third.
"""

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

from tests.world.playing import MOST_S, ROOT, Played, arguments, environment

_NURSERY = multiprocessing.get_context("forkserver")
_NURSERY.set_forkserver_preload(["nta.bootstrap"])


def play(folder: Path, how: str, database_url: str | None, world: str = "loop") -> Played:
    """Play a world on until the process is killed as `how` says, or has ended before that."""
    process = _NURSERY.Process(target=_run, args=(folder, how, dict(environment(database_url)), world))
    process.start()
    process.join(MOST_S)
    process.kill()
    process.join()
    assert process.exitcode is not None
    out, err = ((folder / name).read_text(encoding="utf-8") for name in ("out.txt", "err.txt"))
    return Played(process.exitcode, out, err, folder)


class _Killer:
    """Called at each checkpoint."""

    def __init__(self, how: str) -> None:
        self.how, _, what = how.partition(":")
        self.what, _, times = what.partition("*")
        self.left = int(times or 1)
        self.begun = False

    def __call__(self, name: str) -> None:
        if self.how == "at" and name == self.what:
            self.left -= 1
            if not self.left:
                _die()
        if self.how == "after" and not self.begun:
            self.begun = True
            timer = threading.Timer(float(self.what), _die)
            timer.daemon = True
            timer.start()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _run(folder: Path, how: str, environ: dict[str, str], world: str) -> None:
    from nta.bootstrap import main

    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["nta", *arguments(folder, world)]
    for number, name in ((1, "out.txt"), (2, "err.txt")):
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    main(checkpoint=_Killer(how))
