"""The lab's people at the service's own desk and portal."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from nta import settings as settings_module
from nta.domain.parties.organisations import Catalogue, Hotline, NoticeRoute
from nta.lab.actors import Desk, Portal, Service, User
from nta.lab.httpclient import ActError
from nta.lab.world import Act, HandInVisit
from nta.settings import Settings
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import AnswerRow, Domain, NoticeEvent, Submission
from nta.web import access
from nta.web.desk import create_desk
from nta.web.portal import create_portal
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE
from tests.fakes import CountingIds, SetClock

REMOVED = {"answer": "removed"}
PASSWORD = "a long word of the lab"
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


CATALOGUE = Catalogue(hotlines={OURS.id: OURS})


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


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_module.read({"NTA_INSTANCE": str(tmp_path), "NTA_HOTLINE": "ours"})[0]


@pytest.fixture
def portal(store: Store, clock: SetClock, settings: Settings) -> Iterator[Portal]:
    clock.on(hours=3)
    with served(create_portal(store, settings, clock, CATALOGUE)) as url:
        yield Portal(Service(desk_url=url, portal_url=url, users=()))


@pytest.fixture
def service(store: Store, clock: SetClock, settings: Settings) -> Iterator[Service]:
    with served(create_desk(store, settings, clock, CATALOGUE)) as url:
        users = []
        for role in ("analyst", "lead"):
            made = access.add_user(store, f"{role}@hotline.test", PASSWORD, role, clock=clock)
            users.append(User(role, made.email, PASSWORD, made.secret or ""))
        yield Service(desk_url=url, portal_url=url, users=tuple(users))


def test_the_analyst_hands_in_and_a_repeated_key_counts_once(service: Service, store: Store) -> None:
    desk, keys = Desk(service, "analyst"), list[str]()
    plan = HandInVisit(NINE, "urgent", "national", "page", (), ("no address at all",), defanged=True)

    desk.hand_in(plan, dict.fromkeys(URLS, ""), "", keys.append)
    desk.hand_in(plan, dict.fromkeys(URLS, ""), keys[0], keys.append)

    with store.db.read() as connection:
        submissions = connection.execute(select(func.count()).select_from(Submission)).scalar_one()
    assert (submissions, len(keys)) == (3, 1)


def test_the_lead_finds_the_case_and_says_that_its_domain_is_dedicated(
    service: Service, store: Store
) -> None:
    plan = HandInVisit(NINE, "normal", "baseline", "page", (), (), defanged=False)
    Desk(service, "analyst").hand_in(plan, dict.fromkeys(URLS, ""), "", lambda key: None)

    act = Act(NINE, "lead", "dedicated", ("quick/1",), {"dedicated": "yes", "reason": "all of it"})
    Desk(service, "lead").act(act, URLS[0], lambda: None)

    with store.db.read() as connection:
        assert list(connection.execute(select(Domain.dedicated)).scalars()) == ["yes"]


def test_what_the_provider_removed_is_answered_and_nothing_else(
    portal: Portal, store: Store, notice: MadeNotice
) -> None:
    portal.answer(notice.token, [URLS[2], URLS[0], "http://images.quick.example/p/9"], REMOVED)

    with store.db.read() as connection:
        says = list(connection.execute(select(AnswerRow.says)).scalars())
        kinds = set(connection.execute(select(NoticeEvent.kind)).scalars())
    assert says == ["removed", "removed"]
    assert "opened" in kinds


def test_a_link_that_is_not_known_is_told_without_naming_it(portal: Portal) -> None:
    with pytest.raises(ActError) as caught:
        portal.answer("AAAAAAAAAAAAAAAAAAAAAAAA", URLS, REMOVED)

    assert str(caught.value) == "answer 404 without form#open"
