"""What a finding says as the JSON values that are stored, and back; what is spoilt is not read.

Rows of earlier releases lack what came later, and earlier releases read
these rows: no name changes its meaning, and no value its form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import (
    AnnouncedRoute,
    HostAddresses,
    LookupAnswer,
    NamedRegistrar,
    RegisteredDomain,
    RegisteredNetwork,
    RegisteredSystem,
    SecurityFile,
    ToldOrigin,
    Unheard,
    ZoneKeeper,
    ZoneRecords,
)
from nta.domain.hosting.lookups import LookupKind
from nta.domain.kept_reasons import as_text, loaded

_Plain = Mapping[str, object]
_FROM: Final = "asked from "  # before a vantage point, for the releases that show what is stored


def to_stored(answer: LookupAnswer) -> dict[str, object]:
    """Return an answer as values that JSON has; `from_stored` gives back what is read of that."""
    match answer:
        case HostAddresses():
            return _stored_host(answer)
        case RegisteredNetwork():
            return _stored_network(answer)
        case AnnouncedRoute(asn, as_name, prefix):
            return {"asn": asn, "as_name": as_name, "prefix": prefix}
        case RegisteredSystem(as_name, holder, abuse):
            return {"as_name": as_name, "holder": holder, "abuse": _stored_contacts(abuse)}
        case SecurityFile(contacts, expires):
            return {"contacts": contacts, "expires": expires}
        case ZoneRecords(ns, soa, mx, wildcard):
            keeper = {"mname": soa.mname, "rname": soa.rname} if soa else None
            return {"ns": ns, "soa": keeper, "mx": mx, "wildcard": wildcard}
        case RegisteredDomain():
            return _stored_domain(answer)
        case ToldOrigin(proxy, addresses, holder_name, abuse):
            behind = {"proxy": proxy, "addresses": addresses, "holder_name": holder_name}
            return {**behind, "abuse": _stored_contacts(abuse)}


def from_stored(kind: LookupKind, plain: object) -> LookupAnswer:
    """Return the answer to a question of this kind that was stored.

    Raises: TypeError, ValueError or LookupError for what is no such answer.
    """
    if not isinstance(plain, dict):
        raise TypeError(f"the value of a finding ({kind.value}) is no object")
    return _READERS[kind](plain)


def _stored_host(told: HostAddresses) -> dict[str, object]:
    plain: dict[str, object] = {
        "addresses": told.addresses,
        "cname": told.cname,
        "dead": told.dead,
    }
    if told.seen_from:
        plain["seen_from"] = dict(told.seen_from)
    vantages = [replace(one, who=f"{_FROM}{one.who}") for one in told.unheard]
    return _with_unheard(plain, vantages)


def _stored_network(told: RegisteredNetwork) -> dict[str, object]:
    plain: dict[str, object] = {
        "handle": told.handle,
        "name": told.name,
        "cidr": told.cidr,
        "country": told.country,
        "holder": told.holder,
        "holder_name": told.holder_name,
        "asn": told.asn,
        "as_name": told.as_name,
        "abuse": _stored_contacts(told.abuse),
        "domains": told.domains,
    }
    return _with_unheard(plain, told.unheard)


def _stored_domain(told: RegisteredDomain) -> dict[str, object]:
    registrar = told.registrar
    return {
        "name": told.name,
        "suffix": told.suffix,
        "registered": told.registered,
        "registrar": {
            "name": registrar.name,
            "iana_id": registrar.iana_id,
            "abuse": _stored_contacts(registrar.abuse),
        }
        if registrar
        else None,
        "status": told.status,
        "nameservers": told.nameservers,
        "source": told.source,
    }


def _stored_contacts(contacts: Sequence[FoundContact]) -> list[dict[str, object]]:
    return [{"email": c.email, "source": c.source, "confidence": c.confidence} for c in contacts]


def _with_unheard(plain: dict[str, object], unheard: Sequence[Unheard]) -> dict[str, object]:
    if unheard:
        plain["unheard"] = [
            {"who": one.who, "reason": as_text(one.reason), "temporary": one.temporary} for one in unheard
        ]
    return plain


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("a text in the value of a finding is none")


def _said(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("a text in the value of a finding is none")


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts that was stored. Raises TypeError for what is none."""
    if not isinstance(value, list):
        raise TypeError("a list in the value of a finding is none")
    if not value:
        return ()
    "".join(value)  # the quickest way to tell that all are texts: it raises TypeError
    return tuple(value)


