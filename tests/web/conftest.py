"""What the doors' tests share: settings, a catalogue with our own entry, the forms of a page."""

import shutil
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nta import settings as settings_module
from nta.domain.parties import Catalogue, Hotline, NoticeRoute
from nta.settings import Settings
from nta.store.base import Store
from nta.store.database import Database
from nta.store.sealing import Keyring
from tests.fakes import CountingIds

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


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(hotlines={OURS.id: OURS})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_module.read({"NTA_INSTANCE": str(tmp_path), "NTA_HOTLINE": "ours"})[0]


@pytest.fixture
def lite(blank_sqlite: Path, tmp_path: Path, keyring: Keyring) -> Iterator[Store]:
    """A store on SQLite alone, for pages whose rules do not hang on the database."""
    path = tmp_path / "doors.sqlite"
    shutil.copy(blank_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield Store.open(database, keyring, CountingIds())
    database.dispose()


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
