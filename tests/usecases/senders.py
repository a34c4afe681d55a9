"""Workers that send, each a process of its own, and a relay that counts and calls at a chosen moment."""

import multiprocessing
import multiprocessing.process
import re
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from nta.adapters.channels.smtp import SmtpMailer
from nta.adapters.ids import SnowflakeIds
from nta.domain.parties.contact_addresses import MAIL
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.usecases.dispatch import Lease, dispatch_due
from tests.adapters.servers import SmtpServer
from tests.builders_notices import catalogue
from tests.telling import Manner

MOST_S = 60
"""A bound against hanging, not a figure."""
_NURSERY = multiprocessing.get_context("forkserver")
_NURSERY.set_forkserver_preload(["nta.bootstrap", "tests.telling"])
_MESSAGE_ID = re.compile(rb"^Message-ID: *(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class Ledger(SmtpServer):
    """A relay that counts; `then` is called at one message, when its DATA or its content has come."""

    def __init__(
        self,
        moment: str = "",
        number: int = 0,
        then: Callable[[], None] = lambda: None,
        takes_s: float = 0.0,
    ) -> None:
        super().__init__()
        self._moment = moment, number
        self._then = then
        self._takes_s = takes_s

    def counts(self) -> Counter[str]:
        """Return how often each Message-ID was taken."""
        return Counter(_MESSAGE_ID.findall(content)[0].decode() for content in self.messages)

    def _reply(self, command, lines, connection) -> str | None:
        is_data = command.upper() == "DATA"
        if is_data and self._moment == ("DATA", len(self.messages) + 1):
            self._reach()
        reply = super()._reply(command, lines, connection)
        if is_data:
            if self._moment == ("content", len(self.messages)):
                self._reach()
            self.stopped.wait(self._takes_s)
        return reply

    def _reach(self) -> None:
        self._moment = "", 0  # once
        self._then()


def worker(
    database: Database,
    keyring: Keyring,
    relay: SmtpServer,
    node: int,
    now: datetime,
    lease: timedelta,
    until_none_waits: bool = True,
) -> multiprocessing.process.BaseProcess:
    """Return a process that sends what is due: until none waits, or one batch."""
    url = database.url.render_as_string(hide_password=False)
    return _NURSERY.Process(
        target=_send, args=(url, keyring, relay.port, node, now, lease, until_none_waits), daemon=True
    )


def _send(
    url: str,
    keyring: Keyring,
    port: int,
    node: int,
    now: datetime,
    lease: timedelta,
    until_none_waits: bool,
) -> None:
    store = Store.open(Database(url), keyring, SnowflakeIds(node))
    pause = threading.Event()
    while True:
        dispatch_due(
            store,
            catalogue=catalogue(),
            settings=Manner(),
            channels={MAIL: SmtpMailer(f"smtp://127.0.0.1:{port}")},
            holder=f"node-{node}",
            now=now,
            lease=Lease(lease),
        )
        with store.db.read() as connection:
            waiting = connection.exec_driver_sql("SELECT count(*) FROM due WHERE kind = 'send'").scalar_one()
        if not until_none_waits or not waiting:
            break
        pause.wait(0.02)
    store.db.dispose()


def is_stopped(pid: int) -> bool:
    """Tell whether a process was stopped by a signal (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")
