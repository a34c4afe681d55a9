"""Networks whose records a national registry keeps for its region: it is asked on port 43."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from ipaddress import summarize_address_range
from typing import Any, Final, NamedTuple

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import failed
from nta.adapters.whois import national_texts as answers
from nta.adapters.whois.domains_on_port_43 import AskingTime, WhoisAsker
from nta.adapters.whois.national_texts import NationalRecord
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.holders import holder_domains
from nta.domain.hosting.lookup_answers import RegisteredNetwork, Unheard
from nta.domain.hosting.lookups import Finding, Lookup, said
from nta.domain.hosting.ranges import lie_in
from nta.ports import Asker

_SOURCE: Final = "whois"
_VALID: Final = timedelta(hours=12)
_SHORT: Final = timedelta(hours=1)  # where the registry could not be asked
_NAMED: Final = 0.9  # where the registry names it as the abuse contact
_GUESSED: Final = 0.5  # of who runs the network, without a word of abuse
_MOST_RANGES: Final = 64


class NationalRegistry(NamedTuple):
    """One national registry: where it answers, how it is asked, and which mailboxes are its own."""

    name: str
    country: str
    server: str
    question: str
    read: Callable[[str, str], NationalRecord]
    mailboxes: tuple[str, ...]  # domains
    source: str
    checked: date


NATIONAL: Final = (
    NationalRegistry(
        "JPNIC",
        "JP",
        "whois.nic.ad.jp",
        "{}/e",
        answers.jpnic,
        ("nic.ad.jp",),
        "its own banner, and remarks in APNIC's objects",
        date(2026, 11, 22),
    ),
    NationalRegistry(
        "KRNIC",
        "KR",
        "whois.kisa.or.kr",
        "{}",
        answers.krnic,
        ("nic.or.kr", "kisa.or.kr"),
        "remarks in APNIC's objects: for more specific information",
        date(2026, 11, 22),
    ),
    NationalRegistry(
        "TWNIC",
        "TW",
        "whois.twnic.net",
        "{}",
        answers.twnic,
        ("twnic.net", "twnic.net.tw", "twnic.tw"),
        "referrals of whois.apnic.net",
        date(2026, 11, 22),
    ),
)
"""Whose ranges the region's registry knows with the national registry's own desk in place of the holder's."""


class RegistryAsker(WhoisAsker):
    """Asks one national registry about networks; the subject is an address."""

    def __init__(self, registry: NationalRegistry, port: int, gate: Gate, **options: Any) -> None:
        super().__init__((registry.server, port), gate, **options)
        self.registry = registry

    def _find(self, lookup: Lookup, spell: AskingTime) -> Finding:
        now = spell.now
        try:
            told = self._told(lookup.subject, spell)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, fault)
        value = _value(told, self.registry)
        return Finding(lookup, value, _SOURCE, now, now + _VALID, None, value.cidr)

    def _told(self, ip: str, spell: AskingTime) -> NationalRecord:
        """Return what is said of the network, or of the provider's around it where it names nobody."""
        told = self.registry.read(self._says(ip, spell), ip)
        if told.wider and not told.abuse:
            told = self.registry.read(self._says(told.wider, spell), ip)
        if not told.abuse:
            for group in told.groups[:2]:
                desk = answers.jpnic_desk(self._says(group, spell))
                if desk:
                    return told._replace(desk=desk)
        return told

    def _says(self, about: str, spell: AskingTime) -> str:
        return self._asked(self.registry.server, self.registry.question.format(about), spell)


class NationalNetworks:
    """Asks the region's registries, then the national one where their answer names only its own desk."""

    def __init__(self, regional: Asker, national: Sequence[RegistryAsker]) -> None:
        self._regional = regional
        self._national = national

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up.

        Where the national registry does not answer, the region's word
        stands, and `unheard` names who is missing. One that says when to
        come back within minutes is waited for.
        """
        further: dict[RegistryAsker, dict[Lookup, Finding]] = {}
        for finding in self._regional.ask(lookups, now):
            asker = self._who_knows(said(finding, RegisteredNetwork))
            if asker is None:
                yield finding
            else:
                further.setdefault(asker, {})[finding.lookup] = finding
        if further:
            with ThreadPoolExecutor(len(further), "national") as pool:
                heard = pool.map(lambda asker: list(asker.ask(list(further[asker]), now)), further)
                for asker, findings in zip(further, heard, strict=True):
                    regional = further[asker]
                    yield from (_together(regional[f.lookup], f, asker.registry, now) for f in findings)

    def _who_knows(self, network: RegisteredNetwork | None) -> RegistryAsker | None:
        """Return who keeps the records of a network that has no contact but the registry's own."""
        for asker in self._national:
            if network and network.country == asker.registry.country:
                others = [c for c in network.abuse if not _is_own(c.email, asker.registry)]
                return None if others else asker
        return None


def _is_own(email: str, registry: NationalRegistry) -> bool:
    domain = email.rpartition("@")[2].lower()
    return any(domain == own or domain.endswith(f".{own}") for own in registry.mailboxes)


def _value(told: NationalRecord, registry: NationalRegistry) -> RegisteredNetwork:
    first, last = told.ends
    ranges = [str(part) for part in summarize_address_range(first, last)][:_MOST_RANGES]
    found = [(email, _SOURCE, _NAMED) for email in told.abuse] or [
        (email, "guess", _GUESSED) for email in told.desk
    ]
    return RegisteredNetwork(
        # As APNIC writes it: so one network is one party, whoever answered.
        handle=f"{first} - {last}" if first.version == 4 else ranges[0],
        name=told.name,
        cidr=tuple(ranges),
        country=registry.country,
        holder_name=told.holder_name or told.name,
        abuse=tuple(FoundContact(email, source, sure) for email, source, sure in found),
        domains=tuple(holder_domains((*told.abuse, *told.desk))),
    )


def _together(regional: Finding, national: Finding, registry: NationalRegistry, now: datetime) -> Finding:
    """Return the region's finding with what the national registry adds, or with who is missing."""
    known, told, problem = (
        said(regional, RegisteredNetwork),
        said(national, RegisteredNetwork),
        national.problem,
    )
    if known and told and problem is None:
        value = _added(told, known, registry)
        return replace(regional, value=value, source=_SOURCE, covers=value.cidr)
    if known is None or problem is None:
        return regional
    if problem.is_short(now):
        return national
    value = replace(known, unheard=(Unheard(registry.name, problem.reason, problem.temporary),))
    return replace(regional, value=value, valid_until=min(regional.valid_until, now + _SHORT))


def _added(
    told: RegisteredNetwork, known: RegisteredNetwork, registry: NationalRegistry
) -> RegisteredNetwork:
    """Return what the region knows, with what is told beyond it.

    Contacts count always, a network where it is no wider than the region's,
    a holder where the region names none but the registry.
    """
    contacts = replace(known, abuse=told.abuse, domains=told.domains or known.domains)
    if known.cidr and not lie_in(told.cidr, known.cidr):
        return contacts
    whole = replace(contacts, handle=told.handle, name=told.name, cidr=told.cidr, country=told.country)
    if known.holder and registry.name not in known.holder.upper():
        return whole
    return replace(whole, holder=told.holder, holder_name=told.holder_name)
