"""A small world that uses every sealed column, and all that is sealed in a database, opened."""

import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.hosting.overrides import Scope
from nta.domain.notices.answers import ItemAnswer
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import key_file, keys_in, load_keys
from nta.store.hosting import findings, override_rows
from nta.store.notices.notice_rows import CONTENT
from nta.store.safekeeping.resealing import Ring, sealed_columns
from nta.store.tables import Notice
from nta.usecases import answer
from nta.usecases.submit import Terms, hand_in, read_lines
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE
from tests.fakes import CountingIds
from tests.lookup_plain import a_finding
from tests.mails import keep

LATER = NINE + timedelta(hours=1)


def store_of(database: Database, instance: Path, ids: CountingIds | None = None) -> Store:
    """Return the store of a process that reads its keys from an instance, now and again."""
    return Store.open(
        database,
        load_keys(instance, (), None, ()),
        ids or CountingIds(),
        sealing=lambda: keys_in(key_file(instance, "sealing"), "NTA_KEYS"),
        portal=lambda: keys_in(key_file(instance, "portal"), "NTA_PORTAL_KEYS"),
    )


def submit(store: Store, name: str, count: int = 1) -> None:
    """Hand in good lines and a bad one."""
    told = [{"url": f"http://{name}.example/{n}", "referrer": "http://from.example/"} for n in range(count)]
    lines = "\n".join(json.dumps(one) for one in [*told, {"url": f"no url {name}"}])
    hand_in(store, read_lines(lines.encode()), Terms("desk"), who="analyst", key=name, way="paste", now=NINE)


def fill(store: Store) -> MadeNotice:
    """Write something into every sealed column; return the notice of it, whose link works."""
    submit(store, "first", 3)
    case = make_case(store, "http://quick.example/p", NINE)
    assert case.domain_id is not None
    notice = make_notice(store, [case], NINE)
    with store.db.write() as connection:
        sealed = store.sealer.seal(CONTENT, notice.notice_id, "as sent")
        connection.execute(update(Notice).where(Notice.id == notice.notice_id).values(content_sealed=sealed))
        for scope, number in ((Scope.HOST, case.host_id), (Scope.DOMAIN, case.domain_id)):
            override_rows.put(
                connection, store, number, reason="known", until=None, origin="192.0.2.9", scope=scope
            )
        lookup = Lookup(LookupKind.ADDRESSES, "quick.example")
        found = a_finding(lookup, {"addresses": ["192.0.2.10"]}, "dns", NINE, LATER, None)
        findings.save(connection, store, [found])
        keep(connection, store, received=b"mail", kept=b"mail", kind="reply", notice_id=None, at=NINE)
    answer.answer(store, notice.token, [ItemAnswer(notice.item_ids[0], "refused", why="we are sure")], LATER)
    return notice


def opened(store: Store, ring: Ring | None = None) -> dict[tuple[str, int], bytes]:
    """Return all that is sealed, opened, by place and row."""
    found = {}
    for one in sealed_columns(ring):
        sealer = store.portal_sealer if one.ring == "portal" else store.sealer
        with store.db.read() as connection:
            rows = connection.execute(select(*one.key, one.column).where(one.column.is_not(None))).all()
        for *key, sealed in rows:
            row = one.row(key)
            found[one.place, row] = sealer.open(one.place, row, bytes(sealed))
    return found


def heads(store: Store) -> set[bytes]:
    """Return what sealed bytes begin with, over all columns."""
    with store.db.read() as connection:
        return {
            bytes(sealed)[:4]
            for one in sealed_columns()
            for sealed in connection.execute(select(one.column).where(one.column.is_not(None))).scalars()
        }
