"""Names to addresses, with the aliases before them and how long the answer holds."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from nta.adapters.net.address_policy import literal
from nta.adapters.net.concurrency import failed
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import HostAddresses
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.intake.reserved_names import not_in_the_dns
from nta.domain.reasons import Code, because
from nta.ports import NameAnswer

SOURCE: Final = "dns"
SHORTEST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(hours=1)
MOST_ALIASES: Final = 8
ASKED_AT_ONCE: Final = 16
_TYPES: Final = (dns.rdatatype.A, dns.rdatatype.AAAA)
_USABLE: Final = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
NXDOMAIN: Final = "nxdomain"
NO_ADDRESS: Final = "no_address"
FAILURE: Final = "dns_failure"

Servers = Sequence[tuple[str, int]]


def in_order(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return addresses of one type in numeric order: servers turn them round at each answer."""
    return tuple(sorted(addresses, key=lambda ip: int(ip_address(ip))))


def system_servers() -> Servers:
    """Return the servers that the machine itself asks.

    Raises: OutsideError when it has none.
    """
    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        raise OutsideError(Code.NO_DNS_CONFIGURED, temporary=False) from None
    return [(str(server), 53) for server in resolver.nameservers]


def can_be_asked(host: str) -> bool:
    """Tell whether the DNS can hold a name and may be asked for it."""
    try:
        _asked_for(host)
    except OutsideError:
        return False
    return True


def _asked_for(host: str) -> dns.name.Name:
    """Return the name to ask for. Raises OutsideError when the DNS cannot hold it, or is not to be asked."""
    if why := not_in_the_dns(host):
        raise OutsideError(why, temporary=False)
    try:
        return dns.name.from_text(host)
    except (dns.exception.DNSException, UnicodeError):
        raise OutsideError(Code.NAME_NOT_OF_DNS, temporary=False) from None


@dataclass(frozen=True, slots=True)
class _Half:
    """What the DNS says for one type of address."""

    addresses: tuple[str, ...]
    cname: tuple[str, ...]
    exists: bool
    ttl: timedelta


class _Patience:
    """Ends when many questions in a row met silence: then the servers are gone, not the names."""

    def __init__(self) -> None:
        self._silences = 0  # only ever roughly right between threads, which is enough

    @property
    def is_over(self) -> bool:
        return self._silences >= 2 * ASKED_AT_ONCE

    def heard(self) -> None:
        self._silences = 0

    def met_silence(self) -> None:
        self._silences += 1


class _Allowance:
    """The time that all questions about one name may take together, from the first of them on."""

    def __init__(self, whole_s: float) -> None:
        self._whole_s = whole_s
        self._ends_at: float | None = None  # two halves that begin at once set it to the same

    def rest_s(self, most: float) -> float:
        """Return how long the next step may take. Raises OutsideError when nothing is left."""
        now = time.monotonic()
        if self._ends_at is None:
            self._ends_at = now + self._whole_s
        rest = min(self._ends_at - now, most)
        if rest <= 0:
            raise OutsideError(Code.DNS_SLOW, temporary=True)
        return rest