def _number(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError("a number in the value of a finding is none")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError("a yes or no in the value of a finding is neither")


def _contacts(value: object) -> tuple[FoundContact, ...]:
    if not isinstance(value, list):
        raise TypeError("the contacts in the value of a finding are no list")
    return tuple([_contact(one["email"], one["source"], one["confidence"]) for one in value])


@lru_cache(maxsize=16384)
def _contact(email: object, source: object, confidence: object) -> FoundContact:
    """Return a contact; many networks have the same one."""
    return FoundContact(_said(email), _said(source), _share(confidence))


def _share(value: object) -> float:
    if isinstance(value, int | float) and 0 <= value <= 1:
        return value
    raise ValueError("the confidence of a contact is no share")


def _unheard(plain: _Plain) -> tuple[Unheard, ...]:
    listed = plain.get("unheard")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise TypeError("those unheard in the value of a finding are no list")
    return tuple(
        Unheard(_said(one["who"]), loaded(_said(one["reason"])), _flag(one["temporary"])) for one in listed
    )


def _seen_from(plain: _Plain) -> tuple[tuple[str, tuple[str, ...]], ...]:
    shown = plain.get("seen_from")
    if shown is None:
        return ()
    if not isinstance(shown, dict):
        raise TypeError("what vantage points are shown is no object")
    return tuple((_said(vantage), texts(listed)) for vantage, listed in shown.items())


def _host(plain: _Plain) -> HostAddresses:
    return HostAddresses(
        texts(plain["addresses"]),
        texts(plain["cname"]),
        _text(plain["dead"]),
        _seen_from(plain),
        tuple(replace(one, who=one.who.removeprefix(_FROM)) for one in _unheard(plain)),
    )


def _network(plain: _Plain) -> RegisteredNetwork:
    told = plain.get
    return RegisteredNetwork(
        _text(plain["handle"]),
        _text(told("name")),
        texts(plain["cidr"]),
        _text(told("country")),
        _text(told("holder")),
        _text(told("holder_name")),
        _number(told("asn")),
        _text(told("as_name")),
        _contacts(plain["abuse"]),
        texts(told("domains", [])),
        _unheard(plain),
    )


def _route(plain: _Plain) -> AnnouncedRoute:
    return AnnouncedRoute(_number(plain["asn"]), _text(plain["as_name"]), _text(plain["prefix"]))


def _system(plain: _Plain) -> RegisteredSystem:
    return RegisteredSystem(_text(plain["as_name"]), _text(plain.get("holder")), _contacts(plain["abuse"]))


def _file(plain: _Plain) -> SecurityFile:
    return SecurityFile(texts(plain["contacts"]), _text(plain["expires"]))


def _zone(plain: _Plain) -> ZoneRecords:
    soa = plain["soa"]
    if soa is not None and not isinstance(soa, dict):
        raise TypeError("the SOA of a zone is no object")
    return ZoneRecords(
        texts(plain["ns"]),
        ZoneKeeper(_said(soa["mname"]), _said(soa["rname"])) if soa else None,
        texts(plain["mx"]),
        _flag(plain["wildcard"]),
    )


def _domain(plain: _Plain) -> RegisteredDomain:
    registrar, registered = plain["registrar"], plain["registered"]
    if registrar is not None and not isinstance(registrar, dict):
        raise TypeError("the registrar of a domain is no object")
    return RegisteredDomain(
        _text(plain["name"]),
        _text(plain["suffix"]),
        None if registered is None else _flag(registered),
        NamedRegistrar(_text(registrar["name"]), _text(registrar["iana_id"]), _contacts(registrar["abuse"]))
        if registrar
        else None,
        texts(plain["status"]),
        texts(plain["nameservers"]),
        _text(plain["source"]),
    )


def _origin(plain: _Plain) -> ToldOrigin:
    return ToldOrigin(
        _text(plain["proxy"]),
        texts(plain["addresses"]),
        _text(plain["holder_name"]),
        _contacts(plain["abuse"]),
    )


_READERS: Final[Mapping[LookupKind, Callable[[_Plain], LookupAnswer]]] = {
    LookupKind.ADDRESSES: _host,
    LookupKind.NETWORK: _network,
    LookupKind.ROUTE: _route,
    LookupKind.SYSTEM: _system,
    LookupKind.SECURITY_TXT: _file,
    LookupKind.ZONE: _zone,
    LookupKind.DOMAIN: _domain,
    LookupKind.WHOIS: _domain,
    LookupKind.ORIGIN: _origin,
}
