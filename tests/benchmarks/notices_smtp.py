"""Handing 10,000 composed notices over and recording each, beside bare smtplib with the same bytes."""

import re
import smtplib
import time
from collections import Counter
from pathlib import Path
from typing import Any

from nta.adapters.channels.smtp import SmtpMailer
from nta.domain.parties.contact_addresses import MAIL
from nta.jobs.garbage_collection import calm
from nta.store.db.handle import Store
from nta.store.notices.notice_rows import CONTENT
from nta.usecases.dispatch import dispatch_due
from tests.benchmarks import little_relay
from tests.benchmarks.composed import NOTICES, NOW, fill, letter
from tests.benchmarks.running import Result, beside, child
from tests.benchmarks.stores import blank, copied, open_store
from tests.builders_notices import catalogue
from tests.telling import Manner

GOAL = 0.7
_PART = 500
_MESSAGE_ID = re.compile(rb"^Message-ID: *(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


def ours(database: str, port: int) -> dict[str, Any]:
    """Hand all over, as the jobs do."""
    store = open_store(database)
    channels = {MAIL: SmtpMailer(f"smtp://127.0.0.1:{port}")}
    known, manner = catalogue(), Manner()
    calm()
    begun, cpu = time.perf_counter(), time.process_time()
    taken = 0
    while done := dispatch_due(
        store, catalogue=known, settings=manner, channels=channels, holder="bench", now=NOW
    ):
        taken += done
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert taken == NOTICES, taken
    _check(store)
    store.db.dispose()
    return {"seconds": seconds, "cpu": cpu}


def _check(store: Store) -> None:
    """Make sure that everything was written."""
    counts = {
        "SELECT count(*) FROM notice WHERE state = 'handed_over' AND handed_at IS NOT NULL": NOTICES,
        "SELECT count(*) FROM notice_event WHERE kind = 'handed_over'": NOTICES,
        "SELECT count(*) FROM addressee WHERE first_handed_at IS NOT NULL": NOTICES,
        "SELECT count(*) FROM episode WHERE stage = 'notified' AND first_handed_at IS NOT NULL": NOTICES,
        "SELECT count(*) FROM event WHERE kind = 'told'": NOTICES,
        "SELECT count(*) FROM due WHERE kind = 'escalate'": NOTICES,
        "SELECT count(*) FROM due WHERE kind = 'send'": 0,
    }
    with store.db.read() as connection:
        for asked, expected in counts.items():
            found = connection.exec_driver_sql(asked).scalar_one()
            assert found == expected, (asked, found)


def raw(database: str, port: int) -> dict[str, Any]:
    """Send the same bytes over one connection, and write nothing down; reading them is not measured."""
    store = open_store(database)
    relay = smtplib.SMTP("127.0.0.1", port, local_hostname="bench.test")
    seconds = cpu = 0.0
    for start in range(0, NOTICES, _PART):
        messages = _messages(store, start)
        begun, cpu_begun = time.perf_counter(), time.process_time()
        for sender, recipient, content in messages:
            relay.sendmail(sender, recipient, content)
        seconds += time.perf_counter() - begun
        cpu += time.process_time() - cpu_begun
    relay.quit()
    store.db.dispose()
    return {"seconds": seconds, "cpu": cpu}


def _messages(store: Store, start: int) -> list[tuple[str, str, bytes]]:
    asked = "SELECT id, return_path, sent_to, content_sealed FROM notice ORDER BY id LIMIT ? OFFSET ?"
    with store.db.read() as connection:
        found = connection.exec_driver_sql(asked, (_PART, start)).all()
    return [(row[1], row[2], store.sealer.open(CONTENT, row[0], row[3])) for row in found]


def run(folder: Path) -> list[Result]:
    """Measure in a folder of its own."""
    filled = blank(folder)
    store = open_store(f"sqlite:///{filled}")
    fill(store, letter(filled))
    with store.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.db.dispose()

    def run_ours() -> dict[str, Any]:
        return _with_relay(folder, "ours", copied(filled, folder / "handed.sqlite"))

    def run_raw() -> dict[str, Any]:
        return _with_relay(folder, "raw", f"sqlite:///{filled}")

    return [beside("notices-smtp", "notices/s", NOTICES, run_ours, run_raw)]


def _with_relay(folder: Path, side: str, database: str) -> dict[str, Any]:
    """Run one side with a relay of its own, and make sure that this has each message once."""
    kept = folder / f"{side}-{time.monotonic_ns()}"
    with little_relay.running(kept) as port:
        measured = child("notices_smtp", side, {"database": database, "port": port})
    counted = Counter(found[1] for file in kept.iterdir() if (found := _MESSAGE_ID.search(file.read_bytes())))
    assert (len(counted), counted.total()) == (NOTICES, NOTICES), (len(counted), counted.total())
    return measured
