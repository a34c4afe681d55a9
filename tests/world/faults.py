"""Two workers on one PostgreSQL server in one small world, the lines between them and it, and the ledger."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nta.bootstrap import House
from nta.cli.demo import USERS
from nta.cli.demo_lab import RunningLab, settings_in, the_lab
from nta.store import schema
from nta.store.db.database import Database
from nta.store.reads import stuck
from nta.store.work import due, pending_steps
from tests.databases import SystemCluster
from tests.world.lines import OPEN, Datagrams, Line, Loop
from tests.world.playing import ROOT, environment

HOSTS = 12
EVERY = timedelta(hours=6)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEASE_AWAITED_S = 3.0
MOST_S = 120.0
"""A bound against hanging for anything that is waited for."""

# Whoever writes what only the holder of a lease may write, with the holder of that moment.
LEDGER = """
CREATE TABLE ledger (id bigserial PRIMARY KEY, what text, subject bigint, worker text, holder text);
CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about bigint := (to_jsonb(NEW) ->> TG_ARGV[1])::bigint;
    worker text := current_setting('application_name');
    holder text;
BEGIN
    IF starts_with(worker, 'worker-') THEN
        SELECT taken_by INTO holder FROM due WHERE kind = TG_ARGV[0] AND due.subject = about;
        INSERT INTO ledger (what, subject, worker, holder) VALUES (TG_TABLE_NAME, about, worker, holder);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER held AFTER INSERT OR UPDATE ON sighting_span
    FOR EACH ROW EXECUTE FUNCTION held('look', 'episode_id');
CREATE TRIGGER held AFTER INSERT ON arrangement
    FOR EACH ROW EXECUTE FUNCTION held('resolve', 'host_id');
CREATE TRIGGER held AFTER UPDATE OF handed_at ON notice
    FOR EACH ROW WHEN (OLD.handed_at IS NULL AND NEW.handed_at IS NOT NULL)
    EXECUTE FUNCTION held('send', 'id');
