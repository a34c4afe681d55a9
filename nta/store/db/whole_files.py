"""Files that are there whole or not at all, on disk when they are there, for our eyes only."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nta.domain.errors import OutsideError, RefusedError


@contextmanager
def written_whole(path: Path, *, instead: bool = False) -> Iterator[BinaryIO]:
    """Yield a file that gets its name, mode 0600, once all of it is on disk; on an error nothing is left.

    Raises: RefusedError where there is a file of that name (unless `instead`
    of it), or none can be made; OutsideError when the disk takes no more.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        if path.exists() and not instead:
            raise FileExistsError(17, "exists already")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise RefusedError(f"{path}: {fault.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if instead:
            draft.replace(path)
        else:
            os.link(draft, path)  # refuses to take the place of one that came meanwhile
        _keep_name(path.parent)
    except FileExistsError:
        raise RefusedError(f"{path}: exists already") from None
    except OSError as fault:
        raise OutsideError(f"{path}: {fault.strerror}", temporary=True) from None
    finally:
        draft.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """Have the folder's entries on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
