"""What a registry's answer says of a domain: who registered it for whom is never among it."""

import re

from nta.domain.hosting.facts import DomainFacts, RegistrarFacts
from nta.domain.hosting.lookup_answers import NamedRegistrar, RegisteredDomain
from nta.domain.parties.organisations import Catalogue, PartyId

_NO_LETTER = re.compile(r"[\W_]+")
_LONGEST = 64


def domain_facts(
    name: str | None, suffix: str | None, told: RegisteredDomain | None, catalogue: Catalogue
) -> DomainFacts | None:
    """Return what is known of a registrable domain; None when there is no domain.

    `told` is None when nobody could be asked: then only the registry is known.
    """
    if name is None or suffix is None:
        return None
    registry = catalogue.registry_of(suffix)
    registrar = told.registrar if told else None
    return DomainFacts(
        name=name,
        suffix=suffix,
        registered=told.registered if told else None,
        registrar=_registrar(registrar, catalogue) if registrar else None,
        registry=registry.id if registry else None,
        status=told.status if told else (),
        nameservers=told.nameservers if told else (),
        source=told.source if told else None,
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


def _registrar(told: NamedRegistrar, catalogue: Catalogue) -> RegistrarFacts:
    party = registrar_party(told.name, told.iana_id, catalogue)
    return RegistrarFacts(told.name, told.iana_id, party, told.abuse)
