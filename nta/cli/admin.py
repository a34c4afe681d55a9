"""Looking after an installation: settings, database, audit trail."""

from typing import Any

import click

from nta.cli.output import json_option, put, say
from nta.store import schema
from nta.store.db.grants import grant_portal
from nta.store.work import audit as trail


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


@db.command("grant-portal")
@click.argument("role")
@click.pass_obj
def db_grant_portal(opener: Any, role: str) -> None:
    """Give a PostgreSQL role the rights that `nta portal` needs, and no other.

    Run it as the owner of the tables, and again after each update.

    \b
    Example:  nta db grant-portal nta_portal
    """
    with opener().database.write() as connection:
        grant_portal(connection, role)
    say(f"{role} may do what the portal needs, and nothing else")


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


COMMANDS = (settings, db, audit)
