"""Log-ins that owe their second factor: how long they wait, and what they may set up."""

import time
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, current_app, redirect, request, session
from flask_security import current_user
from flask_security.tf_plugin import tf_clean_session

LONGEST_S: Final = 600
"""How long a password that was right waits for its second factor."""

_SINCE: Final = "half_at"
_View = Callable[..., Any]  # as Flask keeps its views; what one returns is for Flask alone


def bound(app: Flask) -> None:
    """Let such a log-in wait for a while only, and set up a second factor only where there is none."""
    views = app.view_functions
    views["security.login"] = _first(views["security.login"])
    views["security.two_factor_setup"] = _second(views["security.two_factor_setup"])
    validate = _second(views["security.two_factor_token_validation"])
    views["security.two_factor_token_validation"] = _unless_logged_in(validate)


def _first(login: _View) -> _View:
    def view() -> Any:
        answer = login()
        if request.method == "POST" and "tf_state" in session:
            session[_SINCE] = time.time()
        return answer

    return view


def _second(go_on: _View) -> _View:
    def view() -> Any:
        if not current_user.is_authenticated and _is_stale():
            tf_clean_session()  # type: ignore[no-untyped-call]
        return go_on()

    return view


def _unless_logged_in(validate: _View) -> _View:
    # Left to itself, Flask-Security logs out whoever opens this page with nothing to confirm.
    def view() -> Any:
        if current_user.is_authenticated and session.get("tf_state") != "validating_profile":
            return redirect("/", 303)
        return validate()

    return view


def _is_stale() -> bool:
    """Tell whether it waited too long, or would set up a factor that the account has by now."""
    if time.time() - session.get(_SINCE, 0) > LONGEST_S:
        return True
    user = current_app.extensions["security"].datastore.find_user(fs_uniquifier=session.get("tf_user_id"))
    return session.get("tf_state") != "ready" and bool(user and user.tf_primary_method)