"""
_LIVING = (
    "SELECT a.application_name, 'node-' || l.objid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.classid = 7788 AND l.granted AND a.datname = current_database()"
)

# What comes back to our mailbox proves that a message went; whoever reads it records that, without a lease.
_BY = (
    "SELECT what, subject, worker, holder FROM ledger WHERE NOT (what = 'notice' AND subject IN "
    "(SELECT notice_id FROM notice_event WHERE proof = 'came_back'))"
)


def world(points: int) -> str:
    """Return a world: at each point of time each host is told of a page of its own, and takes it away."""
    ends = START + (points + 12) * EVERY
    lines = ["id: faults", "seed: 7", f"start: {START:%Y-%m-%dT%H:%MZ}", f"ends: {ends:%Y-%m-%dT%H:%MZ}"]
    lines.append("providers:")
    lines += [
        f"  h{n}: {{name: Host {n}, country: NL, asn: {64496 + n}, network: 127.{30 + n}.0.0/16, "
        f"mail: abuse@host{n}.example, language: en, mailbox: delivers, removes: [1h, 4h], "
        "answers: {percent: 50, sweep: 1h}}"
        for n in range(HOSTS)
    ]
    lines.append("registries:")
    lines.append(
        "  t: {name: Registry of test, country: NL, suffix: test, mail: abuse@registry.example, "
        "language: en, mailbox: delivers}"
    )
    lines.append("sites:")
    lines += [
        f"  s{n}: {{host: pages.site{n}.test, pages: {points}, "
        f"at: [{{provider: h{n}, address: 127.{30 + n}.0.9}}]}}"
        for n in range(HOSTS)
    ]
    lines.append("hand_ins:")
    for point in range(points):
        pages = ", ".join(f"s{n}: {point + 1}" for n in range(HOSTS))
        at = START + point * EVERY
        lines.append(f"  - {{at: {at:%Y-%m-%dT%H:%MZ}, severity: urgent, pages: {{{pages}}}}}")
    return "\n".join(lines) + "\n"


class Worker:
    """One `nta jobs`, with lines of its own to all that it speaks to."""

    def __init__(
        self, name: str, folder: Path, settings: Mapping[str, str], lines: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.db: Line = lines["db"]
        self.relay: Line = lines["relay"]
        self.registry: Line = lines["registry"]
        self.names: Datagrams = lines["names"]
        self._folder = folder
        self._settings = settings
        self._url = ""
        self._started = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._killed = False

    @property
    def called(self) -> str:
        """Return what the present process calls itself to the database."""
        return f"worker-{self.name}-{self._started}"

    def start(self) -> None:
        """Start its process, and wait until the jobs run."""
        self._started += 1
        url = f"{self._settings['NTA_DATABASE_URL']}&application_name={self.called}"
        given = {**self._settings, "NTA_DATABASE_URL": url}
        log = self._folder / f"{self.called}.log"
        self.process = _start(["tests.world.hurried", "jobs"], given, log, "the jobs run")
        self._killed = False

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to its process."""
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End its process at once."""
        assert self.process is not None
        self._killed = True
        self.process.kill()
        self.process.wait()

    def heal(self) -> None:
        """Let everything be as it should: lines open, the process awake, or a new one where it was killed."""
        for line in (self.db, self.relay, self.registry, self.names):
            line.become(OPEN)
        assert self.process is not None
        if self._killed:
            self.start()
        else:
            assert self.process.poll() is None, f"{self.called} ended by itself"
            self.tell(signal.SIGCONT)


class Stage:
    """A world that goes on, two workers in it, and what is held against them."""

    def __init__(self, folder: Path, cluster: SystemCluster, database: str, points: int) -> None:
        self.folder, self.cluster, self.points = folder, cluster, points
        self._loop = Loop()
        (folder / "world.yaml").write_text(world(points), encoding="utf-8")
        self.lab: RunningLab = the_lab(folder / "lab", str(folder / "world.yaml"), None)
        self._direct = f"postgresql://nta@/{database}?host={cluster.folder}"
        self._ports = _free_ports()
        self._house = House(self._settings(self._direct))
        schema.upgrade(self._house.database)
        self.database = Database(self._direct)
        with self.database.write() as connection:
            connection.exec_driver_sql(LEDGER)
        self.doors = [self._door("desk"), self._door("portal")]
        self.workers = [self._worker(name, database) for name in ("one", "two")]
        self.nodes: dict[str, str] = {}
        self.repeats = 2
        """How often a message may have gone twice: once for each worker that a fault caught in the midst.

        Two beside that, for a busy machine may leave a worker waiting for longer than such a short lease.
        """

    def open(self) -> None:
        """Make the people, and start everything."""
        users = [{"role": role, "email": email, "password": "correct horse battery"} for role, email in USERS]
        for user in users:
            user["totp_secret"] = self._house.add_user(
                user["email"], user["password"], user["role"].rstrip("2")
            )
        self.lab.introduce(self._at("desk"), self._at("portal"), users)
        for worker in self.workers:
            worker.start()
        self.note_workers()

    def close(self) -> None:
        """End everything that was started."""
        for worker in self.workers:
            if worker.process is not None:
                worker.kill()
        for door in self.doors:
            door.kill()
            door.wait()
        self.lab.stop()
        self._house.close()
        self.database.dispose()
        self._loop.close()

    def now(self) -> datetime:
        """Return the world's time."""
        return self._house.clock.now()

    def go_on_to(self, moment: datetime) -> None:
        """Let the world go on to a moment, all that is due on the way being done."""
        clock: Any = self._house.clock
        until = time.monotonic() + MOST_S
        while self.now() < moment:
            assert time.monotonic() < until, f"the world stands at {self.now()}: {self.lab.state()}"
            clock.leap(min(moment, self.next_due() or moment))
            self.settle()

    def next_due(self) -> datetime | None:
        """Return when the service has something to do next: time that leaps over it would leave it undone."""
        with self.database.read() as connection:
            return due.next_at(connection)

    def act_until(self, moment: datetime) -> None:
        """Let the world come to a moment, whatever is due."""
        clock: Any = self._house.clock
        until = time.monotonic() + MOST_S
        while self.now() < moment or self.lab.state()["waiting_acts"]:
            assert time.monotonic() < until, f"the world stands at {self.now()}: {self.lab.state()}"
            clock.leap(moment)

    def settle(self) -> None:
        """Wait until nothing is due, nothing taken, and no mail unread."""
        until = time.monotonic() + MOST_S
        while (left := self.left()) and time.monotonic() < until:
            hold(0.03)
        assert not left, f"at {self.now()} there is still {left}"

    def left(self) -> list[Any]:
        """Return what is still to be done at this moment."""
        now = self.now()
        new = Path(self.lab.at["maildir"]) / "new"
        mails = [path.name for path in new.iterdir()] if new.is_dir() else ["no mailbox"]
        with self.database.read() as connection:
            pending: list[Any] = sorted(pending_steps.pending(connection, now) - {"seal", "notify"})
            taken = connection.exec_driver_sql(
                "SELECT kind, subject, taken_by, tries FROM due WHERE taken_by IS NOT NULL"
            ).all()
        return [*pending, *taken, *mails]

    def await_lease(self, worker: Worker, kind: str) -> None:
        """Wait until a worker is at work of that kind; where nothing of it comes, no longer than a while."""
        asked = f"SELECT 1 FROM due WHERE kind = '{kind}' AND taken_by = '{self.nodes[worker.called]}'"
        until = time.monotonic() + LEASE_AWAITED_S
        while time.monotonic() < until:
            with self.database.read() as connection:
                if connection.exec_driver_sql(asked).first():
                    return
            hold(0.005)

    def note_workers(self) -> None:
        """Note which worker holds leases by which name; called while all of them live."""
        with self.database.read() as connection:
            self.nodes |= {str(app): str(node) for app, node in connection.exec_driver_sql(_LIVING)}
        assert {worker.called for worker in self.workers} <= self.nodes.keys()

    def heal(self) -> None:
        """End every fault, and wait until both workers hold their locks again."""
        for worker in self.workers:
            worker.heal()
        wanted = {worker.called for worker in self.workers}
        until = time.monotonic() + MOST_S
        while time.monotonic() < until:
            with self.database.read() as connection:
                if wanted <= {app for app, _ in connection.exec_driver_sql(_LIVING)}:
                    break
            hold(0.05)
        self.note_workers()

    def restart_database(self, mode: str) -> None:
        """Restart the server: every session ends at once."""
        self.cluster.end(mode)
        self.cluster.begin()

    def ledger(self) -> list[str]:
        """Return what was lost, doubled, or done by who had no lease; nothing, if all is well."""
        said = [json.loads(x) for x in (self.folder / "lab" / "journal.jsonl").read_text().splitlines()]
        copies = [entry for entry in said if entry["do"] == "copy"]
        wrong = [f"copy {entry['mail']} differs" for entry in copies if entry["differs"]]
        if len(copies) > self.repeats:
            wrong.append(f"{len(copies)} messages went twice, and at most {self.repeats} were in the midst")
        taken = {entry["message_id"] for entry in said if entry["do"] == "mail"}
        with self.database.read() as connection:
            known = set(
                connection.exec_driver_sql(
                    "SELECT message_id FROM notice WHERE handed_at IS NOT NULL"
                ).scalars()
            )
            by = connection.exec_driver_sql(_BY).all()
            wrong += [f"episode {number} waits unseen" for number in stuck.waiting_unseen(connection)]
        if taken != known:
            wrong.append(f"{len(taken - known)} messages went unrecorded, {len(known - taken)} never went")
        wrong += [
            f"{what} {subject} written by {worker} ({self.nodes.get(worker)}), held by {holder}"
            for what, subject, worker, holder in by
            if holder != self.nodes.get(worker)
        ]
        return wrong

    def presences(self) -> dict[str, int]:
        """Return how many episodes stand how."""
        with self.database.read() as connection:
            asked = "SELECT presence, count(*) FROM episode GROUP BY presence"
            return {str(row[0]): int(row[1]) for row in connection.exec_driver_sql(asked)}

    def _settings(self, url: str) -> dict[str, str]:
        doors = {"NTA_DESK_URL": self._at("desk"), "NTA_PORTAL_URL": self._at("portal")}
        return settings_in(self.lab.at, self.folder / "instance") | doors | {"NTA_DATABASE_URL": url}

    def _at(self, door: str) -> str:
        return f"http://localhost:{self._ports[door]}"

    def _door(self, name: str) -> "subprocess.Popen[bytes]":
        call = ["nta", name, f"--{name}-port", str(self._ports[name])]
        return _start(call, self._settings(self._direct), self.folder / f"{name}.log", "listens on")

    def _worker(self, name: str, database: str) -> Worker:
        at, loop = self.lab.at, self._loop
        registry = urlsplit(at["rdap_bootstrap"])
        relay = urlsplit(at["smtp"])
        lines = {
            "db": loop.line(self.cluster.folder / ".s.PGSQL.5432"),
            "relay": loop.line(("127.0.0.1", relay.port or 0)),
            "registry": loop.line(("127.0.0.1", registry.port or 0)),
            "names": loop.datagrams(("127.0.0.1", int(at["dns"].rpartition(":")[2]))),
        }
        real, ours = (f"127.0.0.1:{port}/".encode() for port in (registry.port, lines["registry"].port))
        if len(real) == len(ours):
            lines["registry"].instead = (real, ours)
        given = self._settings(f"postgresql://nta@127.0.0.1:{lines['db'].port}/{database}?connect_timeout=3")
        given |= {
            "NTA_SMTP_URL": f"smtp://127.0.0.1:{lines['relay'].port}",
            "NTA_RDAP_BOOTSTRAP": f"http://127.0.0.1:{lines['registry'].port}/",
            "NTA_DNS_SERVERS": f"127.0.0.1:{lines['names'].port}",
        }
        return Worker(name, self.folder, given, lines)


def hold(seconds: float) -> None:
    """Let machine time pass: what is stopped stays stopped for so long."""
    threading.Event().wait(seconds)


def _free_ports() -> dict[str, int]:
    with socket.socket() as desk, socket.socket() as portal:
        desk.bind(("127.0.0.1", 0))
        portal.bind(("127.0.0.1", 0))
        return {"desk": desk.getsockname()[1], "portal": portal.getsockname()[1]}


def _say(process: "subprocess.Popen[bytes]", words: str, log: Path) -> None:
    """Wait until a process has said so."""
    until = time.monotonic() + MOST_S
    while words not in log.read_text(errors="replace"):
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        assert time.monotonic() < until, f"{process.args} does not say {words}"
        hold(0.05)


def _start(call: list[str], settings: Mapping[str, str], log: Path, words: str) -> "subprocess.Popen[bytes]":
    """Start a command of ours, and wait until it has said that it runs."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *call],
            cwd=ROOT,
            env={**environment(None), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    _say(process, words, log)
    return process
