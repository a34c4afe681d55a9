"""Answers of registries, mangled: trees with parts replaced, moved or gone, texts cut and sewn."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

_OWN = Path(__file__).parents[1] / "data" / "registries"

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "\x00",
            "a\x00b",
            "\ud800",
            "@",
            "a@b",
            "A" * 5000,
            "192.0.2.0/0",
            "::/0",
            "0.0.0.0",
            "999999999999",
            "-1",
        ]
    ),
)
_ODD = st.sampled_from(["\x00", "\ud800", "\x1b[2J", "\u202e"])
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "entities",
                    "roles",
                    "vcardArray",
                    "handle",
                    "links",
                    "status",
                    "abuse",
                    "publicIds",
                    "",
                    "\x00",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


def samples(topic: str) -> list[bytes]:
    """Return our own answers of a topic."""
    return [path.read_bytes() for path in sorted((_OWN / topic).iterdir())]


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every place in a tree, as container and key."""
    found: list[tuple[Any, Any]] = []
    inside = [tree]
    while inside:
        container = inside.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                inside.append(container[key])
    return found


@st.composite
def trees(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """Draw a JSON answer with one to four of its places spoilt."""
    tree = json.loads(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(1, 4))):
        places = _places(tree)
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.sampled_from(["taint", "replace", "drop", "wrap", "swap"]))
        if how == "taint":
            if isinstance(container[key], str):
                container[key] += draw(_ODD)
        elif how == "replace":
            container[key] = draw(_TREES)
        elif how == "drop":
            del container[key]
        elif how == "wrap":
            container[key] = draw(st.sampled_from([[container[key]], {"entities": container[key]}]))
        else:
            other, its = places[draw(st.integers(0, len(places) - 1))]
            container[key] = json.loads(json.dumps(other[its]))
    return json.dumps(tree).encode()


@st.composite
def texts(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """Draw a text, cut at places and sewn with other bytes or another text between."""
    text = draw(st.sampled_from(whole))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        filling = draw(
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from(whole),
                st.sampled_from(
                    [b"\x00", b"\r\n\r\n", b":" * 9000, b"refer: whois://\r\n", b"\xff\xfe", b"% "]
                ),
            )
        )
        text = text[:start] + filling + text[end:]
    return text
