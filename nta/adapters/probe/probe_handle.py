"""One curl handle: what it is told, what it may connect to, and what its result means."""

import _socket
import errno
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pycurl

from nta.domain.checks.canaries import media_of
from nta.domain.checks.page_text import (
    MOST,
    decoded,
    is_text,
    rule_of,
    text_only,
)
from nta.domain.checks.verdicts import CHALLENGE, ProbeAnswer
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.intake import urls
from nta.ports import LookRequest

Pinned = tuple[LookRequest, str]
"""A request and the vetted address it goes to."""

_LONGEST_HEADERS: Final = 65_536
_LONGEST_TEXT: Final = 255
_NO_HEAD: Final = frozenset({405, 501})
_READ: Final = frozenset({b"403", *(b"%d" % status for status in range(200, 300))})
_BROKEN_OFF: Final = frozenset({pycurl.E_GOT_NOTHING, pycurl.E_RECV_ERROR, pycurl.E_PARTIAL_FILE})
_NOT_REACHABLE: Final = "not_reachable"
_INITIALS: Final = frozenset(b"eElLhH")  # of ETag, Location and the status line
_WALLS: Final = (b"cf-mitigated: challenge", b"x-amzn-waf-action: challenge", b"x-amzn-waf-action: captcha")
_WALL_INITIALS: Final = frozenset(wall[:4] for wall in _WALLS)

