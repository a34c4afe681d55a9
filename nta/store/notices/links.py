"""The link in a notice: a token nobody can guess, kept as its digest under the portal's own key."""

import secrets
from typing import Final

from nta.store.db.sealing import Keyring, derive, digest16

LENGTH: Final = 32
"""Characters of a token: 24 random bytes in url-safe base 64, 192 bits."""

_PURPOSE: Final = "link"


def new_link(keyring: Keyring) -> tuple[str, bytes]:
    """Return a new token for a notice's link, and the digest to keep in `portal_link`."""
    token = secrets.token_urlsafe(24)
    return token, digest16(derive(keyring.portal[0], _PURPOSE), token.encode())


def link_digests(keyring: Keyring, token: str) -> list[bytes]:
    """Return the digests a token may be kept under, one for each portal key; none for no token of ours."""
    if len(token) != LENGTH or not token.isascii():
        return []
    return [digest16(derive(key, _PURPOSE), token.encode()) for key in keyring.portal]
