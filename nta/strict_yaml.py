"""YAML read strictly: each key once, with its line; true and false alone are booleans (NO is Norway)."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml


class Lined(dict[Any, Any]):
    """A mapping of a YAML file that knows on which line it begins and each of its keys stands."""

    __slots__ = ("begins", "lines")

    def __init__(self, begins: int = 1, lines: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.begins = begins
        self.lines = lines or {}

    def line(self, key: str) -> int:
        """Return where a key stands; where the mapping begins when it has no such key."""
        return self.lines.get(key, self.begins)


class NotStrictError(Exception):
    """A text that is no YAML, or none that is read here; `line` is None where no line can be named."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.line = line


class _Loader(yaml.CSafeLoader):
    """The library's loader with mappings of ours."""

    def lined(self, node: yaml.MappingNode) -> Iterator[Lined]:
        """Make a mapping that knows its lines, or refuse one that has a key twice."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
            if key.value in lines:
                raise yaml.MarkedYAMLError(problem=f"{key.value}: stands twice", problem_mark=key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        mapping = Lined(node.start_mark.line + 1, lines)
        yield mapping
        mapping.update(self.construct_mapping(node))


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.lined)


class _TimesAsText(_Loader):
    """Leaves dates and moments as they are written."""


_TimesAsText.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def read(text: str, *, times_as_text: bool = False) -> Any:
    """Return what the one document of a text holds; its mappings are `Lined`.

    Raises:
        NotStrictError: it is not YAML, has a key twice, a value that cannot be, or more than one document.
    """
    try:
        return yaml.load(text, _TimesAsText if times_as_text else _Loader)  # noqa: S506 (both are safe loaders)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise NotStrictError(line, error.problem or "not YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotStrictError(None, f"cannot be read ({type(error).__name__})") from None
