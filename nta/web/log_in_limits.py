"""Log-ins slowed down for whoever guesses: which account is tried, by which device, and what came of it."""

import math
import secrets
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, abort, make_response, request, session
from flask_security import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import TooManyRequests

from nta.store.db.sealing import Keyring, digest16
from nta.web import clients
from nta.web.slow_down import Slowing, Who

_COOKIE: Final = "nta_desk_device"
_KNOWN_S: Final = 90 * 86_400
_ACCOUNTS: Final = 5
_TRIED: Final = "tried"
_RIGHT: Final = 302
"""Each of these views shows its form again when something was wrong."""

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_View = Callable[..., Any]  # as Flask keeps its views; what one returns is for Flask alone


def slow_down(app: Flask, keys: Keyring) -> None:
    """Slow guesses down at the log-in, at its second factor, and where a password is asked for again."""
    guard = _Guard(keys, secure=app.config["SESSION_COOKIE_SECURE"])
    for name, slowed in (
        ("login", guard.password),
        ("two_factor_token_validation", guard.code),
        ("verify", guard.again),
    ):
        app.view_functions[f"security.{name}"] = slowed(app.view_functions[f"security.{name}"])


class _Guard:
    def __init__(self, keys: Keyring, *, secure: bool) -> None:
        self._slowing = Slowing()
        self._key = keys.derived("desk-limits")
        self._signed = URLSafeTimedSerializer(keys.derived("desk-device"))
        self._secure = secure

    def password(self, view: _View) -> _View:
        """Slow down the log-in itself."""

        def tried() -> Any:
            if request.method != "POST" or current_user.is_authenticated:
                return view()
            account = self._account(request.form.get("email", ""))
            answer = self._looked_at(account, self._admitted(account), view)
            if answer.status_code == _RIGHT:
                session[_TRIED] = account
            return answer

        return tried

    def code(self, view: _View) -> _View:
        """Slow down the second factor, and let who has it be known."""

        def tried() -> Any:
            if request.method != "POST" or _TRIED not in session or current_user.is_authenticated:
                return view()
            account, name = str(session[_TRIED]), str(session.get("tf_user_id"))
            who = self._admitted(account)
            if not who.is_known and (wait := self._slowing.doubt(name)):
                raise _too_many(wait)
            answer = self._looked_at(account, who, view)
            if answer.status_code == _RIGHT and not who.is_known:
                self._slowing.no_doubt(name)
            if current_user.is_authenticated:
                session.pop(_TRIED, None)
                self._slowing.is_in(account, who)
                self._know(answer, account)
            return answer

        return tried

    def again(self, view: _View) -> _View:
        """Slow down where somebody who is logged in says the password again."""

        def tried() -> Any:
            if request.method != "POST" or not current_user.is_authenticated:
                return view()
            account = self._account(current_user.email)
            return self._looked_at(account, self._admitted(account), view)

        return tried

    def _admitted(self, account: str) -> Who:
        """Return who tries, and count the try; else answer 429 with how long to wait."""
        if request.mimetype not in _FORMS:
            abort(400)
        who = self._who(account)
        if wait := self._slowing.wait(account, who):
            raise _too_many(wait)
        return who

    def _looked_at(self, account: str, who: Who, view: _View) -> Response:
        answer = make_response(view())
        if answer.status_code == _RIGHT:
            self._slowing.was_right(account, who)
        return answer

    def _account(self, email: str) -> str:
        return digest16(self._key, email.strip().lower().encode(errors="replace")).hex()

    def _who(self, account: str) -> Who:
        device = self._devices().get(account)
        return Who(device, True) if device else Who(clients.client(), False)

    def _devices(self) -> dict[str, str]:
        try:
            held = self._signed.loads(request.cookies.get(_COOKIE, ""), max_age=_KNOWN_S)
        except BadSignature:
            return {}
        return {str(account): str(device) for account, device in held.items()}

    def _know(self, answer: Response, account: str) -> None:
        """Let the browser show from now on that it has been let in to this account."""
        held = self._devices()
        device = held.pop(account, "") or secrets.token_hex(16)
        kept = dict([*held.items(), (account, device)][-_ACCOUNTS:])
        answer.set_cookie(
            _COOKIE,
            str(self._signed.dumps(kept)),
            max_age=_KNOWN_S,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )


def _too_many(wait_s: float) -> TooManyRequests:
    return TooManyRequests(retry_after=max(1, math.ceil(wait_s)))
