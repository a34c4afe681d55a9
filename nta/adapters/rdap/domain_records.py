"""What an RDAP answer says of a domain (RFC 9083, RFC 9537): its registrar, never its registrant."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from nta.adapters.domain_answers import UNDER_HOLDER
from nta.adapters.rdap.network_answers import (
    emails,
    first,
    objects,
    roles,
    text,
)
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import NamedRegistrar, RegisteredDomain
from nta.domain.reasons import Code

_NESTED: Final = 0.9  # the registrar's own abuse contact, as the registry or the registrar gives it
_BESIDE: Final = 0.7  # an abuse contact of the answer, of whom is not said
_GUESS: Final = 0.3  # the registrar's general mailbox
_MOST_LISTED: Final = 64
_MOST_ENTITIES: Final = 5_000
_IANA_ID: Final = "iana registrar id"


def domain(document: object, name: str) -> RegisteredDomain:
    """Return what an answer says of the domain `name`.

    Raises: OutsideError when the document is no answer about a domain.
    """
    if not isinstance(document, dict):
        raise OutsideError(Code.RDAP_NOT_AN_OBJECT, temporary=True)
    if "errorCode" in document:
        raise OutsideError(Code.RDAP_ERROR, temporary=True)
    if document.get("objectClassName") != "domain" and "ldhName" not in document:
        raise OutsideError(Code.RDAP_NOT_A_DOMAIN, temporary=True)
    return RegisteredDomain(
        name=name,
        suffix=name.partition(".")[2],
        registered=True,
        registrar=_registrar(document),
        status=_texts(document.get("status")),
        nameservers=_nameservers(document),
        source="rdap",
    )


def registrar_link(document: object, asked: str) -> str | None:
    """Return where the registrar's RDAP tells of the same domain, None when no link says so.

    Registries name it as related, with RDAP's media type; a link back to
    what was asked leads nowhere.
    """
    for link in objects(document.get("links")) if isinstance(document, dict) else ():
        rel, kind, target = link.get("rel"), link.get("type"), link.get("href")
        if not (isinstance(rel, str) and isinstance(target, str)) or "related" not in rel.lower().split():
            continue
        says_rdap = (
            isinstance(kind, str) and kind.lower().partition(";")[0].strip() == "application/rdap+json"
        )
        if says_rdap and target.startswith(("https://", "http://")) and target.lower() != asked.lower():
            return target
    return None


def _registrar(document: Mapping[str, Any]) -> NamedRegistrar | None:
    """Return the registrar and its abuse contacts; contacts alone where the answer names no registrar.

    A registrant may be the offender: an abuse contact below one is never
    the registrar's, and is told only where no registrar is named to whom it
    could be ascribed.
    """
    seen = list(_walk(document))
    own = [entity for entity, _ in seen if "registrar" in roles(entity)]
    found: dict[str, float] = {}
    for entity, above in seen:
        around = frozenset[str]().union(*(roles(one) for one in (*above, entity)))
        if "abuse" in roles(entity) and ("registrar" in around or "registrant" not in around or not own):
            sure = _NESTED if "registrar" in around else _BESIDE
            sure = UNDER_HOLDER if "registrant" in around and not own else sure
            for email in emails(entity):
                found[email] = max(sure, found.get(email, 0))
    general = {} if found else dict.fromkeys((email for one in own for email in emails(one)), _GUESS)
    listed = sorted((found or general).items(), key=lambda pair: -pair[1])
    source = "rdap" if found else "guess"
    abuse = tuple(FoundContact(email, source, sure) for email, sure in listed[:_MOST_LISTED])
    if not own and not abuse:
        return None
    names = (first(one, "fn") or first(one, "org") for one in own)
    number = next((number for one in own if (number := _iana_id(one))), None)
    return NamedRegistrar(next((name for name in names if name), None), number, abuse)


def _walk(
    record: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], tuple[Mapping[str, Any], ...]]]:
    """Yield each entity with those it is nested in, outermost first."""
    level: list[tuple[Mapping[str, Any], tuple[Mapping[str, Any], ...]]] = [
        (entity, ()) for entity in objects(record.get("entities"))
    ]
    seen = 0
    while level:
        yield from level
        seen += len(level)
        if seen > _MOST_ENTITIES:
            return
        level = [
            (inner, (*above, entity)) for entity, above in level for inner in objects(entity.get("entities"))
        ]


def _iana_id(entity: Mapping[str, Any]) -> str | None:
    """Return the registrar's number in IANA's list: 1 to 5 digits."""
    for listed in objects(entity.get("publicIds")):
        kind, number = listed.get("type"), listed.get("identifier")
        if isinstance(kind, str) and " ".join(kind.lower().split()) == _IANA_ID:
            digits = str(number).strip() if isinstance(number, str | int) else ""
            if digits.isascii() and digits.isdecimal() and len(digits) <= 5:
                return digits
    return None


def _nameservers(document: Mapping[str, Any]) -> tuple[str, ...]:
    found = (text(server.get("ldhName")) for server in objects(document.get("nameservers")))
    return tuple(dict.fromkeys(name.rstrip(".").lower() for name in found if name))[:_MOST_LISTED]


def _texts(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    found = (text(one) for one in listed)
    return tuple(dict.fromkeys(one for one in found if one))[:_MOST_LISTED]
