"""Mappings read by a schema: every key known, every value checked, every fault with its path and line."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from nta.strict_yaml import Lined

Step = str | int
_NO_MAPPING = "must hold keys and values"
_WORDS = {
    "missing": "is missing",
    "model_type": _NO_MAPPING,
    "dict_type": _NO_MAPPING,
    "invalid_key": _NO_MAPPING,
    "tuple_type": "must be a list",
}


class Strict(BaseModel):
    """A mapping whose keys are all known; what is in them is as the schema says once it is read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )


S = TypeVar("S", bound=Strict)


class WrongKeyError(ValueError):
    """Raised by a check of a whole mapping: what is wrong, and under which of its keys and numbers."""

    def __init__(self, path: tuple[Step, ...], what: str) -> None:
        super().__init__(what)
        self.path = path


class EntryFault(NamedTuple):
    """One thing that is wrong: on which line, under which keys and numbers of a list, and what."""

    line: int
    path: tuple[Step, ...]
    what: str


def read_strictly(
    kind: type[S], mapping: Lined, context: Mapping[str, Any] | None = None
) -> S | list[EntryFault]:
    """Return what a mapping says, or all that is wrong with it, in the order of the schema's keys.

    A value is read by a function that raises ValueError with what it must
    be. `context` is for such functions of the schema as ask for it.
    """
    try:
        return kind.model_validate(mapping, context=dict(context or {}))
    except ValidationError as fault:
        return [
            _wrong(kind, mapping, error) for error in fault.errors(include_url=False, include_input=False)
        ]


def _wrong(kind: type[Strict], mapping: Lined, error: ErrorDetails) -> EntryFault:
    path = tuple(step for step in error["loc"] if step != "[key]")
    if error["type"] == "invalid_key":
        path = path[:-1]
    if error["type"] == "extra_forbidden":
        what = f"is not a key here (there are {', '.join(_keys(kind, path[:-1]))})"
    elif error["type"] == "value_error":
        reason = error["ctx"]["error"]
        path += reason.path if isinstance(reason, WrongKeyError) else ()
        what = str(reason)
    else:
        what = _WORDS.get(error["type"], error["msg"])
    return EntryFault(_line(mapping, path), path, what)


def _line(mapping: Lined, path: tuple[Step, ...]) -> int:
    """Return where the last key of a path stands that has a line, else where its mapping begins."""
    line, value = mapping.begins, mapping
    for step in path:
        if isinstance(value, Lined):
            line = value.line(str(step))
        try:
            value = value[step]
        except (LookupError, TypeError):
            break
    return line


def _keys(kind: type[Strict], path: tuple[Step, ...]) -> list[str]:
    for step in path:
        if isinstance(step, str):
            field = next((f for name, f in kind.model_fields.items() if step in (name, f.alias)), None)
            kind = next(_kinds_in(field.annotation), kind) if field else kind
    return [field.alias or name for name, field in kind.model_fields.items()]


def _kinds_in(annotation: Any) -> Iterator[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for part in get_args(annotation):
        yield from _kinds_in(part)
