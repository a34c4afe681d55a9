"""Looking after accounts of the desk: who there is, closing and opening, and what is set anew."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from nta.domain.errors import RefusedError
from nta.ports import Clock
from nta.store.accounts import desk_sessions, desk_users
from nta.store.db.handle import Connection, Store
from nta.store.tables import DeskUser
from nta.store.work import audit
from nta.web.access import hashed, normal, refuse_easy, totp_of
from nta.web.session_cookies import machine_now


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the list shows it; `seen_at` is when its log-ins that go on were last used."""

    email: str
    roles: tuple[str, ...]
    is_active: bool
    has_second_factor: bool
    made_at: datetime
    seen_at: tuple[datetime, ...] = field(default=())


class Accounts:
    """The accounts of one installation. Each act is written into the audit trail."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def listed(self) -> list[Account]:
        """Return every account, by name."""
        with self._store.db.read() as connection:
            going_on = desk_sessions.going_on(connection, machine_now())
            return [
                Account(
                    user.email,
                    tuple(sorted(role.name for role in user.roles)),
                    user.active,
                    bool(user.tf_primary_method and user.tf_totp_secret),
                    user.create_datetime,
                    tuple(sorted(going_on.get(user.id, []))) if user.active else (),
                )
                for user in desk_users.listed(connection)
            ]

    def disable(self, email: str) -> int:
        """Close an account: nobody logs in, and its log-ins are over. Return how many those were."""
        with self._change(email, "user_disabled") as (connection, user):
            user.active = False
            return self._over(connection, user)

    def enable(self, email: str) -> None:
        """Open an account again."""
        with self._change(email, "user_enabled") as (_, user):
            user.active = True

    def reset_password(self, email: str, password: str) -> int:
        """Give an account a new password; return how many log-ins are over by it.

        Raises: RefusedError for a password that is too easy, or an account that is not there.
        """
        refuse_easy(password, _named(email))
        new = hashed(password)
        with self._change(email, "user_password_reset") as (connection, user):
            user.password = new
            return self._over(connection, user)

    def reset_second_factor(self, email: str) -> str:
        """Give an account a new second factor; return its secret in base 32. Its log-ins are over."""
        totp = totp_of(self._store.keys)
        secret = totp.generate_totp_secret()
        with self._change(email, "user_factor_reset") as (connection, user):
            user.tf_primary_method, user.tf_totp_secret, user.totp_counter = "authenticator", secret, None
            self._over(connection, user)
        return str(totp.get_totp_b32_key(secret))

    def end_sessions(self, email: str) -> int:
        """End every log-in of an account; return how many those were."""
        with self._change(email, "user_sessions_ended") as (connection, user):
            return self._over(connection, user)

    def _over(self, connection: Connection, user: DeskUser) -> int:
        # The old name in a cookie would go on with a log-in whose second factor is still owed.
        user.fs_uniquifier = secrets.token_hex(32)
        return desk_sessions.end_all(connection, user.id, machine_now())

    @contextmanager
    def _change(self, email: str, act: str) -> Iterator[tuple[Connection, DeskUser]]:
        name, now = _named(email), self._clock.now()
        with self._store.db.write() as connection:
            with desk_users.changing(connection, name) as user:
                if user is None:
                    raise RefusedError("there is no account of this name")
                user.update_datetime = now
                yield connection, user
            audit.note(connection, self._store.ids, at=now, who="command", act=act, subject=name[:64])


def _named(email: str) -> str:
    try:
        return normal(email)
    except ValueError:
        raise RefusedError("an account is named by an e-mail address") from None
