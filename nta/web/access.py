"""Accounts of the desk: log-in with a second factor, roles, and how an account is made."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from flask import Flask, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import (
    LoginForm,
    Security,
    SQLAlchemySessionUserDatastore,
    auth_required,
    current_user,
    roles_accepted,
)
from flask_security.mail_util import MailUtil
from flask_security.totp import Totp
from passlib.exc import UsedTokenError
from passlib.hash import argon2
from passlib.totp import TotpMatch

from nta.domain.errors import RefusedError
from nta.domain.policy import POLICY, DeskAct, DeskRoleName, Person
from nta.ports import Clock
from nta.store.accounts import desk_users
from nta.store.accounts.desk_sessions import SHIFT
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import DeskRole, DeskUser
from nta.store.work import audit
from nta.web import log_in_limits, pending_log_ins, session_cookies

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

SHORTEST_PASSWORD: Final = 12
_LONGEST_NAME: Final = 64
"""Who did something stands in columns of this length."""

_OPEN: Final = (
    "language",
    "security.login",
    "security.logout",
    "security.two_factor_setup",
    "security.two_factor_token_validation",
)
"""What may be sent without a log-in."""

_ARGON2: Final = {"memory_cost": 65536, "time_cost": 3, "parallelism": 4}
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account just made. `secret` and `uri` feed an authenticator app; None: set up at first log-in."""

    email: str
    role: str
    secret: str | None
    uri: str | None


class SingleUseTotp(Totp):
    """Codes that work once: the counter of the last one taken is kept with the user."""

    def kept(self, secret: str | None) -> str:
        """Return a secret in base 32, or a new one, in the encrypted form in which a user has it."""
        if secret is None:
            return str(self.generate_totp_secret())
        return str(self._totp(key=secret, format="base32").to_json(encrypt=True))

    def get_last_counter(self, user: Any) -> int | None:
        """Return the counter of the last code that was taken."""
        counter: int | None = user.totp_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: TotpMatch) -> None:
        """Keep the counter; of two log-ins with one code at the same moment, one fails."""
        if not desk_users.take_code(user, tmatch.counter):
            raise UsedTokenError


class NoMail(MailUtil):
    """Addresses are names of accounts here; nothing is ever sent to them."""

    def normalize(self, email: str) -> str:
        """Return the address as accounts keep it."""
        return normal(email)

    def validate(self, email: str) -> str:
        """Return the address as accounts keep it."""
        return normal(email)


class DeskLogin(LoginForm):
    """Log-in without "remember me": it would pass the second factor by."""

    def validate(self, **kwargs: Any) -> bool:
        self.remember.data = False
        return bool(super().validate(**kwargs))


def normal(email: str) -> str:
    """Return an address in the form in which accounts keep it. Raises ValueError when it is none."""
    plain = email.strip().lower()
    if not _EMAIL.fullmatch(plain):
        raise ValueError("not an e-mail address")
    return plain


def add_user(
    store: Store,
    email: str,
    password: str,
    role: str,
    *,
    clock: Clock,
    second_factor: bool = True,
    secret: str | None = None,
) -> NewUser:
    """Make an account; return the secret of its second factor.

    Without `second_factor` the user scans one at the first log-in. A
    `secret` in base 32 is taken for one that is drawn here.

    Raises: RefusedError for an address that is none or taken, an unknown
    role, or a password that is too easy.
    """
    try:
        name = normal(email)
    except ValueError:
        raise RefusedError("an account is named by an e-mail address") from None
    if len(name) > _LONGEST_NAME:
        raise RefusedError(f"the name of an account has at most {_LONGEST_NAME} characters")
    if role not in set(DeskRoleName):
        raise RefusedError(f"unknown role {role!r}; say {', '.join(DeskRoleName)}")
    refuse_easy(password, name)
    totp = totp_of(store.keys)
    kept_secret = totp.kept(secret) if second_factor else None
    now, kept_password = clock.now(), hashed(password)
    with store.db.write() as connection:
        if desk_users.exists(connection, name):
            raise RefusedError("an account of this name exists already")
        desk_users.add(
            connection,
            role,
            email=name,
            password=kept_password,
            active=True,
            fs_uniquifier=secrets.token_hex(32),
            create_datetime=now,
            update_datetime=now,
            tf_primary_method="authenticator" if kept_secret else None,
            tf_totp_secret=kept_secret,
        )
        audit.note(
            connection, store.ids, at=now, who="command", act="user_added", subject=name[:64], detail=role
        )
    if kept_secret is None:
        return NewUser(name, role, None, None)
    return NewUser(name, role, totp.get_totp_b32_key(kept_secret), totp.get_totp_uri(name, kept_secret))


