"""Answers of look-ups as plain values, as tests write them down and compare them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookup_answers import LookupAnswer
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.store.hosting.finding_values import from_stored, to_stored

_DOMAIN = {
    "name": None,
    "suffix": None,
    "registered": True,
    "registrar": None,
    "status": [],
    "nameservers": [],
    "source": None,
}
_LEFT_OUT: Mapping[LookupKind, Mapping[str, Any]] = {
    LookupKind.ADDRESSES: {"addresses": [], "cname": [], "dead": None},
    LookupKind.NETWORK: {"handle": None, "cidr": [], "abuse": []},
    LookupKind.ROUTE: {"as_name": None, "prefix": None},
    LookupKind.SYSTEM: {"as_name": None, "abuse": []},
    LookupKind.SECURITY_TXT: {"expires": None},
    LookupKind.ZONE: {"ns": [], "soa": None, "mx": [], "wildcard": False},
    LookupKind.DOMAIN: _DOMAIN,
    LookupKind.WHOIS: _DOMAIN,
    LookupKind.ORIGIN: {"proxy": None, "holder_name": None, "abuse": []},
}


def typed(kind: LookupKind, value: Mapping[str, Any] | None) -> Any:
    """Return the answer that plain values stand for; what is left out is empty."""
    if value is None:
        return None
    told = {**_LEFT_OUT[kind], **value}
    if registrar := told.get("registrar"):
        told["registrar"] = {"name": None, "iana_id": None, "abuse": [], **registrar}
    for holder in (told, told.get("registrar") or {}):
        if "abuse" in holder:
            holder["abuse"] = [{"source": "rdap", "confidence": 0.9, **one} for one in holder["abuse"]]
    return from_stored(kind, told)


def plain(answer: LookupAnswer | None) -> Any:
    """Return an answer as plain values; None stays None."""
    return None if answer is None else json.loads(json.dumps(to_stored(answer)))


def a_finding(
    lookup: Lookup,
    value: Mapping[str, Any] | None,
    source: str,
    asked_at: datetime,
    valid_until: datetime,
    problem: LookupProblem | None,
    covers: tuple[str, ...] = (),
) -> Finding:
    """Return a finding whose value is written in plain values."""
    return Finding(lookup, typed(lookup.kind, value), source, asked_at, valid_until, problem, covers)


def saying(known: Finding, **more: Any) -> Finding:
    """Return a finding that says some of it otherwise."""
    return replace(known, value=typed(known.lookup.kind, {**(plain(known.value) or {}), **more}))
