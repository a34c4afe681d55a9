"""Recorded answers, mangled: trees with parts replaced, moved or gone, texts cut and sewn."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.domain.shared_data import folder
from tests.usecases.registries import abuse, domain, network

_WHOIS = b"Domain Name: A.TEST\r\nRegistrar: Registrar B.V.\r\nRegistrar IANA ID: 9995\r\nrefer: x\r\n\r\n"
_OWN: dict[str, list[bytes]] = {
    "rdap-ip": [json.dumps(network("192.0.2.0/24", "ORG", abuse("abuse@one.example"))).encode()],
    "rdap-domain": [json.dumps(domain("a.test")).encode()],
    "whois": [_WHOIS, b"inetnum: 192.0.2.0 - 192.0.2.255\r\nabuse-mailbox: abuse@one.example\r\n"],
}
_LARGEST = 60_000  # a sample; what is larger differs by length alone

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
    """Return recorded answers of a topic, or a few of our own where there is no recorded data."""
    place = folder()
    if place is None:
        print(f"no recorded data beside the checkout: samples of our own stand for {topic}")
        return _OWN[topic]
    cases = json.loads((place / topic / "cases.json").read_text(encoding="utf-8"))["cases"]
    found = [(place / topic / case["file"]).read_bytes() for case in cases]
    return [*_OWN[topic], *(sample for sample in found if len(sample) <= _LARGEST)]


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
def trees(draw: st.DrawFn, recorded: list[bytes]) -> bytes:
    """Draw a recorded JSON answer with one to four of its places spoilt."""
    tree = json.loads(draw(st.sampled_from(recorded)))
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
def texts(draw: st.DrawFn, recorded: list[bytes]) -> bytes:
    """Draw a recorded text, cut at places and sewn with other bytes or another text between."""
    text = draw(st.sampled_from(recorded))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        filling = draw(
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from(recorded),
                st.sampled_from(
                    [b"\x00", b"\r\n\r\n", b":" * 9000, b"refer: whois://\r\n", b"\xff\xfe", b"% "]
                ),
            )
        )
        text = text[:start] + filling + text[end:]
    return text
