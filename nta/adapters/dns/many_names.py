"""Names of a whole hand-in to addresses: plain answers through c-ares, what is not plain asked with care."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import pycares

from nta.adapters.dns.fresh_names import CaresQueries
from nta.adapters.dns.resolver import (
    LONGEST,
    MOST_ALIASES,
    SHORTEST,
    SOURCE,
    DnsAsker,
    Servers,
    can_be_asked,
    in_order,
    system_servers,
)
from nta.adapters.net.address_policy import literal
from nta.domain.hosting.lookup_answers import HostAddresses
from nta.domain.hosting.lookups import Finding, Lookup

AT_ONCE: Final = 200
_LOOSE: Final = "loose end"
_RECORDS: Final = (pycares.ARecordData, pycares.AAAARecordData)


class _Plain(NamedTuple):
    """One type of address, asked and told in full; no address where there is none of this type."""

    addresses: tuple[str, ...]
    cname: tuple[str, ...]
    ttl_s: int


_NONE: Final = _Plain((), (), 0)
_Half = _Plain | str


class ManyNames:
    """Asks for addresses with the CNAME chain before them, hundreds of names side by side.

    c-ares gives plain answers at a fifth of what dnspython takes. Names
    without an address, half answers, failures and aliases that are told in
    part are asked for again by `DnsAsker`, whose findings these are: what a
    finding says does not depend on who found it.
    """

    def __init__(
        self, servers: Servers = (), *, timeout_s: float = 2, tries: int = 2, careful: DnsAsker | None = None
    ) -> None:
        self._servers = servers
        self._careful = careful
        self._timeout_s = timeout_s
        self._tries = tries

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up, as `DnsAsker.ask` does.

        Raises: OutsideError when this machine has no DNS server configured.
        """
        servers = self._servers or system_servers()
        wanted = dict.fromkeys(lookups)
        hosts = [x.subject for x in wanted if not literal(x.subject) and can_be_asked(x.subject)]
        halves = (
            CaresQueries(_read, servers, self._timeout_s, self._tries).ask(hosts, AT_ONCE) if hosts else {}
        )
        rest = []
        for lookup in wanted:
            finding = _finding(lookup, halves.get(lookup.subject, ()), now)
            if finding is None:
                rest.append(lookup)
            else:
                yield finding
        if rest:
            yield from (self._careful or DnsAsker(servers)).ask(rest, now)


def _finding(lookup: Lookup, halves: Sequence[_Half], now: datetime) -> Finding | None:
    """Return the finding of two plain halves that have an address between them, else None."""
    plain = [half for half in halves if isinstance(half, _Plain)]
    addresses = [ip for half in plain for ip in half.addresses]
    if len(plain) != 2 or not addresses:
        return None
    ttl = timedelta(seconds=min(half.ttl_s for half in plain if half.addresses))
    value = HostAddresses(
        tuple(addresses), tuple(dict.fromkeys(name for half in plain for name in half.cname))
    )
    return Finding(lookup, value, SOURCE, now, now + min(max(ttl, SHORTEST), LONGEST), None)


def _read(host: str, type_: int, result: pycares.DNSResult | None, error: int | None) -> _Half:
    if error == pycares.errno.ARES_ENODATA:
        return _NONE
    if error is not None or result is None:
        return _LOOSE
    return _followed(host, type_, result)


def _followed(host: str, type_: int, result: pycares.DNSResult) -> _Half:
    """Return what an answer holds at the end of its aliases, as `DnsAsker` follows them.

    Aliases without an address are the whole answer where the zone's SOA
    says so (RFC 2308, section 2.2).
    """
    name, cname, ttls = host.rstrip(".").lower(), [], []
    aliases = {r.name.lower(): r for r in result.answer if isinstance(r.data, pycares.CNAMERecordData)}
    while aliases and (alias := aliases.pop(name, None)):
        assert isinstance(alias.data, pycares.CNAMERecordData)
        cname.append(alias.data.cname)
        ttls.append(alias.ttl)
        name = alias.data.cname.lower()
    found = []
    for record in result.answer:
        if record.type == type_ and record.name.lower() == name and isinstance(record.data, _RECORDS):
            found.append(record.data.addr)
            ttls.append(record.ttl)
    if aliases or len(cname) > MOST_ALIASES or not (found or result.authority or not cname):
        return _LOOSE
    listed = in_order(found) if len(found) > 1 else tuple(found)
    return _Plain(listed, tuple(cname), min(ttls, default=0))
