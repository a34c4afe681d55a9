"""`nta backup` and `nta restore`: the data into a file, the keys into another, and back from both."""

from pathlib import Path
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
from nta.store.db.sealing import Keyring, load_keys
from nta.store.safekeeping import key_files
from nta.usecases import backup as use

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--keys", type=_FILE, help="Write the keys into this file; keep it in another place.")
@json_option
@click.pass_obj
def backup(opener: Any, file: Path | None, keys: Path | None, as_json: bool) -> None:
    """Write all data into one new file, while everything runs; the keys apart.

    There is no key in FILE, and without the keys nobody reads it, you
    neither.

    \b
    Example:  nta backup /backups/nta-monday && nta backup --keys /safe/nta-keys
    """
    if file is None and keys is None:
        raise RefusedError("say a file for the data, --keys with a file for the keys, or both")
    if file is not None and keys is not None and file.resolve().parent == keys.resolve().parent:
        raise RefusedError("the keys go into another folder than the data: whoever has both can read all")
    kit: Kit = opener()
    if keys is not None:
        given = kit.settings
        held = load_keys(kit.instance, given.keys, given.digest_key, given.portal_keys, may_make=False)
        key_files.write_apart(held, keys)
        say(f"the keys are in {keys}: keep them apart from the data")
    if file is None:
        return
    made = use.back_up(kit.database, file, kit.clock.now(), progress=progress("rows"))
    if as_json:
        put(
            {
                "file": str(file),
                "schema": made.schema,
                "rows": made.total,
                "bytes": file.stat().st_size,
                "sha256": made.sha256,
            }
        )
    say(f"{made.total} rows of version {made.schema} are in {file}")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--keys", type=_FILE, help="What `nta backup --keys` wrote; else the settings name the keys.")
@json_option
@click.pass_obj
def restore(opener: Any, file: Path, keys: Path | None, as_json: bool) -> None:
    """Bring a backup back into an empty instance or PostgreSQL database.

    Sending is stopped until a lead allows it at the desk: what the copy
    still holds as unsent may have been sent since.

    \b
    Example:  NTA_INSTANCE=/srv/nta nta restore /backups/nta-monday --keys /safe/nta-keys
    """
    kit: Kit = opener()
    kit.take_alone()
    held = use.restore(
        kit.database,
        file,
        _keyring(kit, keys),
        kit.clock.now(),
        put_keys_back=lambda: _put_back(kit, keys),
        progress=progress("rows"),
    )
    if as_json:
        put(
            {
                "file": str(file),
                "schema": held.schema,
                "made_at": held.made_at.isoformat(),
                "rows": held.total,
            }
        )
    say(f"{held.total} rows of {held.made_at:%Y-%m-%d %H:%M} UTC are back; a lead has to allow sending")


def _keyring(kit: Kit, keys: Path | None) -> Keyring:
    """Return the keys that the restored instance will have: those of the settings win."""
    given = kit.settings
    if keys is not None:
        held = key_files.read_apart(keys)
        return Keyring(
            given.keys or held.sealing, given.digest_key or held.digest, given.portal_keys or held.portal
        )
    try:
        return load_keys(kit.instance, given.keys, given.digest_key, given.portal_keys, may_make=False)
    except RefusedError:
        raise RefusedError(
            "say --keys with the file that `nta backup --keys` wrote, or set "
            "NTA_KEYS, NTA_DIGEST_KEY and NTA_PORTAL_KEYS"
        ) from None


def _put_back(kit: Kit, keys: Path | None) -> None:
    if keys is not None:
        key_files.put_back(key_files.read_apart(keys), kit.instance)


COMMANDS = (backup, restore)
