"""Reading YAML strictly: every key known, every value checked, every fault noted with file and key."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from nta.domain.contacts import is_usable

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_NEEDED: Any = object()


class Loader(yaml.CSafeLoader):
    """YAML where a key stands once and only true and false are booleans (NO is Norway)."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping, or refuse one that has a key twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value}: stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path, faults: list[str]) -> dict[Any, Any] | None:
    try:
        loader = Loader(path.read_text("utf-8"))
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        faults.append(f"{path}: {line}{error.problem or 'not YAML'}")
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        faults.append(f"{path}: cannot be read ({type(error).__name__})")
        return None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        faults.append(f"{path}: must hold keys and values")
        return None
    return value


class Entry:
    """One mapping of a file, taken key by key; what is wrong is noted and the reading goes on."""

    def __init__(self, where: str, mapping: Mapping[Any, Any], faults: list[str]) -> None:
        self._where = where
        self._mapping = mapping
        self._faults = faults
        self._already = len(faults)
        self._known: list[str] = []

    def take(self, key: str, convert: Callable[[Any], T], default: T = _NEEDED) -> T:
        """Return the value of a key. After a fault it is None, and the entry is not sound."""
        self._known.append(key)
        if key not in self._mapping:
            if default is _NEEDED:
                self.fault(f"{key}: is missing")
                return cast(T, None)
            return default
        try:
            return convert(self._mapping[key])
        except ValueError as error:
            self.fault(f"{key}: {error}")
            return cast(T, None)

    def child(self, key: str, value: Any) -> "Entry":
        """Return the mapping under a key as an entry of its own."""
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            self.fault(f"{key}: must hold keys and values")
            value = {}
        return Entry(f"{self._where}: {key}", value, self._faults)

    def within(self, key: str, read_child: Callable[["Entry"], T]) -> T | None:
        """Return what the mapping under a key gives; None where there is none."""
        self._known.append(key)
        if self._mapping.get(key) is None:
            return None
        child = self.child(key, self._mapping[key])
        value = read_child(child)
        child.is_sound()
        return value

    def fault(self, what: str) -> None:
        """Note what is wrong."""
        self._faults.append(f"{self._where}: {what}")

    def digest(self) -> str:
        """Return a short digest of what the entry says, however it is laid out."""
        plain = json.dumps(self._mapping, sort_keys=True, default=str)
        return hashlib.sha256(plain.encode()).hexdigest()[:12]

    def is_sound(self) -> bool:
        """Note the keys that nobody took; tell whether nothing is wrong."""
        for key in self._mapping:
            if key not in self._known:
                self.fault(f"{key}: is not a key here (there are {', '.join(self._known)})")
        return len(self._faults) == self._already


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text")
    return value


def matching(pattern: str, what: str) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def convert(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return convert


def one_of(values: Iterable[str]) -> Callable[[Any], str]:
    allowed = sorted(values)

    def convert(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return str(value)

    return convert


def member(kind: type[E]) -> Callable[[Any], E]:
    check = one_of(kind)
    return lambda value: kind(check(value))


def many(convert: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def convert_all(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return tuple(convert(item) for item in value)

    return convert_all


def one_or_many(convert: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda value: many(convert)(value if isinstance(value, list) else [value])


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def day(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("must be a date like 2026-03-01")
    return value


def asn(value: Any) -> int:
    if type(value) is not int or not 0 < value < 2**32:
        raise ValueError("must be AS numbers, without the letters AS")
    return value


def ip_range(value: Any) -> str:
    try:
        return str(ip_network(text(value)))
    except ValueError:
        raise ValueError("must be address ranges like 192.0.2.0/24, ending in zero bits") from None


def iana_id(value: Any) -> str:
    if not re.fullmatch(r"[1-9]\d{0,4}", str(value)):
        raise ValueError("must be a registrar's number at IANA")
    return str(value)


def duration(value: Any) -> timedelta:
    """Return how long `24h`, `15min` or `7d` is."""
    match = re.fullmatch(r"([1-9]\d{0,3})(min|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a duration like 15min, 24h or 7d")
    unit = {"min": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def or_none(convert: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else convert(value)


def mailbox(value: Any) -> str:
    if not isinstance(value, str) or not is_usable(value):
        raise ValueError("must be one plain mail address")
    return value


identifier = matching(r"[a-z0-9]+(?:-[a-z0-9]+)*", "small letters, digits and single hyphens")
code = matching(r"[A-Z]{2}", "a country's two capital letters (ISO 3166-1)")
language = matching(r"[a-z]{2}", "a language's two small letters (ISO 639-1)")
page = matching(r"https?://[\x21-\x7e]+", "the address of a page, http:// or https://")
domain = matching(
    r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]*[a-z0-9]",
    "domain names in small letters, without a dot before them",
)
suffix = matching(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", "public suffixes in small letters, without a dot before them"
)
