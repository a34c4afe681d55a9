"""The pictures of docs/pictures, taken while the demo's world plays: `python -m tests.pictures`.

The demo runs as it is, in this process; only its clock waits for the camera
before it goes on, so that the same world gives the same pictures. Keys and ids
are fixed: references would differ otherwise.
"""

import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from functools import cached_property
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Connection, func, select

from nta.adapters.clock import LabClock
from nta.bootstrap import House
from nta.catalogue import read
from nta.cli import commands
from nta.ports import Clock, Leap
from nta.render.words import NEEDS_A_PERSON, Word, tally
from nta.shipped import shipped
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.notices import notice_rows
from nta.store.reads import approvals, cases
from nta.store.tables import Case, Episode, Event, Notice, NoticeItem
from tests.browser.conftest import CHROMIUM
from tests.fakes import CountingIds
from tests.web.conftest import PASSWORD, totp

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
LARGEST = 250_000
ONE_DAY_AND_A_BIT = timedelta(hours=30)
KEYS = Keyring(sealing=(b"s" * 32,), digest=b"d" * 32, portal=(b"p" * 32,))
PHOTOGRAPHER = "you@hotline.test"
_PLACES = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|net|org|info|io|eu|nl|de|uk|fr|be)\b", re.IGNORECASE)


class OneByOne(CountingIds):
    """Ids in order, also when two threads ask."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def take(self, count: int) -> Sequence[int]:
        with self._lock:
            return super().take(count)


class Camera:
    """Looks at the doors at the right moments. Everything happens in the thread that moves the clock."""

    def __init__(self, house: "Studio") -> None:
        self._house = house
        self._began: datetime | None = None
        self._page: Page | None = None
        self._waiting: dict[str, Callable[[Connection, datetime], bool]] = {
            "desk": self._is_lively,
            "portal": lambda connection, now: (
                self._is_second_day(now) and self._notice(connection) is not None
            ),
            "approvals": lambda connection, _: approvals.count(connection) > 0,
        }

    def look(self, now: datetime) -> None:
        """Take the pictures whose moment has come."""
        self._began = self._began or now
        with self._house.store.db.read() as connection:
            due = [name for name, has_come in self._waiting.items() if has_come(connection, now)]
        for name in due:
            del self._waiting[name]
            getattr(self, name)()

    def look_back(self) -> None:
        """Take the pictures of a world that is over."""
        self.case()
        self.report()
        for name in self._waiting:
            print(f"{name}: its moment never came", file=sys.stderr)
        self._browser.close()
        self._playwright.stop()

    def desk(self) -> None:
        """What needs a person first, and what is under way."""
        self._shoot("desk", f"{self._desk_url}/cases", 860)

    def approvals(self) -> None:
        """What waits for two leads."""
        self._shoot("approvals", f"{self._desk_url}/approvals", 420)

    def case(self) -> None:
        """One case from hand-in to its end."""
        with self._house.store.db.read() as connection:
            reference = connection.execute(_longest_story()).scalar_one()
        self._shoot("case", f"{self._desk_url}/cases/{reference}", 1250)

    def report(self) -> None:
        """Removal times with their curve."""
        self._shoot("report", f"{self._desk_url}/reports/removal-times", 1250)

    def portal(self) -> None:
        """A notice as the party sees it that got the mail."""
        with self._house.store.db.read() as connection:
            found = self._notice(connection)
        assert found is not None
        content = self._house.store.sealer.open(notice_rows.CONTENT, found.id, found.content_sealed)
        text = message_from_bytes(content, policy=policy.default).get_body(("plain",))
        assert text is not None
        [link] = set(re.findall(rf"{re.escape(self._house.settings.portal_url)}/n/\S+", text.get_content()))
        page = self._new_page()
        page.goto(link)
        page.click("#open button[type=submit]")
        page.wait_for_selector("#answer")
        self._take(page, "portal", 900)
        page.context.close()

    @property
    def _desk_url(self) -> str:
        return self._house.settings.desk_url

    def _is_lively(self, connection: Connection, now: datetime) -> bool:
        """Tell whether the first page of cases would show a bit of everything, or never will."""
        counts = tally(cases.counts(connection))
        needs = sum(counts[word] for word in NEEDS_A_PERSON)
        moving = min(counts[word] for word in (Word.TOLD, Word.SEEMS_GONE, Word.REMOVED))
        return (1 <= needs <= 6 and moving >= 3) or self._is_second_day(now)

    def _is_second_day(self, now: datetime) -> bool:
        return self._began is not None and now >= self._began + ONE_DAY_AND_A_BIT

    @staticmethod
    def _notice(connection: Connection) -> Any:
        """Return the newest notice of a few locations that a provider has."""
        items = select(func.count()).where(NoticeItem.notice_id == Notice.id).scalar_subquery()
        asked = (
            select(Notice.id, Notice.content_sealed)
            .where(Notice.handed_at.is_not(None), Notice.bounced_at.is_(None), Notice.role == "host")
            .where(items.between(3, 7), Notice.content_sealed.is_not(None))
        )
        return connection.execute(asked.order_by(Notice.handed_at.desc(), Notice.id.desc())).first()

    def _shoot(self, name: str, url: str, height: int) -> None:
        if self._page is None:
            self._page = self._logged_in()
        self._page.goto(url)
        self._take(self._page, name, height)

    def _take(self, page: Page, name: str, height: int) -> None:
        page.wait_for_load_state("networkidle")
        self._only_invented(name, page.inner_text("body"))
        data = self._as_seen(page, height)
        while len(data) > LARGEST:
            height = height * 9 // 10
            data = self._as_seen(page, height)
        (FOLDER / f"{name}.png").write_bytes(data)
        print(f"{name}.png: {len(data) // 1024} KiB", file=sys.stderr)

    @staticmethod
    def _as_seen(page: Page, height: int) -> bytes:
        page.set_viewport_size({"width": 1280, "height": height})
        return page.screenshot(animations="disabled", caret="hide")

    def _only_invented(self, name: str, text: str) -> None:
        """Refuse a picture that names anybody who exists."""
        places = set(_PLACES.findall(text))
        people = {real for real in self._house.real_names if re.search(rf"\b{re.escape(real)}\b", text)}
        if places or people:
            raise RuntimeError(f"the picture {name} would name {sorted(places | people)}")

    def _new_page(self) -> Page:
        context = self._browser.new_context(
            locale="en-GB", viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
        )
        return context.new_page()

    def _logged_in(self) -> Page:
        page = self._new_page()
        page.goto(f"{self._desk_url}/login")
        page.fill("#email", PHOTOGRAPHER)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("#code")
        page.fill("#code", totp(self._house.second_factor, time.time()))
        page.keyboard.press("Enter")
        page.wait_for_url(f"{self._desk_url}/cases")
        return page

    @cached_property
    def _playwright(self) -> Any:
        return sync_playwright().start()

    @cached_property
    def _browser(self) -> Any:
        return self._playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


class PosingClock(LabClock):
    """The lab's clock, which lets the camera look before it leaps."""

    def __init__(self, control_url: str, camera: Camera) -> None:
        super().__init__(control_url)
        self._camera = camera

    def leap(self, next_due: datetime | None) -> Leap:
        try:
            self._camera.look(self.now())
            leap = super().leap(next_due)
            if leap.over:
                self._camera.look_back()
        except Exception:
            traceback.print_exc()  # the demo says where it broke off in a log that goes with its folder
            raise
        return leap


