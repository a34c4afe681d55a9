"""What every use case is handed: the database, the keys, and where ids come from."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from nta.domain.intake.urls import mask
from nta.ports import Ids
from nta.store.db.database import Database
from nta.store.db.sealing import Keyring, ReadKeys, Sealer

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
    def open(
        cls,
        db: Database,
        keys: Keyring,
        ids: Ids,
        *,
        sealing: ReadKeys | None = None,
        portal: ReadKeys | None = None,
    ) -> "Store":
        """Return the store of an installation; `sealing` and `portal` read those keys anew."""
        return cls(db, keys, Sealer(keys.sealing, sealing), Sealer(keys.portal, portal), ids)

    @property
    def link_keys(self) -> Keyring:
        """Return the keys as links are made and found by: the portal's may have changed since the start."""
        return replace(self.keys, portal=self.portal_sealer.keys)

    def masked(self, place: str, row: int, sealed: bytes) -> str:
        """Return what a screen may show of a sealed URL; one that does not open is covered whole.

        A page of many shows the others, and a case with such a URL can be decided.
        """
        try:
            return mask(self.sealer.text(place, row, sealed))
        except ValueError:
            return mask("")

    def new_id(self) -> int:
        """Return one new row id."""
        return self.ids.take(1)[0]
