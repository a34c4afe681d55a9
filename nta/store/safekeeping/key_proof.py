"""Whether keys are those that a database was sealed under: tried on what stands in it."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.sql.elements import SQLCoreOperations

from nta.domain.errors import RefusedError
from nta.domain.intake import urls
from nta.store.db.handle import Store
from nta.store.db.sealing import Sealer, UnknownKeyError
from nta.store.notices import kept_mails
from nta.store.reads.portal import PLACE as PORTAL_PLACE
from nta.store.tables import Case, Domain, Host, Mail, NoticeItem


class Columns(NamedTuple):
    """One sealed column, the id of its row, and the place it is sealed for."""

    id: SQLCoreOperations[int]
    sealed: SQLCoreOperations[bytes]
    place: str


_CASES = Columns(Case.id, Case.url_sealed, "case.url")
_OURS = (
    _CASES,
    Columns(Host.id, Host.name_sealed, "host.name"),
    Columns(Domain.id, Domain.name_sealed, "domain.name"),
    Columns(Mail.id, Mail.content_sealed, kept_mails.PLACE),
)
_PORTALS = Columns(NoticeItem.id, NoticeItem.portal_sealed, PORTAL_PLACE)


def refuse_wrong_keys(store: Store) -> None:
    """Refuse keys that the first and last sealed rows are not under, or that digests do not follow from.

    A row that does not open under a key we hold was spoilt, and says nothing
    of the key: whoever reads it says so.

    Raises: RefusedError, which names the setting.
    """
    with store.db.read() as connection:
        for columns in _OURS:
            _open_all(connection, store.sealer, columns, "NTA_KEYS", "sealing")
        if not _digests_follow(connection, store):
            raise _refusal("NTA_DIGEST_KEY", "digest")
    refuse_wrong_portal_keys(store)


def refuse_wrong_portal_keys(store: Store) -> None:
    """Refuse portal keys that the first and last item of a notice are not sealed under.

    Raises: RefusedError, which names the setting.
    """
    with store.db.read() as connection:
        _open_all(connection, store.portal_sealer, _PORTALS, "NTA_PORTAL_KEYS", "portal")


def _open_all(connection: Connection, sealer: Sealer, columns: Columns, setting: str, file: str) -> None:
    for number, sealed in _first_and_last(connection, columns):
        try:
            sealer.open(columns.place, number, sealed)
        except UnknownKeyError:
            raise _refusal(setting, file) from None
        except ValueError:
            continue


def _digests_follow(connection: Connection, store: Store) -> bool:
    """Tell whether the digest of the first or the last case is what its URL comes to; True without any."""
    tried = []
    key = store.keys.derived("url")
    for number, sealed in _first_and_last(connection, _CASES):
        try:
            url = store.sealer.text(_CASES.place, number, sealed)
        except ValueError:
            continue
        kept = connection.execute(select(Case.digest).where(Case.id == number)).scalar_one()
        tried.append(bytes(kept) == urls.digest(url, key))
    return any(tried) or not tried


def _first_and_last(connection: Connection, columns: Columns) -> Iterator[tuple[int, bytes]]:
    """Yield the row with the lowest and the one with the highest id; no other is read."""
    for order in (columns.id.asc(), columns.id.desc()):
        row = connection.execute(select(columns.id, columns.sealed).order_by(order).limit(1)).first()
        if row is not None:
            yield row[0], bytes(row[1])


def _refusal(setting: str, file: str) -> RefusedError:
    return RefusedError(
        f"{setting} (or keys/{file} in the instance): not the key that this database is in use with; "
        "put the right one back"
    )
