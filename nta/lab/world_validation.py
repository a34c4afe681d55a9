"""Reading YAML strictly: what is unknown, missing or of the wrong kind is named with its file and key."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from nta.strict_yaml import NotStrictError, read

T = TypeVar("T")

UNITS = {"m": 60, "h": 3600, "d": 86400}


class WorldError(Exception):
    """A world that cannot be played; the text names file, key and fault in one line."""


def load(text: str, file: str) -> Any:
    """Return the content of a YAML text, times as they are written.

    Raises:
        WorldError: the text is not YAML, or repeats a key.
    """
    try:
        return read(text, times_as_text=True)
    except NotStrictError as error:
        line = "" if error.line is None else f"line {error.line}: "
        raise WorldError(f"{file}: {line}{error}") from None


class Section:
    """One mapping of the file. Every key must be asked for before `done`; the path is said in each fault."""

    def __init__(self, value: Any, file: str, path: str) -> None:
        self.file = file
        self.path = path
        if not isinstance(value, dict):
            raise self.fault("", "must be a mapping")
        self._values: dict[str, Any] = {str(key): item for key, item in value.items()}
        self._asked: set[str] = set()

    def fault(self, key: str, what: str) -> WorldError:
        """Return an error that says where and what."""
        where = ".".join(part for part in (self.path, key) if part)
        return WorldError(f"{self.file}: {where or 'the file'}: {what}")

    def has(self, key: str) -> bool:
        return key in self._values

    def keys(self) -> list[str]:
        """Return all keys, for a mapping whose keys are names."""
        self._asked.update(self._values)
        return list(self._values)

    def raw(self, key: str) -> Any:
        """Return a value that must be there."""
        self._asked.add(key)
        if key not in self._values:
            raise self.fault(key, "is missing")
        return self._values[key]

    def section(self, key: str) -> "Section":
        return Section(self.raw(key), self.file, f"{self.path}.{key}".lstrip("."))

    def sections(self, key: str) -> list["Section"]:
        """Return a list of mappings; absent is empty."""
        self._asked.add(key)
        found = self._values.get(key, [])
        if not isinstance(found, list):
            raise self.fault(key, "must be a list")
        return [
            Section(item, self.file, f"{self.path}.{key}[{number}]".lstrip("."))
            for number, item in enumerate(found, 1)
        ]

    def value(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Return a value of one kind; without a default it must be there."""
        self._asked.add(key)
        if key not in self._values and default is not None:
            return default
        found = self.raw(key)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise self.fault(key, f"must be {_KINDS.get(kind, kind.__name__)}")
        return found

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        found = self.value(key, str, default)
        if found not in choices:
            raise self.fault(key, f"must be one of {', '.join(choices)}")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; absent is empty."""
        found = self.value(key, list, [])
        if not all(isinstance(item, str) for item in found):
            raise self.fault(key, "must be a list of texts")
        return tuple(found)

    def moment(self, key: str) -> datetime:
        """Return a moment written with its offset."""
        try:
            found = datetime.fromisoformat(self.value(key, str))
        except ValueError:
            raise self.fault(key, "must be a moment such as 2026-03-02T09:00Z") from None
        if found.tzinfo is None:
            raise self.fault(key, "must name its offset, such as 2026-03-02T09:00Z")
        return found.astimezone(UTC)

    def span(self, key: str, default: str | None = None) -> timedelta:
        return self._span(key, self.value(key, str, default))

    def stretch(self, key: str) -> tuple[timedelta, timedelta]:
        """Return two spans, the shorter first."""
        found = self.value(key, list)
        if len(found) != 2 or not all(isinstance(item, str) for item in found):
            raise self.fault(key, "must be two spans such as [20m, 6h]")
        low, high = (self._span(key, item) for item in found)
        if low > high:
            raise self.fault(key, "must name the shorter span first")
        return low, high

    def done(self) -> None:
        """Refuse what nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                raise self.fault(key, "unknown key")

    def _span(self, key: str, text: str) -> timedelta:
        number, unit = text[:-1], text[-1:]
        if not (number.isascii() and number.isdecimal() and len(number) <= 9) or unit not in UNITS:
            raise self.fault(key, "must be a span such as 20m, 6h or 2d")
        return timedelta(seconds=int(number) * UNITS[unit])


_KINDS: Mapping[type, str] = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