class Studio(House):
    """The demo's installation, with fixed keys and ids, an account for the camera, and a clock that poses."""

    second_factor: str

    @cached_property
    def store(self) -> Store:
        return Store.open(self.database, KEYS, OneByOne())

    @cached_property
    def clock(self) -> Clock:
        return PosingClock(self.settings.clock.removeprefix("lab:"), Camera(self))

    @cached_property
    def real_names(self) -> set[str]:
        """Return the names of everybody in the catalogue that ships."""
        known = read([shipped("providers")])
        shelves: tuple[Mapping[str, Any], ...] = (
            known.hosting,
            known.proxies,
            known.registrars,
            known.registries,
            known.hotlines,
            known.authorities,
        )
        names = {party.name for shelf in shelves for party in shelf.values()}
        # Short names are words too ("Nine in ten"), unless they are written in capitals.
        return {name for name in names if (len(name) > 4 or name.isupper()) and "xample" not in name}

    def take_jobs(self) -> None:
        super().take_jobs()
        self.second_factor = self.add_user(PHOTOGRAPHER, PASSWORD, "lead")


def _longest_story() -> Any:
    """Return the query for the case that went through most, of those with a time line of one page."""
    told = (
        select(Event.episode_id, func.count(Event.kind.distinct()).label("kinds"))
        .group_by(Event.episode_id)
        .having(func.count() <= 13)
        .subquery()
    )
    return (
        select(Case.reference)
        .join(Episode, Episode.case_id == Case.id)
        .join(told, told.c.episode_id == Episode.id)
        .where(Episode.number == 1, Episode.outcome == "removed_after_notice")
        .order_by(told.c.kinds.desc(), Case.id)
        .limit(1)
    )


def make(environment: Mapping[str, str]) -> Any:
    return Studio(environment)


def main(arguments: Sequence[str]) -> None:
    """Play the demo's world and take the pictures; `arguments` go to `nta demo`, as `--world loop`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.argv[1:] = ["demo", "--until-done", "--json", *arguments]
    commands.run(make)


if __name__ == "__main__":
    main(sys.argv[1:])
