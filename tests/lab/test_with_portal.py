"""A provider of the lab at the service's own portal."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from nta import settings as settings_module
from nta.domain.parties import Catalogue, Hotline, NoticeRoute
from nta.lab.actors import Portal, Service
from nta.lab.httpclient import ActError
from nta.store.base import Store
from nta.store.database import Database
from nta.store.sealing import Keyring
from nta.store.tables import AnswerRow, NoticeEvent
from nta.web.portal import create_portal
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE
from tests.fakes import CountingIds, SetClock

URLS = [f"http://images.quick.example/p/{n}" for n in (1, 2, 3)]
OURS = Hotline(
    id="hotline:ours",
    name="Example Hotline",
    country="NL",
    notices=NoticeRoute("desk@hotline.test"),
    source="https://hotline.test/",
    checked=date(2026, 1, 5),
    standing="Trusted flagger",
    address="1 Example Street, Example",
)


@pytest.fixture
def store(blank_sqlite: Path, tmp_path: Path, keyring: Keyring) -> Iterator[Store]:
    path = tmp_path / "portal.sqlite"
    shutil.copy(blank_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield Store.open(database, keyring, CountingIds())
    database.dispose()


@pytest.fixture
def notice(store: Store) -> MadeNotice:
    return make_notice(store, [make_case(store, url, NINE) for url in URLS], NINE)


@pytest.fixture
def portal(store: Store, clock: SetClock, tmp_path: Path) -> Iterator[Portal]:
    clock.on(hours=3)
    settings = settings_module.read({"NTA_INSTANCE": str(tmp_path), "NTA_HOTLINE": "ours"})[0]
    app = create_portal(store, settings, clock, Catalogue(hotlines={OURS.id: OURS}))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield Portal(Service(desk_url=url, portal_url=url, users=()))
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_the_provider_removed_is_answered_and_nothing_else(
    portal: Portal, store: Store, notice: MadeNotice
) -> None:
    portal.answer(notice.token, [URLS[2], URLS[0], "http://images.quick.example/p/9"])

    with store.db.read() as connection:
        says = list(connection.execute(select(AnswerRow.says)).scalars())
        kinds = set(connection.execute(select(NoticeEvent.kind)).scalars())
    assert says == ["removed", "removed"]
    assert "opened" in kinds


def test_a_link_that_is_not_known_is_told_without_naming_it(portal: Portal) -> None:
    with pytest.raises(ActError) as caught:
        portal.answer("AAAAAAAAAAAAAAAAAAAAAAAA", URLS)

    assert str(caught.value) == "answer 404 without form#open"
