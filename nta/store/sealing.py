"""Sealing: AES-GCM over names, URLs and mail, bound to the row they stand in; keyed digests; the keys."""

import os
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_HEAD = 4  # version and three bytes that name the key
_NONCE = 12


class Sealer:
    """Seals with the newest key, opens with whichever key is named (NIST SP 800-38D, 96-bit random nonces).

    The place (`case.url`) and the row id are associated data: sealed bytes
    copied to another row or column do not open.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._head = _VERSION + _name(keys[0])
        self._newest = self._ciphers[_name(keys[0])]

    def seal(self, place: str, row: int, clear: str | bytes) -> bytes:
        """Return the sealed form of a text or bytes for one row."""
        data = clear.encode() if isinstance(clear, str) else clear
        nonce = os.urandom(_NONCE)
        return self._head + nonce + self._newest.encrypt(nonce, data, b"%s:%d" % (place.encode(), row))

    def open(self, place: str, row: int, sealed: bytes) -> bytes:
        """Return what was sealed. Bytes of another row, or under a key we do not hold, raise ValueError."""
        cipher = self._ciphers.get(bytes(sealed[1:_HEAD]))
        if cipher is None:
            raise ValueError(f"{place}: sealed under a key that is not among NTA_KEYS")
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
    """The keys of one installation. `digest` and `sealing` are absent in a portal of its own."""

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
    instance: Path, sealing: tuple[bytes, ...], digest: bytes | None, portal: tuple[bytes, ...]
) -> Keyring:
    """Return the keyring: keys from the settings win, the rest is read from the instance or made there."""
    return Keyring(
        sealing=sealing or _stored(instance, "sealing"),
        digest=digest or _stored(instance, "digest")[0],
        portal=portal or _stored(instance, "portal"),
    )


def _stored(instance: Path, name: str) -> tuple[bytes, ...]:
    folder = instance / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        _write_once(path, secrets.token_hex(32) + "\n")
    return tuple(bytes.fromhex(line) for line in path.read_text(encoding="ascii").split())


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
