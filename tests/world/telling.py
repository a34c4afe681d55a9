"""Stories of the lab played within this process: one database each, copied from one template for all."""

import json
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from nta.adapters.net.address_policy import Gate
from nta.bootstrap import House
from nta.cli.demo import USERS
from nta.cli.demo_lab import RunningLab, settings_in
from nta.cli.demo_truth import Truth, with_truth
from nta.cli.output import configure_logs
from nta.lab.worldfile import read_world
from nta.settings import Reach
from nta.shipped import shipped
from nta.store.reads.stuck import waiting_unseen
from nta.usecases.report import episode_lines, summary
from tests.databases import Cluster, Server
from tests.lab.conftest import playing

END_OF_WORLD = "the world ended"
MOST_S = 60
"""A bound against hanging, not a figure."""


@dataclass(frozen=True)
class Told:
    """What a story came to."""

    summary: Mapping[str, Any]
    episodes: Sequence[Mapping[str, Any]]
    unseen: Sequence[int]
    left: Sequence[str]
    """Ids of the pages that nobody took away before their world ended."""
    faults: Sequence[str]
    failures: int
    reached: frozenset[str]
    """Every address that a look-up, a look or a mail went to, or would have gone to."""
    house: House


class Watched(Gate):
    """A gate that remembers every address it was asked about."""

    def __init__(self, reach: Reach) -> None:
        super().__init__(reach)
        self.asked: set[str] = set()

    def vet(self, ip: str, port: int | None = None) -> str:
        """Vet as usual."""
        self.asked.add(ip)
        return super().vet(ip, port)


connected: set[str] = set()
"""Every address that this process connected or sent to; curl and c-ares pass the gate or the settings."""


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        connected.add(str(args[1][0]))


class Installation(House):
    """One whose catalogue knows countries, ladders, hotlines and authorities, and the world's own parties.

    The hosts and proxies of the real internet are read and sorted for a
    second; no address of the lab's is theirs.
    """

    SHELVES = ("authorities", "countries", "hotlines", "ladders")

    @cached_property
    def gate(self) -> Watched:
        """Return a gate that remembers."""
        return Watched(self.settings.reach)

    @cached_property
    def catalogue_folders(self) -> Sequence[Path]:
        """Return a few of the shipped shelves, and the lab's own folder."""
        few = self.instance / "catalogue"
        for shelf in self.SHELVES:
            shutil.copytree(shipped("providers") / shelf, few / shelf, dirs_exist_ok=True)
        return [few, *super().catalogue_folders[1:]]


class Templates:
    """An installation with its accounts and nothing else, to be copied for each story."""

    def __init__(self, folder: Path, blank_sqlite: Path, server: Server | None = None) -> None:
        sys.addaudithook(_watch)
        self.folder = folder
        self._server = server
        self._stack = ExitStack()
        shutil.copy(blank_sqlite, folder / "nta.sqlite")
        house = House({"NTA_INSTANCE": str(folder), "NTA_HOTLINE": "example"})
        self.users = [
            {
                "role": role,
                "email": email,
                "password": "a long word of the lab",
                "totp_secret": house.add_user(email, "a long word of the lab", role.rstrip("2")),
            }
            for role, email in USERS
        ]
        house.close()
        if server is None:
            return
        self._uri = self._stack.enter_context(server.fresh())
        other = House(
            {
                "NTA_INSTANCE": str(folder),
                "NTA_HOTLINE": "example",
                "NTA_DATABASE_URL": self._uri,
            }
        )
        self.users_there = [
            {**user, "totp_secret": other.add_user(user["email"], user["password"], user["role"].rstrip("2"))}
            for user in self.users
        ]
        other.close()

    def close(self) -> None:
        self._stack.close()

    @contextmanager
    def installation(self, kind: str, folder: Path) -> Iterator[dict[str, str]]:
        """Copy the template into a folder, and into a database of its own; yield its settings."""
        folder.mkdir(mode=0o700)
        shutil.copytree(self.folder / "keys", folder / "keys")
        if kind == "sqlite":
            shutil.copy(self.folder / "nta.sqlite", folder / "nta.sqlite")
            yield {}
            return
        assert self._server is not None
        with self._server.fresh(template=self._uri.partition("?")[0].rpartition("/")[2]) as uri:
            yield {"NTA_DATABASE_URL": uri}


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing: the log of this process is the tests'."""


