"""What a look-up means for who was known to serve a host: the same, one more, or moved."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from nta.domain.hosting.facts import AddressFacts, HostingFacts, Network
from nta.domain.hosting.lookups import LookupKind
from nta.domain.hosting.ranges import lie_in
from nta.domain.parties.organisations import PartyId


class ArrangementChange(StrEnum):
    """What a look at the addresses says about the arrangement."""

    SAME = "same"
    JOINED = "joined"  # a party that was not there before: same episode
    SUSPECT = "suspect"  # none of its hosts, for the first time
    MOVED = "moved"  # none of its hosts, again


SEEN_LATELY = timedelta(hours=24)
"""A party that the name led to within this belongs to the arrangement: hosts that rotate come back sooner."""


_SENT_FURTHER = frozenset({"JP", "KR", "TW"})
"""Where a national registry keeps what the region's does not (RFC 7020, section 2)."""


def settle(before: HostingFacts | None, after: HostingFacts) -> HostingFacts:
    """Return the facts with the arrangement in mind: parties seen lately stay next to new ones.

    A look-up that failed teaches nothing, so the earlier facts stand, with
    the problem and their own age. A name that leads nowhere has no
    arrangement. Of a party that is still seen only today's addresses count.
    """
    if before is None:
        return after
    today = recall(before, after)
    if after.dead:
        return today
    if not after.addresses:
        return replace(
            before,
            domain=today.domain,
            problems=after.problems,
            origins=today.origins,
            forced_host=after.forced_host,
            origin_from=today.origin_from,
            mark=after.mark,
        )
    ips = {a.ip for a in today.addresses}
    kept = tuple(
        a
        for a in before.addresses
        if (a.proxy or a.party) not in today.parties | {None}
        and a.ip not in ips
        and a.seen_at is not None
        and after.asked_at - a.seen_at <= SEEN_LATELY
    )
    return replace(today, addresses=today.addresses + kept)


def recall(before: HostingFacts, after: HostingFacts) -> HostingFacts:
    """Return the later facts, and of the earlier ones what could not be asked this time.

    An address whose network or route could not be asked is still its
    earlier party's; a domain that could not be asked for has its earlier
    registrar, and a proxy that could not be asked for an origin its earlier
    answer.
    """
    unknown = after.domain is not None and after.domain.source is None
    lost = {problem.step for problem in after.problems}
    today = replace(
        after,
        addresses=_recalled(before.addresses, after.addresses, lost),
        origins=_recalled(before.origins, after.origins, lost),
        domain=before.domain if unknown and before.domain else after.domain,
    )
    if _word_stands(before, after, today):
        today = replace(today, origins=before.origins, origin_from=before.origin_from)
    return today


def _word_stands(before: HostingFacts, after: HostingFacts, today: HostingFacts) -> bool:
    """Tell whether what a proxy said of an origin still counts: it stands there, and gave no answer now."""
    proxy = before.origin_from
    if proxy is None or after.dead or after.origins or after.forced_host:
        return False
    lost = any(problem.step == LookupKind.ORIGIN for problem in after.problems)
    was_asked = any(a.proxy == proxy for a in after.addresses) and not lost
    return not was_asked and (not after.addresses or any(a.proxy == proxy for a in today.addresses))


def _recalled(
    before: Iterable[AddressFacts], after: Iterable[AddressFacts], lost: Collection[str]
) -> tuple[AddressFacts, ...]:
    """Return the later addresses; `lost` holds the kinds of questions that were not all answered.

    Who is known by the AS number alone would otherwise seem to be somebody
    else when routes cannot be asked, and to have no contact when networks
    cannot.
    """
    held = {a.ip: a for a in before if a.proxy or a.party}

    def told(a: AddressFacts) -> AddressFacts:
        known = held.get(a.ip)
        if known is None:
            return a
        who = a.proxy or a.party
        no_route = LookupKind.ROUTE in lost and a.asn != known.asn and a.network == known.network
        no_network = LookupKind.NETWORK in lost and a.network is None
        same = no_network and who == (known.proxy or known.party)
        less = no_route or same or (LookupKind.NETWORK in lost and _says_less(a.network, known.network))
        return replace(known, seen_at=a.seen_at, seen_from=a.seen_from) if not who or less else a

    return tuple(told(a) for a in after)


def _says_less(network: Network | None, known: Network | None) -> bool:
    """Tell whether a network is only the wider one around the known: a registry's that sends us further.

    Elsewhere, and of the same range, a new registration is one.
    """
    if network is None or known is None or not known.cidr or network.country not in _SENT_FURTHER:
        return False
    return lie_in(known.cidr, network.cidr) and not lie_in(network.cidr, known.cidr)


def arrangement_change(
    known: frozenset[PartyId], seen: frozenset[PartyId], missed_looks: int
) -> ArrangementChange:
    """Return what the parties seen now mean for an arrangement of the known ones.

    `missed_looks` counts the looks just before this one that saw none of
    the known parties. Nobody seen means that nothing was learned.
    """
    if not seen or not known:
        return ArrangementChange.JOINED if seen else ArrangementChange.SAME
    if seen & known:
        return ArrangementChange.JOINED if seen - known else ArrangementChange.SAME
    return ArrangementChange.MOVED if missed_looks >= 1 else ArrangementChange.SUSPECT


def is_correction(before: HostingFacts, after: HostingFacts) -> bool:
    """Tell whether only the name of who answers changed, not where the host is: no move, a better answer."""
    known, seen = ({a.ip for a in facts.addresses} for facts in (before, after))
    return bool(seen) and seen <= known


def another_host(before: HostingFacts, after: HostingFacts) -> bool:
    """Tell whether somebody is to be told who was not, though no address shows them.

    That is a hidden one who joined, a proxy by its mark, and whoever was
    found all along where no person names another any more.
    """
    is_marked = after.mark is not None and after.mark != before.mark
    is_freed = before.forced_host is not None and after.forced_host is None
    return is_marked or is_freed or bool(after.hidden_hosts - before.hidden_hosts)
