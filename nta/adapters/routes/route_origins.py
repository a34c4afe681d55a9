"""Which autonomous system announces an address, by a zone in the DNS that holds origins as texts."""

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.net.concurrency import failed
from nta.adapters.rdap.network_answers import is_asn
from nta.adapters.whois.ipwhois_parsers import AddressRange, ParsedOrigin, parsed_origin, parsed_system
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import AnnouncedRoute
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.reasons import Code

_SOURCE: Final = "origin zone"
_VALID: Final = timedelta(hours=12)
_NOTHING_VALID: Final = timedelta(hours=1)
_NARROWEST: Final = {4: 24, 6: 48}  # networks announce no longer prefixes to each other
_COUNTRY: Final = re.compile(r",\s*[A-Z]{2}$")
_LONGEST_NAME: Final = 300

Said = tuple[str, ...] | OutsideError


class OriginAsker:
    """Asks for the reversed address under a zone, `AS | prefix | CC | registry | date` being the answer.

    One zone serves both families, or the second IPv6. The name of an AS is
    asked for as AS64500 under the zone without its first label
    (`AS | CC | registry | date | name`); that there is none is no problem.
    """

    def __init__(self, names: DnsAsker, zones: Sequence[str]) -> None:
        self._names = names
        self._zones = {4: zones[0], 6: zones[-1]}
        self._lock = threading.Lock()
        self._called: dict[int, tuple[str | None, datetime]] = {}

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; the subject is an address.

        Valid 12 h for the part of the named prefix that cannot be announced
        by another: a wide prefix may have holes in it.
        """
        questions = {lookup: self._question(lookup.subject) for lookup in lookups}
        said = self._names.texts(set(questions.values()))
        origins = {lookup: _origin(lookup.subject, said[name]) for lookup, name in questions.items()}
        called = self._call({found.asn for found in origins.values() if isinstance(found, ParsedOrigin)}, now)
        for lookup, found in origins.items():
            if isinstance(found, OutsideError):
                yield failed(lookup, _SOURCE, now, found)
                continue
            prefix, asn = found or (None, None)
            name = called.get(asn) if asn else None
            value = AnnouncedRoute(asn, name, str(prefix) if prefix else None)
            kept = _VALID if asn else _NOTHING_VALID
            covers = (_block(lookup.subject, prefix),)
            yield Finding(lookup, value, _SOURCE, now, now + kept, None, covers)

    def _question(self, ip: str) -> str:
        address = ip_address(ip)
        labels = address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        return f"{labels}.{self._zones[address.version]}"

    def _call(self, asns: Collection[int], now: datetime) -> dict[int, str | None]:
        """Return the names of these numbers; None where the zone knows none."""
        zone = self._zones[4].partition(".")[2]
        with self._lock:
            unknown = [a for a in asns if a not in self._called or self._called[a][1] <= now]
        said = self._names.texts([f"AS{asn}.{zone}" for asn in unknown]) if zone else {}
        with self._lock:
            for asn in unknown:
                found = _name(asn, said.get(f"AS{asn}.{zone}", ()))
                self._called[asn] = found, now + (_VALID if found else _NOTHING_VALID)
            return {asn: self._called[asn][0] for asn in asns}


def _origin(ip: str, said: Said) -> ParsedOrigin | OutsideError | None:
    """Return the narrowest prefix that holds the address and its AS; None when nobody announces it."""
    if isinstance(said, OutsideError):
        return said
    parsed = filter(None, map(parsed_origin, said))
    found = [origin for origin in parsed if ip_address(ip) in origin.prefix and is_asn(origin.asn)]
    if said and not found:
        return OutsideError(Code.ORIGIN_ZONE_SENSELESS, temporary=True)
    return min(found, key=lambda one: (-one.prefix.prefixlen, one.asn), default=None)


def _block(ip: str, prefix: AddressRange | None) -> str:
    narrow = ip_network(f"{ip}/{_NARROWEST[ip_address(ip).version]}", strict=False)
    return str(prefix if prefix and prefix.prefixlen > narrow.prefixlen else narrow)


def _name(asn: int, said: Said) -> str | None:
    for text in said if isinstance(said, tuple) else ():
        system = parsed_system(text)
        if system and system[0] == str(asn):
            return _COUNTRY.sub("", " ".join(system[1].split()))[:_LONGEST_NAME] or None
    return None
