"""What of a mail may be kept: text alone, for an attachment may be what no one may hold."""

import re
from typing import Final

from nta.domain.notices.mail_parts import (
    LONGEST_HEAD,
    Mail,
    clean,
    content_type,
    head_of,
    parts_of,
    text_of,
)

LONGEST_KEPT: Final = 256 * 1024
"""Bytes of one mail that are kept; a report holds a copy of our own list, and little else."""

_TEXTS: Final = frozenset(
    {"", "text/plain", "text/rfc822-headers", "message/delivery-status", "message/rfc822"}
)
_INLINE: Final = re.compile(r"data:[^\s\"'<>)]*", re.IGNORECASE)


def text_kept(message: Mail, content: bytes) -> bytes:
    """Return what is kept of a mail that was read: all of it if it is text, else its fields and its texts."""
    leaves = [part for part in parts_of(message) if not part.is_multipart()]
    if all(content_type(part) in _TEXTS for part in leaves):
        return content[:LONGEST_KEPT]
    lines = [f"{name}: {value}" for name, value in message.raw_items()]
    plain = any(content_type(part) == "text/plain" for part in leaves)
    for part in leaves:
        kind = content_type(part)
        if kind in _TEXTS:
            lines += ["", text_of(part)]
        elif kind.startswith("text/") and not plain:
            lines += ["", _INLINE.sub("(left out)", text_of(part))]
        else:
            lines += ["", f"(a part of type {kind} was left out)"]
    return "\n".join(lines).encode("utf-8", "surrogateescape")[:LONGEST_KEPT]


def head_kept(content: bytes) -> bytes:
    """Return what is kept of a mail that cannot be read: its fields, without what follows them."""
    return clean(head_of(content).decode("utf-8", "replace")).encode()[:LONGEST_HEAD]