_E_PROXY: Final = 97  # pycurl has no names for these
_PROXY_SAYS: Final[Mapping[int, str]] = {19: "refused", 21: "timeout", 24: "timeout"}
_ERRORS: Final[Mapping[int, str]] = {
    pycurl.E_COULDNT_RESOLVE_PROXY: _NOT_REACHABLE,
    pycurl.E_COULDNT_RESOLVE_HOST: "dns_failure",
    pycurl.E_URL_MALFORMAT: _NOT_REACHABLE,
    pycurl.E_SSL_CONNECT_ERROR: "tls_error",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls_error",
    pycurl.E_SSL_CIPHER: "tls_error",
    pycurl.E_SSL_CERTPROBLEM: "tls_error",
    pycurl.E_SSL_ISSUER_ERROR: "tls_error",
    pycurl.E_SSL_CACERT_BADFILE: _NOT_REACHABLE,
}
_NO_CONNECTION: Final[Mapping[int, str]] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "timeout",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all requests."""

    ca_file: str
    user_agent: str
    connect_timeout_ms: int
    timeout_ms: int
    may_get: bool
    may_read: bool = False
    marks: Mapping[bytes, str] = field(default_factory=dict)  # which proxy a header field tells of
    noted: frozenset[bytes] = _WALL_INITIALS  # what such lines and those of walls begin with


@dataclass(frozen=True, slots=True)
class Exit:
    """A SOCKS proxy to go through: its URL with a literal address, and the only place connected to."""

    url: str
    endpoint: tuple[str, int]


def exit_through(proxy: str) -> Exit:
    """Return the way through a proxy that the settings name; its address is not the gate's business.

    Raises: OutsideError when its name has no address.
    """
    parts = urlsplit(proxy)
    port = parts.port or 1080
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM) if parts.hostname else []
    except OSError:
        found = []
    if not found:
        raise OutsideError("the vantage point's proxy has no address", temporary=True)
    ip = str(found[0][4][0])
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    # socks5:// would have curl look names up; the name it is given is an address in any case.
    return Exit(f"socks5h://{login}{_bracketed(ip)}:{port}", (ip, port))


class _Passed(_socket.socket):
    """A socket that pycurl has taken a copy of; closing it is no oversight."""

    def __del__(self) -> None:
        self.close()


class Handle:
    """A handle, the host it works for (`queue`) and the request it is at."""

    __slots__ = (
        "_endpoint",
        "_etag",
        "_exit",
        "_has_all_headers",
        "_header_bytes",
        "_is_get",
        "_is_interim",
        "_is_walled",
        "_kind",
        "_location",
        "_mark",
        "_pin",
        "_referrer",
        "_request",
        "_rules",
        "_seconds",
        "_status",
        "_text",
        "_was_refused",
        "curl",
        "queue",
    )

    def __init__(self, rules: Rules, exit_: Exit | None) -> None:
        self.curl = pycurl.Curl()
        self.queue: deque[Pinned] = deque()
        self._rules = rules
        self._exit = exit_
        self._endpoint = exit_.endpoint if exit_ else ("", 0)
        self._request: LookRequest | None = None
        self._pin = ""
        self._referrer: str | None = None
        self._is_get = False
        self._seconds = 0.0
        self._forget()
        self._set_up()

    def _set_up(self) -> None:
        set_ = self.curl.setopt
        set_(pycurl.NOSIGNAL, 1)
        set_(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        set_(pycurl.FOLLOWLOCATION, 0)
        set_(pycurl.PATH_AS_IS, 1)
        set_(pycurl.NETRC, pycurl.NETRC_IGNORED)
        set_(pycurl.PROXY, self._exit.url if self._exit else "")
        # Addresses are given: none grows old, and curl need not search for those at each request.
        set_(pycurl.DNS_CACHE_TIMEOUT, -1)
        set_(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        set_(pycurl.USERAGENT, self._rules.user_agent)
        set_(pycurl.CAINFO, self._rules.ca_file)
        set_(pycurl.CONNECTTIMEOUT_MS, self._rules.connect_timeout_ms)
        set_(pycurl.TIMEOUT_MS, self._rules.timeout_ms)
        set_(pycurl.LOW_SPEED_LIMIT, 1)
        set_(pycurl.LOW_SPEED_TIME, max(1, self._rules.timeout_ms // 2000))
        set_(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        set_(pycurl.HEADERFUNCTION, self._take_header)
        set_(pycurl.WRITEFUNCTION, _refuse_body)
        set_(pycurl.NOBODY, 1)

    @property
    def is_through(self) -> bool:
        """Return whether the host's queue is worked through."""
        return self._request is None and not self.queue

    def start(self) -> None:
        """Make the handle ready for what comes next: the request at hand by GET, or the queue's first."""
        if self._request is None:
            request, pin = self.queue.popleft()
            self._request = request
            self._seconds = 0.0
            endpoint = f"::{_bracketed(pin)}:{request.port}"
            if endpoint != self._pin:
                self._pin = endpoint
                self.curl.setopt(pycurl.CONNECT_TO, [endpoint])
                if self._exit is None:
                    self._endpoint = (pin, request.port)
            self.curl.setopt(pycurl.URL, request.url)
            if request.referrer != self._referrer:
                self._referrer = request.referrer
                # pycurl forgets neither REFERER nor a list once set; a header without a value is not sent.
                referrer = request.referrer if _is_header(request.referrer) else ""
                self.curl.setopt(pycurl.HTTPHEADER, [f"Referer: {referrer}".rstrip()])
            if request.text and self._rules.may_read:
                self._read_text(True)
            # A connection nobody needs any more is not kept open.
            self.curl.setopt(pycurl.FORBID_REUSE, 0 if self.queue else 1)
        self._forget()

    def finish(self, code: int) -> tuple[int, ProbeAnswer] | None:
        """Return the answer, or None when the same is to be asked again by GET."""
        request = self._request
        assert request is not None
        status: int | None = self.curl.getinfo(pycurl.RESPONSE_CODE) or None
        self._seconds += self.curl.getinfo(pycurl.TOTAL_TIME)
        if not self._is_get and self._rules.may_get and (status in _NO_HEAD or code in _BROKEN_OFF):
            self._use_get(True)
            return None
        if self._is_get:
            self._read_text(False) if request.text else self._use_get(False)
        self._request = None
        if code == 0 or self._has_all_headers or (status and code == pycurl.E_WRITE_ERROR):
            return request.key, self._answer(request, status, None)
        return request.key, self._answer(request, None, self._error(code))

    def _use_get(self, is_get: bool) -> None:
        self._is_get = is_get
        if is_get:
            self.curl.setopt(pycurl.HTTPGET, 1)
        else:
            self.curl.setopt(pycurl.NOBODY, 1)

    def _read_text(self, is_read: bool) -> None:
        """Make ready for a request by GET whose body may be read, or for others again."""
        self._use_get(is_read)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._take_any_header if is_read else self._take_header)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._take_text if is_read else _refuse_body)

    def _forget(self) -> None:
        self._etag: bytes | None = None
        self._location: bytes | None = None
        self._header_bytes = 0
        self._has_all_headers = False
        self._is_interim = False
        self._is_walled = False
        self._mark: str | None = None
        self._kind: bytes | None = None  # these three only where a body may be read
        self._status = b""
        self._text: bytearray | None = None
        self._was_refused = False

    def _answer(self, request: LookRequest, status: int | None, error: str | None) -> ProbeAnswer:
        length: int = self.curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T) if error is None else -1
        kind = self.curl.getinfo_raw(pycurl.CONTENT_TYPE) if error is None else None
        return ProbeAnswer(
            ip=self._pin[2:].rpartition(":")[0].strip("[]"),
            status=status,
            length=length if length >= 0 else None,
            etag=_text(self._etag),
            content_type=_text(kind),
            location=_target(request.url, self._location) if self._location else None,
            error=error,
            seconds=self._seconds,
            sign=self._sign(kind) if error is None else None,
            mark=self._mark,
        )

    def _sign(self, kind: bytes | None) -> str | None:
        """Return what headers or words say beside the status; the words themselves end here."""
        text, self._text = self._text, None
        if self._is_walled:
            return CHALLENGE
        return rule_of(decoded(bytes(text), _text(kind))) if text else None

    def _take_any_header(self, line: bytes) -> int | None:
        """Note status and type too: curl does not tell them while a body comes in."""
        if line[:5] == b"HTTP/":
            self._status, self._kind = line.split(b" ", 2)[1][:3], None
        elif line[:13].lower() == b"content-type:":
            self._kind = line[13:]
        return self._take_header(line)

    def _take_text(self, part: bytes) -> int | None:
        """Take a page in while it is text and not too long; what is anything else is forgotten at once."""
        if self._text is None:
            if self._status not in _READ or not is_text(media_of(_text(self._kind))):
                return 0
            self._text = bytearray()
        self._text += part[: MOST - len(self._text)]
        if not text_only(part):
            self._text = None
            return 0
        return None if len(self._text) < MOST else 0

    def _error(self, code: int) -> str:
        if self._was_refused:
            return _NOT_REACHABLE
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return "too_slow" if self._header_bytes else "timeout"
        if code == pycurl.E_COULDNT_CONNECT:
            if self._exit:
                return _NOT_REACHABLE
            return _NO_CONNECTION.get(self.curl.getinfo(pycurl.OS_ERRNO), _NOT_REACHABLE)
        if code == _E_PROXY:
            return _PROXY_SAYS.get(self.curl.getinfo(pycurl.PROXY_ERROR), _NOT_REACHABLE)
        return _ERRORS.get(code, "reset")

    def _open_socket(self, purpose: int, address: Any) -> "_Passed | int":
        """The last gate: no socket for anything but the address that was vetted."""
        family, kind, protocol, place = address
        if place[:2] != self._endpoint:
            self._was_refused = True
            return int(pycurl.SOCKET_BAD)
        return _Passed(family, kind, protocol)

    def _take_header(self, line: bytes) -> int | None:
        self._header_bytes += len(line)
        if self._header_bytes > _LONGEST_HEADERS:
            return 0
        if line[0] in _INITIALS:
            name, _, value = line.partition(b":")
            name = name.lower()
            if name == b"etag":
                self._etag = value
            elif name == b"location":
                self._location = value
            elif name in self._rules.marks:
                self._mark = self._rules.marks[name]
            elif line[:5] == b"HTTP/":
                # What an interim answer (1xx; RFC 9110, 15.2) said before does not count.
                self._etag = self._location = None
                self._is_interim = line.split(b" ", 2)[1][:1] == b"1"
        elif line == b"\r\n":
            self._has_all_headers = not self._is_interim
        elif line[:4].lower() in self._rules.noted:
            line = line.lower()
            if line.startswith(_WALLS):
                self._is_walled = True
            self._mark = self._rules.marks.get(line.partition(b":")[0], self._mark)
        return None


def begins(marks: Mapping[bytes, str]) -> frozenset[bytes]:
    """Return what the lines begin with that are looked at closer: four bytes each."""
    return _WALL_INITIALS.union(name[:4] for name in marks)


def _is_header(text: str | None) -> bool:
    return bool(text) and text is not None and text.isascii() and text.isprintable()


def _refuse_body(_: bytes) -> int:
    return 0


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "replace").strip()
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable())
    return text[:_LONGEST_TEXT] or None


def _target(url: str, location: bytes) -> str | None:
    """Return where a redirect leads, canonical; None when that is no http or https URL."""
    try:
        return urls.join(urls.parse(url), location.decode("utf-8", "replace").strip()).url
    except RefusedError:
        return None
