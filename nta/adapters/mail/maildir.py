"""Mail that came back to us, read from a Maildir."""

import contextlib
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from nta.domain.errors import OutsideError
from nta.domain.notices.mail_parts import LONGEST_READ
from nta.ports import Received

_LONGEST_NAME: Final = 255  # bytes, on the file systems there are


class MaildirInbox:
    """A Maildir: unsettled messages are those in new/, settled ones move to cur/ as seen."""

    def __init__(self, path: Path) -> None:
        self._new = path / "new"
        self._cur = path / "cur"

    def waiting(self, limit: int) -> Sequence[Received]:
        """Return messages not yet settled, oldest first, each cut to 1 MiB.

        One that may not be opened holds up no other.

        Raises: OutsideError when the folder, or none of what waits in it, can be read.
        """
        messages: list[Received] = []
        refused: OSError | None = None
        try:
            for _, path in sorted(self._unsettled()):
                if len(messages) == limit:
                    break
                try:
                    with path.open("rb") as file:
                        messages.append(Received(path.name, file.read(LONGEST_READ)))
                except FileNotFoundError:
                    continue
                except PermissionError as fault:
                    refused = fault
            if refused and not messages:
                raise refused
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
                with contextlib.suppress(FileNotFoundError):
                    (self._new / key).rename(self._cur / _settled(key))
        except OSError as fault:
            raise OutsideError(f"the inbox cannot be changed: {fault.strerror}", temporary=True) from None


def _settled(key: str) -> str:
    """Return the name that a message has in cur/; one too long to be marked gets another."""
    name = f"{key.partition(':')[0]}:2,S"
    if len(os.fsencode(name)) <= _LONGEST_NAME:
        return name
    return f"{sha256(os.fsencode(key)).hexdigest()}:2,S"
