"""What is known so far: the valid answers by question, those about addresses also by the range they cover."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, TypeVar

from nta.domain.hosting.holders import files_of, names_desk
from nta.domain.hosting.lookup_answers import AnnouncedRoute, RegisteredNetwork, RegisteredSystem
from nta.domain.hosting.lookups import (
    ABOUT_ADDRESSES,
    Finding,
    Lookup,
    LookupKind,
    said,
)
from nta.domain.intake.reserved_names import number_of

Made = TypeVar("Made")
Place = tuple[int, int, int]  # IP version, bits left to the addresses, the bits before them as a number


class AnswersCache:
    """The valid finding of each question: an answer before a failure, then the newest.

    Grows as answers come; one of these serves thousands of hosts. `dead`
    holds mailboxes in lower case, dead or refused by a person: who names
    no other is as good as silent.
    """

    def __init__(
        self, findings: Iterable[Finding], now: datetime, dead: Collection[str] = frozenset()
    ) -> None:
        self._now = now
        self.dead = dead
        self.valid: dict[Lookup, Finding] = {}
        self._ranges: dict[LookupKind, _Ranges] = {}
        self._shared: dict[tuple[Any, ...], Any] = {}
        self.add(findings)

    def add(self, findings: Iterable[Finding]) -> None:
        """Take more findings in; their order does not matter."""
        for finding in findings:
            if finding.valid_until <= self._now:
                continue
            held = self.valid.get(finding.lookup)
            if held is None or _rank(finding) > _rank(held):
                self.valid[finding.lookup] = finding
                self._ranges.pop(finding.lookup.kind, None)
        self._shared.clear()

    def of(self, kind: LookupKind, ip: str) -> Finding | None:
        """Return the answer whose narrowest range holds the address, else what its own question gave."""
        ranges = self._ranges.get(kind)
        if ranges is None:
            ranges = self._ranges[kind] = _Ranges(
                f for lookup, f in self.valid.items() if lookup.kind is kind and f.value is not None
            )
        return ranges.around(ip) or self.valid.get(Lookup(kind, ip))

    def shared(self, make: Callable[..., Made], ip: str, *more: bool) -> Made:
        """Return what `make` makes of this, an address and `more`: once for all that share their answers.

        It may look at the answers about the address, and not at the address.
        """
        key = (make, *(id(self.of(kind, ip)) for kind in ABOUT_ADDRESSES), *more)
        if key not in self._shared:
            self._shared[key] = make(self, ip, *more)
        made: Made = self._shared[key]
        return made

    def asn_of(self, ip: str) -> int | None:
        """Return the AS of an address, as far as it is known."""
        network, route = (self.of(kind, ip) for kind in ABOUT_ADDRESSES)
        return system_in(said(route, AnnouncedRoute), said(network, RegisteredNetwork))[0]

    def system_to_ask(self, ip: str, *, upstream: bool = False) -> Lookup | None:
        """Return the question about the address's AS, where its network names no abuse contact.

        With `upstream` also where it does: who announces it is to be told beside it.
        """
        network = self.of(LookupKind.NETWORK, ip)
        if network is None or network.problem:
            return None
        if names_desk(said(network, RegisteredNetwork), self.dead) and not upstream:
            return None
        asn = self.asn_of(ip)
        return Lookup(LookupKind.SYSTEM, str(asn)) if asn else None

    def files_to_ask(self, ip: str) -> tuple[Lookup, ...]:
        """Return the questions for the holder's security.txt, where neither network nor AS names a contact.

        An AS that cannot be asked for now may name one yet.
        """
        network, system = self.of(LookupKind.NETWORK, ip), self.system_to_ask(ip)
        registered = said(network, RegisteredNetwork)
        if network is None or network.problem or names_desk(registered, self.dead):
            return ()
        told = self.valid.get(system) if system else None
        if system and told is None:
            return ()
        if told and (
            names_desk(said(told, RegisteredSystem), self.dead) or (told.problem and told.problem.temporary)
        ):
            return ()
        return files_of(registered)

    def raised_by(self, ip: str, *, upstream: bool = False) -> frozenset[Lookup]:
        """Return the questions that what is known of an address raises, asked already or not."""
        return self.shared(_raised, ip, upstream)

    def system_of(self, ip: str) -> Finding | None:
        """Return what the registry said of the address's AS, where that was asked."""
        lookup = self.system_to_ask(ip)
        return self.valid.get(lookup) if lookup else None


def _raised(known: AnswersCache, ip: str, upstream: bool) -> frozenset[Lookup]:
    system = known.system_to_ask(ip, upstream=upstream)
    return frozenset((*([system] if system else ()), *known.files_to_ask(ip)))


class _Ranges:
    """Answers by the ranges they cover; of equal ranges the newest answer counts."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._held: dict[Place, Finding] = {}
        for finding in sorted(findings, key=lambda f: (f.asked_at, f.lookup.subject)):
            self._held.update((_place(cidr), finding) for cidr in finding.covers)
        self._widths = sorted({place[:2] for place in self._held})

    def around(self, ip: str) -> Finding | None:
        version, number = number_of(ip)
        for other, width in self._widths:
            if other == version and (found := self._held.get((version, width, number >> width))):
                return found
        return None


def _rank(finding: Finding) -> tuple[bool, datetime, datetime, str, str]:
    told = repr((finding.value, finding.problem, finding.covers))
    return finding.problem is None, finding.asked_at, finding.valid_until, finding.source, told


@lru_cache(maxsize=65536)
def _place(cidr: str) -> Place:
    network = ip_network(cidr, strict=False)
    width = network.max_prefixlen - network.prefixlen
    return network.version, width, int(network.network_address) >> width


def neighbourhood(ip: str) -> tuple[int, int]:
    """Return the /24 or /48 that an address lies in: one answer mostly covers all of it."""
    version, number = number_of(ip)
    return version, number >> (8 if version == 4 else 80)


def system_in(
    route: AnnouncedRoute | None, network: RegisteredNetwork | None
) -> tuple[int | None, str | None]:
    """Return number and name of the autonomous system: as announced, else as registered."""
    asn = (route.asn if route else None) or (network.asn if network else None)
    names = (told.as_name for told in (route, network) if asn and told and told.asn == asn)
    return asn, next((name for name in names if name), None)
