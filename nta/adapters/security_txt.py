"""The security.txt of a domain (RFC 9116): which mailboxes its owner names; nothing else of it is kept."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import failed
from nta.adapters.net.pinned_connections import Resolve
from nta.adapters.net.rate_limits import RateLimits
from nta.adapters.net.web_services import Web
from nta.domain.checks.page_text import text_only
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.hosting.holders import domain_of
from nta.domain.hosting.lookup_answers import SecurityFile
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.intake.urls import Location, parse, registrable_domain
from nta.domain.parties.mail_addresses import is_usable
from nta.domain.reasons import Code

_SOURCE: Final = "security_txt"
_PATH: Final = "/.well-known/security.txt"
_MEDIA: Final = "text/plain"  # section 3: it must be that
_LONGEST: Final = 32 << 10  # section 5.4 lets a reader stop there
_VALID: Final = timedelta(hours=12)
_NOTHING_VALID: Final = timedelta(hours=1)
_MOST_LINES: Final = 2_000
_MOST_CONTACTS: Final = 5
_SIGNED: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE: Final = "-----BEGIN PGP SIGNATURE-----"


class SecurityTxtAsker:
    """Asks a domain for its security.txt, by https and at the one place that section 3 names.

    A redirect is followed within the domain alone: what another says of it
    would need a person's eye (section 5.2). That the file cannot be had or
    used is told, but hurries nothing: its problems are never passing ones.
    """

    def __init__(
        self,
        gate: Gate,
        ca_file: Path | None = None,
        *,
        resolve: Resolve,
        user_agent: str = "nta",
        connect_timeout_s: float = 5,
        timeout_s: float = 10,
        patience_s: float = 20,
        workers: int = 8,
        manners: RateLimits | None = None,
        port: int = 443,
    ) -> None:
        self._gate = gate
        self._ca_file = ca_file
        self._resolve = resolve
        self._user_agent = user_agent
        self._timeouts_s = (connect_timeout_s, timeout_s, patience_s)
        self._workers = workers
        self._manners = manners
        self._port = port

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up; the subject is a domain. Value None: there is no such file."""
        wanted = dict.fromkeys(lookups)
        if not wanted:
            return
        resolve = cache(self._resolve)
        with self._web(resolve) as web, ThreadPoolExecutor(self._workers, "security_txt") as pool:
            yield from pool.map(lambda lookup: self._find(web, resolve, lookup, now), wanted)

    def _web(self, resolve: Resolve) -> Web:
        connect_s, request_s, whole_s = self._timeouts_s
        return Web(
            self._gate,
            resolve,
            self._ca_file,
            user_agent=self._user_agent,
            connect_timeout_s=connect_s,
            timeout_s=request_s,
            whole_s=whole_s,
            longest=_LONGEST,
            connections=self._workers,
            manners=self._manners,
            media=_MEDIA,
        )

    def _find(self, web: Web, resolve: Resolve, lookup: Lookup, now: datetime) -> Finding:
        try:
            value = self._value(web, resolve, lookup.subject, now)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, OutsideError(fault.reason, temporary=False))
        until = now + (_VALID if value and value.contacts else _NOTHING_VALID)
        if value and value.expires:
            until = min(until, datetime.fromisoformat(value.expires))
        return Finding(lookup, value, _SOURCE, now, until, None)

    def _value(self, web: Web, resolve: Resolve, domain: str, now: datetime) -> SecurityFile | None:
        if not resolve(domain):
            return None  # many domains are there for mail alone
        port = "" if self._port == 443 else f":{self._port}"
        asked = f"https://{domain}{port}{_PATH}"

        def may_lead(place: Location) -> bool:
            return place.scheme == "https" and registrable_domain(place.host) == domain

        where, body = web.read(asked, _MEDIA, now, may_lead)
        return None if body is None else file_value(body, domain, (asked, where), now)


def file_value(body: bytes, domain: str, places: Collection[str], now: datetime) -> SecurityFile:
    """Return what a file says; `places` are its URL and where that led.

    Contacts are mailboxes of the domain itself: a platform that takes
    reports of weaknesses for many is no party to what we have to tell. A
    signature is not judged: nobody vouches for the key (section 5.1).

    Raises: OutsideError where the file is no text, has run out (section
    2.5.5) or says that it belongs elsewhere (section 2.5.2).
    """
    fields = list(_fields(_text(body)))
    until = min((at for name, said in fields if name == "expires" and (at := _moment(said))), default=None)
    if until is not None and until <= now:
        raise OutsideError(Code.SECURITY_TXT_EXPIRED, temporary=False)
    canonical = {_url(said) for name, said in fields if name == "canonical"}
    if canonical and canonical.isdisjoint(map(_url, places)):
        raise OutsideError(Code.SECURITY_TXT_ELSEWHERE, temporary=False)
    named = [email for name, said in fields if name == "contact" and (email := _mailbox(said, domain))]
    contacts = tuple(dict.fromkeys(named))[:_MOST_CONTACTS]
    return SecurityFile(contacts, until.isoformat() if until else None)


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text_only(body) or (body and not text):
        raise OutsideError(Code.SECURITY_TXT_NOT_TEXT, temporary=False)
    return text


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields in order, their names in lower case (section 4); what is none is passed over."""
    lines = [line.rstrip("\r") for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]]
    for line in _signed(lines) if _SIGNED in lines else lines:
        name, mark, said = line.partition(":")
        if mark and not line.startswith("#"):
            yield name.strip().lower(), said.strip()


def _signed(lines: list[str]) -> Iterator[str]:
    """Yield the lines that a cleartext signature covers (RFC 9580, section 7), and no others."""
    rest = iter(lines[lines.index(_SIGNED) + 1 :])
    for line in rest:
        if not line.strip():
            break  # the headers of the message end here
    for line in rest:
        if line == _SIGNATURE:
            return
        yield line.removeprefix("- ")


def _moment(said: str) -> datetime | None:
    """Return the moment of RFC 3339, or as earlier drafts had it of RFC 5322; None where it is none."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(said)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _url(said: str) -> str | None:
    try:
        return parse(said).url
    except RefusedError:
        return None


def _mailbox(said: str, domain: str) -> str | None:
    """Return the mailbox of a Contact (section 2.5.3: a URI), also one without its scheme."""
    scheme, mark, rest = said.partition(":")
    if mark and scheme.strip().lower() != "mailto":
        return None
    email = unquote(rest.partition("?")[0] if mark else said).partition(",")[0].strip()
    return email if is_usable(email) and domain_of(email) == domain else None
