"""What is asked about a host, and how often."""

from nta.domain.hosting.lookups import Subject
from nta.domain.intake.reserved_names import not_in_the_dns
from nta.domain.intake.urls import public_suffix, registrable_domain, registry_domain
from nta.domain.parties.organisations import AskableProxies, PartyId
from nta.store.hosting.override_rows import Forced

ROUNDS = 20
"""More than the longest chain of questions; a bound against an adapter that never settles."""


def subject_of(
    host: str,
    is_ip: bool,
    behind: Forced | None = None,
    *,
    routes: bool = False,
    askable: AskableProxies | None = None,
    upstream: bool = False,
    owner_in: frozenset[str] = frozenset(),
    mark: PartyId | None = None,
) -> Subject:
    """Return what is asked about for a host, with what a person knows of who stands behind it."""
    origin = behind.origin if behind else None
    has_registry = not is_ip and not not_in_the_dns(host)
    domain = registrable_domain(host) if has_registry else None
    name = domain or host  # what is asked of all names below one is worked out once
    suffix = domain.partition(".")[2] if domain else public_suffix(host)
    return Subject(
        host,
        is_ip,
        domain,
        suffix if has_registry else None,
        registry_domain(name) if has_registry else None,
        (origin,) if origin else (),
        behind.party if behind else None,
        routes,
        askable=askable,
        upstream=upstream,
        owner_in=owner_in,
        mark=mark,
    )
