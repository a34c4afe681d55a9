"""Networks on port 43, where RDAP gave no answer: the root, the region's registry, and whom it refers to."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from nta.adapters.net.concurrency import failed
from nta.adapters.whois import domain_texts
from nta.adapters.whois import network_texts as answers
from nta.adapters.whois.domains_on_port_43 import AskingTime, WhoisAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import RegisteredNetwork
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.reasons import Code
from nta.ports import Asker

_SOURCE: Final = "whois"
_VALID: Final = timedelta(hours=1)  # RDAP says more, and is asked again soon
_SERVERS_VALID: Final = timedelta(hours=24)
_MOST_REFERRALS: Final = 2
_ALLOCATED: Final = {4: 8, 6: 23}  # what IANA gives to a region is no narrower
# ARIN lists the networks around an address by name alone, unless told to say all of them.
_QUESTIONS: Final = {"whois.arin.net": "n + {}"}


class WhoisNetworkAsker(WhoisAsker):
    """Asks about networks; the subject is an address. Says in RDAP's words what the registry tells."""

    def _find(self, lookup: Lookup, spell: AskingTime) -> Finding:
        ip, now = lookup.subject, spell.now
        try:
            value = self._followed(self._region_of(ip, spell), ip, spell)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, fault)
        return Finding(lookup, value, _SOURCE, now, now + _VALID, None, value.cidr)

    def _followed(self, server: str, ip: str, spell: AskingTime) -> RegisteredNetwork:
        """Return what the last server that knows the network says, referrals followed."""
        value: RegisteredNetwork | None = None
        error = OutsideError(Code.WHOIS_CIRCLE, temporary=False)
        asked: set[str] = set()
        further: str | None = server
        while further and further not in asked and len(asked) <= _MOST_REFERRALS:
            asked.add(further)
            try:
                text = self._asked(further, _QUESTIONS.get(further, "{}").format(ip), spell)
                further = answers.referral(text)
                value = answers.network(text, ip)
            except OutsideError as fault:
                error = fault
                if further in asked:
                    break
        if value is None:
            raise error
        return value

    def _region_of(self, ip: str, spell: AskingTime) -> str:
        """Return the server of the registry to which IANA gave the addresses around this one."""
        address = ip_address(ip)
        length = _ALLOCATED[address.version]
        place = f"{address.version}:{int(address) >> (address.max_prefixlen - length)}"
        known = self._registries.get(place)
        if known is not None and spell.now < known[1]:
            return known[0]
        server = domain_texts.referral(self._asked(self._start, ip, spell))
        if server is None:
            raise OutsideError(Code.NO_WHOIS_FOR_ADDRESS, temporary=False)
        self._registries[place] = (server, spell.now + _SERVERS_VALID)
        return server


class NetworkAsker:
    """Asks by RDAP, then on port 43 what RDAP did not answer; what neither does is RDAP's problem.

    What RDAP will answer within minutes is not asked elsewhere.
    """

    def __init__(self, rdap: Asker, port_43: Asker) -> None:
        self._rdap = rdap
        self._port_43 = port_43

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; its source says who answered."""
        failures: dict[Lookup, Finding] = {}
        for finding in self._rdap.ask(lookups, now):
            if finding.problem is None or finding.problem.is_short(now):
                yield finding
            else:
                failures[finding.lookup] = finding
        for finding in self._port_43.ask(list(failures), now) if failures else ():
            yield finding if finding.problem is None else failures[finding.lookup]
