"""Who announces an address that somebody else holds, by the registry's word on the AS."""

from collections.abc import Iterable

from nta.domain.hosting.answers_cache import AnswersCache
from nta.domain.hosting.facts import AddressFacts, Upstream
from nta.domain.hosting.lookup_answers import RegisteredSystem
from nta.domain.hosting.lookups import said
from nta.domain.parties.organisations import Catalogue, PartyId


def upstreams(
    addresses: Iterable[AddressFacts], known: AnswersCache, catalogue: Catalogue
) -> tuple[Upstream, ...]:
    """Return who may be told beside the hosts, in the order of their ids.

    Not whom the catalogue knows by the AS number: it names them itself. Nor
    is the holder of the network its own upstream, nor anybody who reads the
    same mailbox. That an AS could not be asked is no problem: it is asked
    again before its rung comes.
    """
    found: dict[PartyId, Upstream] = {}
    for address in addresses:
        one = _announcing(address, known, catalogue)
        if one is not None:
            found.setdefault(one.party, one)
    return tuple(found[party] for party in sorted(found))


def _announcing(address: AddressFacts, known: AnswersCache, catalogue: Catalogue) -> Upstream | None:
    party = f"as:{address.asn}"
    if address.proxy or address.party in (None, party) or catalogue.network_of(address.asn):
        return None
    question = known.system_to_ask(address.ip, upstream=True)
    told = said(known.valid.get(question) if question else None, RegisteredSystem)
    if address.network and (told.holder if told else None) == address.network.holder:
        return None
    entry = catalogue.party(address.party or "")
    same = {c.email.lower() for c in address.abuse}
    same |= {entry.notices.address.folded.to} if entry and entry.notices else set()
    abuse = tuple(c for c in (told.abuse if told else ()) if c.email.lower() not in same)
    name = (told.as_name if told else None) or address.as_name or f"AS{address.asn}"
    return Upstream(party, name, abuse) if abuse else None
