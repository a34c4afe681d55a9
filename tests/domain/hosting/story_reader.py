"""One mapping of a worked story, taken key by key: which keys there are hangs on what the others say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from nta.catalogue.catalogue_errors import Fault, sentence
from nta.strict_entries import EntryFault
from nta.strict_yaml import Lined

T = TypeVar("T")
_NEEDED: Any = object()


class StoryReader:
    """One mapping of a file, taken key by key; what is wrong is noted and the reading goes on."""

    def __init__(self, file: Path, mapping: Lined, faults: list[Fault], within: str = "") -> None:
        self._file = file
        self._within = within
        self._mapping = mapping
        self._faults = faults
        self._already = len(faults)
        self._known: list[str] = []

    def take(self, key: str, convert: Callable[[Any], T], default: T = _NEEDED) -> T:
        """Return the value of a key. After a fault it is None, and the entry is not sound."""
        self._known.append(key)
        if key not in self._mapping:
            if default is _NEEDED:
                self.fault(key, "is missing")
                return cast(T, None)
            return default
        try:
            return convert(self._mapping[key])
        except ValueError as error:
            self.fault(key, str(error))
            return cast(T, None)

    def child(self, key: str, value: Any, name: str = "") -> "StoryReader":
        """Return the mapping under a key as an entry of its own; in faults it is called by `name`."""
        name = name or key
        if not isinstance(value, Lined) or not all(isinstance(one, str) for one in value):
            self.fault(key, "must hold keys and values", name)
            value = Lined(self._mapping.line(key))
        return StoryReader(self._file, value, self._faults, f"{self._within}{name}: ")

    def within(self, key: str, read_child: Callable[["StoryReader"], T]) -> T | None:
        """Return what the mapping under a key gives; None where there is none."""
        self._known.append(key)
        if self._mapping.get(key) is None:
            return None
        child = self.child(key, self._mapping[key])
        value = read_child(child)
        child.is_sound()
        return value

    def fault(self, key: str, what: str, name: str = "") -> None:
        """Note what is wrong with a key."""
        line = self._mapping.line(key)
        self._faults.append(Fault(str(self._file), line, f"{self._within}{name or key}: {what}"))

    def whole(self, read_whole: Callable[[Lined], T | list[EntryFault]]) -> T | None:
        """Return what the mapping as a whole is read to; None once its faults are noted."""
        value = read_whole(self._mapping)
        if not isinstance(value, list):
            return value
        for wrong in value:
            self._faults.append(Fault(str(self._file), wrong.line, f"{self._within}{sentence(wrong)}"))
        return None

    def is_sound(self) -> bool:
        """Note the keys that nobody took; tell whether nothing is wrong."""
        for key in self._mapping:
            if key not in self._known:
                self.fault(key, f"is not a key here (there are {', '.join(self._known)})")
        return len(self._faults) == self._already
