"""The key files of an instance: a key added, old ones let go, all copied apart and put back."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from nta.domain.errors import RefusedError
from nta.settings_values import key as read_key
from nta.settings_values import read_keys
from nta.store.db.sealing import (
    Keyring,
    key_file,
    keys_in,
    name_of,
)
from nta.store.db.whole_files import written_whole

_MARK = "nta-keys-1"


def new_key(known: tuple[bytes, ...] = ()) -> bytes:
    """Return a new key, whose short name is none of those of the keys known."""
    while True:
        made = secrets.token_bytes(32)
        if name_of(made) not in set(map(name_of, known)):
            return made


def add_key(path: Path, setting: str) -> bool:
    """Put a new key before the one that a file holds; False: it holds several, a change is under way."""
    with _alone(path.parent):
        keys = keys_in(path, setting)
        if len(keys) > 1:
            return False
        _put(path, (new_key(keys), *keys))
        return True


def keep_newest(path: Path, setting: str, newest: bytes) -> None:
    """Let all keys of a file go but the newest. Raises RefusedError when another is newest by now."""
    with _alone(path.parent):
        keys = keys_in(path, setting)
        if keys[0] != newest:
            raise RefusedError(f"{path} was changed meanwhile: run the command again")
        _put(path, keys[:1])


def age(path: Path) -> timedelta:
    """Return how long ago a key file was changed, by the machine's time."""
    return timedelta(seconds=time.time() - path.stat().st_mtime)


def write_apart(keys: Keyring, path: Path) -> None:
    """Write all keys into one new file, for our eyes only."""
    held = {
        "kind": _MARK,
        "sealing": [key.hex() for key in keys.sealing],
        "digest": keys.digest.hex(),
        "portal": [key.hex() for key in keys.portal],
    }
    with written_whole(path) as file:
        file.write((json.dumps(held, indent=1) + "\n").encode())


def read_apart(path: Path) -> Keyring:
    """Return the keys that `write_apart` wrote. Raises RefusedError when the file is none of those."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["kind"] != _MARK:
            raise ValueError(held["kind"])
        sealing, portal = (read_keys(",".join(held[name])) for name in ("sealing", "portal"))
        digest = read_key(held["digest"])
        if not (sealing and digest and portal):
            raise ValueError("a key is missing")
    except OSError as fault:
        raise RefusedError(f"{path}: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RefusedError(f"{path} holds no keys that `nta backup --keys` wrote") from None
    return Keyring(sealing, digest, portal)


def put_back(keys: Keyring, instance: Path) -> None:
    """Put keys into an instance. Raises RefusedError, having written nothing, where it has others."""
    wanted = {"sealing": keys.sealing, "digest": (keys.digest,), "portal": keys.portal}
    for name, held in wanted.items():
        path = key_file(instance, name)
        if path.exists() and keys_in(path, "another instance") != held:
            raise RefusedError(f"{path} holds another key than the backup's: this instance is in use")
    folder = key_file(instance, "sealing").parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        for name, held in wanted.items():
            _put(key_file(instance, name), held)


def _put(path: Path, keys: tuple[bytes, ...]) -> None:
    with written_whole(path, instead=True) as file:
        file.write("".join(f"{key.hex()}\n" for key in keys).encode())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time change the keys of a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
