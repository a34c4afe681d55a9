"""One runner on an embedded database: a lock file that the kernel gives back when its holder dies."""

import fcntl
import os
from pathlib import Path
from typing import IO

from nta.domain.errors import RefusedError


class Alone:
    """Holds the lock until `release` or the end of the process."""

    def __init__(self, instance: Path) -> None:
        self._path = instance / "jobs.lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock. Raises RefusedError when another process runs jobs on this instance."""
        file = self._path.open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise RefusedError(
                f"another process (pid {holder}) runs the jobs of {self._path.parent}; end it first"
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
