"""The people of the world at the service's pages: analyst and lead at the desk, providers at the portal."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nta.lab import totp
from nta.lab.forms import Form
from nta.lab.httpclient import ActError, Browser, UnreachableError, WebPage
from nta.lab.world import HandIn, Mark

URL = re.compile(r"https?://[^\s<>\"']+")
# The code that is shown now; the next, should this one have been used up; the last, should the clocks differ.
CODE_STEPS = (0, 1, -1)
MOST_REFUSALS = 3


@dataclass(frozen=True, slots=True)
class User:
    """A log-in that the service gave to one of the lab's people."""

    role: str
    email: str
    password: str
    totp_secret: str


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is, as it said itself."""

    desk_url: str
    portal_url: str
    users: tuple[User, ...]

    def user(self, role: str) -> User:
        """Return the log-in of a role.

        Raises:
            ActError: the service named none.
        """
        for user in self.users:
            if user.role == role:
                return user
        raise ActError(f"no log-in for the role {role}")


class Desk:
    """One person at the desk, who logs in when asked to."""

    def __init__(self, service: Service, role: str, machine_time: Callable[[], float] = time.time) -> None:
        self._service = service
        self._role = role
        self._machine_time = machine_time
        self._browser = Browser()
        self._refusals = 0
        self._rests_until = 0.0

    def hand_in(self, plan: HandIn, urls: Sequence[str], key: str, note_key: Callable[[str], None]) -> None:
        """Hand URLs in.

        `key` is that of an earlier try, if any; `note_key` hears of a new
        one before it is used.

        Raises:
            UnreachableError: it is not known whether they were taken.
            ActError: they were not taken.
        """
        page = self._open("/hand-in")
        form = page.form("hand-in")
        if not key:
            key = form.value("key")
            note_key(key)
        lines = [_defanged(url) for url in urls] if plan.defanged else list(urls)
        values = {
            "text": "\n".join((*lines, *plan.broken)),
            "severity": plan.severity,
            "class_value": plan.class_value,
            "scope": plan.scope,
            "confirm": "yes",
            "key": key,
        }
        after = self._browser.submit(page, form, values)
        if after.status != 200 or "/hand-ins/" not in after.url:
            raise ActError(f"the hand-in was answered with {after.status}")
        self._browser.close()

    def mark(self, plan: Mark, url: str) -> None:
        """Find a case by its URL and say whether its domain is dedicated.

        Raises:
            UnreachableError: it is not known whether it was taken.
            ActError: there is no such case, or the word was not taken.
        """
        # The search stands in the head of every page; the front page of some desks is for others.
        page = self._open("/")
        if "search" not in page.forms:
            page = self._open("/hand-in")
        case = self._browser.submit(page, page.form("search"), {"q": url})
        if "/cases/" not in case.url:
            raise ActError("the search did not find the case")
        values = {"dedicated": plan.dedicated, "reason": plan.reason}
        after = self._browser.submit(case, case.form("dedicated"), values)
        if after.status != 200:
            raise ActError(f"the word on the domain was answered with {after.status}")
        self._browser.close()

    def _open(self, path: str) -> WebPage:
        """Return a page of the desk, logged in."""
        page = self._browser.get(self._service.desk_url.rstrip("/") + path)
        if "login" in page.forms or "tf" in page.forms:
            self._log_in(page)
            page = self._browser.get(self._service.desk_url.rstrip("/") + path)
        return page

    def _log_in(self, page: WebPage) -> None:
        user = self._service.user(self._role)
        if self._machine_time() < self._rests_until:
            raise UnreachableError("waiting for the next code")
        if "login" in page.forms:
            values = {"email": user.email, "password": user.password}
            page = self._browser.submit(page, page.form("login"), values)
            if "login" in page.forms:
                raise ActError(f"the log-in of the {self._role} was refused")
        for steps in CODE_STEPS:
            if "tf" in page.forms:
                code = totp.code(user.totp_secret, self._machine_time(), steps)
                page = self._browser.submit(page, page.form("tf"), {"code": code})
        if "tf" not in page.forms:
            self._refusals = 0
            return
        # A code works once: who logs in again and again has to wait for the next.
        self._refusals += 1
        if self._refusals >= MOST_REFUSALS:
            raise ActError(f"the second factor of the {self._role} was refused")
        self._rests_until = (self._machine_time() // totp.STEP_S + 1) * totp.STEP_S
        raise UnreachableError("every code of this half minute was refused")


class Portal:
    """A provider's abuse desk, following the link of a notice."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def answer(self, token: str, urls: Sequence[str], answer: str = "removed") -> None:
        """Say of some of a notice's URLs what was done. URLs that the list no longer shows are passed over.

        Raises:
            UnreachableError: it is not known whether the answer was taken.
            ActError: the portal answered otherwise than it should.
        """
        browser = Browser()
        try:
            page = browser.get(f"{self._service.portal_url.rstrip('/')}/n/{token}")
            listed = browser.submit(page, page.form("open"), {})
            form = listed.form("answer")
            ticked = items_for(form, urls)
            if not ticked:
                return
            after = browser.submit(listed, form, {"item": ticked, "answer": answer})
            if after.status != 200 or "answer" in after.forms:
                raise ActError(f"the answer was not taken, but answered with {after.status}")
        finally:
            browser.close()


def items_for(form: Form, urls: Sequence[str]) -> list[str]:
    """Return the values of the checkboxes that stand beside these URLs: before each, or after it."""
    boxes = [one for one in form.fields if one.name == "item" and one.kind == "checkbox"]
    if not boxes:
        return []
    box_comes_last = bool(URL.search(boxes[0].before)) and not URL.search(boxes[-1].beside)
    found = {
        url: box.value for box in boxes for url in URL.findall(box.before if box_comes_last else box.beside)
    }
    return [found[url] for url in urls if url in found]


def _defanged(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.replace('tt', 'xx')}://{host.replace('.', '[.]')}{slash}{path}"
