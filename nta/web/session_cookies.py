"""Which log-in a cookie belongs to: each is a row that ends, so no copy of a cookie outlives it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from flask import Flask, session
from flask_login import user_logged_out  # type: ignore[import-untyped]
from flask_security import user_authenticated

from nta.store.accounts import desk_sessions
from nta.store.db.handle import Store

_TOKEN: Final = "login"  # noqa: S105  # the name of a field


def keep(app: Flask, store: Store) -> None:
    """Let the cookie of an app count only as long as the log-in that it was given by."""
    kept = _KnownSession(store, app.login_manager._user_callback)  # type: ignore[attr-defined]
    app.extensions["nta_sessions"] = kept  # signals hold their receivers weakly
    app.login_manager.user_loader(kept.user)  # type: ignore[attr-defined]
    # A token in a header or address would be a log-in that no log-out ends.
    app.login_manager.request_loader(_nobody)  # type: ignore[attr-defined]
    user_authenticated.connect(kept.begin, app)
    user_logged_out.connect(kept.end, app)


def machine_now() -> datetime:
    """Return the machine's time: log-ins go by it, whatever the service's clock says."""
    return datetime.now(UTC)


# Flask-Login and Flask-Security have no types of their own for what they hand on.
class _KnownSession:
    def __init__(self, store: Store, known: Callable[[str], Any]) -> None:
        self._store = store
        self._known = known

    def user(self, name: str) -> Any:
        """Return the user of this request's log-in, if there is one that goes on."""
        token = session.get(_TOKEN)
        if not isinstance(token, str) or (found := self._known(name)) is None:
            return None
        now = machine_now()
        with self._store.db.read() as connection:
            lives = desk_sessions.lives(connection, user_id=found.id, token=token, now=now)
        if lives is None:
            with self._store.db.write(lazy=True) as connection:
                desk_sessions.seen(connection, token, now)
        return None if lives is False else found

    def begin(self, _app: Flask, user: Any, **_: object) -> None:
        """Begin a log-in, under a token of its own."""
        session[_TOKEN] = token = secrets.token_urlsafe(32)
        with self._store.db.write() as connection:
            desk_sessions.begin(connection, self._store.ids, user_id=user.id, token=token, now=machine_now())

    def end(self, _app: Flask, **_: object) -> None:
        """End the log-in that is being left."""
        token = session.pop(_TOKEN, None)
        if isinstance(token, str):
            with self._store.db.write() as connection:
                desk_sessions.end(connection, token, machine_now())


def _nobody(_request: object) -> None:
    return None
