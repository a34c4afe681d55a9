"""A reason as text that is kept: JSON, its code and its parameters side by side."""

import json
from typing import Any

from nta.domain.reasons import Code, Param, Reason, other

_CODES = frozenset(Code)


def dumped(reason: Reason) -> str:
    """Return a reason as it is kept."""
    return json.dumps(_plain(reason), ensure_ascii=False, separators=(",", ":"))


def as_text(reason: Reason, longest: int | None = None) -> str:
    """Return a reason as it is kept where earlier releases kept a sentence; `loaded` reads it.

    What has no code stays such a sentence. Where the text would be too
    long, the code stands alone.
    """
    if reason.code is Code.OTHER:
        return str(reason.params["text"])[:longest]
    whole = dumped(reason)
    return whole if longest is None or len(whole) <= longest else reason.code.value


def loaded(kept: str) -> Reason:
    """Return a reason as it was kept.

    What an earlier release wrote, a sentence, and a code that a newer one
    wrote come back as they stand.
    """
    try:
        return _reason(json.loads(kept))
    except (ValueError, LookupError, TypeError, AttributeError):
        return other(kept)


def _plain(value: Param) -> Any:  # JSON
    if isinstance(value, Reason):
        plain = {"code": value.code.value, **{name: _plain(one) for name, one in value.params.items()}}
        return plain | {"besides": [_plain(one) for one in value.besides]} if value.besides else plain
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _reason(plain: dict[str, Any]) -> Reason:
    code = plain["code"]
    if code not in _CODES:
        return other(str(code))
    params = {name: _param(one) for name, one in plain.items() if name not in ("code", "besides")}
    return Reason(Code(code), params, tuple(map(_reason, plain.get("besides", ()))))


def _param(plain: Any) -> Any:  # JSON
    if isinstance(plain, dict):
        return _reason(plain)
    return tuple(map(_param, plain)) if isinstance(plain, list) else plain
