"""Sealing: AES-GCM over names, URLs and mail, bound to the row they stand in; keyed digests; the keys."""

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nta.domain.errors import RefusedError
from nta.settings_values import read_keys

_VERSION = b"\x01"
_NONCE = 12

HEAD = 4
"""Bytes that sealed bytes begin with: the version, and three that name the key."""

AGAIN_S = 1.0
"""How old what is known of the keys may be when something is sealed."""

ReadKeys = Callable[[], tuple[bytes, ...]]


class UnknownKeyError(ValueError):
    """Bytes were sealed under a key that we do not hold."""


class Sealer:
    """Seals with the newest key, opens with whichever key is named (NIST SP 800-38D, 96-bit random nonces).

    The place (`case.url`) and the row id are associated data: sealed bytes
    copied to another row or column do not open.

    Keys change while processes run. `again` reads them anew: at once when
    bytes name a key not known yet, and before sealing when they were last
    read more than `AGAIN_S` ago. A key once known goes on opening.
    """

    def __init__(
        self,
        keys: tuple[bytes, ...],
        again: ReadKeys | None = None,
        *,
        machine: Callable[[], float] = time.monotonic,
    ) -> None:
        self._again = again
        self._machine = machine
        self._ciphers: dict[bytes, AESGCM] = {}
        self._take(keys)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Return the keys as they are at most `AGAIN_S` ago, newest first."""
        self._look_again()
        return self._keys

    @property
    def head(self) -> bytes:
        """Return what bytes begin with that are sealed under the newest key."""
        self._look_again()
        return self._newest[0]

    @staticmethod
    def head_of(key: bytes) -> bytes:
        """Return what bytes begin with that are sealed under a key."""
        return _VERSION + name_of(key)

    def knows(self, head: bytes) -> bool:
        """Tell whether bytes that begin so are sealed under a key of ours."""
        return head in self._ciphers or (self.read_again() and head in self._ciphers)

    def seal(self, place: str, row: int, clear: str | bytes) -> bytes:
        """Return the sealed form of a text or bytes for one row."""
        self._look_again()
        head, newest = self._newest
        data = clear.encode() if isinstance(clear, str) else clear
        nonce = os.urandom(_NONCE)
        return head + nonce + newest.encrypt(nonce, data, b"%s:%d" % (place.encode(), row))

    def open(self, place: str, row: int, sealed: bytes) -> bytes:
        """Return what was sealed. Bytes of another row, or under a key we do not hold, raise ValueError."""
        head = bytes(sealed[:HEAD])
        if not self.knows(head):
            raise UnknownKeyError(f"{place}: sealed under a key that is not among NTA_KEYS")
        nonce = sealed[HEAD : HEAD + _NONCE]
        try:
            return self._ciphers[head].decrypt(
                nonce, sealed[HEAD + _NONCE :], b"%s:%d" % (place.encode(), row)
            )
        except InvalidTag:
            raise ValueError(f"{place}: the sealed bytes do not belong to row {row}") from None

    def text(self, place: str, row: int, sealed: bytes) -> str:
        """Return a sealed text."""
        return self.open(place, row, sealed).decode()

    def _take(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = self._ciphers | {self.head_of(key): AESGCM(key) for key in keys}
        head = self.head_of(keys[0])
        self._keys, self._newest = keys, (head, self._ciphers[head])
        self._read_at = self._machine()

    def _look_again(self) -> None:
        if self._again is not None and self._machine() - self._read_at > AGAIN_S:
            self.read_again()

    def read_again(self) -> bool:
        """Read the keys anew; tell whether that could be. While they cannot be read, those known stand."""
        if self._again is None:
            return False
        try:
            keys = self._again()
        except RefusedError:
            self._read_at = self._machine()
            return False
        self._take(keys)
        return True


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one installation. In a portal of its own `digest` and `sealing` open nothing."""

    sealing: tuple[bytes, ...]
    digest: bytes
    portal: tuple[bytes, ...]

    def derived(self, purpose: str) -> bytes:
        """Return a 32-byte key for one purpose of ours (url, host, domain, reference, return, desk)."""
        return derive(self.digest, purpose)

    def portal_derived(self, purpose: str) -> bytes:
        """Return a 32-byte key for one purpose of the portal (link, session)."""
        return derive(self.portal[0], purpose)


def derive(key: bytes, purpose: str) -> bytes:
    """Return a 32-byte key that follows from `key` and the purpose's name (keyed BLAKE2b, RFC 7693)."""
    return blake2b(purpose.encode(), key=key, digest_size=32, person=b"nta.derive").digest()


def digest16(key: bytes, data: bytes) -> bytes:
    """Return a keyed 16-byte digest, for columns that must be found again without being readable."""
    return blake2b(data, key=key, digest_size=16).digest()


def load_keys(
    instance: Path,
    sealing: tuple[bytes, ...],
    digest: bytes | None,
    portal: tuple[bytes, ...],
    *,
    may_make: bool = True,
) -> Keyring:
    """Return the keyring: keys from the settings win, the rest is read from the instance.

    What is in neither is made there where `may_make` allows it: a database
    that is in use was sealed under keys that have to be found, not made.

    Raises: RefusedError for a key that is missing or cannot be read.
    """
    return Keyring(
        sealing=sealing or _stored(instance, "sealing", "NTA_KEYS", may_make),
        digest=digest or _stored(instance, "digest", "NTA_DIGEST_KEY", may_make)[0],
        portal=portal or portal_keys(instance, may_make=may_make),
    )


def portal_keys(instance: Path, *, may_make: bool) -> tuple[bytes, ...]:
    """Return the portal's own keys from the instance, made there where that is allowed."""
    return _stored(instance, "portal", "NTA_PORTAL_KEYS", may_make)


def stranger() -> bytes:
    """Return a key that nothing was sealed under, for a process that holds no other."""
    return secrets.token_bytes(32)


def _stored(instance: Path, name: str, setting: str, may_make: bool) -> tuple[bytes, ...]:
    path = key_file(instance, name)
    if not path.exists():
        if not may_make:
            raise RefusedError(
                f"{path} is missing, and the database is in use: put the key back, or set {setting}"
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, secrets.token_hex(32) + "\n")
    return keys_in(path, setting)


def key_file(instance: Path, name: str) -> Path:
    """Return where an instance keeps its keys of one kind: `sealing`, `digest` or `portal`."""
    return instance / "keys" / name


def keys_in(path: Path, setting: str) -> tuple[bytes, ...]:
    """Return the keys that a file holds, newest first. Raises RefusedError when it holds none."""
    try:
        keys = read_keys(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        why = (
            fault.strerror
            if isinstance(fault, OSError)
            else "each line holds one key of 64 hexadecimal digits"
        )
        raise RefusedError(f"{path}: {why}") from None
    if not keys:
        raise RefusedError(f"{path} holds no key: put it back, or set {setting}")
    return keys


def _write_once(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # whoever comes first wins; nobody overwrites a key
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def name_of(key: bytes) -> bytes:
    """Return the three bytes by which sealed bytes name their key."""
    return blake2b(key, digest_size=3, person=b"nta.keyname").digest()
