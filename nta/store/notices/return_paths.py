"""The way back of a notice: a return path that follows from its id, so that no token has to be kept."""

from hashlib import blake2b
from typing import Final

from nta.store.db.sealing import Keyring, digest16

_GAP: Final = "{token}"
"""What stands in a kept return path for what only the digest key tells."""


def digest(keys: Keyring, notice_id: int) -> bytes:
    """Return the digest by which a notice's token is known again when it comes back."""
    return digest16(keys.derived("return"), _token(keys, notice_id).encode())


def path(keys: Keyring, notice_id: int, kept: str) -> str:
    """Return the return path of a notice. One that an earlier version kept is whole, and stands as it is."""
    return kept.replace(_GAP, _token(keys, notice_id))


def _token(keys: Keyring, notice_id: int) -> str:
    """Return 128 bits in hexadecimal: some servers change the case of a local part."""
    return blake2b(b"%d" % notice_id, key=keys.derived("return-token"), digest_size=16).hexdigest()
