"""Sealing: AES-GCM over names, URLs and mail, bound to the row they stand in; keyed digests; the keys."""

import os
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nta.domain.errors import RefusedError
from nta.settings_values import read_keys

_VERSION = b"\x01"
_HEAD = 4  # version and three bytes that name the key
_NONCE = 12


class UnknownKeyError(ValueError):
    """Bytes were sealed under a key that we do not hold."""


class Sealer:
    """Seals with the newest key, opens with whichever key is named (NIST SP 800-38D, 96-bit random nonces).

    The place (`case.url`) and the row id are associated data: sealed bytes
    copied to another row or column do not open.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = {_VERSION + _name(key): AESGCM(key) for key in keys}
        self._head = _VERSION + _name(keys[0])
        self._newest = self._ciphers[self._head]

    def seal(self, place: str, row: int, clear: str | bytes) -> bytes:
        """Return the sealed form of a text or bytes for one row."""
        data = clear.encode() if isinstance(clear, str) else clear
        nonce = os.urandom(_NONCE)
        return self._head + nonce + self._newest.encrypt(nonce, data, b"%s:%d" % (place.encode(), row))

    def open(self, place: str, row: int, sealed: bytes) -> bytes:
        """Return what was sealed. Bytes of another row, or under a key we do not hold, raise ValueError."""
        cipher = self._ciphers.get(bytes(sealed[:_HEAD]))
        if cipher is None:
            raise UnknownKeyError(f"{place}: sealed under a key that is not among NTA_KEYS")
        nonce = sealed[_HEAD : _HEAD + _NONCE]
        try:
            return cipher.decrypt(nonce, sealed[_HEAD + _NONCE :], b"%s:%d" % (place.encode(), row))
        except InvalidTag:
            raise ValueError(f"{place}: the sealed bytes do not belong to row {row}") from None

    def text(self, place: str, row: int, sealed: bytes) -> str:
        """Return a sealed text."""
        return self.open(place, row, sealed).decode()


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
    path = instance / "keys" / name
    if not path.exists():
        if not may_make:
            raise RefusedError(
                f"{path} is missing, and the database is in use: put the key back, or set {setting}"
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, secrets.token_hex(32) + "\n")
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


def _name(key: bytes) -> bytes:
    return blake2b(key, digest_size=3, person=b"nta.keyname").digest()
