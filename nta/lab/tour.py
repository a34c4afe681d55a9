"""The lab's pages for a visitor: the world, its log-ins and mailboxes, and the bar that sets its pace."""

import hmac
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from nta.lab import tourpage
from nta.lab.engine import Engine
from nta.lab.httpserver import Reply, Request
from nta.lab.leaping_clock import WorldClock
from nta.lab.postoffice import PostOffice
from nta.lab.worldpage import STYLE

DAY = timedelta(days=1)
SHORT = 30
"""So few pages never show a bit of everything at once."""
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
FIELDS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def is_for(path: str) -> bool:
    """Tell whether a path is one of the visitor's pages."""
    return path in ("/world", "/world.css", "/pace") or path.startswith(("/world/", "/mailbox/", "/mail/"))


class Tour:
    """Answers the visitor's browser. All of its methods are called from the engine's thread.

    The pages show passwords, so only a browser that means this host gets any
    (no name that was made to lead here), and the bar wants the page's token.
    """

    def __init__(
        self,
        engine: Engine,
        post: PostOffice,
        clock: WorldClock,
        port: int,
        arrived: Path,
        machine_time: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._post = post
        self._clock = clock
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._arrived = arrived
        self._machine_time = machine_time
        self._token = secrets.token_urlsafe(16)
        self._is_short = sum(len(one.pages) for one in engine.world.hand_ins) < SHORT
        self._awaits_approval = False
        self._approvals = 0  # as many waited when the service last said so
        self._is_sent = False  # whether the visitor let time leap

    def hear(self, *, is_begun: bool, is_lively: bool, approvals: int, rate: int) -> None:
        """Hear from the service what waits there, and change the pace where that was awaited.

        The first lively moment ends the quick beginning, also for a lab that
        is started again later. A story of a few pages is walked as soon as
        it has begun.
        """
        if not self._arrived.exists():
            if is_lively or (is_begun and self._is_short):
                self._arrived.touch()
                self._clock.go_at(rate)
        elif self._clock.rate is None and not self._is_sent and not self._engine.is_over:
            self._clock.go_at(rate)
        if self._awaits_approval and approvals > self._approvals:
            self._awaits_approval = False
            self._clock.go_at(0)
        self._approvals = approvals

    def answer(self, request: Request) -> Reply:
        """Answer one request of a browser."""
        if request.fields.get("host", "") not in self._hosts:
            return _text(403, "this page answers to its own address only")
        if request.method == "POST" and request.path == "/pace":
            return self._set_pace(request)
        if request.method not in ("GET", "HEAD"):
            return _text(405, "this page is only read")
        if request.path == "/world.css":
            return Reply(200, STYLE.encode(), "text/css; charset=utf-8", FIELDS)
        found = self._page(unquote(request.path))
        if found is None:
            return _text(404, "no such page here")
        return Reply(200, found.encode(), "text/html; charset=utf-8", FIELDS)

    def _page(self, path: str) -> str | None:
        kind, _, name = path.strip("/").partition("/")
        if kind == "mailbox":
            owner = self._engine.world.mailboxes.get(name)
            mails = [one for one in self._post.all() if name in {to.address for to in one.recipients}]
            return tourpage.mailbox(name, owner[0].name, mails) if owner else None
        if kind == "mail":
            known = (
                name.isascii() and name.isdecimal() and len(name) < 9 and 1 <= int(name) <= len(self._post)
            )
            return tourpage.mail(self._post.mail(int(name)), self._post.text(int(name))) if known else None
        if kind != "world":
            return None
        return self._engine.picture(name) if name else self._world()

    def _world(self) -> str | None:
        service = self._engine.service
        if service is None:
            return self._engine.picture("")
        bar = tourpage.bar(
            self._token,
            self._clock.rate,
            is_over=self._engine.is_over,
            is_arriving=not self._arrived.exists(),
            awaits_approval=self._awaits_approval,
        )
        boxes = tourpage.mailboxes(self._engine.world.mailboxes, self._post.all())
        log_ins = tourpage.log_ins(service, self._machine_time())
        return self._engine.picture("", f"{bar}{log_ins}", boxes)

    def _set_pace(self, request: Request) -> Reply:
        given = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        origin = request.fields.get("origin", "null")
        is_ours = origin == "null" or urlsplit(origin).netloc in self._hosts
        if not is_ours or not hmac.compare_digest(given.get("token", "").encode(), self._token.encode()):
            return _text(403, "the form is not of this page, or of an earlier start: load the page again")
        if not self._obey(given.get("do", "")):
            return _text(400, "no such pace")
        return Reply(303, b"", "text/plain; charset=utf-8", {**FIELDS, "Location": "/world"})

    def _obey(self, wanted: str) -> bool:
        rate = tourpage.RATES.get(wanted, self._clock.rate or 0)
        moments = {
            "event": self._engine.next_moment(),
            "day": self._clock.now + DAY,
        }
        if wanted not in (*tourpage.RATES, *moments):
            return False
        self._is_sent = rate is None
        self._awaits_approval = wanted == "approval"
        self._arrived.touch()
        self._clock.go_at(rate)
        moment = moments.get(wanted)
        if moment is not None:
            self._clock.go_to(moment)
        return True


def _text(status: int, words: str) -> Reply:
    return Reply(status, f"{words}\n".encode(), "text/plain; charset=utf-8", FIELDS)
