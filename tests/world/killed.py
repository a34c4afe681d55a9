"""The command `nta`, in a process that kills itself: `python -m tests.world.killed after:0.8 demo …`.

`after:SECONDS` counts from the first step that runs; `at:NAME` waits for the
next time that a step passes the checkpoint of that name.
"""

import os
import signal
import sys
import threading

from nta.bootstrap import main

how, _, what = sys.argv.pop(1).partition(":")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Killer:
    def __init__(self) -> None:
        self.begun = False

    def __call__(self, name: str) -> None:
        if how == "at" and name == what:
            die()
        if how == "after" and not self.begun:
            self.begun = True
            timer = threading.Timer(float(what), die)
            timer.daemon = True
            timer.start()


main(checkpoint=Killer())
