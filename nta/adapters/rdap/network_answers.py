"""What an RDAP answer about a network says (RFC 9083); malformed parts are left out, never believed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Any, Final, TypeGuard

from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.holders import holder_domains
from nta.domain.hosting.lookup_answers import RegisteredNetwork, RegisteredSystem
from nta.domain.parties.mail_addresses import IN_TEXT
from nta.domain.reasons import Code

_CONFIDENCE: Final = 0.9  # of an address in the abuse role: the holder's own word, in the registry
_REMARKED: Final = 0.6  # in a remark that speaks of abuse: written for people, by whoever kept the record
_ANNOUNCER: Final = 0.5  # of who announces the address: one step up from who holds it
_MOST_RANGES: Final = 64
_MOST_ENTITIES: Final = 5_000
_LONGEST_TEXT: Final = 300
_MAINTAINER: Final = re.compile(r"-MNT$|^MNT-|^MAINT-", re.IGNORECASE)
# ARIN gives no country code, only the name in the last line of the holder's address.
_BY_NAME: Final[Mapping[str, str]] = {
    "UNITED STATES": "US",
    "CANADA": "CA",
    "PUERTO RICO": "PR",
    "JAMAICA": "JM",
}
_SEPARATORS: Final = re.compile(r"[\s,;]+")


def network(document: object) -> RegisteredNetwork:
    """Return what the answer to an address query says of the network.

    Raises: OutsideError when the document is no answer about a network.
    """
    if not isinstance(document, dict):
        raise OutsideError(Code.RDAP_NOT_AN_OBJECT, temporary=True)
    if "errorCode" in document:
        raise OutsideError(Code.RDAP_ERROR, temporary=True)
    ranges = _ranges(document)
    if document.get("objectClassName") != "ip network" and not ranges:
        raise OutsideError(Code.RDAP_NOT_A_NETWORK, temporary=True)
    holder = _holder(document)
    asn, as_name = _autonomous_system(document)
    return RegisteredNetwork(
        handle=text(document.get("handle")),
        name=text(document.get("name")),
        cidr=tuple(ranges),
        country=_country(document, holder),
        holder=text(holder.get("handle")) if holder else None,
        holder_name=first(holder, "fn") or first(holder, "org") if holder else None,
        asn=asn,
        as_name=as_name,
        abuse=_contacts(document),
        domains=tuple(holder_domains(_mailboxes(document, holder))),
    )


def system(document: object) -> RegisteredSystem:
    """Return what the answer to an autnum query says of the AS.

    Its contacts are those of who announces an address, not of who holds it.

    Raises: OutsideError when the document is no answer about an AS number.
    """
    if not isinstance(document, dict):
        raise OutsideError(Code.RDAP_NOT_AN_OBJECT, temporary=True)
    if "errorCode" in document:
        raise OutsideError(Code.RDAP_ERROR, temporary=True)
    if document.get("objectClassName") != "autnum" and "startAutnum" not in document:
        raise OutsideError(Code.RDAP_NOT_A_SYSTEM, temporary=True)
    found = _contacts(document)
    holder = _holder(document)
    return RegisteredSystem(
        as_name=text(document.get("name")),
        holder=text(holder.get("handle")) if holder else None,
        abuse=tuple(FoundContact(c.email, "upstream", _ANNOUNCER) for c in found),
    )


def _contacts(document: Mapping[str, Any]) -> tuple[FoundContact, ...]:
    """Return the abuse contacts, those of remarks where no entity has the role."""
    named = abuse_mailboxes(document)
    source, sure = ("rdap", _CONFIDENCE) if named else ("remark", _REMARKED)
    found = named or list(dict.fromkeys(_remarked(document)))
    return tuple(FoundContact(email, source, sure) for email in found)


def _remarked(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses in lines of remarks that speak of abuse."""
    for record in (document, *_entities(document)):
        for line in _remarks(record):
            if "abuse" in line.lower():
                yield from IN_TEXT.findall(line)


