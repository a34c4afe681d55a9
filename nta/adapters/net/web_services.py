"""Asking web services: address vetted and pinned, answer bounded, redirects checked hop by hop."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import certifi
import requests
import urllib3

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import TryLaterError
from nta.adapters.net.pinned_connections import PinningAdapter, Pins, PlainSession, Resolve
from nta.adapters.net.rate_limits import RateLimits
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.intake import urls
from nta.domain.intake.urls import Location
from nta.domain.reasons import Code, because

_MOST_REDIRECTS: Final = 5
_CHUNK: Final = 65_536
_SHORTEST_REST: Final = timedelta(minutes=1)
_LONGEST_REST: Final = timedelta(hours=24)
_REST: Final = timedelta(minutes=15)
_MOST_SILENCES: Final = 3


class Web:
    """A session with web services; to be closed."""

    def __init__(
        self,
        gate: Gate,
        resolve: Resolve,
        ca_file: Path | None = None,
        *,
        user_agent: str = "nta",
        connect_timeout_s: float = 5,
        timeout_s: float = 20,
        whole_s: float = 120,
        longest: int = 1 << 20,
        connections: int = 8,
        manners: RateLimits | None = None,
        media: str | None = None,
    ) -> None:
        """Begin a session that ends `whole_s` from now, whatever is under way; `manners` outlive it.

        With `media` a document of another media type is as good as none, and is not read.
        """
        self._media = media
        self._manners = manners or RateLimits(lifted=True)
        self._longest = longest
        self._timeouts = (connect_timeout_s, timeout_s)
        self._ends_at = time.monotonic() + whole_s
        trusted = str(ca_file or certifi.where())
        self._session = PlainSession()
        self._session.trust_env = False
        self._session.verify = trusted
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "identity"})
        adapter = PinningAdapter(Pins(gate, resolve), trusted, self, connections)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._session.close()

    def get(self, url: str, accept: str, now: datetime) -> bytes | None:
        """Return the body that a URL and its redirects lead to, None for 404 and 410.

        Raises: OutsideError for everything else that is not 200; TryLaterError
        when the server, or our rate for it, says when to come back. Each
        request has the time limit, and all of a session the session's.
        """
        return self.read(url, accept, now)[1]

    def read(
        self, url: str, accept: str, now: datetime, may_lead: Callable[[Location], bool] = lambda _: True
    ) -> tuple[str, bytes | None]:
        """Return where a URL leads in the end, and what `get` returns of it.

        `may_lead` says of each place that a redirect names whether to go on
        there. Raises: as `get`, also for a redirect that may not be followed.
        """
        try:
            location = urls.parse(url)
            target, body = self._hop(location.url, accept, now)
            for _ in range(_MOST_REDIRECTS):
                if target is None:
                    return location.url, body
                location = urls.join(location, target)
                if not may_lead(location):
                    raise OutsideError(Code.SERVER_LEADS_ASTRAY, temporary=True)
                target, body = self._led(location.url, accept, now)
            if target is None:
                return location.url, body
        except (RefusedError, ValueError):
            raise OutsideError(Code.SERVER_URL_UNREADABLE, temporary=True) from None
        raise OutsideError(Code.TOO_MANY_REDIRECTS, temporary=True)

    def get_with_token(self, url: str, accept: str, token: str, now: datetime) -> bytes | None:
        """Return the body that a URL has for the bearer of a token (RFC 6750), None for 404 and 410.

        No redirect is followed: the token is meant for this server alone.

        Raises: as `get`; a token that is not accepted (401, 403) is no passing problem.
        """
        try:
            target, body = self._hop(urls.parse(url).url, accept, now, token)
        except (RefusedError, ValueError):
            raise OutsideError(Code.SERVER_URL_UNREADABLE, temporary=True) from None
        if target is not None:
            raise OutsideError(Code.ACCESS_LED_ASTRAY, temporary=True)
        return body

    def post(
        self, url: str, content: bytes, content_type: str, may_go: Callable[[], bool] = lambda: True
    ) -> int | None:
        """Return the status that a server answers a document with; nothing else of its answer is read.

        `may_go` is asked once the server is reached, before any of the
        content leaves; None where it says no. No redirect is followed.

        Raises: OutsideError when there is no answer, or policy does not let
        us connect.
        """
        headers = {"Content-Type": content_type, "Content-Length": str(len(content))}
        connect_s, request_s = self._timeouts
        rest_s = self._rest_s()
        try:
            with self._session.post(
                urls.parse(url).url,
                data=_GuardedBody(content, may_go),
                headers=headers,
                timeout=(min(connect_s, rest_s), min(request_s, rest_s)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code
        except _WithheldError:
            return None
        except RefusedError:
            raise OutsideError(Code.SERVER_URL_UNREADABLE, temporary=False) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as fault:
            raise OutsideError(_reason(fault), temporary=True) from None

    def _led(self, url: str, accept: str, now: datetime) -> tuple[str | None, bytes | None]:
        """Return the same of where a redirect leads: that it leads astray may be mended tomorrow."""
        try:
            return self._hop(url, accept, now)
        except TryLaterError:
            raise
        except OutsideError as fault:
            raise OutsideError(fault.reason, temporary=True) from None

    def _rest_s(self) -> float:
        rest = self._ends_at - time.monotonic()
        if rest <= 0:
            raise OutsideError(Code.SERVERS_SLOW, temporary=True)
        return rest

    def request_s(self) -> float:
        """Return how long a request may take that begins now."""
        return min(self._timeouts[1], max(self._ends_at - time.monotonic(), 0.001))

    def _hop(
        self, url: str, accept: str, now: datetime, token: str | None = None
    ) -> tuple[str | None, bytes | None]:
        """Return where to go on, or the body."""
        server = urlsplit(url).netloc
        rest_s = self._rest_s()
        self._manners.turn(server, now)
        connect_s, request_s = self._timeouts
        timeouts = (min(connect_s, rest_s), min(request_s, rest_s))
        try:
            found = self._asked(server, url, _headers(accept, token), timeouts, now)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as fault:
            # ValueError: what http.client and its parsers make of some garbage.
            if _is_silence(fault):
                self._manners.was_silent(server, now, _MOST_SILENCES)
            raise OutsideError(_reason(fault), temporary=True) from None
        self._manners.has_answered(server)
        return found

    def _asked(
        self,
        server: str,
        url: str,
        headers: Mapping[str, str],
        timeouts: tuple[float, float],
        now: datetime,
    ) -> tuple[str | None, bytes | None]:
        with self._session.get(
            url, headers=headers, timeout=timeouts, allow_redirects=False, stream=True
        ) as response:
            status = response.status_code
            target = response.headers.get("Location")
            if status in (301, 302, 303, 307, 308) and target:
                return target, None
            if status in (404, 410):
                return None, None
            if status in (429, 503):
                until = now + _rest(response)
                self._manners.leave_alone(server, until)
                raise TryLaterError(because(Code.SERVER_ANSWERED, status=status), until)
            if status in (401, 403) and "Authorization" in headers:
                raise OutsideError(because(Code.ACCESS_REFUSED, status=status), temporary=False)
            if status != 200:
                raise OutsideError(
                    because(Code.SERVER_ANSWERED, status=status), temporary=status >= 500 or status < 400
                )
            if self._media and _media_type(response) != self._media:
                return None, None
            return None, self._body(response)

    def _body(self, response: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read(min(_CHUNK, self._longest + 1), decode_content=True):
            parts.append(part)
            size += len(part)
            if size > self._longest:
                raise OutsideError(Code.ANSWER_TOO_LONG, temporary=True)
        return b"".join(parts)


class _WithheldError(Exception):
    """A document may not leave after all."""


class _GuardedBody:
    """The content of a request; whether it goes is asked once the server is reached."""

    def __init__(self, content: bytes, may_go: Callable[[], bool]) -> None:
        self._content = content
        self._may_go = may_go

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        if not self._may_go():
            raise _WithheldError
        yield self._content


def _media_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _headers(accept: str, token: str | None) -> dict[str, str]:
    return {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})


def _rest(response: requests.Response) -> timedelta:
    """Return how long a server wants to be left alone (RFC 9110, 10.2.3), within reason."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        if text.isdecimal():
            rest = timedelta(seconds=min(int(text), 86_400))
        elif text:
            sent = response.headers.get("Date")
            start = parsedate_to_datetime(sent) if sent else datetime.now(UTC)
            rest = parsedate_to_datetime(text) - start
        else:
            rest = _REST
    except (ValueError, TypeError, OverflowError):
        rest = _REST
    return min(max(rest, _SHORTEST_REST), _LONGEST_REST)


def _is_silence(fault: BaseException) -> bool:
    # urllib3 counts a refused connection among time-outs.
    return any(
        isinstance(seen, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError)
        and not isinstance(seen, urllib3.exceptions.NewConnectionError)
        for seen in _chain(fault)
    )


def _chain(fault: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = fault
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _reason(fault: BaseException) -> Code:
    """Return what went wrong in a code of ours: the library's own words hold host names."""
    if _is_silence(fault):
        return Code.SERVER_SILENT
    if any(isinstance(seen, ssl.SSLError | requests.exceptions.SSLError) for seen in _chain(fault)):
        return Code.SERVER_INSECURE
    if isinstance(fault, requests.ConnectionError):
        return Code.SERVER_UNREACHABLE
    return Code.ANSWER_SENSELESS
