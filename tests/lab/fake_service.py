"""A desk and a portal of the smallest kind: the forms the lab's people fill in, and broken connections."""

import re
import smtplib
import socket
from collections.abc import Iterable
from contextlib import AbstractContextManager
from email import policy
from email.message import EmailMessage
from threading import Thread
from types import TracebackType
from typing import Any

from flask import Flask, Response, redirect, request, session
from werkzeug.serving import make_server

SECRET = "JBSWY3DPEHPK3PXP"
LOGIN = """<form id="login" action="/login" method="post"><input type="hidden" name="csrf_token" value="c1">
<input name="email"><input type="password" name="password">
<input type="submit" name="submit" value="Log in"></form>"""
FACTOR = """<form id="tf" method="post" action="/tf"><input name="code"><button>Go</button></form>"""
HAND_IN = """<form id="search" action="/search" method="post"><input name="q"></form>
<form id="hand-in" method="post" enctype="multipart/form-data">
<input type="hidden" name="csrf_token" value="c2">
<input type="hidden" name="key" value="{key}"><textarea name="text">
</textarea><select name="severity"><option value="normal">Normal</option><option value="high">High</option>
<option value="urgent">Urgent</option></select><select name="class_value"><option selected>baseline</option>
<option value="national">National</option></select><select name="scope"><option value="page">Page
<option value="file">File</option></select><input type="checkbox" name="confirm" value="yes"></form>"""
CASE = """<form id="dedicated" action="/dedicated" method="post"><select name="dedicated">
<option value="unknown">?</option><option value="yes">Yes</option></select><input name="reason"></form>
<form id="hold" action="/act/hold" method="post"><input name="until" value="2026-03-09T09:00">
<input name="reason"></form>
<form id="origin" action="/act/origin" method="post"><input name="address"><input name="until">
<input name="reason"></form>
"""
WITHDRAW = """<form id="withdraw" action="/act/withdraw" method="post"><input name="reason"></form>"""
NOTICE = """<p>waits</p><form id="approve" action="/notices/{ref}/approve" method="post">
<input name="reason"></form>
<form id="decline" action="/notices/{ref}/decline" method="post"><input name="reason"></form>"""
OPEN = """<p>1 notice</p><form id="open" method="post" action="/n">
<input type="hidden" name="token" value="{token}">
<input type="hidden" name="csrf_token" value="c3"><button>Show the list</button></form>"""


