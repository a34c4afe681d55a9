"""Asking port 43 (RFC 3912) of domains whose suffix has no RDAP: suffix, registry, registrar."""

import re
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from nta.adapters.domain_answers import merged
from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import TryLaterError, failed, side_by_side
from nta.adapters.net.pinned_connections import Pins, Resolve
from nta.adapters.net.rate_limits import PORT_43, RateLimits
from nta.adapters.whois import domain_texts as answers
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import RegisteredDomain
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.reasons import Code

_SOURCE: Final = "whois"
_VALID: Final = timedelta(hours=12)
_SHORT: Final = timedelta(hours=1)  # nobody has the name, or the registrar did not answer
_SERVERS_VALID: Final = timedelta(hours=24)
_REST: Final = timedelta(minutes=15)
_LONGEST: Final = 1 << 20
_CHUNK: Final = 65_536
_NAME: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
# What some registries want beside the name: all of a record in a charset we read, in English.
_QUESTIONS: Final = {"whois.denic.de": "-T dn,ace {}", "whois.jprs.jp": "{}/e"}


class AskingTime(NamedTuple):
    """One call of `ask`: the service's time, and the machine's by which all of it ends."""

    now: datetime
    ends_at: float

    def rest_s(self, most: float) -> float:
        """Return how long one step may take. Raises TimeoutError when nothing is left."""
        rest = min(self.ends_at - time.monotonic(), most)
        if rest <= 0:
            raise TimeoutError
        return rest


class WhoisAsker:
    """Begins at one server with the suffix and follows referrals, all on that server's port.

    `resolve` gives the addresses of servers' names; the gate vets the one
    that is connected to. A server is asked one question at a time, and not
    at all for a while when it was silent or said that it was asked too
    often: such servers shut out whoever goes on.
    """

    def __init__(
        self,
        server: tuple[str, int],
        gate: Gate,
        *,
        resolve: Resolve,
        connect_timeout_s: float = 5,
        timeout_s: float = 10,
        patience_s: float = 45,
        workers: int = 4,
        manners: RateLimits | None = None,
    ) -> None:
        self._start, self._port = server
        self._pins = Pins(gate, resolve)
        self._timeouts = (connect_timeout_s, timeout_s)
        self._patience_s = patience_s
        self._workers = workers
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._manners = manners or RateLimits(lifted=True)
        self._registries: dict[str, tuple[str, datetime]] = {}

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; the subject is a name that a registry holds.

        Valid 12 h, an hour where nobody has the name.
        """
        spell = AskingTime(now, time.monotonic() + self._patience_s)
        slow = OutsideError(Code.WHOIS_SLOW, temporary=True)
        yield from side_by_side(
            lambda lookup: self._find(lookup, spell),
            lookups,
            self._workers,
            self._patience_s,
            lambda lookup: failed(lookup, _SOURCE, now, slow),
        )

    def _find(self, lookup: Lookup, spell: AskingTime) -> Finding:
        name, now = lookup.subject, spell.now
        try:
            server = self._registry_of(name, spell)
            text = self._asked(server, _QUESTIONS.get(server, "{}").format(name), spell)
            value = answers.domain(text, name)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, fault)
        kept = _VALID if value.registered else _SHORT
        registrars = answers.registrars_server(text) if value.registered else None
        if registrars not in (None, server, self._start):
            try:
                value = self._with_registrar(value, name, registrars or "", spell)
            except OutsideError:
                kept = _SHORT
        return Finding(lookup, value, _SOURCE, now, now + kept, None)

    def _with_registrar(
        self, value: RegisteredDomain, name: str, server: str, spell: AskingTime
    ) -> RegisteredDomain:
        """Return the registry's answer with what the registrar's own server adds."""
        more = answers.domain(self._asked(server, name, spell), name)
        return merged(value, more) if more.registered else value

    def _registry_of(self, name: str, spell: AskingTime) -> str:
        """Return the server that answers for the name's suffix, else for its top-level domain."""
        suffix = name.partition(".")[2]
        if not _NAME.fullmatch(name) or not suffix:
            raise OutsideError(Code.NAME_NOT_ASKED, temporary=False)
        for asked in dict.fromkeys((suffix, suffix.rpartition(".")[2])):
            known = self._registries.get(asked)
            if known is not None and spell.now < known[1]:
                return known[0]
            server = answers.referral(self._asked(self._start, asked, spell))
            if server:
                self._registries[asked] = (server, spell.now + _SERVERS_VALID)
                return server
        raise OutsideError(Code.NO_WHOIS_FOR_SUFFIX, temporary=False)

    def _asked(self, server: str, question: str, spell: AskingTime) -> str:
        """Return what a server answers. Raises TryLaterError when it is better left alone."""
        now, place = spell.now, f"{server}:{self._port}"
        with self._guard:
            turn = self._turns.setdefault(server, threading.Lock())
        with turn:
            if spell.ends_at <= time.monotonic():
                raise OutsideError(Code.WHOIS_SLOW, temporary=True)
            self._manners.turn(place, now, PORT_43)
            try:
                text = answers.decoded(self._exchange(server, question, spell))
            except TimeoutError:
                self._manners.was_silent(place, now)
                raise OutsideError(Code.SERVER_SILENT, temporary=True) from None
            except (OSError, UnicodeError):
                raise OutsideError(Code.SERVER_UNREACHABLE, temporary=True) from None
            if answers.wants_rest(text):
                self._manners.leave_alone(place, now + _REST)
                raise TryLaterError(Code.ASKED_TOO_OFTEN, now + _REST)
            self._manners.has_answered(place)
        if not text.strip():
            raise OutsideError(Code.SERVER_SAYS_NOTHING, temporary=True)
        return text

    def _exchange(self, server: str, question: str, spell: AskingTime) -> bytes:
        """Ask at the pinned address and read to the end, both within their times and the bound."""
        address = self._pins.pin(server, self._port)
        connect_timeout_s, timeout_s = self._timeouts
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as sock:
            sock.settimeout(spell.rest_s(connect_timeout_s))
            sock.connect((address, self._port))
            ends_at = time.monotonic() + spell.rest_s(timeout_s)
            sock.settimeout(timeout_s)
            sock.sendall(f"{question}\r\n".encode("ascii"))
            parts: list[bytes] = []
            size = 0
            while True:
                rest = ends_at - time.monotonic()
                if rest <= 0:
                    raise TimeoutError
                sock.settimeout(rest)
                part = sock.recv(_CHUNK)
                if not part:
                    return b"".join(parts)
                parts.append(part)
                size += len(part)
                if size > _LONGEST:
                    raise OutsideError(Code.ANSWER_TOO_LONG, temporary=True)
