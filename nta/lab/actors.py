"""The people of the world at the service's pages: analyst and lead at the desk, providers at the portal."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from nta.lab import totp
from nta.lab.forms import Form
from nta.lab.httpclient import ActError, Browser, UnreachableError, WebPage
from nta.lab.world import Act, HandInVisit, LeadVisit

URL = re.compile(r"https?://[^\s<>\"']+")
NOTICE = re.compile(r"""href=["']([^"']*/notices/(N-[0-9A-Z-]+))["']""")
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

    def hand_in(
        self, plan: HandInVisit, urls: Mapping[str, str], key: str, note_key: Callable[[str], None]
    ) -> None:
        """Hand URLs in, each with the page that a visitor must come from, or an empty text.

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
        values = {
            "text": "\n".join(_lines(plan, urls)),
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

    def act(self, plan: Act, url: str, note_sent: Callable[[], None], *, was_sent: bool = False) -> None:
        """Find a case by its URL and do one thing on its page.

        `note_sent` is called before the form is sent. Of a form that
        `was_sent` before, without an answer, it is no fault when it is there
        no longer.

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
        name = plan.what.replace("_", "-")
        if was_sent and name not in case.forms:
            return
        form = case.form(name)
        note_sent()
        after = self._browser.submit(case, form, dict(plan.values))
        if after.status != 200:
            raise ActError(f"form#{name} was answered with {after.status}")
        self._browser.close()

    def approve(self, plan: LeadVisit) -> None:
        """Look through the notices that wait for leads, and say one word to each that is offered to this one.

        Raises:
            UnreachableError: it is not known whether all was taken.
            ActError: a word was not taken.
        """
        listed = self._open("/approvals")
        if listed.status != 200:
            raise ActError(f"the list of approvals was answered with {listed.status}")
        for path, _ in sorted(set(NOTICE.findall(listed.text)), key=lambda found: found[1]):
            notice = self._browser.get(urljoin(listed.url, path))
            if plan.word not in notice.forms:
                continue  # this lead has said so already
            after = self._browser.submit(notice, notice.form(plan.word), {"reason": plan.reason})
            if after.status != 200:
                raise ActError(f"form#{plan.word} was answered with {after.status}")
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

    def answer(self, token: str, urls: Sequence[str], says: Mapping[str, str]) -> None:
        """Say of some of a notice's URLs what was done. URLs that the list no longer shows are passed over.

        `says` fills in the form: `answer`, and with it whose, until and why.

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
            after = browser.submit(listed, form, {**says, "item": ticked})
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


def _lines(plan: HandInVisit, urls: Mapping[str, str]) -> list[str]:
    """Return what the analyst pastes: URLs, or a table where some must be come to from somewhere."""
    shown = {url: _defanged(url) if plan.defanged else url for url in urls}
    if not any(urls.values()):
        return [*shown.values(), *plan.broken]
    return ["url,referrer", *(f"{shown[url]},{referrer}" for url, referrer in urls.items()), *plan.broken]


def _defanged(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.replace('tt', 'xx')}://{host.replace('.', '[.]')}{slash}{path}"
