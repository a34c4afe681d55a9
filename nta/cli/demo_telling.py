"""Shows how a demo stands and tells the lab, in a thread of its own: no door waits for either."""

import threading
from collections.abc import Callable, Sequence

import structlog

PAUSE_S = 0.25

log = structlog.get_logger("nta.demo")


class Telling:
    """Calls each of `tellers` again and again until it is stopped.

    The lab answers from one thread, which stands still while one of its
    people waits for the desk. Told from the thread that serves, the lab
    would wait for the desk and the desk for the lab, until one gave up.
    """

    def __init__(self, *tellers: Callable[[], None]) -> None:
        self._tellers: Sequence[Callable[[], None]] = tellers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="telling", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Stop; what is being told is waited for no longer than that."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _tell(self) -> None:
        while not self._stopping.wait(PAUSE_S):
            for tell in self._tellers:
                try:
                    tell()
                except Exception:  # what is shown beside the world never ends it
                    log.exception("the demo could not tell how it stands")
                    self._stopping.wait(PAUSE_S)
