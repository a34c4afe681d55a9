"""By which names there are accounts of the desk."""

from sqlalchemy import Connection, select

from nta.store.tables import DeskUser


def account_names(connection: Connection) -> frozenset[str]:
    """Return the names of all accounts, in the form in which they are kept."""
    return frozenset(connection.execute(select(DeskUser.email)).scalars())
