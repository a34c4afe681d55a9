"""What an installation keeps, opened as far as it is needed: settings, folder, keys, database."""

import stat
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from nta import settings as configuration
from nta.adapters.ids import SnowflakeIds
from nta.domain.errors import RefusedError
from nta.store import schema, starts
from nta.store.db.database import Database, reachable
from nta.store.db.handle import Store
from nta.store.db.sealing import (
    Keyring,
    key_file,
    keys_in,
    load_keys,
    portal_keys,
    stranger,
)
from nta.store.safekeeping import key_proof


class Installation:
    """Settings as read at the start, and what is kept under them; keys are read again while it runs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        given, self.lines = configuration.read(environment)
        hotline = given.hotline or _chosen(given.instance)
        self.settings = given.model_copy(update={"hotline": hotline})

    @cached_property
    def instance(self) -> Path:
        """Return the instance folder, made on first use with mode 0700."""
        folder = self.settings.instance
        try:
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            if not self.settings.database_url and stat.S_IMODE(folder.stat().st_mode) & 0o077:
                held = {path.name for path in folder.iterdir()}
                if held and not held & {"keys", "nta.sqlite", "demo.json"}:
                    raise RefusedError(f"NTA_INSTANCE: {folder} is open to others and none of ours")
                folder.chmod(0o700)
        except OSError as fault:
            raise RefusedError(f"NTA_INSTANCE: {folder}: {fault.strerror}") from None
        return folder

    @cached_property
    def database(self) -> Database:
        """Return the database, whatever its version."""
        database = Database(self.settings.database_url or f"sqlite:///{self.instance / 'nta.sqlite'}")
        reachable(database)
        return database

    @cached_property
    def store(self) -> Store:
        """Return the store, at the code's version; an embedded database is brought up to date by itself."""
        may_make, given = self._is_new(), self.settings
        keys = load_keys(self.instance, given.keys, given.digest_key, given.portal_keys, may_make=may_make)
        store = Store.open(
            self.database,
            keys,
            SnowflakeIds(self.node),
            sealing=self._keys_again,
            portal=self._portal_keys_again,
        )
        key_proof.refuse_wrong_keys(store)
        return store

    @cached_property
    def portal_store(self) -> Store:
        """Return the store of a portal on its own: of the keys it holds the portal's alone."""
        may_make = self._is_new()
        own = self.settings.portal_keys or portal_keys(self.instance, may_make=may_make)
        keys = Keyring(sealing=(stranger(),), digest=stranger(), portal=own)
        store = Store.open(self.database, keys, SnowflakeIds(self.node), portal=self._portal_keys_again)
        key_proof.refuse_wrong_portal_keys(store)
        return store

    def _keys_again(self) -> tuple[bytes, ...]:
        """Return the sealing keys as they are now."""
        given = configuration.read(self._environment)[0].keys
        return given or keys_in(key_file(self.instance, "sealing"), "NTA_KEYS")

    def _portal_keys_again(self) -> tuple[bytes, ...]:
        """Return the portal's own keys as they are now."""
        given = configuration.read(self._environment)[0].portal_keys
        return given or keys_in(key_file(self.instance, "portal"), "NTA_PORTAL_KEYS")

    def _is_new(self) -> bool:
        """Bring the database to the code's version, and tell whether nothing is sealed in it yet."""
        if self.settings.database_url:
            schema.check(self.database)
        else:
            schema.upgrade(self.database)
        return starts.is_unused(self.database)

    @cached_property
    def node(self) -> int:
        """Return this process's node number: no other of the last 1,023 processes has it."""
        return starts.next_number(self.database)


def _chosen(instance: Path) -> str | None:
    """Return the hotline that was chosen at the first start."""
    kept = instance / "hotline"
    return kept.read_text(encoding="utf-8").strip() or None if kept.is_file() else None
