"""How an installation starts: the number of each process, and whether anything was ever kept."""

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from nta.domain.errors import OutsideError
from nta.store.db.database import Database
from nta.store.tables import DeskUser, HandIn, ProcessStart

NUMBERS = 1024
"""Process numbers before they come round: as many as a row id has room for."""


def next_number(database: Database) -> int:
    """Return a number for this process that no other of the last 1,023 has.

    Raises: OutsideError when others take every number first.
    """
    for _ in range(20):
        with database.read() as connection:
            number = (connection.execute(select(func.max(ProcessStart.number))).scalar() or 0) + 1
        try:
            with database.write() as connection:
                connection.execute(insert(ProcessStart).values(number=number))
        except IntegrityError:
            continue
        return int(number) % NUMBERS
    raise OutsideError("too many processes start at once", temporary=True)


def is_unused(database: Database) -> bool:
    """Tell whether nothing is sealed in a database yet: no hand-in, no account."""
    with database.read() as connection:
        held = (select(table.id).limit(1) for table in (HandIn, DeskUser))
        return all(connection.execute(asked).first() is None for asked in held)
