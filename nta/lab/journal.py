"""The lab's memory: one JSON line for each thing that happened, appended and never changed."""

import fcntl
import json
import os
from pathlib import Path
from threading import Lock
from typing import Any

Entry = dict[str, Any]


class JournalError(Exception):
    """A journal that cannot be gone on with; the text is one line."""


class Journal:
    """An open journal. One process holds it at a time."""

    def __init__(self, path: Path) -> None:
        """Open a journal, or begin one.

        Raises:
            JournalError: another lab has it open, or a line within it is broken.
        """
        self._lock = Lock()
        self._unsafe = False
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise JournalError(f"{path.name}: another lab is playing in this folder") from None
        self.entries = self._read(path)

    def write(self, *entries: Entry) -> None:
        """Append entries in one go; the system has them when this returns, the disk after `secure`."""
        if not entries:
            return
        text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        with self._lock:
            os.write(self._file, text.encode())
            self._unsafe = True

    def secure(self) -> None:
        """Let the disk have all that was written."""
        with self._lock:
            if self._unsafe:
                os.fsync(self._file)
                self._unsafe = False

    def close(self) -> None:
        self.secure()
        os.close(self._file)

    def _read(self, path: Path) -> list[Entry]:
        """Return the entries there are; a last line that was never finished is cut off."""
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        entries = []
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                entries.append(json.loads(line))
            except ValueError:
                raise JournalError(f"{path.name}: line {number} is broken") from None
        return entries
