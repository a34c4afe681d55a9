"""What stands behind a proxy by the proxy's own word: which proxies are asked, what their answers mean."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from nta.domain.hosting.facts import AddressFacts
from nta.domain.hosting.lookup_answers import ToldOrigin
from nta.domain.hosting.lookups import (
    Finding,
    Lookup,
    LookupKind,
    Subject,
    said,
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
    words = (said(finding, ToldOrigin) for finding in told)
    return tuple(dict.fromkeys(ip for word in words if word for ip in word.addresses))


def with_word(address: AddressFacts, told: Sequence[Finding], *, is_asked: bool) -> AddressFacts:
    """Return what is known of an origin, with the contacts and the holder that the proxy named for it.

    With `is_asked` the registries have answered for the address: only then
    does the proxy's word name a party of which they say nothing.
    """
    for finding in told:
        word = said(finding, ToldOrigin)
        if word is None or address.ip not in word.addresses:
            continue
        address = replace(address, abuse=(*address.abuse, *word.abuse))
        if is_asked and word.holder_name and not (address.party or address.proxy):
            address = replace(address, party=f"origin:{address.ip}", party_name=word.holder_name)
    return address
