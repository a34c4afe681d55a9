"""What a registry's answer says of a domain: who registered it for whom is never among it."""

import re
from collections.abc import Mapping
from typing import Any

from nta.domain.hosting.facts import DomainFacts, FoundContact, RegistrarFacts
from nta.domain.parties.organisations import Catalogue, PartyId

_NO_LETTER = re.compile(r"[\W_]+")
_LONGEST = 64


def domain_facts(
    name: str | None, suffix: str | None, value: Mapping[str, Any] | None, catalogue: Catalogue
) -> DomainFacts | None:
    """Return what is known of a registrable domain; None when there is no domain.

    `value` is that of a finding (see `resolution.Finding`); None when
    nobody could be asked: then only the registry is known.
    """
    if name is None or suffix is None:
        return None
    registry = catalogue.registry_of(suffix)
    found = value or {}
    return DomainFacts(
        name=name,
        suffix=suffix,
        registered=found.get("registered"),
        registrar=_registrar(found.get("registrar"), catalogue),
        registry=registry.id if registry else None,
        status=tuple(found.get("status") or ()),
        nameservers=tuple(found.get("nameservers") or ()),
        source=found.get("source"),
    )


def registrar_party(name: str | None, iana_id: str | None, catalogue: Catalogue) -> PartyId | None:
    """Return the party of a registrar: an entry of the catalogue, else named by IANA id, else by its name.

    Registries of countries give no IANA id; there an entry counts whose id
    is the registrar's name, written as ids are.
    """
    entry = catalogue.registrar_of(iana_id)
    if entry:
        return entry.id
    if iana_id:
        return f"iana:{iana_id}"
    slug = _NO_LETTER.sub("-", (name or "").casefold()).strip("-")[:_LONGEST].strip("-")
    if slug and catalogue.party(f"registrar:{slug}"):
        return f"registrar:{slug}"
    return f"reg:{slug}" if slug else None


def _registrar(value: Mapping[str, Any] | None, catalogue: Catalogue) -> RegistrarFacts | None:
    if not value:
        return None
    name, iana_id = value.get("name"), value.get("iana_id")
    return RegistrarFacts(
        name=name,
        iana_id=iana_id,
        party=registrar_party(name, iana_id, catalogue),
        abuse=tuple(FoundContact(c["email"], c["source"], c["confidence"]) for c in value.get("abuse") or ()),
    )
