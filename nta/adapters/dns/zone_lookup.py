"""A domain's zone in the DNS: its servers, its keeper, its mail servers, and whether any name is answered."""

import secrets
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

import dns.rdatatype

from nta.adapters.dns.resolver import ASKED_AT_ONCE, DnsAsker
from nta.adapters.net.concurrency import failed
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import ZoneKeeper, ZoneRecords
from nta.domain.hosting.lookups import Finding, Lookup

_SOURCE: Final = "dns"
_VALID: Final = timedelta(hours=1)
_MOST: Final = 32
_TYPES: Final = (dns.rdatatype.NS, dns.rdatatype.SOA, dns.rdatatype.MX)


class ZoneAsker:
    """Asks for NS, SOA and MX of a domain, and for a name below it that nobody made."""

    def __init__(self, names: DnsAsker) -> None:
        self._names = names

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; the subject is a domain. Valid for an hour."""
        with ThreadPoolExecutor(ASKED_AT_ONCE, "zones") as pool:
            yield from pool.map(lambda lookup: self._find(lookup, now), dict.fromkeys(lookups))

    def _find(self, lookup: Lookup, now: datetime) -> Finding:
        try:
            value = self._value(lookup.subject)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, fault)
        return Finding(lookup, value, _SOURCE, now, now + _VALID, None)

    def _value(self, domain: str) -> ZoneRecords:
        ns, soa, mx = (self._names.records(domain, type_) for type_ in _TYPES)
        exchanges = sorted((one.preference, _plain(one.exchange)) for one in mx)
        return ZoneRecords(
            ns=tuple(sorted(_plain(one.target) for one in ns)[:_MOST]),
            soa=ZoneKeeper(_plain(soa[0].mname), _mailbox(soa[0].rname)) if soa else None,
            mx=tuple(name for _, name in exchanges if name)[:_MOST],  # "." means: no mail (RFC 7505)
            wildcard=bool(ns or soa) and self._answers_anything(domain),
        )

    def _answers_anything(self, domain: str) -> bool:
        made_up = f"nta-{secrets.token_hex(8)}.{domain}"
        return any(self._names.records(made_up, type_) for type_ in (dns.rdatatype.A, dns.rdatatype.AAAA))


def _plain(name: Any) -> str:
    return str(name.to_text()).rstrip(".").lower()


def _mailbox(name: Any) -> str:
    """Return the mailbox that a zone's SOA writes as a name (RFC 1035 section 3.3.13)."""
    local, *rest = (label.decode("ascii", "replace") for label in name.labels if label)
    return f"{local}@{'.'.join(rest)}" if rest else local
