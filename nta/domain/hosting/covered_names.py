"""Names that lead to a location, or close to it, covered for whoever may not read it."""

from collections.abc import Sequence
from dataclasses import replace

from nta.domain.hosting.facts import FoundContact, HostingFacts
from nta.domain.intake.urls import mask, registry_domain
from nta.domain.parties.contact_addresses import MAIL, ContactAddress
from nta.domain.parties.organisations import Catalogue


def covered(facts: HostingFacts, catalogue: Catalogue) -> HostingFacts:
    """Return the facts with every name covered that leads to the location, or close to it.

    An alias is shown only as far as the catalogue knows it as a proxy's; of
    name servers and mailboxes what is not the domain itself.
    """
    own = registry_domain(facts.host)
    domain = facts.domain
    if domain:
        registrar = domain.registrar
        domain = replace(
            domain,
            nameservers=tuple(dict.fromkeys(_outside(name, own) for name in domain.nameservers)),
            registrar=replace(registrar, abuse=_mails(registrar.abuse, own)) if registrar else None,
        )
    return replace(
        facts,
        cname=tuple(
            _outside(name, own) if catalogue.proxy_of_name((name,)) else _cover(name) for name in facts.cname
        ),
        addresses=tuple(replace(a, abuse=_mails(a.abuse, own)) for a in facts.addresses),
        origins=tuple(replace(a, abuse=_mails(a.abuse, own)) for a in facts.origins),
        domain=domain,
    )


def covered_address(address: ContactAddress, own: str | None) -> ContactAddress:
    """Return an address with its domain covered where that is `own`, the location's registrable domain."""
    return address._replace(to=_mailbox(address.to, own)) if address.channel == MAIL else address


def _mails(contacts: Sequence[FoundContact], own: str | None) -> tuple[FoundContact, ...]:
    return tuple(replace(c, email=_mailbox(c.email, own)) for c in contacts)


def _mailbox(email: str, own: str | None) -> str:
    name, _, domain = email.rpartition("@")
    return f"{name}@{_cover(domain)}" if own and registry_domain(domain) == own else email


def _outside(name: str, own: str | None) -> str:
    """Return the domain that a name belongs to, covered where that is the location's own."""
    held_by = registry_domain(name)
    if held_by is None or held_by == own:
        return _cover(name)
    return held_by if held_by == name else f"….{held_by}"


def _cover(name: str) -> str:
    return mask(f"http://{name}/").removeprefix("http://").removesuffix("/")