def hashed(password: str) -> str:
    """Return a password as accounts keep it."""
    return str(argon2.using(**_ARGON2).hash(password))


def refuse_easy(password: str, name: str) -> None:
    """Raise RefusedError for a password that is quickly guessed."""
    if len(password) < SHORTEST_PASSWORD:
        raise RefusedError(f"a password has at least {SHORTEST_PASSWORD} characters")
    if len(set(password)) < 6:
        raise RefusedError("this password repeats too few characters")
    own = name.partition("@")[0]
    if (len(own) > 3 and own in password.lower()) or password.lower() in name:
        raise RefusedError("a password does not hold the name of the account")


def _secrets(keys: Keyring) -> dict[str, str]:
    return {"1": keys.derived("desk-totp").hex()}


def totp_of(keys: Keyring) -> SingleUseTotp:
    """Return what makes and opens the secrets of second factors."""
    return SingleUseTotp(_secrets(keys), "NTA")


def acting() -> Person:
    """Return who is logged in, as use cases ask who acts."""
    return Person(current_user.email, frozenset(role.name for role in current_user.roles))


def needs(act: DeskAct) -> Callable[[View], View]:
    """Return what lets only those to a view who may do an act; others log in, or are refused with 403."""

    def closed_to_others(view: View) -> View:
        guarded: View = auth_required("session")(roles_accepted(*sorted(POLICY[act]))(view))
        guarded.act = act  # type: ignore[attr-defined]  # a test holds that each page has one
        return guarded

    return closed_to_others


def guard(app: Flask, store: Store) -> None:
    """Put log-in, second factor and sessions before an app."""
    accounts = desk_users.sessions(store)
    app.config.update(_config(store.keys))
    app.config["REMEMBER_COOKIE_SECURE"] = app.config["SESSION_COOKIE_SECURE"]
    security = Security(
        app,
        SQLAlchemySessionUserDatastore(accounts, DeskUser, DeskRole),
        login_form=DeskLogin,
        mail_util_cls=NoMail,
        totp_cls=SingleUseTotp,
    )
    security.unauthn_handler(_ask_to_log_in)
    security.want_json(_never)
    session_cookies.keep(app, store)
    app.teardown_appcontext(lambda _fault: accounts.remove())
    # Nobody reads the mail that this view would send.
    app.view_functions["security.two_factor_rescue"] = _no_rescue
    pending_log_ins.bound(app)
    log_in_limits.slow_down(app, store.keys)


def _config(keys: Keyring) -> dict[str, Any]:
    return {
        "PERMANENT_SESSION_LIFETIME": SHIFT,
        "REMEMBER_COOKIE_NAME": "nta_desk_remember",
        "REMEMBER_COOKIE_DURATION": SHIFT,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "SECURITY_FLASH_MESSAGES": False,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_DATETIME_FACTORY": session_cookies.machine_now,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_SALT": keys.derived("desk-salt").hex(),
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {f"argon2__{k}": v for k, v in _ARGON2.items()},
        "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST_PASSWORD,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_REQUIRED": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "/",
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME": "nta_desk_tf",
        # One step back and one on: thirty seconds of doubt about a clock are enough.
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "SECURITY_TOTP_SECRETS": _secrets(keys),
        "SECURITY_TOTP_ISSUER": "NTA",
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_FRESHNESS": timedelta(minutes=30),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
    }


def _ask_to_log_in(mechanisms: list[str], headers: dict[str, str] | None) -> Any:
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("security.login")})
    # Only a page may be returned to; repeating a POST after log-in would act unasked.
    back = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("security.login", next=back))


def is_somebody() -> bool:
    """Tell whether somebody is logged in; reads nothing but the cookie."""
    return bool(current_user.is_authenticated)


def closed() -> ResponseReturnValue | None:
    """Return the way to the log-in for what nobody may send without one; its body is not looked at."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint in _OPEN or is_somebody():
        return None
    return _ask_to_log_in([], None) if request.endpoint else None


def _never(_request: object) -> bool:
    # Answers for programs carry a token that opens the desk without a session.
    return False


def _no_rescue() -> ResponseReturnValue:
    abort(404)
