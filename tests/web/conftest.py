"""What the doors' tests share: settings, a catalogue with our own entry, the forms of a page."""

import base64
import hashlib
import hmac
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from passlib.hash import argon2
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from nta import settings as settings_module
from nta.domain.parties.organisations import Catalogue, Hotline, NoticeRoute
from nta.domain.policy import DeskRoleName
from nta.settings import Settings
from nta.store.accounts import desk_sessions
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import DeskUser
from nta.web.access import NewUser, add_user
from nta.web.desk import create_desk
from tests.conftest import NINE
from tests.databases import LentFile
from tests.fakes import CountingIds, SetClock

PASSWORD = "correct horse battery"

OURS = Hotline(
    id="hotline:ours",
    name="Example Hotline",
    country="NL",
    notices=NoticeRoute("desk@hotline.test"),
    source="https://hotline.test/",
    checked=date(2026, 1, 5),
    standing="Trusted flagger under the Digital Services Act",
    address="1 Example Street, Example",
)


class Compiled(BytecodeCache):
    """Templates compiled once for all apps of a run; the source is part of the key."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._held:
            bucket.bytecode_from_string(self._held[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._held[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(hotlines={OURS.id: OURS})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_module.read({"NTA_INSTANCE": str(tmp_path), "NTA_HOTLINE": "ours"})[0]


@dataclass(frozen=True)
class Staffed:
    """A database file with one account a role, made once.

    A password costs a tenth of a second to check, by intent; what is kept of
    these is quick to check, so that tests can guess wrongly many times.
    """

    path: Path
    users: dict[str, NewUser]


@pytest.fixture(scope="session")
def staffed(blank_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Staffed:
    path = tmp_path_factory.mktemp("staffed") / "doors.sqlite"
    shutil.copy(blank_sqlite, path)
    database = Database(f"sqlite:///{path}")
    store = Store.open(database, Keyring((b"s" * 32,), b"d" * 32, (b"p" * 32,)), CountingIds(1))
    users = {
        role: add_user(store, f"{role}@hotline.test", PASSWORD, role, clock=SetClock(NINE))
        for role in DeskRoleName
    }
    with database.write() as connection:
        quick = argon2.using(memory_cost=64, time_cost=1, parallelism=1).hash(PASSWORD)
        connection.execute(update(DeskUser).values(password=quick))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return Staffed(path, users)


@pytest.fixture(scope="session")
def staffed_file(staffed: Staffed) -> Iterator[LentFile]:
    lender = LentFile(staffed.path)
    yield lender
    lender.end()


@pytest.fixture
def lite(staffed_file: LentFile, keyring: Keyring) -> Iterator[Store]:
    """A store on SQLite alone, with its staff, for pages whose rules do not hang on the database."""
    with staffed_file.lent() as database:
        yield Store.open(database, keyring, CountingIds())


class Forms(HTMLParser):
    """The forms of a page by id, with the fields a browser would send untouched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self.actions: dict[str, str] = {}
        self._form: dict[str, list[str]] | None = None
        self._select: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            name = found.get("id") or f"form{len(self.forms)}"
            self._form = self.forms[name] = {}
            self.actions[name] = found.get("action") or ""
        if self._form is None:
            return
        if tag == "select":
            self._select = found.get("name")
        if tag == "option" and self._select and ("selected" in found or self._select not in self._form):
            self._form[self._select] = [found.get("value") or ""]
        name = found.get("name")
        if tag == "input" and name:
            boxed = found.get("type") in ("checkbox", "radio") and "checked" not in found
            if not boxed:
                self._form.setdefault(name, []).append(found.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None


def totp(secret: str, at: float) -> str:
    """Return the code of an authenticator app at a moment (RFC 6238, SHA-1, six digits)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, int(at // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def log_in(client: FlaskClient, user: NewUser) -> None:
    """Log a client in as a person would: password, then the code of this moment."""
    form = Forms(client.get("/login").text).forms["login"]
    client.post("/login", data=form | {"email": user.email, "password": PASSWORD})
    form = Forms(client.get("/tf-validate").text).forms["tf"]
    assert user.secret
    answer = client.post("/tf-validate", data=form | {"code": totp(user.secret, time.time())})
    assert answer.status_code == 302, answer.text


@pytest.fixture
def at_nine() -> Iterator[time_machine.Traveller]:
    """The machine's clock, which log-ins go by, standing at nine."""
    with time_machine.travel(NINE, tick=False) as moment:
        yield moment


@pytest.fixture
def desk(lite: Store, settings: Settings, clock: SetClock, catalogue: Catalogue, at_nine: object) -> Flask:
    app = create_desk(lite, settings, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    return app


def entered(desk: Flask, store: Store, role: str) -> FlaskClient:
    """Return a client that has logged in; how that goes is tested in test_access alone."""
    client = desk.test_client()
    with store.db.read() as connection:
        user = connection.execute(
            select(DeskUser.id, DeskUser.fs_uniquifier).where(DeskUser.email == f"{role}@hotline.test")
        ).one()
    token = f"{role} {store.new_id()}"
    with store.db.write() as connection:
        desk_sessions.begin(connection, store.ids, user_id=user.id, token=token, now=datetime.now(UTC))
    with client.session_transaction() as session:
        session.update(_user_id=user.fs_uniquifier, login=token, _fresh=True, fs_cc="set", fs_paa=time.time())
    return client


@pytest.fixture
def analyst(desk: Flask, lite: Store) -> FlaskClient:
    return entered(desk, lite, "analyst")


@pytest.fixture
def lead(desk: Flask, lite: Store) -> FlaskClient:
    return entered(desk, lite, "lead")


def post(client: FlaskClient, page: str, form: str, **fields: object) -> TestResponse:
    """Send a form of a page as a browser would, with these fields changed."""
    shown = Forms(client.get(page).text)
    return client.post(shown.actions[form] or page, data=shown.forms[form] | fields)
