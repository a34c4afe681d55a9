"""One runner on an embedded database: a lock on a file beside it, given back when its holder dies."""

import fcntl
import os
from pathlib import Path
from typing import IO

from nta.domain.errors import RefusedError


class Alone:
    """Holds the lock until `release` or the end of the process."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}.jobs")
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock. Raises RefusedError when another process runs the jobs of this database."""
        try:
            file = self._path.open("a+", encoding="ascii")
        except OSError as fault:
            raise RefusedError(f"{self._path}: {fault.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise RefusedError(
                f"another process (pid {holder}) runs the jobs of {self._database}; end it first"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
