"""Finding a case: by its reference, by the reference of a notice, or by its URL."""

from sqlalchemy import Connection, select

from nta.domain import references
from nta.domain.errors import RefusedError
from nta.domain.intake import urls
from nta.store.db.handle import Store
from nta.store.tables import Case, Notice, NoticeItem


def cases_of(connection: Connection, store: Store, words: str) -> list[str]:
    """Return the references of the cases that the words name, at most a hundred; none when nothing does.

    A URL may be defanged. It is looked up by its digest: nothing of it is
    kept or compared in clear.
    """
    try:
        reference = references.read(words)
    except RefusedError:
        return _by_url(connection, store, words)
    if reference.startswith("N"):
        query = (
            select(NoticeItem.case_reference)
            .join(Notice, Notice.id == NoticeItem.notice_id)
            .where(Notice.reference == reference)
            .order_by(NoticeItem.position)
        )
    else:
        query = select(Case.reference).where(Case.reference == reference)
    return list(connection.execute(query.limit(100)).scalars())


def _by_url(connection: Connection, store: Store, words: str) -> list[str]:
    try:
        location = urls.parse(urls.refang(words))
    except RefusedError:
        return []
    digest = urls.digest(location.url, store.keys.derived("url"))
    return list(connection.execute(select(Case.reference).where(Case.digest == digest)).scalars())