class DnsAsker:
    """Asks for addresses with the CNAME chain before them. No answer is kept here.

    All of one name, its aliases, both types of address, further tries and TCP,
    ends within `whole_s`, whatever the servers do.
    """

    def __init__(
        self, servers: Servers = (), *, timeout_s: float = 3, tries: int = 2, whole_s: float = 10
    ) -> None:
        self._servers = servers
        self._timeout_s = timeout_s
        self._tries = tries
        self._whole_s = whole_s

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterable[Finding]:
        """Yield a finding for each look-up; the subject is a host.

        A name that does not exist or has no address is an answer ("dead");
        silence and refusals are problems. Valid for the shortest TTL met,
        5 minutes at least and an hour at most.
        """
        patience = _Patience()
        with ThreadPoolExecutor(ASKED_AT_ONCE, "dns") as pool:
            asked = []
            for lookup in dict.fromkeys(lookups):
                both = lookup.subject, patience, _Allowance(self._whole_s)
                asked.append((lookup, [pool.submit(self._half, type_, *both) for type_ in _TYPES]))
            for lookup, halves in asked:
                yield _finding(lookup, _Whole.of(half.result for half in halves), now)

    def resolve(self, host: str) -> tuple[str, ...]:
        """Return a host's addresses, IPv4 first; none when it has none.

        Raises: OutsideError when no server answers.
        """
        whole = self._whole(host)
        if whole.error and not whole.addresses:
            raise whole.error
        return whole.addresses

    def name_answer(self, host: str) -> NameAnswer:
        """Return the same in the words of looks."""
        whole = self._whole(host)
        if whole.error and not whole.addresses:
            return NameAnswer((), FAILURE)
        return NameAnswer(whole.addresses, whole.dead)

    def texts(self, names: Collection[str]) -> Mapping[str, tuple[str, ...] | OutsideError]:
        """Return the texts (TXT) of each name, none when it has none, or why nobody answers."""
        patience = _Patience()
        listed = list(names)
        with ThreadPoolExecutor(ASKED_AT_ONCE, "dns") as pool:
            return dict(zip(listed, pool.map(lambda name: self._texts(name, patience), listed), strict=True))

    def records(self, name: str, type_: dns.rdatatype.RdataType) -> tuple[Any, ...]:
        """Return the records of one type that a name has itself or through aliases, none when it has none.

        Raises: OutsideError when no server answers, or the name is none to ask for.
        """
        try:
            chain = self._answer(_asked_for(name), type_, _Patience()).resolve_chaining()
        except dns.exception.DNSException:
            raise OutsideError(Code.DNS_SENSELESS, temporary=True) from None
        return tuple(chain.answer or ())

    def _texts(self, name: str, patience: _Patience) -> tuple[str, ...] | OutsideError:
        try:
            chain = self._answer(dns.name.from_text(name), dns.rdatatype.TXT, patience).resolve_chaining()
        except OutsideError as fault:
            return fault
        except (dns.exception.DNSException, UnicodeError):
            return OutsideError(Code.DNS_SENSELESS, temporary=True)
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in chain.answer or ())

    def _whole(self, host: str) -> "_Whole":
        both = host, _Patience(), _Allowance(self._whole_s)
        return _Whole.of(partial(self._half, type_, *both) for type_ in _TYPES)

    def _half(
        self, type_: dns.rdatatype.RdataType, host: str, patience: _Patience, allowance: _Allowance
    ) -> _Half:
        address = literal(host)
        if address is not None:
            is_asked = (":" in address) == (type_ == dns.rdatatype.AAAA)
            return _Half((address,) if is_asked else (), (), exists=True, ttl=LONGEST)
        try:
            return self._chain(_asked_for(host), type_, patience, allowance)
        except (dns.exception.DNSException, UnicodeError):
            raise OutsideError(Code.DNS_SENSELESS, temporary=True) from None

    def _chain(
        self,
        name: dns.name.Name,
        type_: dns.rdatatype.RdataType,
        patience: _Patience,
        allowance: _Allowance,
    ) -> _Half:
        """Follow aliases to their end, of which a server may tell only the part that it knows."""
        cname: list[str] = []
        ttl = LONGEST
        while len(cname) <= MOST_ALIASES:
            reply = self._exchange(name, type_, patience, allowance)
            chain = reply.resolve_chaining()
            cname += [str(alias.target).rstrip(".") for rrset in chain.cnames for alias in rrset]
            ttl = min(ttl, timedelta(seconds=chain.minimum_ttl))
            name = chain.canonical_name
            exists = reply.rcode() != dns.rcode.NXDOMAIN
            is_told_in_full = chain.answer is not None or not chain.cnames or reply.authority
            if is_told_in_full or not exists:
                return _Half(in_order(map(str, chain.answer or ())), tuple(cname), exists, ttl)
        raise OutsideError(Code.DNS_CIRCLE, temporary=True)

    def _answer(
        self, name: dns.name.Name, type_: dns.rdatatype.RdataType, patience: _Patience
    ) -> dns.message.QueryMessage:
        return self._exchange(name, type_, patience, _Allowance(self._whole_s))

    def _exchange(
        self,
        name: dns.name.Name,
        type_: dns.rdatatype.RdataType,
        patience: _Patience,
        allowance: _Allowance,
    ) -> dns.message.QueryMessage:
        """Return the first usable reply. A server that is silent, broken or refuses is passed over."""
        error = OutsideError(Code.NO_DNS_ANSWER, temporary=True)
        try:
            for _ in range(0 if patience.is_over else self._tries):
                for server in self._servers or system_servers():
                    try:
                        reply = self._asked(server, name, type_, allowance)
                    except (OSError, EOFError, dns.exception.DNSException):
                        continue
                    patience.heard()
                    if isinstance(reply, dns.message.QueryMessage) and reply.rcode() in _USABLE:
                        return reply
                    said = dns.rcode.to_text(reply.rcode())
                    error = OutsideError(because(Code.DNS_ANSWERED, rcode=said), temporary=True)
        except OutsideError as fault:
            error = fault
        patience.met_silence()
        raise error

    def _asked(
        self,
        server: tuple[str, int],
        name: dns.name.Name,
        type_: dns.rdatatype.RdataType,
        allowance: _Allowance,
    ) -> dns.message.Message:
        """Return a server's reply, the one over TCP where that over UDP is cut short (RFC 7766 section 5)."""
        ip, port = server
        query = dns.message.make_query(name, type_, use_edns=0, payload=1232)
        rest_s = allowance.rest_s(self._timeout_s)
        try:
            return dns.query.udp(
                query, ip, rest_s, port, ignore_unexpected=True, ignore_errors=True, raise_on_truncation=True
            )
        except dns.message.Truncated:
            return dns.query.tcp(query, ip, allowance.rest_s(self._timeout_s), port)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Both types put together. `error` is the failure of a half, whatever the other said."""

    addresses: tuple[str, ...]
    cname: tuple[str, ...]
    dead: str | None
    ttl: timedelta
    error: OutsideError | None

    @classmethod
    def of(cls, halves: Iterable[Callable[[], _Half]]) -> "_Whole":
        known: list[_Half] = []
        error = None
        for half in halves:
            try:
                known.append(half())
            except OutsideError as fault:
                error = fault
        addresses = tuple(ip for half in known for ip in half.addresses)
        return cls(
            addresses,
            tuple(dict.fromkeys(name for half in known for name in half.cname)),
            None if addresses else NO_ADDRESS if all(half.exists for half in known) else NXDOMAIN,
            min((half.ttl for half in known if half.addresses or not addresses), default=SHORTEST),
            error,
        )


def _finding(lookup: Lookup, whole: _Whole, now: datetime) -> Finding:
    if whole.error and not whole.addresses:
        return failed(lookup, SOURCE, now, whole.error)
    # Half an answer is soon asked for again.
    ttl = SHORTEST if whole.error else min(max(whole.ttl, SHORTEST), LONGEST)
    value = HostAddresses(whole.addresses, whole.cname, whole.dead)
    return Finding(lookup, value, SOURCE, now, now + ttl, None)
