"""Killed with -9 at seeded moments and at each named step, the service goes on and nothing is lost."""

import json
import random
import signal
from pathlib import Path

import pytest

from nta.store.db.database import Database
from tests.databases import SystemCluster
from tests.world.killed import play
from tests.world.playing import Played, end_lab, finish, start

SEED = 20261122
STEPS = (
    "submit.opened",
    "submit.written",
    "submit.finished",
    "resolve.taken",
    "resolve.asked",
    "resolve.recorded",
    "recheck.taken",
    "recheck.looked",
    "recheck.recorded",
    "escalate.taken",
    "escalate.read",
    "escalate.recorded",
    "notify.made",
    "notify.recorded",
    "dispatch.taken",
    "dispatch.read",
    "dispatch.composed",
    "dispatch.handed",
    "dispatch.recorded",
    "inbox.read",
    "inbox.recorded",
    "inbox.settled",
    "answer.settling",
    "answer.settled",
)
MOMENTS = 20


def played_through_kills(folder: Path, database_url: str | None) -> Played:
    """Play the world, killing the service again and again while the lab lives on."""
    chance = random.Random(SEED)
    moments = [f"after:{chance.uniform(0.0, 0.9):.3f}" for _ in range(MOMENTS)]
    for how in [*(f"at:{name}" for name in STEPS), *moments]:
        ended = play(folder, how, database_url)
        assert ended.code == -signal.SIGKILL, f"{how}: {ended.code} {ended.err[-500:]}"
    return finish(start(folder, database_url=database_url), folder)


def nothing_is_lost(killed: Played, plain: Played, database: Database) -> None:
    assert killed.code == 0, killed.err
    assert killed.summary == plain.summary
    journal = [
        json.loads(line) for line in (killed.folder / "lab" / "journal.jsonl").read_text().splitlines()
    ]
    mails = [
        entry["mail"] if isinstance(entry.get("mail"), dict) else entry
        for entry in journal
        if entry["do"] == "mail"
    ]
    sent = [mail["message_id"] for mail in mails]
    with database.read() as connection:
        known = (
            connection.exec_driver_sql("SELECT message_id FROM notice WHERE handed_at IS NOT NULL")
            .scalars()
            .all()
        )
    database.dispose()

    assert sorted(sent) == sorted(known), "one Message-ID for each notice, each at the lab, none twice"
    assert [entry for entry in journal if entry["do"] == "copy" and entry["differs"]] == []


def test_nothing_is_lost_on_the_embedded_database(tmp_path: Path, played: Played) -> None:
    try:
        killed = played_through_kills(tmp_path, None)
    finally:
        end_lab(tmp_path)

    nothing_is_lost(killed, played, Database(f"sqlite:///{tmp_path / 'nta.sqlite'}"))


@pytest.mark.system
def test_nothing_is_lost_on_a_real_postgresql_server(tmp_path: Path) -> None:
    server = SystemCluster()
    try:
        plain = finish(start(tmp_path / "plain"), tmp_path / "plain")
        killed = played_through_kills(tmp_path / "killed", server.uri)
        nothing_is_lost(killed, plain, Database(server.uri))
    finally:
        end_lab(tmp_path / "plain")
        end_lab(tmp_path / "killed")
        server.stop()
