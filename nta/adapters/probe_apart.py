"""Looking in a process of its own: while pages answer there, what has been seen is written here."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final

from nta.adapters.probe import CurlProber
from nta.adapters.reach import Gate
from nta.domain.availability import Answer
from nta.domain.errors import OutsideError
from nta.ports import LookRequest
from nta.settings import Vantage

_WORTH_IT: Final = 256  # a smaller round is over before the other process has read it
_TOGETHER: Final = 128
_BEGIN: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from nta.adapters.probe_apart import main; main(int(sys.argv[1]))"
)
_AT_LATEST_S: Final = 0.02


class ApartProber:
    """Looks as `CurlProber` does; a large round in a second process, started when first needed.

    There curl works on another core, and bytes from outside are read where
    neither keys nor a database are at hand. That process ends by itself when
    this one does, however it ends: its line to here is cut.
    """

    def __init__(
        self, vantages: Iterable[Vantage], gate: Gate, *given: Any, worth_it: int = _WORTH_IT, **named: Any
    ) -> None:
        vantages = tuple(vantages)
        self._gate = gate
        self._equipment = pickle.dumps((vantages, gate.reach, given, named))
        self._worth_it = worth_it
        self._here = CurlProber(vantages, gate, *given, **named)
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self._is_busy = False

    @property
    def pid(self) -> int | None:
        """Return the other process's number, None while there is none."""
        return self._process.pid if self._process is not None else None

    def look(self, requests: Sequence[LookRequest], vantage: str) -> Iterator[tuple[int, Answer]]:
        """Yield (key, answer) as answers come. Raises as `CurlProber.look` does."""
        if len(requests) < self._worth_it or self._is_busy:
            yield from self._here.look(requests, vantage)
            return
        self._is_busy = True
        is_whole = False
        try:
            yield from self._answers(self.start(), requests, vantage)
            is_whole = True
        except (EOFError, OSError):
            raise OutsideError("the process that looks has ended", temporary=True) from None
        finally:
            self._is_busy = False
            if not is_whole:
                self.close()

    def start(self) -> Connection:
        """Start the other process if it does not run; return the line to it."""
        if self._line is None or self._process is None or self._process.poll() is not None:
            self.close()
            near, far = socket.socketpair()
            with far:
                self._process = subprocess.Popen(  # noqa: S603  # our own words alone
                    [sys.executable, "-c", _BEGIN, str(far.fileno()), *sys.path],
                    stdin=subprocess.PIPE,
                    pass_fds=[far.fileno()],
                )
            self._line = Connection(near.detach())
            self._line.send_bytes(self._equipment)
        return self._line

    def close(self) -> None:
        """End the other process."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = self._line = None

    def _answers(
        self, line: Connection, requests: Sequence[LookRequest], vantage: str
    ) -> Iterator[tuple[int, Answer]]:
        line.send((tuple(self._gate.own), [tuple(request) for request in requests], vantage))
        while isinstance(part := line.recv(), list):
            for key, answer in part:
                yield key, Answer._make(answer)
        if part is not None:
            reason, temporary = part
            raise OutsideError(reason, temporary=temporary)


def serve(line: Connection) -> None:
    """Look at what comes through the line until it is cut."""
    vantages, reach, given, named = pickle.loads(line.recv_bytes())  # noqa: S301  # from our own parent
    gate = Gate(reach)
    prober = CurlProber(vantages, gate, *given, **named)
    while True:
        gate.own, requests, vantage = line.recv()
        _tell(line, prober.look([LookRequest._make(request) for request in requests], vantage))


def _tell(line: Connection, answers: Iterator[tuple[int, Answer]]) -> None:
    """Send answers in parts, then what ended them: None when they are whole."""
    part: list[tuple[int, tuple[Any, ...]]] = []
    sent_at = time.monotonic()
    try:
        for key, answer in answers:
            part.append((key, tuple(answer)))
            if len(part) >= _TOGETHER or time.monotonic() > sent_at + _AT_LATEST_S:
                line.send(part)
                part, sent_at = [], time.monotonic()
    except OutsideError as fault:
        line.send(part)
        line.send((fault.reason, fault.temporary))
        return
    line.send(part)
    line.send(None)


def _end_with_parent() -> None:
    """End at once when the other end of standard input is gone, even in the midst of a round."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(handle: int) -> None:
    """Serve on an inherited socket; Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve(Connection(handle))
    except (EOFError, OSError):
        os._exit(0)
