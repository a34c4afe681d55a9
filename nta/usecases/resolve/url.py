"""Who serves one URL, for a reader: nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.lookups import Finding, LookupKind
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.hosting.zones import ZoneFacts, zone_facts
from nta.domain.intake.urls import Location
from nta.domain.parties.organisations import AskableProxies, Catalogue
from nta.ports import Asker
from nta.usecases.resolve.asking import ROUNDS, subject_of


@dataclass(frozen=True, slots=True)
class Resolved:
    """The facts of one host, how many questions choosing took by kind, and what its domain's zone says."""

    facts: HostingFacts
    asked: Mapping[str, int]
    zone: ZoneFacts | None = None


def resolve_url(
    location: Location,
    *,
    asker: Asker,
    catalogue: Catalogue,
    now: datetime,
    routes: bool = False,
    askable: AskableProxies | None = None,
) -> Resolved:
    """Return who serves a URL; writes nothing.

    `routes` says that the asker knows routes too, `askable` which proxies
    it can ask for an origin.
    """
    subject = subject_of(
        location.host,
        location.is_ip,
        routes=routes,
        askable=askable,
        owner_in=catalogue.owners_told_in,
    )
    subject = replace(subject, zone=True)
    known: list[Finding] = []
    asked: dict[str, int] = {}
    for _ in range(ROUNDS):
        lookups = next_lookups(subject, known, now)
        if not lookups:
            break
        for lookup in lookups:
            if lookup.kind is LookupKind.ZONE:
                continue  # for a reader: nobody is chosen by it
            asked[lookup.kind.value] = asked.get(lookup.kind.value, 0) + 1
        known += asker.ask(lookups, now)
    facts = conclude(subject, known, catalogue, now)
    return Resolved(facts, asked, zone_facts(subject.domain, known, facts))
