"""Which autonomous system announces an address, by a routing table in a text file."""

import gzip
import re
import socket
import threading
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from nta.adapters.net.concurrency import failed
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import AnnouncedRoute
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.reasons import Code, because

_SOURCE: Final = "routing table"
_VALID: Final = timedelta(hours=12)
_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})(?!\d)", re.IGNORECASE)
_LONGEST_NAME: Final = 300
# Nothing longer than a /48 is routed between networks: the upper half of an IPv6 address tells all.
_WIDTHS: Final = {4: 32, 6: 64}
_GZIP: Final = b"\x1f\x8b"


class _Routes:
    """The routes of one family as stretches of addresses that one AS announces, side by side.

    Two arrays: where a stretch begins, and whose it is (0: nobody's). A
    full table of a million prefixes takes some 20 MB.
    """

    def __init__(self, keys: list[int], width: int) -> None:
        """Take routes as numbers that sort by first address, then from wide to narrow."""
        self._width = width
        self._begins = array("Q", [0])
        self._owners = array("I", [0])
        around: list[tuple[int, int]] = []  # end and AS of the routes that hold where we are, widest first
        for key in sorted(keys):
            start, length, asn = key >> 40, key >> 32 & 0xFF, key & 0xFFFFFFFF
            self._leave(around, start)
            self._mark(start, asn)
            around.append((start + (1 << (width - length)), asn))
        self._leave(around, 1 << width)

    def _leave(self, around: list[tuple[int, int]], place: int) -> None:
        while around and around[-1][0] <= place:
            end, _ = around.pop()
            self._mark(end, around[-1][1] if around else 0)

    def _mark(self, place: int, asn: int) -> None:
        if place >> self._width:
            return
        if self._begins[-1] == place:
            self._owners[-1] = asn
        elif self._owners[-1] != asn:
            self._begins.append(place)
            self._owners.append(asn)

    def origin(self, place: int) -> tuple[int, int, int]:
        """Return the AS (0: none), and the widest block around the place that is its alone: first, length."""
        index = bisect_right(self._begins, place) - 1
        first = self._begins[index]
        beyond = self._begins[index + 1] if index + 1 < len(self._begins) else 1 << self._width
        length = next(
            length
            for length in range(self._width + 1)
            if (block := place >> (self._width - length) << (self._width - length)) >= first
            and block + (1 << (self._width - length)) <= beyond
        )
        return self._owners[index], place >> (self._width - length) << (self._width - length), length


class RouteTable:
    """A routing table, read: `prefix AS [name]` a line, or CAIDA's `address length AS`.

    Of several origins the first counts. Lines that make no sense are left
    out; so is a default route.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Read the lines. Raises OutsideError when they hold no route."""
        keys: dict[int, list[int]] = {4: [], 6: []}
        self._names: dict[int, str] = {}
        for line in lines:
            if route := _route(line):
                version, key, name = route
                keys[version].append(key)
                if name:
                    self._names[key & 0xFFFFFFFF] = name
        if not any(keys.values()):
            raise OutsideError(Code.ROUTES_EMPTY, temporary=False)
        self._routes = {version: _Routes(keys[version], width) for version, width in _WIDTHS.items()}

    def origin(self, ip: str) -> tuple[int | None, str | None, str]:
        """Return number and name of the AS that announces an address, and the block this holds for."""
        address = ip_address(ip)
        beneath = address.max_prefixlen - _WIDTHS[address.version]
        asn, first, length = self._routes[address.version].origin(int(address) >> beneath)
        block = ip_network(((first << beneath).to_bytes(address.max_prefixlen // 8), length))
        return asn or None, self._names.get(asn), str(block)


def _route(line: str) -> tuple[int, int, str | None] | None:
    """Return IP version, sorting number and the AS's name, None when the line holds no route."""
    words = line.split("#", 1)[0].split()
    if words and "/" in words[0]:
        words[:1] = words[0].split("/", 1)
    if len(words) < 3 or not (words[1].isascii() and words[1].isdecimal() and len(words[1]) <= 3):
        return None
    length, found = int(words[1]), _ASN.match(words[2])
    version, family = (6, socket.AF_INET6) if ":" in words[0] else (4, socket.AF_INET)
    width = _WIDTHS[version]
    asn = int(found[1]) if found else 0
    if not (0 < length <= width and 0 < asn < 1 << 32):
        return None
    try:
        packed = socket.inet_pton(family, words[0])
    except (OSError, ValueError):  # a NUL is no fault of the system's
        return None
    start = int.from_bytes(packed[: width // 8]) >> (width - length) << (width - length)
    return version, start << 40 | length << 32 | asn, " ".join(words[3:])[:_LONGEST_NAME] or None


class TableAsker:
    """Answers from a file, which may be packed with gzip; a file that has changed is read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._held: tuple[tuple[int, int, int], RouteTable] | None = None

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; the subject is an address. Valid 12 h."""
        wanted = dict.fromkeys(lookups)
        if not wanted:
            return
        try:
            table = self._table()
        except OutsideError as fault:
            yield from (failed(lookup, _SOURCE, now, fault) for lookup in wanted)
            return
        for lookup in wanted:
            asn, name, block = table.origin(lookup.subject)
            value = AnnouncedRoute(asn, name, block)
            yield Finding(lookup, value, _SOURCE, now, now + _VALID, None, (block,))

    def _table(self) -> RouteTable:
        with self._lock:
            try:
                mark = self._mark()
                if self._held is None or self._held[0] != mark:
                    self._held = mark, self._read()
            except OutsideError:
                # An old table beats none.
                if self._held is None:
                    raise
            return self._held[1]

    def _mark(self) -> tuple[int, int, int]:
        try:
            seen = self._path.stat()
        except OSError as fault:
            raise OutsideError(
                because(Code.ROUTES_UNREADABLE, why=str(fault.strerror)), temporary=False
            ) from None
        return seen.st_ino, seen.st_size, seen.st_mtime_ns

    def _read(self) -> RouteTable:
        try:
            with self._path.open("rb") as file:
                packed = file.read(len(_GZIP)) == _GZIP
            opened = gzip.open if packed else open
            with opened(self._path, "rt", encoding="utf-8", errors="replace") as lines:
                return RouteTable(lines)
        except (OSError, EOFError) as fault:
            why = getattr(fault, "strerror", None)
            reason = because(Code.ROUTES_UNREADABLE, why=why) if why else Code.ROUTES_NOT_WHOLE
            raise OutsideError(reason, temporary=False) from None