def _remarks(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a record's remarks, none longer than we read of any text."""
    for remark in objects(record.get("remarks")):
        lines = remark.get("description")
        for line in [lines] if isinstance(lines, str) else lines if isinstance(lines, list) else []:
            if isinstance(line, str):
                yield line[:_LONGEST_TEXT]


def _mailboxes(document: Mapping[str, Any], holder: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield all mailboxes of a record, whatever their role: the holder's first, those in remarks last."""
    for entity in (*([holder] if holder else ()), *_entities(document)):
        yield from emails(entity)
    for record in (document, *_entities(document)):
        for line in _remarks(record):
            yield from IN_TEXT.findall(line)


def abuse_mailboxes(record: Mapping[str, Any]) -> list[str]:
    """Return the addresses of a record's abuse entities, outermost first.

    `record` is an RDAP object (RFC 9083). Only entities whose roles include
    "abuse" count (section 10.2.4), however deep they are nested (section
    5.1). A registrant's address is never a fallback: the registrant may be
    the offender. An empty list means that the record names no abuse contact.
    """
    found: dict[str, str] = {}
    for entity in _entities(record):
        if "abuse" in roles(entity):
            for email in emails(entity):
                found.setdefault(email.casefold(), email)
    return list(found.values())


def _entities(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield entities level by level, outermost first."""
    level: list[Mapping[str, Any]] = [record]
    seen = 0
    while level:
        level = [entity for outer in level for entity in objects(outer.get("entities"))]
        for entity in level:
            seen += 1
            if seen > _MOST_ENTITIES:
                return
            yield entity


def objects(value: object) -> list[Mapping[str, Any]]:
    """Return those members of a list that are objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def roles(entity: Mapping[str, Any]) -> frozenset[str]:
    """Return an entity's roles in lower case."""
    told = entity.get("roles")
    listed = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    return frozenset(role.strip().lower() for role in listed if isinstance(role, str))


def _properties(entity: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], object]]:
    """Yield parameters and value of each jCard property of that name (RFC 7095)."""
    card = entity.get("vcardArray")
    if not (isinstance(card, list) and len(card) > 1 and isinstance(card[1], list)):
        return
    for item in card[1]:
        if isinstance(item, list) and len(item) >= 4 and isinstance(item[0], str) and item[0].lower() == name:
            yield (item[1] if isinstance(item[1], dict) else {}), item[3]


def first(entity: Mapping[str, Any], name: str) -> str | None:
    """Return the first value of an entity's jCard property that says something."""
    for _, value in _properties(entity, name):
        said = text(value[0] if isinstance(value, list) and value else value)
        if said:
            return said
    return None


def emails(entity: Mapping[str, Any]) -> Iterator[str]:
    """Yield an entity's mailboxes: those marked as its abuse mailbox (as RIPE does) alone, if there are any.

    Whoever marks one wants reports there and not at the others.
    """
    listed = list(_properties(entity, "email"))
    marked = [found for found in listed if _is_abuse_mailbox(found[0])]
    for _, value in marked or listed:
        if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            for part in _SEPARATORS.split(value):
                email = part.strip("<>\"'").removeprefix("mailto:")
                if "@" in email:
                    yield email


def _is_abuse_mailbox(parameters: Mapping[str, Any]) -> bool:
    told = parameters.get("type")
    types = told if isinstance(told, list) else [told]
    return any(isinstance(one, str) and one.lower() == "abuse" for one in types)


def text(value: object) -> str | None:
    """Return a text on one line and of bounded length, None when there is none."""
    if isinstance(value, str):
        return " ".join(value.split())[:_LONGEST_TEXT] or None
    return None


def _ranges(document: Mapping[str, Any]) -> list[str]:
    """Return the ranges as CIDR: as told (the cidr0 extension), else worked out from both ends."""
    told = []
    for item in objects(document.get("cidr0_cidrs")):
        prefix = item.get("v4prefix", item.get("v6prefix"))
        try:
            told.append(str(ip_network(f"{prefix}/{item.get('length')}")))
        except ValueError:
            continue
    if told:
        return list(dict.fromkeys(told))[:_MOST_RANGES]
    start, end = document.get("startAddress"), document.get("endAddress")
    if not isinstance(start, str) or not isinstance(end, str):
        return []
    try:
        # Some registries write the prefix length behind the address.
        first, last = ip_address(start.partition("/")[0]), ip_address(end.partition("/")[0])
        return [str(part) for part in summarize_address_range(first, last)][:_MOST_RANGES]
    except (ValueError, TypeError):
        return []


def _holder(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the entity that holds the range: an organisation rather than a maintainer object."""
    registrants = [entity for entity in _entities(document) if "registrant" in roles(entity)]

    def rank(entity: Mapping[str, Any]) -> tuple[bool, bool]:
        return (bool(_MAINTAINER.search(text(entity.get("handle")) or "")), first(entity, "kind") != "org")

    return min(registrants, key=rank, default=None)


def _country(document: Mapping[str, Any], holder: Mapping[str, Any] | None) -> str | None:
    """Return the network's country, else that of its holder's postal address."""
    candidates: list[object] = [document.get("country")]
    for params, value in _properties(holder, "adr") if holder else ():
        candidates.append(params.get("cc"))  # RFC 8605
        candidates.append(value[-1] if isinstance(value, list) and value else None)
        label = params.get("label")
        candidates.append(label.strip().rpartition("\n")[2] if isinstance(label, str) else None)
    for candidate in candidates:
        name = candidate.strip().upper() if isinstance(candidate, str) else ""
        if len(name) == 2 and name.isascii() and name.isalpha():
            return name
        if name in _BY_NAME:
            return _BY_NAME[name]
    return None


def is_asn(number: object) -> TypeGuard[int]:
    """Tell whether this is the number of an autonomous system: 32 bits, and not 0 (RFC 6793, RFC 7607)."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 32


def _autonomous_system(document: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Return the AS number that the range is announced from, where the registry says so."""
    originating = document.get("arin_originas0_originautnums")
    for number in originating if isinstance(originating, Sequence) else ():
        if is_asn(number):
            return number, None
    for entity in _entities(document):
        for autnum in objects(entity.get("autnums")):
            number = autnum.get("startAutnum")
            if is_asn(number) and number == autnum.get("endAutnum", number):
                return number, text(autnum.get("name"))
    return None, None
