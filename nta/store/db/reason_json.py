"""How a reason is kept: as JSON, its code and its parameters side by side."""

import json
from typing import Any

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from nta.domain.reasons import Code, Param, Reason

_CODES = frozenset(Code)


def dumped(reason: Reason) -> str:
    """Return a reason as it is kept."""
    return json.dumps(_plain(reason), ensure_ascii=False, separators=(",", ":"))


def loaded(kept: str) -> Reason:
    """Return a reason as it was kept.

    What an earlier release wrote, a sentence, and a code that a newer one
    wrote come back as they stand.
    """
    try:
        return _reason(json.loads(kept))
    except (ValueError, LookupError, TypeError):
        return Reason(Code.OTHER, {"text": kept})


class ReasonJson(TypeDecorator[Reason]):
    """A column of reasons."""

    impl = Text().with_variant(String(200), "sqlite")  # which keeps the width declared once, and heeds it not
    cache_ok = True

    def process_bind_param(self, value: Reason | None, dialect: Dialect) -> str | None:
        return None if value is None else dumped(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Reason | None:
        return None if value is None else loaded(value)


def _plain(value: Param) -> Any:  # JSON
    if isinstance(value, Reason):
        plain = {"code": value.code.value, **{name: _plain(one) for name, one in value.params.items()}}
        return plain | {"besides": [_plain(one) for one in value.besides]} if value.besides else plain
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _reason(plain: dict[str, Any]) -> Reason:
    code = plain["code"]
    if code not in _CODES:
        return Reason(Code.OTHER, {"text": str(code)})
    params = {name: _param(one) for name, one in plain.items() if name not in ("code", "besides")}
    return Reason(Code(code), params, tuple(map(_reason, plain.get("besides", ()))))


def _param(plain: Any) -> Any:  # JSON
    if isinstance(plain, dict):
        return _reason(plain)
    return tuple(map(_param, plain)) if isinstance(plain, list) else plain
