"""Which columns each table of `providers/imported/` has, and what a row becomes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from nta.catalogue.validation import (
    asn,
    code,
    domain,
    iana_id,
    identifier,
    ip_range,
    language,
    mailbox,
    page,
    suffix,
    text,
)
from nta.domain.parties.organisations import (
    NoticeRoute,
    Provider,
    Registrar,
    Registry,
)

Row = Sequence[str]
"""One row as it stands in the file."""


@dataclass(frozen=True, slots=True)
class Nation:
    """What the table of countries says of one; its law and manners are those of the entry `default`."""

    code: str
    name: str
    eu: bool
    languages: tuple[str, ...]
    source: str
    checked: date


def _maybe(convert: Callable[[Any], Any]) -> Callable[[str], Any]:
    return lambda value: convert(value) if value else None


def _route(value: str) -> NoticeRoute | None:
    return NoticeRoute(mailbox(value)) if value else None


def _each(convert: Callable[[Any], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda value: tuple(convert(one) for one in value.split())


def _number(value: str) -> int:
    return asn(int(value) if value.isascii() and value.isdecimal() else value)


def _yes(value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return value == "yes"


def _day(value: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("must be a date like 2026-03-01")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date like 2026-03-01") from None


CONVERT: Mapping[str, Callable[[str], Any]] = {
    "id": identifier,
    "iana_id": iana_id,
    "code": code,
    "name": text,
    "country": _maybe(code),
    "asns": _each(_number),
    "ranges": _each(ip_range),
    "cnames": _each(domain),
    "suffixes": _each(suffix),
    "email": _route,
    "form": _maybe(page),
    "rdap": _maybe(page),
    "eu": _yes,
    "languages": _each(language),
    "source": text,
    "checked": _day,
}
"""What each column holds. A list stands in one column, with blanks between."""


# Thousands of rows are made at each start, so the values go in by place, in the order of the columns.


def _registrar(
    number: str, name: str, rdap: Any, route: Any, form: Any, source: str, checked: date
) -> Registrar:
    return Registrar(
        f"registrar:iana-{number}", name, None, route, source, checked, number, rdap, form=form, imported=True
    )


def _registry(
    one: str, name: str, country: Any, suffixes: Any, route: Any, form: Any, source: str, checked: date
) -> Registry:
    return Registry(
        f"registry:{one}", name, country, route, source, checked, suffixes, form=form, imported=True
    )


def _network(shelf: str) -> Callable[..., Provider]:
    def make(one: str, name: str, country: Any, *rest: Any) -> Provider:
        *known, route, form, source, checked = rest
        return Provider(
            f"{shelf}:{one}", name, country, route, source, checked, *known, form=form, imported=True
        )

    return make


@dataclass(frozen=True, slots=True)
class TableKind:
    """One table: its columns, the first of them its key, what nobody else of it may claim, and its rows."""

    columns: tuple[str, ...]
    claims: tuple[str, ...]
    make: Callable[..., Any]

    @property
    def key(self) -> str:
        """Return the column that no two rows have the same of."""
        return self.columns[0]


_END = ("email", "form", "source", "checked")
TABLES: Mapping[str, TableKind] = {
    "hosting": TableKind(
        ("id", "name", "country", "asns", "ranges", *_END), ("asns", "ranges"), _network("hosting")
    ),
    "proxies": TableKind(
        ("id", "name", "country", "asns", "ranges", "cnames", *_END),
        ("asns", "ranges", "cnames"),
        _network("proxy"),
    ),
    "registrars": TableKind(("iana_id", "name", "rdap", *_END), (), _registrar),
    "registries": TableKind(("id", "name", "country", "suffixes", *_END), ("suffixes",), _registry),
    "countries": TableKind(("code", "name", "eu", "languages", "source", "checked"), (), Nation),
}
