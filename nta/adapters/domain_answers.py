"""What answers about a domain come to, whoever gave them: nobody has it, or two of them as one."""

from dataclasses import replace

from nta.domain.hosting.lookup_answers import NamedRegistrar, RegisteredDomain

UNDER_HOLDER = 0.2
"""Confidence of an abuse contact that belongs to the holder: known, and never a registrar's."""


def not_registered(name: str, source: str) -> RegisteredDomain:
    """Return the answer that says that nobody has the name."""
    return RegisteredDomain(name, name.partition(".")[2], registered=False, source=source)


def merged(registry: RegisteredDomain, registrar: RegisteredDomain) -> RegisteredDomain:
    """Return the registry's answer, filled from the registrar's; the nearer abuse contacts come first."""
    return replace(
        registry,
        registrar=_as_one(registry.registrar, registrar.registrar),
        status=registry.status or registrar.status,
        nameservers=registry.nameservers or registrar.nameservers,
    )


def _as_one(by_registry: NamedRegistrar | None, by_itself: NamedRegistrar | None) -> NamedRegistrar | None:
    if not (by_registry or by_itself):
        return None
    far, near = by_registry or NamedRegistrar(), by_itself or NamedRegistrar()
    name, number = far.name or near.name, far.iana_id or near.iana_id
    listed = [*near.abuse, *far.abuse]
    if name or number:
        listed = [one for one in listed if one.confidence > UNDER_HOLDER]
    named = [one for one in listed if one.source != "guess"] or listed
    once = {one.email.casefold(): one for one in reversed(named)}
    abuse = tuple(once[email] for email in dict.fromkeys(one.email.casefold() for one in named))
    return NamedRegistrar(name, number, abuse)
