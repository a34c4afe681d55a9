"""Spoils what comes from outside, always the same way for the same seed, and says how long to go on."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random

SOAK = "NTA_SOAK_SECONDS"
"""The variable that lets every fuzz test go on for so many seconds each."""

# What has broken a reader before: cut and odd encodings, controls, lone surrogates, numbers past a column,
# marks that open and never close, and forms that only some readers know.
_NASTY: Sequence[bytes] = (
    b"\x00",
    b"\xff",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
    b"\x1b[2J",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\x0b\x0c\x1c\x85",
    b"%00",
    b"%ff%fe",
    b"\\ud800",
    b"\\u0000",
    b"&#0;",
    b"=?utf-8?b?gICA?=",
    b"=?x\x00y?q?=00?=",
    b"''%ff",
    b"9223372036854775808",
    b"-1",
    b"1e999",
    b"99999999999999999999999999999999999999",
    b"\xc2\xb2",
    b"\xd9\xa3",
    b"0001-01-01T00:00:00+23:59",
    b"9999-12-31T23:59:60-23:59",
    b"<",
    b">",
    b'"',
    b"'",
    b"[",
    b"{",
    b"(",
    b";",
    b":",
    b"=",
    b"@",
    b"../",
    b"\t",
    b" " * 200,
    b"A" * 300,
    b"(" * 400,
    b"[" * 2_000,
    b"--",
)


def spoil(content: bytes, random: Random) -> bytes:
    """Return `content` with one to six things wrong with it. The same generator state spoils the same way."""
    spoilt = bytearray(content)
    for _ in range(random.randint(1, 6)):
        random.choice(_WAYS)(spoilt, random)
    return bytes(spoilt)


def rounds(few: int) -> Iterator[int]:
    """Yield the seeds 0 to `few` - 1; where NTA_SOAK_SECONDS is set, more of them until that time is over."""
    ends = time.monotonic() + float(os.environ.get(SOAK) or 0)
    seed = 0
    while seed < few or time.monotonic() < ends:
        yield seed
        seed += 1


def _place(spoilt: bytearray, random: Random, longest: int = 40) -> tuple[int, int]:
    start = random.randint(0, len(spoilt))
    return start, min(len(spoilt), start + random.randint(1, longest))


def _flip(spoilt: bytearray, random: Random) -> None:
    if spoilt:
        spoilt[random.randrange(len(spoilt))] = random.randrange(256)


def _insert(spoilt: bytearray, random: Random) -> None:
    start, _ = _place(spoilt, random)
    spoilt[start:start] = random.choice(_NASTY)


def _replace(spoilt: bytearray, random: Random) -> None:
    start, end = _place(spoilt, random)
    spoilt[start:end] = random.choice(_NASTY)


def _delete(spoilt: bytearray, random: Random) -> None:
    start, end = _place(spoilt, random, 200)
    del spoilt[start:end]


def _double(spoilt: bytearray, random: Random) -> None:
    """Repeat a piece, now and then very often."""
    start, end = _place(spoilt, random, 120)
    spoilt[start:start] = spoilt[start:end] * random.choice((1, 1, 2, 2, 60))


def _move(spoilt: bytearray, random: Random) -> None:
    start, end = _place(spoilt, random, 200)
    piece = spoilt[start:end]
    del spoilt[start:end]
    to, _ = _place(spoilt, random)
    spoilt[to:to] = piece


def _cut(spoilt: bytearray, random: Random) -> None:
    """Break it off; seldom, since little is left to spoil afterwards."""
    if random.random() < 0.3:
        start, _ = _place(spoilt, random)
        del spoilt[start:]


def _swap_a_line(spoilt: bytearray, random: Random) -> None:
    lines = spoilt.split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    spoilt[:] = b"\n".join(lines)


_WAYS: Sequence[Callable[[bytearray, Random], None]] = (
    _flip,
    _insert,
    _insert,
    _replace,
    _replace,
    _delete,
    _double,
    _move,
    _cut,
    _swap_a_line,
)
