"""Mail that came back to us, read from a Maildir."""

import contextlib
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from nta.domain.errors import OutsideError
from nta.ports import Received

_LONGEST: Final = 1 << 20  # what tells a bounce stands in the first lines; the rest quotes us


class MaildirInbox:
    """A Maildir: unsettled messages are those in new/, settled ones move to cur/ as seen."""

    def __init__(self, path: Path) -> None:
        self._new = path / "new"
        self._cur = path / "cur"

    def waiting(self, limit: int) -> Sequence[Received]:
        """Return messages not yet settled, oldest first, each cut to 1 MiB.

        Raises: OutsideError when the folder cannot be read.
        """
        messages: list[Received] = []
        try:
            for _, path in sorted(self._unsettled()):
                if len(messages) == limit:
                    break
                with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                    messages.append(Received(path.name, file.read(_LONGEST)))
        except OSError as fault:
            raise OutsideError(f"the inbox cannot be read: {fault.strerror}", temporary=True) from None
        return messages

    def _unsettled(self) -> Iterator[tuple[int, Path]]:
        for path in self._new.iterdir():
            # Another process may settle a message at any moment.
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if stat.S_ISREG(status.st_mode) and not path.name.startswith("."):
                    yield status.st_mtime_ns, path

    def settle(self, keys: Collection[str]) -> None:
        """Move messages to cur/, marked as seen. One that is no longer there was settled before.

        Raises: OutsideError when a message cannot be moved.
        """
        try:
            self._cur.mkdir(mode=0o700, exist_ok=True)
            for key in keys:
                if "/" in key:
                    raise ValueError("a key names a file in new/")
                try:
                    (self._new / key).rename(self._cur / f"{key.partition(':')[0]}:2,S")
                except FileNotFoundError:
                    continue
        except OSError as fault:
            raise OutsideError(f"the inbox cannot be changed: {fault.strerror}", temporary=True) from None
