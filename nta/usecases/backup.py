"""Backup and restore: all rows of one moment into a file while all runs, and back into an empty place."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nta.domain.errors import RefusedError
from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.sealing import Keyring
from nta.store.safekeeping import archive, restoring
from nta.store.safekeeping.archive import Manifest

Progress = Callable[[int], None]


def _nothing(_count: int) -> None:
    """Show nothing."""


def back_up(database: Database, path: Path, now: datetime, *, progress: Progress = _nothing) -> Manifest:
    """Write all rows of this moment into a new file and read it back. Return what it holds.

    Nobody has to stop: who writes meanwhile is not waited for, and not in
    it. There is no key in it.

    Raises: RefusedError for an empty or damaged database, or a file that is
    there already; OutsideError when the disk takes no more.
    """
    with database.snapshot() as connection:
        version = schema.version_of(connection)
        if version is None:
            raise RefusedError("the database is empty: there is nothing to back up")
        archive.refuse_damaged(connection)
        made = archive.write(connection, path, schema=version, made_at=now, progress=progress)
    if archive.read(path) != made:
        raise RefusedError(f"{path} does not hold what was written into it")
    return made


def restore(
    database: Database,
    path: Path,
    keys: Keyring,
    now: datetime,
    *,
    put_keys_back: Callable[[], None] = lambda: None,
    checkpoint: Callable[[str], None] = lambda name: None,
    progress: Progress = _nothing,
) -> Manifest:
    """Bring a backup back into an empty database, at this code's version. Return what it held.

    Nothing is written before the file is known to be whole and the keys to
    fit. What was being worked on is free, all log-ins have ended, and
    nothing is sent until a lead allows it: other copies may have sent it.
    """
    restoring.refuse_in_use(database)
    held = archive.read(path, restoring.Tried(path, keys))
    put_keys_back()
    checkpoint("restore.keys")
    restoring.restore(database, path, held, now, checkpoint=checkpoint, progress=progress)
    return held