class FakeService(AbstractContextManager["FakeService"]):
    """Runs on a port of its own. `breaks` names requests to be cut: "before" they are handled, or "after"."""

    def __init__(self) -> None:
        self.hand_ins: dict[str, dict[str, str]] = {}
        self.marks: list[tuple[str, str, str]] = []
        self.answers: list[tuple[str, str]] = []
        self.said: list[dict[str, str]] = []
        self.acts: list[tuple[str, dict[str, str]]] = []
        self.waiting: dict[str, list[str]] = {}
        self.notices: dict[str, list[str]] = {}
        self.breaks: list[tuple[str, str]] = []
        self.seen: list[str] = []
        self.refused_codes = 0
        self._searched = ""
        self._keys = 0
        app = Flask(__name__)
        app.secret_key = "a secret of the tests"
        self._routes(app)
        self._server = make_server("127.0.0.1", 0, _Breaking(app, self), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "FakeService":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def card(self) -> dict[str, Any]:
        """Return what a service posts to the lab's control port."""
        users = [
            {"role": role, "email": f"{role}@hotline.test", "password": role * 2, "totp_secret": SECRET}
            for role in ("analyst", "lead", "lead2")
        ]
        return {"desk_url": self.url, "portal_url": self.url, "users": users}

    def _routes(self, app: Flask) -> None:
        both = ["GET", "POST"]
        for rule, view, methods in (
            ("/login", self._login, both),
            ("/tf", self._factor, both),
            ("/hand-in", self._hand_in, both),
            ("/hand-ins/<key>", lambda key: "5 lines", ["GET"]),
            ("/search", self._search, ["POST"]),
            ("/cases/<ref>", lambda ref: CASE + ("" if self._withdrawn() else WITHDRAW), ["GET"]),
            ("/act/<what>", self._act, ["POST"]),
            ("/approvals", self._approvals, ["GET"]),
            ("/notices/<ref>", self._notice, ["GET"]),
            ("/notices/<ref>/<word>", self._decide, ["POST"]),
            ("/dedicated", self._dedicated, ["POST"]),
            ("/n/<token>", lambda token: OPEN.format(token=token), ["GET"]),
            ("/n", self._list, ["POST"]),
            ("/n/answer", self._answer, ["POST"]),
        ):
            app.add_url_rule(rule, endpoint=rule, view_func=view, methods=methods)

    def _login(self) -> Any:
        if request.method == "GET":
            return LOGIN
        role = request.form["email"].partition("@")[0]
        if request.form["password"] != role * 2 or request.form["csrf_token"] != "c1":
            return LOGIN
        session["half"] = role
        return FACTOR

    def _factor(self) -> Any:
        if self.refused_codes or not re.fullmatch(r"[0-9]{6}", request.form.get("code", "")):
            self.refused_codes -= 1
            return FACTOR
        session["role"] = session.pop("half")
        return redirect("/hand-in")

    def _hand_in(self) -> Any:
        if "role" not in session:
            return redirect("/login")
        if request.method == "GET":
            self._keys += 1
            return HAND_IN.format(key=f"k{self._keys}")
        if request.form.get("confirm") != "yes" or request.form["csrf_token"] != "c2":
            return HAND_IN.format(key="again"), 400
        self.hand_ins.setdefault(request.form["key"], dict(request.form))
        return redirect(f"/hand-ins/{request.form['key']}", 303)

    def _search(self) -> Any:
        self._searched = request.form["q"]
        return redirect("/cases/C-26-0000-0000", 303)

    def _dedicated(self) -> Any:
        if session.get("role") != "lead":
            return "only a lead", 403
        self.marks.append((self._searched, request.form["dedicated"], request.form["reason"]))
        return "kept"

    def _act(self, what: str) -> Any:
        self.acts.append((what, dict(request.form)))
        return redirect("/cases/C-26-0000-0000", 303)

    def _withdrawn(self) -> bool:
        return any(what == "withdraw" for what, _ in self.acts)

    def _approvals(self) -> Any:
        if "role" not in session:
            return redirect("/login")
        return "".join(
            f'<a href="/notices/{ref}">{ref}</a>' for ref, by in self.waiting.items() if len(by) < 2
        )

    def _notice(self, ref: str) -> Any:
        return "" if session["role"] in self.waiting[ref] else NOTICE.format(ref=ref)

    def _decide(self, ref: str, word: str) -> Any:
        self.waiting[ref].append(session["role"] if word == "approve" else f"not {session['role']}")
        return redirect("/approvals", 303)

    def _list(self) -> Any:
        rows = "".join(
            f'<tr><td><input type="checkbox" name="item" value="{number}"><td><code>{url}</code></tr>'
            for number, url in enumerate(self.notices[request.form["token"]])
        )
        return f"""<form id="answer" action="/n/answer" method="post">
            <input type="hidden" name="token" value="{request.form["token"]}"><table>{rows}</table>
            <select name="answer"><option value="not_ours">Not ours</option>
            <option value="removed">Removed</option></select><input name="whose"><input name="until">
            <input name="why"><button>Send</button></form>"""

    def _answer(self) -> Any:
        urls = self.notices[request.form["token"]]
        for item in request.form.getlist("item"):
            self.answers.append((urls[int(item)], request.form["answer"]))
        words = ("answer", "whose", "until", "why")
        self.said.append({name: request.form[name] for name in words if request.form[name]})
        return "thank you"

    def send(
        self,
        smtp: str,
        to: str,
        urls: Iterable[str],
        *,
        message_id: str = "",
        notify: str = "SUCCESS,FAILURE,DELAY",
    ) -> str:
        """Send one notice through the lab's relay, as the service would. Return its token."""
        token = f"t{len(self.notices) + 1}"
        self.notices[token] = list(urls)
        message = EmailMessage()
        message["From"] = "notices@hotline.test"
        message["To"] = to
        message["Subject"] = "Notice"
        message["Message-ID"] = message_id or f"<{token}@hotline.test>"
        lines = [*self.notices[token], "", f"Answer here: {self.url}/n/{token}"]
        message.set_content("Please remove:\n\n" + "\n".join(lines) + "\n", cte="quoted-printable")
        host, port = smtp.removeprefix("smtp://").split(":")
        with smtplib.SMTP(host, int(port), timeout=5) as client:
            client.sendmail(
                f"return+{token}@hotline.test",
                [to],
                message.as_bytes(policy=policy.SMTP),
                mail_options=["RET=HDRS", f"ENVID={token}"],
                rcpt_options=[f"NOTIFY={notify}", f"ORCPT=rfc822;{to}"],
            )
        return token

    @staticmethod
    def hand_over(relay: tuple[str, int], to: str, content: bytes) -> None:
        """Send a mail as it is."""
        with smtplib.SMTP(*relay, timeout=5) as client:
            client.sendmail("return+x@hotline.test", [to], content)


class _Breaking:
    """Cuts a connection where a test asks for it: before a request is handled, or before it is answered."""

    def __init__(self, app: Flask, service: FakeService) -> None:
        self._app = app
        self._service = service

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self._service.seen.append(path)
        when = next((when for cut, when in self._service.breaks if cut == path), "")
        if not when:
            return self._app(environ, start_response)
        self._service.breaks.remove((path, when))
        if when == "after":
            Response.from_app(self._app, environ).close()
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError
