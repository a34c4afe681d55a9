"""The demo's board: log-ins, and a live table of stages and notices."""

import sys
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any
from urllib.parse import quote

from qrcode.main import QRCode
from rich.console import Console
from rich.live import Live
from rich.table import Table

from nta.cli.context import Kit
from nta.cli.output import say
from nta.domain.errors import OutsideError
from nta.store.reads.board import counts

EVERY_S = 1.0
_OVER = ". The world has ended: everything stays to be read, until Ctrl-C"


class Board:
    """Shows on a terminal a table that lives; elsewhere a line now and then; nothing when quiet."""

    def __init__(self, kit: Kit, users: Sequence[Mapping[str, str]], world: str, *, quiet: bool) -> None:
        self._kit = kit
        self._last = 0.0
        self._live: Live | None = None
        self._quiet = quiet
        self.is_over = False
        self._plain = not sys.stderr.isatty()
        if not quiet:
            _greet(kit, users, world)
        if not quiet and not self._plain:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=False)
            self._live.start()

    def show(self) -> None:
        """Show how things stand, at most once a second."""
        now = time.monotonic()
        if self._quiet or now - self._last < (5 * EVERY_S if self._plain else EVERY_S):
            return
        self._last = now
        try:
            moment = self._kit.clock.now()
        except OutsideError:
            return
        with self._kit.store.db.read() as connection:
            found = counts(connection)
        if self._live is not None:
            title = moment.strftime("%a %d %b %Y, %H:%M UTC")
            self._live.update(_table(found, f"{title}{_OVER if self.is_over else ''}"), refresh=True)
        else:
            stages = ", ".join(f"{name} {n}" for name, n in found["stages"].items() if n) or "nothing yet"
            say(
                f"{moment:%Y-%m-%d %H:%M}  {stages}; notices {sum(found['notices'].values())}"
                f"{_OVER if self.is_over else ''}"
            )

    def close(self) -> None:
        """End the live table."""
        self.show()
        if self._live is not None:
            self._live.stop()


def _greet(kit: Kit, users: Sequence[Mapping[str, str]], world: str) -> None:
    say(f"Begin here: {world}")
    say("  log-ins with their codes, everybody's mailbox, what truly stands where, and a bar for the time")
    say(f"Desk:   {kit.settings.desk_url}\nPortal: {kit.settings.portal_url}")
    for user in users:
        say(f"  {user['email']:22} {user['password']:28} {user['totp_secret']}")
    lead = next(user for user in users if user["role"] == "lead")
    if sys.stderr.isatty():
        say(f"The second factor of {lead['email']}, for an authenticator app:\n{_qr(lead)}")
    say("A small internet on loopback plays out below. Ctrl-C ends everything.\n")


def _qr(user: Mapping[str, str]) -> str:
    """Return a QR code to be read off a terminal."""
    label = quote(f"NTA demo:{user['email']}")
    code = QRCode(border=2)
    code.add_data(f"otpauth://totp/{label}?secret={user['totp_secret']}&issuer=NTA%20demo")
    drawn = StringIO()
    code.print_ascii(out=drawn, invert=True)
    return drawn.getvalue()


def _table(found: Mapping[str, Mapping[str, Any]], moment: str) -> Table:
    table = Table(title=moment, title_justify="left", show_edge=False)
    columns = {"Stage": "stages", "Presence": "presences", "Notices": "notices", "Outcomes": "outcomes"}
    for name in columns:
        table.add_column(name)
        table.add_column("", justify="right")
    lists = [list(found[key].items()) for key in columns.values()]
    for place in range(max((len(entries) for entries in lists), default=0)):
        cells = []
        for entries in lists:
            name, count = entries[place] if place < len(entries) else ("", "")
            cells += [str(name).replace("_", " "), str(count)]
        table.add_row(*cells)
    return table
