"""`nta user`: accounts of the desk, made and looked after."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from nta.cli.output import (
    json_option,
    put,
    say,
    show,
)
from nta.domain.errors import RefusedError
from nta.domain.policy import DeskRoleName

password_option = click.option(
    "--password-file", type=click.Path(path_type=Path), help="Else it is asked for."
)


@click.group()
def user() -> None:
    """Accounts of the desk."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in DeskRoleName]), required=True)
@password_option
@json_option
@click.pass_obj
def user_add(opener: Any, email: str, role: str, password_file: Path | None, as_json: bool) -> None:
    """Make an account and print the secret for its second factor.

    \b
    Example:  nta user add lead@hotline.example --role lead
    """
    secret = opener().add_user(email, _password(password_file), role)
    if as_json:
        put({"email": email, "role": role, "totp_secret": secret})
    else:
        click.echo(f"{email} ({role}). Secret for the authenticator app: {secret}")


@user.command("list")
@json_option
@click.pass_obj
def user_list(opener: Any, as_json: bool) -> None:
    """Print every account: role, whether it is open, second factor, log-ins that go on.

    \b
    Example:  nta user list
    """
    for one in opener().accounts.listed():
        seen = [_written(at) for at in one.seen_at]
        if as_json:
            put(
                {
                    "email": one.email,
                    "roles": list(one.roles),
                    "active": one.is_active,
                    "second_factor": one.has_second_factor,
                    "made_at": _written(one.made_at),
                    "sessions": [{"last_seen_at": at} for at in seen],
                }
            )
        else:
            show(_line(one.email, one.roles, one.is_active, one.has_second_factor, seen))


@user.command("disable")
@click.argument("email")
@json_option
@click.pass_obj
def user_disable(opener: Any, email: str, as_json: bool) -> None:
    """Close an account; its log-ins are over at once.

    \b
    Example:  nta user disable analyst@hotline.example
    """
    _tell(email, "closed", opener().accounts.disable(email), as_json)


@user.command("enable")
@click.argument("email")
@json_option
@click.pass_obj
def user_enable(opener: Any, email: str, as_json: bool) -> None:
    """Open a closed account again.

    \b
    Example:  nta user enable analyst@hotline.example
    """
    opener().accounts.enable(email)
    _tell(email, "open", 0, as_json)


@user.command("reset-password")
@click.argument("email")
@password_option
@json_option
@click.pass_obj
def user_reset_password(opener: Any, email: str, password_file: Path | None, as_json: bool) -> None:
    """Give an account a new password; its log-ins are over.

    \b
    Example:  nta user reset-password lead@hotline.example
    """
    ended = opener().accounts.reset_password(email, _password(password_file))
    _tell(email, "a new password counts", ended, as_json)


@user.command("reset-second-factor")
@click.argument("email")
@json_option
@click.pass_obj
def user_reset_second_factor(opener: Any, email: str, as_json: bool) -> None:
    """Give an account a new second factor and print its secret; its log-ins are over.

    \b
    Example:  nta user reset-second-factor lead@hotline.example
    """
    secret = opener().accounts.reset_second_factor(email)
    if as_json:
        put({"email": email, "totp_secret": secret})
    else:
        click.echo(f"{email}. Secret for the authenticator app: {secret}")


@user.command("end-sessions")
@click.argument("email")
@json_option
@click.pass_obj
def user_end_sessions(opener: Any, email: str, as_json: bool) -> None:
    """End every log-in of an account.

    \b
    Example:  nta user end-sessions lead@hotline.example
    """
    _tell(email, "logged out everywhere", opener().accounts.end_sessions(email), as_json)


def _tell(email: str, what: str, ended: int, as_json: bool) -> None:
    if as_json:
        put({"email": email, "sessions_ended": ended})
    else:
        say(f"{email}: {what}; {ended} log-ins ended")


def _line(email: str, roles: Sequence[str], is_active: bool, has_factor: bool, seen: Sequence[str]) -> str:
    state = "open" if is_active else "closed"
    factor = "second factor set" if has_factor else "no second factor yet"
    last = f"{len(seen)} log-ins, last used {seen[-1]}" if seen else "not logged in"
    return f"{email}  {', '.join(roles)}  {state}  {factor}  {last}"


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _password(file: Path | None) -> str:
    if file is None:
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as fault:
        raise RefusedError(f"--password-file {file}: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise RefusedError(f"--password-file {file}: not UTF-8 text") from None


COMMANDS = (user,)
