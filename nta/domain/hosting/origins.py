"""What stands behind a proxy by the proxy's own word: which proxies are asked, what their answers mean."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from nta.domain.hosting.facts import AddressFacts, FoundContact
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
)
from nta.domain.parties.organisations import PartyId


def origin_lookups(subject: Subject) -> tuple[Lookup, ...]:
    """Return what any askable proxy could be asked about a subject.

    Nothing of an address, which no proxy stands before by name; nothing
    where a person said who stands behind: that word goes first, and a name
    leaves the house only where the answer counts.
    """
    if subject.askable is None or subject.is_ip or subject.origins or subject.forced_host:
        return ()
    return tuple(Lookup(LookupKind.ORIGIN, subject.host, whom) for whom in sorted(subject.askable.ids))


def told_by(
    subject: Subject, proxies: Collection[PartyId | None], valid: Mapping[Lookup, Finding]
) -> tuple[Finding, ...]:
    """Return what these proxies, who serve the subject, gave for an answer; failures too."""
    if subject.askable is None:
        return ()
    asked = (lookup for lookup in origin_lookups(subject) if lookup.whom in proxies)
    return tuple(valid[lookup] for lookup in asked if lookup in valid)


def addresses_told(told: Iterable[Finding]) -> tuple[str, ...]:
    """Return the addresses that answers name, each once."""
    named = (ip for finding in told if finding.value for ip in finding.value["addresses"])
    return tuple(dict.fromkeys(named))


def with_word(address: AddressFacts, told: Sequence[Finding], *, is_asked: bool) -> AddressFacts:
    """Return what is known of an origin, with the contacts and the holder that the proxy named for it.

    With `is_asked` the registries have answered for the address: only then
    does the proxy's word name a party of which they say nothing.
    """
    for finding in told:
        value = finding.value or {}
        if address.ip not in value.get("addresses", ()):
            continue
        contacts = (FoundContact(c["email"], c["source"], c["confidence"]) for c in value.get("abuse", ()))
        address = replace(address, abuse=(*address.abuse, *contacts))
        name = value.get("holder_name")
        if is_asked and name and not (address.party or address.proxy):
            address = replace(address, party=f"origin:{address.ip}", party_name=name)
    return address
