"""How values of a world are read, and how what is wrong is told: file, path and fault in one line."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator as ReadBy

from nta.lab.parties import DrawnSpan
from nta.strict_entries import Step, Strict, read_strictly
from nta.strict_yaml import Lined, NotStrictError, read

S = TypeVar("S", bound=Strict)

UNITS = {"m": 60, "h": 3600, "d": 86400}


class WorldError(Exception):
    """A world that cannot be played; the text names file, key and fault in one line."""


def read_world_text(kind: type[S], text: str, file: str) -> S:
    """Return what a YAML text says by a schema. Its checks of one part by another share a context.

    Raises:
        WorldError: the text is not YAML, or not as the schema has it; the first of what is wrong.
    """
    try:
        mapping = read(text, times_as_text=True)
    except NotStrictError as error:
        line = "" if error.line is None else f"line {error.line}: "
        raise WorldError(f"{file}: {line}{error}") from None
    if not isinstance(mapping, Lined):
        raise WorldError(f"{file}: the file: must hold keys and values")
    found = read_strictly(kind, mapping, {})
    if isinstance(found, list):
        raise WorldError(f"{file}: {_where(found[0].path)}: {found[0].what}")
    return found


def _where(path: tuple[Step, ...]) -> str:
    where = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path)
    return where.lstrip(".") or "the file"


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("must be a whole number")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def choice(*choices: str) -> Callable[[Any], str]:
    def one_of(value: Any) -> str:
        if text(value) not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return one_of


def texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    if not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


def moment(value: Any) -> datetime:
    """Return a moment written with its offset."""
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        raise ValueError("must be a moment such as 2026-03-02T09:00Z") from None
    if found.tzinfo is None:
        raise ValueError("must name its offset, such as 2026-03-02T09:00Z")
    return found.astimezone(UTC)


def span(value: Any) -> timedelta:
    number, unit = text(value)[:-1], value[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) <= 9) or unit not in UNITS:
        raise ValueError("must be a span such as 20m, 6h or 2d")
    return timedelta(seconds=int(number) * UNITS[unit])


def stretch(value: Any) -> DrawnSpan:
    """Return two spans, the shorter first."""
    if not isinstance(value, list):
        raise ValueError("must be a list")
    if len(value) != 2 or not all(isinstance(item, str) for item in value):
        raise ValueError("must be two spans such as [20m, 6h]")
    found = DrawnSpan(*map(span, value))
    if found.low > found.high:
        raise ValueError("must name the shorter span first")
    return found


def address(value: Any) -> IPv4Address:
    try:
        return IPv4Address(text(value))
    except ValueError:
        raise ValueError("must be an IPv4 address") from None


Name = Annotated[str, ReadBy(str)]
Text = Annotated[str, ReadBy(text)]
Whole = Annotated[int, ReadBy(whole)]
Flag = Annotated[bool, ReadBy(flag)]
Texts = Annotated[tuple[str, ...], ReadBy(texts)]
Moment = Annotated[datetime, ReadBy(moment)]
Span = Annotated[timedelta, ReadBy(span)]
Stretch = Annotated[DrawnSpan, ReadBy(stretch)]
Address = Annotated[IPv4Address, ReadBy(address)]