@contextmanager
def told(world: str, kind: str, templates: Templates, folder: Path) -> Iterator[Told]:
    """Play a world to its end and yield what it came to."""
    with ExitStack() as stack:
        connected.clear()
        client = stack.enter_context(playing(read_world(world), folder / "lab"))
        database = stack.enter_context(templates.installation(kind, folder / "instance"))
        house = Installation(settings_in(client.card, folder / "instance") | database)
        stack.callback(house.close)
        desk = stack.enter_context(_served(house.desk()))
        portal = stack.enter_context(_served(house.portal()))
        house.gate.own = [("127.0.0.1", desk), ("127.0.0.1", portal)]
        house.take_jobs()
        users = templates.users if kind == "sqlite" else templates.users_there
        lab = RunningLab(client.card, None)
        lab.introduce(f"http://localhost:{desk}", f"http://localhost:{portal}", users)
        with patch("nta.bootstrap.calm"):  # this process has other tests' garbage to collect
            runner = house.runner()
        leaper = house.leaper(runner)
        leaper.start()
        is_over = leaper.over.wait(MOST_S)
        house.stopping.set()
        leaper.join(5.0)
        if leaper.fault is not None:
            raise leaper.fault
        assert is_over, f"{world} does not come to its end: it is {house.clock.now():%Y-%m-%dT%H:%M} there"
        with house.store.db.read() as connection:
            unseen = waiting_unseen(connection)
        truth = lab.truth()
        left = [page["url"].rpartition("/")[2] for page in truth if page["hosts"][-1]["why"] == END_OF_WORLD]
        yield Told(
            summary(house.store, house.clock.now()),
            with_truth(list(episode_lines(house.store, with_url=True)), Truth(truth)),
            unseen,
            left,
            lab.state()["faults"],
            runner.failures,
            frozenset(connected | house.gate.asked | {ip for ip, _ in house.settings.dns_servers.everywhere}),
            house,
        )


@contextmanager
def _served(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _short(found: Told) -> str:
    counted = {key: value for key, value in found.summary.items() if key != "removal_times"}
    counted["events"] = {key: value for key, value in counted["events"].items() if value}
    lines = [json.dumps(figure) for figure in found.summary["removal_times"]]
    return "\n".join([json.dumps(counted), *lines])


def main() -> None:
    """Play worlds as `python -m tests.world.telling NAME…`, and print what each came to."""
    import io
    import tempfile
    import time

    from tests.databases import sqlite_blank

    configure_logs(io.StringIO())
    folder = Path(tempfile.mkdtemp(prefix="nta-story-"))
    cluster = Cluster()
    (folder / "template").mkdir()
    templates = Templates(folder / "template", sqlite_blank(folder), cluster)
    try:
        for name, kind in product(sys.argv[1:], ("sqlite", "postgresql")):
            began, spent = time.monotonic(), time.process_time()
            try:
                with told(name, kind, templates, folder / f"{Path(name).stem}-{kind}") as found:
                    took, spent = time.monotonic() - began, time.process_time() - spent
                    wrong = f"unseen {found.unseen} left {len(found.left)} faults {found.faults}"
                    sys.stdout.write(f"{name} {kind} {took:.2f} s, {spent:.2f} s of CPU, {wrong}\n")
                    if kind == "sqlite":
                        sys.stdout.write(_short(found) + "\n")
            except AssertionError as fault:
                sys.stdout.write(f"{name} {kind}: {fault}\n")
            sys.stdout.flush()
    finally:
        templates.close()
        cluster.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
