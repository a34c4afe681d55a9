"""A browser as small as the lab's people need: pages, cookies, redirects and forms over http.client."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from secrets import token_hex
from urllib.parse import urlencode, urljoin, urlsplit

from nta.lab.forms import Form, read_forms

TIMEOUT_S = 15.0
REDIRECTS = 6
BODY_LIMIT = 8 << 20


class UnreachableError(Exception):
    """The service did not answer, or said that it cannot just now. The act may be tried again."""

    def __init__(self, reason: str, *, answered: bool = False, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered
        self.timed_out = timed_out


class ActError(Exception):
    """The service answered otherwise than its pages promise. The text names no URL and no token."""


@dataclass(frozen=True, slots=True)
class WebPage:
    """A page as it came."""

    url: str
    status: int
    text: str
    forms: Mapping[str, Form] = field(default_factory=dict)

    def form(self, form_id: str) -> Form:
        """Return a form of the page.

        Raises:
            ActError: the page has no such form.
        """
        if form_id not in self.forms:
            raise ActError(f"answer {self.status} without form#{form_id}")
        return self.forms[form_id]


class Browser:
    """One person's browser: cookies live as long as it does, the connection as long as it holds."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._cookies: dict[str, dict[str, str]] = {}
        self._connection: http.client.HTTPConnection | None = None
        self._netloc = ""

    def get(self, url: str) -> WebPage:
        """Return a page, redirects followed.

        Raises:
            UnreachableError: the service did not answer.
            ActError: it led astray.
        """
        return self._follow("GET", url, b"", "")

    def submit(self, page: WebPage, form: Form, values: Mapping[str, str | list[str]]) -> WebPage:
        """Fill in a form of a page, send it, and return where that leads.

        Raises:
            UnreachableError: the service did not answer; the form may have been taken.
            ActError: it led astray.
        """
        sent = form.filled(values)
        target = urljoin(page.url, form.action) if form.action else page.url
        if form.method != "POST":
            return self._follow("GET", f"{target.partition('?')[0]}?{urlencode(sent)}", b"", "")
        if form.multipart:
            boundary = token_hex(12)
            content_type = f"multipart/form-data; boundary={boundary}"
            return self._follow("POST", target, _multipart(sent, boundary), content_type)
        return self._follow("POST", target, urlencode(sent).encode(), "application/x-www-form-urlencoded")

    def close(self) -> None:
        """Let the connection go; the cookies stay."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _follow(self, method: str, url: str, body: bytes, content_type: str) -> WebPage:
        for _ in range(REDIRECTS):
            status, headers, text = self._ask(method, url, body, content_type)
            location = headers.get("Location")
            if status not in (301, 302, 303, 307, 308) or not location:
                return WebPage(url, status, text, read_forms(text))
            url = urljoin(url, location)
            if status in (301, 302, 303):
                method, body, content_type = "GET", b"", ""
        raise ActError("redirected in a circle")

    def _ask(
        self, method: str, url: str, body: bytes, content_type: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": "text/html", "Accept-Language": "en", "User-Agent": "lab-browser"}
        known = self._cookies.get(parts.netloc)
        if known:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in known.items())
        if method == "POST":
            headers |= {"Content-Type": content_type, "Origin": f"{parts.scheme}://{parts.netloc}"}
        try:
            connection = self._connect(parts.netloc)
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            text = answer.read(BODY_LIMIT).decode("utf-8", "replace")
        except http.client.InvalidURL:
            raise ActError("a link or form leads to what is no URL") from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UnreachableError(type(error).__name__, timed_out=isinstance(error, TimeoutError)) from None
        if answer.will_close:
            self.close()
        self._keep_cookies(parts.netloc, answer.headers.get_all("Set-Cookie") or [])
        if answer.status >= 500 or answer.status == 429:
            raise UnreachableError(f"answer {answer.status}", answered=True)
        return answer.status, answer.headers, text

    def _connect(self, netloc: str) -> http.client.HTTPConnection:
        if self._connection is not None and self._netloc == netloc:
            return self._connection
        self.close()
        host, _, port = netloc.partition(":")
        # Names under localhost are this machine (RFC 6761), whatever its resolver says.
        if host == "localhost" or host.endswith(".localhost"):
            host = "127.0.0.1"
        self._connection = http.client.HTTPConnection(host, int(port or 80), timeout=self._timeout_s)
        self._netloc = netloc
        return self._connection

    def _keep_cookies(self, netloc: str, lines: list[str]) -> None:
        jar = self._cookies.setdefault(netloc, {})
        for line in lines:
            try:
                morsels = SimpleCookie(line)
            except CookieError:
                continue
            for name, morsel in morsels.items():
                if morsel.value == "" or morsel["max-age"] == "0":
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.coded_value


def _multipart(sent: list[tuple[str, str]], boundary: str) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in sent
    ]
    return ("".join(parts) + f"--{boundary}--\r\n").encode()
