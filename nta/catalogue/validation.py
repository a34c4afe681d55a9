"""How values of the catalogue are read: each reader says by ValueError what a value must be."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any, TypeVar

from nta.domain.parties.mail_addresses import is_usable

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


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


def ip_ranges(value: Any) -> tuple[str, ...]:
    """Return the ranges of a list, or of a text with blanks between them (a long list, read faster)."""
    return many(ip_range)(value.split() if isinstance(value, str) else value)


def ip_range(value: Any) -> str:
    """Return a range as it is usually written. By hand: thousands are read at each start."""
    address, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    try:
        packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except OSError:
        packed = b""
    bits = 8 * len(packed)
    free = bits - (int(length) if length.isdecimal() else 0 if slash else bits)
    if not packed or free < 0 or (slash and not length) or int.from_bytes(packed) & ((1 << free) - 1):
        raise ValueError("must be address ranges like 192.0.2.0/24, ending in zero bits")
    # Of IPv4 only the usual form is read; IPv6 has many.
    return f"{address if bits == 32 else inet_ntop(AF_INET6, packed)}/{bits - free}"


def iana_id(value: Any) -> str:
    number = str(value)
    if not (number.isascii() and number.isdecimal() and number[0] != "0" and len(number) <= 5):
        raise ValueError("must be a registrar's number at IANA")
    return number


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
_CODES = frozenset(
    re.findall(
        "..",
        "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR"
        "CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU"
        "IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQ"
        "MRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI"
        "SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW",
    )
)
"""ISO 3166-1 alpha-2, and XK, which everybody uses for Kosovo."""


def code(value: Any) -> str:
    """Return the two letters of a country."""
    if not isinstance(value, str) or value not in _CODES:
        raise ValueError("must be a country's two capital letters (ISO 3166-1)")
    return value


language = matching(r"[a-z]{2}", "a language's two small letters (ISO 639-1)")
page = matching(r"https?://[\x21-\x7e]+", "the address of a page, http:// or https://")
domain = matching(
    r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]*[a-z0-9]",
    "domain names in small letters, without a dot before them",
)
suffix = matching(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", "public suffixes in small letters, without a dot before them"
)
