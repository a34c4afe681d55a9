"""What is asked about hosts, and the loop that asks it for many of them as a set."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from nta.domain.addresses import not_in_the_dns
from nta.domain.holders import file_of
from nta.domain.origins import origin_lookups
from nta.domain.parties import AskableProxies
from nta.domain.questions import ABOUT_ADDRESSES, ABOUT_HOLDERS, Finding, Lookup, LookupKind, Subject
from nta.domain.resolution import domain_lookups, next_lookups, one_of_each, raised_lookups
from nta.domain.urls import public_suffix, registrable_domain, registry_domain
from nta.ports import Asker
from nta.store import findings
from nta.store.base import Store
from nta.store.forced import Forced

_NAMING = (LookupKind.ADDRESSES, LookupKind.ORIGIN)
"""Questions about a host whose answers hold addresses."""

ROUNDS = 8
"""More than the longest chain of questions; a bound against an adapter that never settles."""


def subject_of(
    host: str,
    is_ip: bool,
    behind: Forced | None = None,
    *,
    routes: bool = False,
    askable: AskableProxies | None = None,
) -> Subject:
    """Return what is asked about for a host, with what a person knows of who stands behind it."""
    origin = behind.origin if behind else None
    has_registry = not is_ip and not not_in_the_dns(host)
    return Subject(
        host,
        is_ip,
        registrable_domain(host) if has_registry else None,
        public_suffix(host) if has_registry else None,
        registry_domain(host) if has_registry else None,
        (origin,) if origin else (),
        behind.party if behind else None,
        routes,
        askable=askable,
    )


def gather(
    store: Store, subjects: Sequence[Subject], asker: Asker, now: datetime
) -> tuple[list[Finding], list[Finding]]:
    """Return all findings about the subjects, and those of them that were asked for just now."""
    first = {Lookup(LookupKind.ADDRESSES, s.host) for s in subjects if not s.is_ip}
    first.update(lookup for s in subjects for lookup in (*domain_lookups(s), *origin_lookups(s)))
    first.update(file_of(s.domain) for s in subjects if s.domain and s.owner_in)
    kinds = {kind for s in subjects for kind in s.about_addresses}
    with store.db.read() as connection:
        known = findings.of_questions(connection, store, first, now)
    new: list[Finding] = []
    looked_for: set[str] = set()
    read: set[Lookup] = set()
    upstream = any(s.upstream for s in subjects)
    most = 1
    for _ in range(ROUNDS):
        addresses = _addresses(subjects, known) - looked_for
        if addresses:
            with store.db.read() as connection:
                known += findings.of_networks(connection, store, addresses, now)
                failed = {Lookup(kind, address) for kind in kinds for address in addresses}
                known += findings.of_questions(connection, store, failed, now)
            looked_for |= addresses
        while raised := raised_lookups(looked_for, known, now, upstream=upstream) - read:
            with store.db.read() as connection:
                known += findings.of_questions(connection, store, raised, now)
            read |= raised  # what was found there may raise others
        about = by_host(known)
        lookups: set[Lookup] = set()
        for subject in subjects:
            lookups |= next_lookups(subject, about(subject), now)
        if not lookups:
            break
        answers = list(asker.ask(one_of_each(lookups, most), now))
        known += answers
        new += answers
        if looked_for:
            most *= 4  # ranges smaller than a neighbourhood: few rounds for all of them
    return known, new


def by_host(known: Sequence[Finding]) -> Callable[[Subject], list[Finding]]:
    """Return a function that gives a subject its own findings, and all about addresses and who holds them."""
    kinds = (*ABOUT_ADDRESSES, *ABOUT_HOLDERS)
    shared = [f for f in known if f.lookup.kind in kinds]
    others: dict[Lookup, list[Finding]] = {}
    for finding in known:
        if finding.lookup.kind not in kinds:
            others.setdefault(finding.lookup, []).append(finding)

    def about(subject: Subject) -> list[Finding]:
        names = Lookup(LookupKind.ADDRESSES, subject.host)
        own = (names, *domain_lookups(subject), *origin_lookups(subject))
        return [finding for lookup in own for finding in others.get(lookup, ())] + shared

    return about


def _addresses(subjects: Sequence[Subject], known: Collection[Finding]) -> set[str]:
    named = {s.host for s in subjects}
    found = {s.address for s in subjects if s.is_ip}.union(*(s.origins for s in subjects))
    for finding in known:
        if finding.lookup.kind in _NAMING and finding.lookup.subject in named and finding.value:
            found.update(finding.value["addresses"])
    return found
