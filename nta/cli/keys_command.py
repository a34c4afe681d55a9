"""`nta keys`: a new key while everything runs, and the old one let go."""

from typing import Any

import click

from nta.cli.context import Kit
from nta.cli.output import (
    json_option,
    progress,
    put,
    say,
)
from nta.domain.errors import RefusedError
from nta.store.db.sealing import key_file
from nta.store.safekeeping.key_files import new_key
from nta.store.safekeeping.resealing import Ring
from nta.usecases import rotate as rotation


@click.group()
def keys() -> None:
    """The keys that everything is sealed under."""


@keys.command("new")
def keys_new() -> None:
    """Print a new key, for NTA_KEYS or NTA_PORTAL_KEYS.

    \b
    Example:  nta keys new >> keys-of-all-machines
    """
    click.echo(new_key().hex())


@keys.command("rotate")
@click.option("--portal", is_flag=True, help="The portal's own keys, not the service's.")
@click.option("--finish", is_flag=True, help="Let the older keys go, when nothing is sealed under them.")
@click.option("--one-machine", is_flag=True, help="On PostgreSQL: no other machine works on this database.")
@json_option
@click.pass_obj
def keys_rotate(opener: Any, portal: bool, finish: bool, one_machine: bool, as_json: bool) -> int:
    """Make a new key and bring everything under it, while desk, portal and jobs run.

    Run it again when it was stopped: it goes on. Then let the old key go
    with --finish. Backups made before still need it.

    \b
    Example:  nta keys rotate && sleep 60 && nta keys rotate --finish
    """
    kit: Kit = opener()
    ring: Ring = "portal" if portal else "sealing"
    given = kit.settings.keys if ring == "sealing" else kit.settings.portal_keys
    if not given and not kit.database.is_sqlite and not one_machine:
        raise RefusedError(
            "other machines cannot open what is sealed under a key made here: use "
            f"{rotation.SETTINGS[ring]} (docs/operations.md), or say --one-machine"
        )
    store = kit.store
    file = None if given else key_file(kit.instance, ring)
    step = rotation.finish if finish else rotation.rotate
    done = step(store, ring, file, kit.clock.now(), progress=progress("values"))
    if as_json:
        put(
            {
                "keys": ring,
                "resealed": done.done,
                "damaged": done.damaged,
                "left": done.left,
                "finished": finish,
            }
        )
    _tell(done, ring, finish=finish, of_settings=bool(given))
    return 1 if done.damaged or done.left else 0


def _tell(done: rotation.Resealed, ring: Ring, *, finish: bool, of_settings: bool) -> None:
    say(f"{done.done} values were brought under the newest key")
    if done.damaged:
        say(f"{done.damaged} values open under no key where they stand: they were damaged or moved")
    if done.left:
        say("some values were being written, or a process still seals under an older key: run this again")
    if not finish and not done.left:
        say("next: `nta keys rotate --finish`, " + _WHEN[ring])
    elif finish and of_settings:
        say(f"take the older keys out of {rotation.SETTINGS[ring]} on every machine")
    elif finish:
        say("the older keys are gone; backups made before need the keys that were backed up with them")


_WHEN = {
    "sealing": "in a minute's time",
    "portal": "in 30 days: until then the links in notices hang on the old key",
}

COMMANDS = (keys,)
