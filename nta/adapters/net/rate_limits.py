"""How often each server may be asked, and which are left alone for now: refused at once, never waited for."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from math import ceil
from typing import Final, NamedTuple

from nta.adapters.net.concurrency import TEMPORARY_KEPT, TryLaterError
from nta.domain.errors import OutsideError
from nta.domain.reasons import Code


class Rate(NamedTuple):
    """How many questions at once after a rest, how many a second in the long run, and why so many."""

    burst: int
    per_second: float
    why: str


ANYBODY: Final = Rate(60, 5, "no known rule: less than one person's browser asks, and 429 is obeyed")
RATES: Final[Mapping[str, Rate]] = {
    "rdap.db.ripe.net": Rate(60, 5, "wants few connections; counts answers about persons"),
    "rdap.arin.net": Rate(60, 4, "answers 429 to bulk; a network's answer holds for its whole range"),
    "rdap.apnic.net": Rate(60, 4, "as ARIN; national registries behind it are slower"),
    "rdap.afrinic.net": Rate(20, 1, "a small installation"),
    "rdap.lacnic.net": Rate(10, 0.2, "known for the strictest limit of the five, over minutes"),
    "rdap.registro.br": Rate(10, 0.2, "as LACNIC, whose redirects lead there"),
    "rdap.nominet.uk": Rate(5, 0.2, "its rules for look-ups by others speak of 5 a second and 1,000 a day"),
    "rdap.org": Rate(10, 1, "a redirector run for everybody by one person"),
    "whois.iana.org": Rate(30, 1, "asked once a suffix and day; the root of all referrals"),
    "whois.denic.de": Rate(20, 0.5, "shuts out for a while who asks faster"),
    "whois.ripn.net": Rate(6, 0.2, "12 a minute by its rules; shuts out for good who insists"),
    "whois.tcinet.ru": Rate(6, 0.2, "as RIPN, whose service it took over"),
    "whois.centralnic.com": Rate(30, 1, "1,800 in 15 minutes by its rules, counted for a whole /24"),
    "whois.nic.uk": Rate(5, 0.2, "as Nominet's RDAP"),
    "whois.nic.ad.jp": Rate(10, 0.2, "for network administration alone, by its banner"),
    "whois.kisa.or.kr": Rate(10, 0.2, "no figure is published; shuts out bulk"),
    "whois.twnic.net": Rate(10, 0.2, "as the other national registries"),
    "whois.lacnic.net": Rate(10, 0.2, "as LACNIC's RDAP"),
    "whois.registro.br": Rate(10, 0.2, "as LACNIC's RDAP"),
}
"""The rates of servers whose rules are known, by name; who has none here gets `ANYBODY`."""

PORT_43: Final = Rate(20, 1, "WHOIS servers count, and shut out without a word")


@dataclass(slots=True)
class _Bucket:
    """What is left of a server's burst; it fills by machine time."""

    left: float
    filled_at: float


class _Rest(NamedTuple):
    until: datetime
    reason: Code
    is_told: bool  # by the server itself; else it was only silent


class RateLimits:
    """Keeps count for all adapters of one process; a server is a name or address with its port.

    A server on this machine has no rate but one of its own in the table.
    Rates run by machine time, rests by the service's. `lifted` (for the lab
    and the bench) lifts our own rates; what a server asks for still holds.
    """

    def __init__(
        self,
        rates: Mapping[str, Rate] = RATES,
        *,
        others: Rate = ANYBODY,
        lifted: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = rates
        self._others = others
        self._lifted = lifted
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._rests: dict[str, _Rest] = {}
        self._silences: dict[str, int] = {}

    def turn(self, server: str, now: datetime, others: Rate | None = None) -> None:
        """Count one question to a server; `others` is the rate of a kind of server without its own.

        Raises:
            TryLaterError: not now, by the server's wish or our own rate.
            OutsideError: it was silent just now; others may be asked instead.
        """
        with self._lock:
            rest = self._rests.get(server)
            if rest is not None and now < rest.until:
                if rest.is_told:
                    raise TryLaterError(rest.reason, rest.until)
                raise OutsideError(rest.reason, temporary=True)
            if not self._lifted and (_name(server) in self._rates or not _is_ours(_name(server))):
                self._take(server, now, self._rates.get(_name(server), others or self._others))

    def _take(self, server: str, now: datetime, rate: Rate) -> None:
        """Take one from the bucket; when it is empty, say when it is full again: few come back twice."""
        moment = self._monotonic()
        bucket = self._buckets.setdefault(server, _Bucket(rate.burst, moment))
        bucket.left = min(rate.burst, bucket.left + (moment - bucket.filled_at) * rate.per_second)
        bucket.filled_at = moment
        if bucket.left < 1:
            full_in_s = ceil((rate.burst - bucket.left) / rate.per_second)
            raise TryLaterError(Code.OWN_PACE, now + timedelta(seconds=full_in_s))
        bucket.left -= 1

    def leave_alone(self, server: str, until: datetime, reason: Code = Code.ASKED_FOR_REST) -> None:
        """Ask a server nothing before a moment that it named."""
        with self._lock:
            self._rests[server] = _Rest(until, reason, is_told=True)

    def was_silent(self, server: str, now: datetime, most: int = 1) -> None:
        """Note that a server met its time limit; after `most` in a row it is not asked for a moment."""
        with self._lock:
            self._silences[server] = self._silences.get(server, 0) + 1
            if self._silences[server] >= most:
                self._silences[server] = 0
                self._rests[server] = _Rest(now + TEMPORARY_KEPT, Code.WAS_SILENT, is_told=False)

    def has_answered(self, server: str) -> None:
        """Note that a server answers."""
        with self._lock:
            self._silences.pop(server, None)


def _is_ours(name: str) -> bool:
    """Tell whether a server is on this machine: whoever runs it knows what it can bear."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _name(server: str) -> str:
    host = server.rpartition("@")[2].lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
