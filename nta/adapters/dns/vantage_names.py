"""Names asked from every vantage point that has DNS servers of its own; what they are shown put together."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from nta.adapters.dns.resolver import (
    NO_ADDRESS,
    NXDOMAIN,
    SHORTEST,
    Servers,
    in_order,
)
from nta.adapters.net.concurrency import failed
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import HostAddresses, Unheard
from nta.domain.hosting.lookups import Finding, Lookup, said
from nta.domain.reasons import Code
from nta.ports import Asker

_SOURCE: Final = "dns"


def names_of(places: Mapping[str, Servers], others: Servers, ask_at: Callable[[Servers], Asker]) -> Asker:
    """Return what asks the servers of all vantage points, `places`; who shares them is asked for once.

    `others` are asked where there are no vantage points; `ask_at` makes
    the adapter that asks one set of servers.
    """
    shared: dict[Servers, list[str]] = {}
    for vantage, servers in places.items():
        shared.setdefault(tuple(servers), []).append(vantage)
    if len(shared) < 2:
        return ask_at(next(iter(shared), others))
    return VantageNames([(vantages, ask_at(servers)) for servers, vantages in shared.items()])


class VantageNames:
    """Asks several sets of servers side by side; each stands for the vantage points that share it."""

    def __init__(self, places: Sequence[tuple[Sequence[str], Asker]]) -> None:
        self._places = places

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; the subject is a host.

        Its addresses are all that any vantage point is shown. Where not all
        are shown the same, `seen_from` has those of each; who could not
        ask while another could is named in `unheard`. Valid as long as the
        shortest of the answers. Where nobody answers, the first one's
        problem is told.
        """
        wanted = list(dict.fromkeys(lookups))
        with ThreadPoolExecutor(len(self._places), "vantages") as pool:
            heard = list(pool.map(lambda place: _said(place[1], wanted, now), self._places))
        for lookup in wanted:
            yield _together(
                [(vantages, found[lookup]) for (vantages, _), found in zip(self._places, heard, strict=True)]
            )


def _said(asker: Asker, lookups: Sequence[Lookup], now: datetime) -> Mapping[Lookup, Finding]:
    error = OutsideError(Code.NO_DNS_ANSWER, temporary=True)
    found: dict[Lookup, Finding] = {}
    try:
        found = {finding.lookup: finding for finding in asker.ask(lookups, now)}
    except OutsideError as fault:
        error = fault
    return {lookup: found.get(lookup) or failed(lookup, _SOURCE, now, error) for lookup in lookups}


def _together(told: Sequence[tuple[Sequence[str], Finding]]) -> Finding:
    """Return one finding of what the sets of servers say of one name."""
    answers = [(vantages, f, leads) for vantages, f in told if (leads := said(f, HostAddresses))]
    first = told[0][1]
    if not answers:
        return first
    listed = dict.fromkeys(ip for _, _, leads in answers for ip in leads.addresses)
    four, six = (in_order(ip for ip in listed if (":" in ip) is is_six) for is_six in (False, True))
    words = {leads.dead for _, _, leads in answers}
    differ = len({frozenset(leads.addresses) for _, _, leads in answers}) > 1
    shown = tuple((v, leads.addresses) for vantages, _, leads in answers for v in vantages)
    until = min(f.valid_until for _, f, _ in answers)
    silent = {v: f.problem for vantages, f in told if f.problem for v in vantages}
    if silent:
        until = min(until, first.asked_at + SHORTEST)
    value = HostAddresses(
        (*four, *six),
        tuple(dict.fromkeys(name for _, _, leads in answers for name in leads.cname)),
        None if listed else NO_ADDRESS if NO_ADDRESS in words else NXDOMAIN,
        shown if differ else (),
        tuple(Unheard(v, p.reason, p.temporary) for v, p in silent.items()),
    )
    return Finding(first.lookup, value, _SOURCE, first.asked_at, until, None)
