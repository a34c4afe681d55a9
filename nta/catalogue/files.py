"""Reading the YAML of an entry: each key once, with the line it stands on; yes and no are true and false."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from nta.catalogue.catalogue_errors import Fault, Lined


class Loader(yaml.CSafeLoader):
    """YAML where a key stands once and only true and false are booleans (NO is Norway)."""

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


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_constructor("tag:yaml.org,2002:map", Loader.lined)


def load(path: Path, faults: list[Fault]) -> Lined | None:
    """Return what a file holds, or None and what is wrong with it."""
    try:
        with open(path, "rb", buffering=0) as opened:  # noqa: PTH123 (hundreds: half the time of read_text)
            text = opened.read().decode("utf-8")
        value = _whole(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        faults.append(Fault(str(path), line, error.problem or "not YAML"))
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        faults.append(Fault(str(path), None, f"cannot be read ({type(error).__name__})"))
        return None
    if not isinstance(value, Lined) or not all(isinstance(key, str) for key in value):
        faults.append(Fault(str(path), None, "must hold keys and values"))
        return None
    return value


def _whole(text: str) -> Any:
    """Return the one document of a text: by hand where it is plain, as hundreds are read at each start."""
    for read in (_plain, Loader.get_single_data):
        loader = Loader(text)
        try:
            return read(loader)
        except _UnusualError:
            continue
        finally:
            loader.dispose()
    raise AssertionError  # the library reads all that is YAML, and says what is not


class _UnusualError(Exception):
    """More than words, lists and mappings, or something is wrong: the library knows what."""


def _plain(loader: Any) -> Any:
    try:
        for _ in range(2):  # the beginnings of stream and document
            loader.get_event()
        value = _value(loader, loader.get_event())
        loader.get_event()  # the document's end
        if not isinstance(loader.get_event(), yaml.StreamEndEvent):
            raise _UnusualError
    except (yaml.YAMLError, RecursionError):
        raise _UnusualError from None
    return value


def _value(loader: Any, event: Any) -> Any:
    kind = type(event)
    if kind is ScalarEvent:
        return _scalar(event)
    if kind is SequenceStartEvent and not (event.anchor or event.tag):
        items = []
        while type(item := loader.get_event()) is not SequenceEndEvent:
            items.append(_value(loader, item))
        return items
    if kind is not MappingStartEvent or event.anchor or event.tag:
        raise _UnusualError
    lines: dict[str, int] = {}
    mapping = Lined(event.start_mark.line + 1)
    while (kind := type(key := loader.get_event())) is not MappingEndEvent:
        if kind is not ScalarEvent or key.value in lines or key.value == "<<":
            raise _UnusualError
        lines[key.value] = key.start_mark.line + 1
        mapping[_scalar(key)] = _value(loader, loader.get_event())
    mapping.lines = lines
    return mapping


def _scalar(event: Any) -> Any:
    if event.anchor or event.tag:
        raise _UnusualError
    return _word(event.value) if event.implicit[0] else event.value


_CONSTRUCT: Any = Loader("")


@lru_cache(maxsize=8192)
def _word(text: str) -> Any:
    """Return what a word without quotes means: a number, a date, true, nothing, or itself."""
    known = Loader.yaml_implicit_resolvers
    for tag, pattern in (*known.get(text[:1], ()), *known.get(None, ())):
        if pattern.match(text):
            make = Loader.yaml_constructors.get(tag)
            if make is None:
                raise _UnusualError
            return make(_CONSTRUCT, yaml.ScalarNode(tag, text))
    return text
