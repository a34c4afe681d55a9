"""What every use case is handed: the database, the keys, and where ids come from."""

from dataclasses import dataclass

from sqlalchemy import Connection

from nta.ports import Ids
from nta.store.database import Database
from nta.store.sealing import Keyring, Sealer

__all__ = ["Connection", "Store"]


@dataclass(frozen=True, slots=True)
class Store:
    """One installation's data. `portal_sealer` seals what the portal may read with its own key."""

    db: Database
    keys: Keyring
    sealer: Sealer
    portal_sealer: Sealer
    ids: Ids

    @classmethod
    def open(cls, db: Database, keys: Keyring, ids: Ids) -> "Store":
        """Return the store of an installation."""
        return cls(db, keys, Sealer(keys.sealing), Sealer(keys.portal), ids)

    def new_id(self) -> int:
        """Return one new row id."""
        return self.ids.take(1)[0]
