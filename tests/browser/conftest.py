"""Desk and portal served to a real browser, which fails a test on any complaint of its own."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from waitress import create_server, wasyncore

from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.web.portal import create_portal
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.web.conftest import catalogue, lite, settings, staffed, staffed_file  # noqa: F401

CHROMIUM = os.environ.get("NTA_TEST_CHROMIUM", "/usr/bin/chromium")
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def at_nine() -> Iterator[None]:
    """The machine's clock, which log-ins go by, runs on from nine."""
    with time_machine.travel(NINE, tick=True):
        yield


@pytest.fixture
def serve(lite: Store) -> Iterator[Callable[[Flask], str]]:  # noqa: F811
    """Serve apps on free ports; the browser asks for them as localhost.

    Asks for the database so that it goes after the doors: a page asks on until
    it is closed, and would open the file of the test that comes next.
    """
    stopping = threading.Event()
    threads = []

    def start(app: Flask) -> str:
        sockets: dict[int, object] = {}
        server = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=4)

        def loop() -> None:
            while not stopping.is_set():
                wasyncore.loop(timeout=0.05, map=sockets, count=1)
            server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
            wasyncore.close_all(sockets)

        threads.append(threading.Thread(target=loop, daemon=True))
        threads[-1].start()
        return f"http://localhost:{server.effective_port}"

    yield start
    stopping.set()
    for thread in threads:
        thread.join(timeout=10)


@pytest.fixture
def page(browser: Browser, serve: Callable[[Flask], str]) -> Iterator[Page]:
    """A page of a fresh browser; whatever it complains of fails the test."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1360, "height": 850})
    context.set_default_timeout(5_000)
    made = context.new_page()
    complaints: list[str] = []
    # A form that is shown again with its faults has status 422, which the console calls an error.
    made.on(
        "console",
        lambda m: (
            complaints.append(m.text)
            if m.type in ("error", "warning") and "status of 422" not in m.text
            else None
        ),
    )
    made.on("pageerror", lambda fault: complaints.append(str(fault)))
    # A page that is left drops what it still asked for; any other failure is ours.
    made.on("requestfailed", lambda r: complaints.append(r.url) if r.failure != "net::ERR_ABORTED" else None)
    yield made
    found = list(complaints)
    context.close()
    assert found == []


@pytest.fixture
def accessible(page: Page) -> Callable[[], None]:
    """Check the page that is shown against WCAG 2.2 AA, as far as axe can tell."""
    source = AXE.read_text(encoding="utf-8")

    def check() -> None:
        page.evaluate(source)
        found = page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
            ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target).join(' | ')))"
        )
        assert found == []

    return check


@pytest.fixture
def portal(
    lite: Store,  # noqa: F811
    settings: Settings,  # noqa: F811
    catalogue: Catalogue,  # noqa: F811
    serve: Callable[[Flask], str],
) -> str:
    return serve(create_portal(lite, settings, SetClock(NINE), catalogue))
