"""Looking in a process of its own: while pages answer there, what has been seen is written here."""

import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Final

from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.prober import CurlProber
from nta.domain.checks.verdicts import ProbeAnswer
from nta.domain.errors import OutsideError
from nta.ports import LookRequest
from nta.settings import Vantage

_WORTH_IT: Final = 256  # a smaller round is over before the other process has read it
_ASKED_TOGETHER: Final = 512
_PARTS_AHEAD: Final = 6  # so much is at hand there while this process writes
_TOLD_TOGETHER: Final = 128
_ANSWERS, _MORE, _END = "answers", "more", "end"
_BEGIN: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from nta.adapters.probe.probe_apart import main; main(int(sys.argv[1]))"
)
_AT_LATEST_S: Final = 0.02
_NEW_OBJECTS: Final = 20_000


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

    def look(self, requests: Iterable[LookRequest], vantage: str) -> Iterator[tuple[int, ProbeAnswer]]:
        """Yield (key, answer) as answers come. Raises as `CurlProber.look` does."""
        asked = iter(requests)
        first = list(islice(asked, self._worth_it))
        if len(first) < self._worth_it or self._is_busy:
            yield from self._here.look(chain(first, asked), vantage)
            return
        self._is_busy = True
        is_whole = False
        try:
            yield from self._answers(self.start(), chain(first, asked), vantage)
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
                    stdin=subprocess.DEVNULL,
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
            self._process.wait()
        self._process = self._line = None

    def _answers(
        self, line: Connection, requests: Iterator[LookRequest], vantage: str
    ) -> Iterator[tuple[int, ProbeAnswer]]:
        line.send((tuple(self._gate.own), vantage))
        line.send(part := _part(requests))
        while True:
            kind, said = line.recv()
            if kind == _ANSWERS:
                for key, answer in said:
                    yield key, ProbeAnswer._make(answer)
            elif kind == _MORE:
                if part:  # an empty one says that there are no more, and is said once
                    line.send(part := _part(requests))
            elif said is None:
                return
            else:
                reason, temporary = said
                raise OutsideError(reason, temporary=temporary)


def _part(requests: Iterator[LookRequest]) -> list[tuple[Any, ...]]:
    """Return the next requests as plain values; none when there are no more."""
    return [tuple(request) for request in islice(requests, _ASKED_TOGETHER)]


def serve(line: Connection) -> None:
    """Look at what comes through the line until it is cut."""
    vantages, reach, given, named = pickle.loads(line.recv_bytes())  # noqa: S301  # from our own parent
    gate = Gate(reach)
    prober = CurlProber(vantages, gate, *given, **named)
    parts: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_read, args=(line, parts), daemon=True).start()
    while True:
        gate.own, vantage = parts.get()
        requests = _requests(line, parts)
        _tell(line, requests, prober.look(requests, vantage))


def _read(line: Connection, parts: "SimpleQueue[Any]") -> None:
    """Take in what comes; end this process at once, even in the midst of a round, when the line is cut."""
    try:
        while True:
            parts.put(line.recv())
    except (EOFError, OSError):
        os._exit(0)


def _requests(line: Connection, parts: "SimpleQueue[Any]") -> Iterator[LookRequest]:
    """Yield requests as they come, asking for another part when one is begun."""
    for _ in range(_PARTS_AHEAD):
        line.send((_MORE, None))
    while part := parts.get():
        line.send((_MORE, None))
        yield from map(LookRequest._make, part)


def _tell(
    line: Connection, requests: Iterator[LookRequest], answers: Iterator[tuple[int, ProbeAnswer]]
) -> None:
    """Send answers in parts, then what ended them: None when they are whole."""
    part: list[tuple[int, tuple[Any, ...]]] = []
    sent_at = time.monotonic()
    fault = None
    try:
        for key, answer in answers:
            part.append((key, tuple(answer)))
            if len(part) >= _TOLD_TOGETHER or time.monotonic() > sent_at + _AT_LATEST_S:
                line.send((_ANSWERS, part))
                part, sent_at = [], time.monotonic()
        deque(requests, maxlen=0)  # those that nobody wanted to know
    except OutsideError as raised:
        fault = (raised.reason, raised.temporary)
    line.send((_ANSWERS, part))
    line.send((_END, fault))


def main(handle: int) -> None:
    """Serve on an inherited socket; Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what was imported stays; handles are taken apart by hand
    gc.set_threshold(_NEW_OBJECTS)
    try:
        serve(Connection(handle))
    except (EOFError, OSError):
        os._exit(0)
