"""Rows for the benchmark of handing over: composed notices that are due, one item each, to twenty parties."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from nta.domain.intake import urls
from nta.store.db.bulk import insert_rows, table_of
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.store.notices.notice_rows import CONTENT
from nta.store.tables import (
    Addressee,
    Case,
    Contact,
    Due,
    Episode,
    Host,
    Notice,
    NoticeItem,
    PartyRow,
)
from tests.benchmarks.stores import copied, open_store
from tests.builders_notices import World
from tests.conftest import NINE
from tests.telling import Service

NOTICES = 10_000
PARTIES = 20
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=1)
_AT = to_us(BEGAN)


def letter(empty: Path) -> bytes:
    """Return a first notice as the service writes it; `empty` is an empty database file."""
    store = open_store(copied(empty, empty.with_name("letter.sqlite")))
    world, service = World(store), Service(store)
    world.ready()
    service.escalate(NINE)
    service.notify(NINE + timedelta(minutes=10))
    service.dispatch(NINE + timedelta(minutes=10))
    store.db.dispose()
    (sent,) = service.relay.given
    return sent.content


def fill(store: Store, content: bytes) -> None:
    """Write everything; the notices differ in their Message-ID."""
    ids = {
        kind: store.ids.take(NOTICES) for kind in ("host", "case", "episode", "addressee", "notice", "item")
    }
    contacts = store.ids.take(PARTIES)
    rows: dict[Any, list[dict[str, Any]]] = {
        PartyRow: [_party(n) for n in range(PARTIES)],
        Contact: [_contact(n, i) for n, i in enumerate(contacts)],
        Host: [_host(store, n, i) for n, i in enumerate(ids["host"])],
        Case: [
            _case(store, n, *both) for n, both in zip(count(), zip(ids["case"], ids["host"], strict=True))
        ],
    }
    each = zip(
        *(ids[kind] for kind in ("episode", "case", "host", "addressee", "notice", "item")), strict=True
    )
    for number, (episode, case, host, addressee, notice, item) in enumerate(each):
        contact = contacts[number % PARTIES]
        rows.setdefault(Episode, []).append(_episode(episode, case, host))
        rows.setdefault(Addressee, []).append(_addressee(number, addressee, episode, contact))
        rows.setdefault(Notice, []).append(_notice(store, number, notice, contact, content))
        rows.setdefault(NoticeItem, []).append(_item(store, number, item, notice, addressee, episode))
        rows.setdefault(Due, []).append({"kind": "send", "subject": notice, "due_at": _AT, "tries": 0})
    with store.db.write() as connection:
        for table, written in rows.items():
            insert_rows(connection, table_of(table), tuple(written[0]), [tuple(r.values()) for r in written])


def _party(number: int) -> dict[str, Any]:
    return {
        "id": f"hosting:bench{number}",
        "name": f"Bench {number}",
        "country": "NL",
        "source": "catalogue",
        "seen_at": _AT,
    }


def _contact(number: int, contact: int) -> dict[str, Any]:
    return {
        "id": contact,
        "party": f"hosting:bench{number}",
        "way": "email",
        "address": f"abuse@bench{number}.example",
        "language": "nl",
        "format": "plain",
        "source": "catalogue",
        "confidence": 1.0,
    }


def _host(store: Store, number: int, host: int) -> dict[str, Any]:
    name = f"h{number}.bench.test"
    return {
        "id": host,
        "digest": urls.digest(name, store.keys.derived("host")),
        "name_sealed": store.sealer.seal("host.name", host, name),
        "port": 80,
        "is_ip": False,
        "missed_looks": 0,
    }


def _case(store: Store, number: int, case: int, host: int) -> dict[str, Any]:
    at = f"http://h{number}.bench.test/gallery/{number:x}.html"
    return {
        "id": case,
        "reference": f"C-26-{number:09d}",
        "digest": urls.digest(at, store.keys.derived("url")),
        "host_id": host,
        "url_sealed": store.sealer.seal("case.url", case, at),
        "class_scheme": "inhope",
        "class_value": "baseline",
        "severity": "normal",
        "scope": "page",
        "received_at": _AT,
    }


def _episode(episode: int, case: int, host: int) -> dict[str, Any]:
    return {
        "id": episode,
        "case_id": case,
        "host_id": host,
        "number": 1,
        "severity": "normal",
        "stage": "ready",
        "presence": "up",
        "began_at": _AT,
        "received_at": _AT,
        "looked_at": _AT,
        "last_verdict": "up",
        "last_cause": "content_present",
        "last_up_at": _AT,
        "paused": 0,
        "one_vantage": False,
        "returns": 0,
    }


def _addressee(number: int, addressee: int, episode: int, contact: int) -> dict[str, Any]:
    return {
        "id": addressee,
        "episode_id": episode,
        "party": f"hosting:bench{number % PARTIES}",
        "role": "host",
        "contact_id": contact,
        "why": "catalogue",
        "rung": "first",
        "kind": "first",
        "presumed": True,
    }


def _notice(store: Store, number: int, notice: int, contact: int, content: bytes) -> dict[str, Any]:
    head, body = content.split(b"\n\n" if b"\r\n\r\n" not in content else b"\r\n\r\n", 1)
    lines = [
        line if not line.lower().startswith(b"message-id:") else f"Message-ID: {message_id(number)}".encode()
        for line in head.splitlines()
    ]
    return {
        "id": notice,
        "reference": f"N-26-{number:09d}",
        "party": f"hosting:bench{number % PARTIES}",
        "role": "host",
        "contact_id": contact,
        "kind": "first",
        "rung": "first",
        "language": "nl",
        "format": "plain",
        "channel": "email",
        "severity": "normal",
        "state": "composed",
        "queued_at": _AT,
        "composed_at": _AT,
        "message_id": message_id(number),
        "return_digest": b"%016d" % number,
        "sent_to": f"abuse@bench{number % PARTIES}.example",
        "return_path": f"return+{number:032x}@hotline.test",
        "content_sealed": store.sealer.seal(CONTENT, notice, b"\r\n".join([*lines, b"", body])),
    }


def message_id(number: int) -> str:
    """Return the Message-ID of one of the notices."""
    return f"<n-26-{number:09d}.{number:016x}@hotline.test>"


def _item(store: Store, number: int, item: int, notice: int, addressee: int, episode: int) -> dict[str, Any]:
    at = f"http://h{number}.bench.test/gallery/{number:x}.html"
    return {
        "id": item,
        "notice_id": notice,
        "addressee_id": addressee,
        "episode_id": episode,
        "position": 1,
        "case_reference": f"C-26-{number:09d}",
        "location_sealed": store.sealer.seal("notice_item.location", item, at),
        "portal_sealed": store.sealer.seal("notice_item.location", item, at),
        "last_up_at": _AT,
        "received_at": _AT,
        "scope": "page",
    }
