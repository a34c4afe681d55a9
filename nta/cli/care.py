"""Looking after an installation: settings, database, audit trail, accounts."""

from pathlib import Path
from typing import Any

import click

from nta.cli.tell import json_option, put, say
from nta.domain.errors import RefusedError
from nta.store import audit as trail
from nta.store import schema


@click.command()
@json_option
@click.pass_obj
def settings(opener: Any, as_json: bool) -> None:
    """Print all settings with value, source and meaning; secrets are hidden.

    \b
    Example:  nta settings
    """
    for line in opener().lines:
        if as_json:
            put(
                {
                    "name": line.name,
                    "value": line.value,
                    "source": line.source,
                    "default": line.default,
                    "meaning": line.meaning,
                }
            )
        else:
            click.echo(f"{line.name} = {line.value}")
            click.echo(f"    {line.meaning}\n    from: {line.source}; default: {line.default}")


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@click.pass_obj
def db_upgrade(opener: Any) -> None:
    """Bring the database to this version's schema.

    \b
    Example:  nta db upgrade
    """
    database = opener().database
    before = schema.current(database)
    schema.upgrade(database)
    say(f"the database went from version {before or 'none'} to {schema.current(database)}")


@click.group()
def audit() -> None:
    """The trail of what people did."""


@audit.command("verify")
@json_option
@click.pass_obj
def audit_verify(opener: Any, as_json: bool) -> int:
    """Check that no entry of the audit trail was changed or taken out.

    \b
    Example:  nta audit verify
    """
    with opener().store.db.read() as connection:
        faults = trail.verify(connection)
    for fault in faults:
        if as_json:
            put({"fault": fault})
        else:
            click.echo(fault)
    say(f"{len(faults)} faults" if faults else "the audit trail holds")
    return 1 if faults else 0


@click.group()
def user() -> None:
    """Accounts of the desk."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(["analyst", "lead", "administrator"]), required=True)
@click.option("--password-file", type=click.Path(path_type=Path), help="Else it is asked for.")
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


COMMANDS = (settings, db, audit, user)
