"""What a worked story says that look-ups gave, in few words, and the findings that it means.

Their shapes are those that `nta.domain.hosting.lookups.Finding` names.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nta.catalogue.validation import (
    asn,
    duration,
    flag,
    iana_id,
    ip_range,
    many,
    one_of,
    or_none,
    text,
)
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import (
    ABOUT_ADDRESSES,
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.reasons import other
from tests.domain.hosting.story_reader import StoryReader
from tests.lookup_plain import a_finding

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_DNS_LASTS, _LASTS = timedelta(hours=1), timedelta(hours=12)
_SURE = {"rdap": 0.9, "whois": 0.9, "origin_lookup": 0.8, "remark": 0.6, "upstream": 0.5, "guess": 0.3}
"""How sure the adapters are of each source; a story says otherwise by a third word."""
_FAILED = re.compile(r"fails for (now|good), (.+)")


def mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError("must hold keys and values")
    return value


def words(value: Any) -> tuple[str, ...]:
    """Return the words of a text; of nothing none."""
    return tuple(text(value).split()) if value is not None else ()


def found(entry: StoryReader, subject: Subject | None) -> tuple[Finding, ...]:
    """Return the findings that a story tells of."""
    host, domain = (subject.host, subject.registered or subject.domain or "") if subject else ("", "")
    cname = entry.take("cname", words, ())
    answers: list[tuple[str, Lookup, Any, Callable[[StoryReader], Any]]] = []
    for key, kind, of, read_answer in (
        ("dns", LookupKind.ADDRESSES, host, partial(_names, cname)),
        ("domain", LookupKind.DOMAIN, domain, partial(_domain, "rdap", domain)),
        ("whois", LookupKind.WHOIS, domain, partial(_domain, "whois", domain)),
    ):
        answers.append((key, Lookup(kind, of), entry.take(key, _anything, []), read_answer))
    for key, (kind, read_answer) in _ABOUT.items():
        for of, value in entry.take(key, mapping, {}).items():
            answers.append((key, Lookup(kind, str(of)), value, read_answer))
    for whom, value in entry.take("origins", mapping, {}).items():
        answers.append(("origins", Lookup(LookupKind.ORIGIN, host, whom), value, partial(_origin, whom)))
    return tuple(
        _finding(entry, key, lookup, one, read_answer)
        for key, lookup, value, read_answer in answers
        for one in (value if isinstance(value, list) else [value])
    )


def _anything(value: Any) -> Any:
    return value


def _finding(
    entry: StoryReader, key: str, lookup: Lookup, value: Any, read_answer: Callable[[StoryReader], Any]
) -> Finding:
    """Return one finding: `nothing`, `fails for now, why`, `fails for good, why`, or an answer."""
    lasts = _DNS_LASTS if lookup.kind is LookupKind.ADDRESSES else _LASTS
    if isinstance(value, str):
        failed = _FAILED.fullmatch(value)
        if not failed and value != "nothing":
            entry.fault(key, "must be keys and values, 'nothing', or 'fails for now, why'")
        problem = LookupProblem(lookup.kind.value, other(failed[2]), failed[1] == "now") if failed else None
        return a_finding(lookup, None, "story", NOW, NOW + lasts, problem)
    told = entry.child(key, value, f"{key}: {lookup.subject}")
    asked_at = NOW - told.take("asked", duration, timedelta(0))
    covers = told.take("range", ip_range, None) if lookup.kind in ABOUT_ADDRESSES else None
    answer = read_answer(told)
    told.is_sound()
    if lookup.kind is LookupKind.NETWORK:
        answer["cidr"] = [covers] if covers else []
    return a_finding(lookup, answer, "story", asked_at, asked_at + lasts, None, (covers,) if covers else ())


def _names(cname: tuple[str, ...], told: StoryReader) -> dict[str, Any]:
    dead = told.take("leads", or_none(one_of(("nxdomain", "no_address"))), None)
    value = {"addresses": list(told.take("to", words, ())), "cname": list(cname), "dead": dead}
    seen_from = told.take("seen_from", mapping, {})
    return value | _unheard(told) | ({"seen_from": seen_from} if seen_from else {})


def _unheard(told: StoryReader) -> dict[str, Any]:
    """Return who of several asked did not answer, and why, as `who: why`; it may pass."""
    silent = told.take("unheard", mapping, {}).items()
    listed = [{"who": who, "reason": why, "temporary": True} for who, why in silent]
    return {"unheard": listed} if listed else {}


def _network(told: StoryReader) -> dict[str, Any]:
    holder, _, holder_name = told.take("holder", text, "").partition(" ")
    return {
        "handle": told.take("handle", or_none(text), None),
        "name": told.take("name", or_none(text), None),
        "country": told.take("country", or_none(text), None),
        "holder": holder or None,
        "holder_name": holder_name or None,
        "asn": told.take("asn", asn, None),
        "as_name": told.take("as_name", text, None),
        "abuse": told.take("abuse", _contacts, []),
        "domains": list(told.take("domains", words, ())),
    } | _unheard(told)


def _route(told: StoryReader) -> dict[str, Any]:
    return {
        "asn": told.take("asn", or_none(asn)),
        "as_name": told.take("as_name", text, None),
        "prefix": None,
    }


def _system(told: StoryReader) -> dict[str, Any]:
    return {
        "as_name": told.take("as_name", text, None),
        "holder": told.take("holder", text, None),
        "abuse": told.take("abuse", _contacts, []),
    }


def _file(told: StoryReader) -> dict[str, Any]:
    return {"contacts": list(told.take("contacts", words)), "expires": None}


def _origin(whom: str, told: StoryReader) -> dict[str, Any]:
    return {
        "proxy": whom,
        "addresses": list(told.take("addresses", words)),
        "holder_name": told.take("holder_name", text, None),
        "abuse": told.take("abuse", _contacts, []),
    }


def _domain(source: str, name: str, told: StoryReader) -> dict[str, Any]:
    registrar = {
        "name": told.take("registrar", or_none(text), None),
        "iana_id": told.take("iana", iana_id, None),
        "abuse": told.take("abuse", _contacts, []),
    }
    return {
        "name": name,
        "suffix": name.partition(".")[2],
        "registered": told.take("registered", flag, True),
        "registrar": registrar if any(registrar.values()) else None,
        "status": list(told.take("status", many(text), ())),
        "nameservers": list(told.take("nameservers", many(text), ())),
        "source": source,
    }


def _contacts(value: Any) -> list[dict[str, Any]]:
    """Return the contacts of `source address`, or of a list of such; a third word says how sure it is."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        source, email, *sure = text(one).split()
        if source not in _SURE or len(sure) > 1:
            raise ValueError(f"must be 'source address', the source one of {', '.join(_SURE)}")
        found.append(
            {"email": email, "source": source, "confidence": float(sure[0]) if sure else _SURE[source]}
        )
    return found


_ABOUT = {
    "networks": (LookupKind.NETWORK, _network),
    "routes": (LookupKind.ROUTE, _route),
    "systems": (LookupKind.SYSTEM, _system),
    "security_txt": (LookupKind.SECURITY_TXT, _file),
}
