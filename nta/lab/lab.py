"""The lab as a whole: its folder, its ports, its servers, from the first line of the journal to the last."""

import asyncio
import json
import os
import random
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from nta.lab.control import Control
from nta.lab.delivery_reports import Maildir
from nta.lab.dnsserver import DNSServer, Zones
from nta.lab.engine import Engine
from nta.lab.httpserver import HTTPServer
from nta.lab.journal import Journal, JournalError
from nta.lab.landscape import CONTROLS, PARKING, Landscape
from nta.lab.leaping_clock import WorldClock
from nta.lab.mail import EnvelopeRecipient
from nta.lab.mailserver import MailServer
from nta.lab.originserver import OriginAnswers, origin_lookups, origin_tokens
from nta.lab.overlay import write_overlay
from nta.lab.postoffice import PostOffice
from nta.lab.rdapserver import RDAPAnswers
from nta.lab.socks import SOCKSServer
from nta.lab.tour import Tour
from nta.lab.webserver import WebServer, WebTable
from nta.lab.whoisserver import ROOT, WHOISServer, whois_places
from nta.lab.world import Placement, World

SERVERS = ("control", "dns", "origins", "rdap", "smtp", "socks", "web", "whois")
# Below the range that the system draws from for outgoing connections, so that
# none of those sits on a port of ours when the lab is started again.
FIRST_PORT, LAST_PORT = 20_000, 32_000
UNSPOKEN_S = 15 * 60
SWEEP_S = 15.0


class LabError(Exception):
    """A lab that cannot start; the text is one line."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a lab keeps everything."""

    path: Path

    @property
    def card(self) -> Path:
        return self.path / "lab.json"

    @property
    def clock(self) -> Path:
        return self.path / "clock"

    @property
    def maildir(self) -> Path:
        return self.path / "maildir"

    @property
    def catalogue(self) -> Path:
        return self.path / "catalogue"

    def write_card(self, card: dict[str, Any]) -> None:
        """Write lab.json, whole or not at all."""
        part = self.card.with_suffix(".part")
        part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        part.replace(self.card)


def _last_moment(journal: Journal) -> datetime | None:
    """Return the time at which an earlier lab ended, so that the clock never shows an earlier one."""
    for entry in reversed(journal.entries):
        if entry["do"] in ("now", "done"):
            return datetime.fromisoformat(entry["at"])
    return None


def _free_ports(listening: Mapping[str, list[str]], control: int | None) -> dict[str, int]:
    """Return a port for each server that is free on all the addresses it listens on, or on 127.0.0.1."""
    found: dict[str, int] = {} if control is None else {SERVERS[0]: control}
    draw = random.SystemRandom()
    while len(found) < len(SERVERS):
        name = SERVERS[len(found)]
        port = draw.randrange(FIRST_PORT, LAST_PORT)
        if port not in found.values() and all(
            _is_free(address, port) for address in listening.get(name, ["127.0.0.1"])
        ):
            found[name] = port
    return found


def _is_free(address: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as one:
            try:
                one.bind((address, port))
            except OSError:
                return False
    return True


class Lab:
    """One world being played in one folder."""

    def __init__(self, world: World, path: Path, rate: int | None = None, control: int | None = None) -> None:
        self.world = world
        self._control_port = control
        self._rate = rate
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = Folder(path.resolve())
        self._stop = asyncio.Event()

    async def start(self) -> dict[str, Any]:
        """Open the journal, bind all ports, and return what lab.json says.

        Raises:
            LabError: the folder is another's or in use, or a port is taken.
        """
        folder, world = self._folder, self.world
        addresses = sorted({str(address) for address in _addresses(world)})
        try:
            self._journal = Journal(folder.path / "journal.jsonl")
        except JournalError as error:
            raise LabError(str(error)) from None
        self._ports = self._begin_or_go_on(addresses)
        write_overlay(world, folder.catalogue)
        table = WebTable()
        self._landscape = Landscape(world, table, self._ports["web"])
        self._clock = WorldClock(_last_moment(self._journal) or world.start, self._rate, face=folder.clock)
        self._post = PostOffice(self._journal, self._landscape.by_url, folder.path / "mails")
        zones = Zones(self._landscape)
        self._dns = DNSServer(zones, lambda: self._clock.now)
        self._engine = Engine(
            world,
            self._landscape,
            self._journal,
            self._post,
            Maildir(folder.maildir),
            self._clock,
        )
        self._web = WebServer(table, addresses, self._ports["web"])
        self._whois = WHOISServer(self._landscape)
        tour = Tour(self._engine, self._post, self._clock, self._ports["control"], folder.path / "arrived")
        self.control = Control(self._engine, self._clock, self._post, self._asked, tour)
        root = f"http://127.0.0.1:{self._ports['rdap']}/"
        self._rdap = RDAPAnswers(self._landscape, root)
        self._origins = OriginAnswers(self._landscape)
        self._servers: list[Any] = [self._web, self._dns]
        try:
            await self._web.start()
            await self._dns.start(self._ports["dns"])
            for name, server in (
                ("rdap", HTTPServer(self._rdap)),
                ("origins", HTTPServer(self._origins)),
                ("socks", SOCKSServer(self._web, lambda host: zones.addresses(host, self._clock.now))),
                ("smtp", MailServer(self._keep)),
                ("whois", self._whois),
                ("control", HTTPServer(self.control)),
            ):
                await server.start(self._ports[name])
                self._servers.append(server)
        except OSError as error:
            self.stop()
            raise LabError(f"a port of the lab's first start cannot be had: {error.strerror}") from None
        self._engine.obey = partial(_at_once, asyncio.get_running_loop(), self._web.obey)
        card = self._card(root)
        folder.write_card(card)
        return card

    async def run(self) -> None:
        """Serve until told to end, or until nobody has spoken for a long time."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        while not self._stop.is_set() and loop.time() - self.control.spoken_at < UNSPOKEN_S:
            try:
                async with asyncio.timeout(SWEEP_S):
                    await self._stop.wait()
            except TimeoutError:
                self._web.sweep()

    def stop(self) -> None:
        """Close every socket and the journal."""
        for server in self._servers:
            server.stop()
        self.control.close()
        self._clock.close()
        self._journal.close()

    def _begin_or_go_on(self, addresses: list[str]) -> dict[str, int]:
        """Return the ports: those in the journal's first line, or free ones that are written there now.

        The web port is a part of every URL of the world, so it may never change.
        """
        if not self._journal.entries:
            whois = [str(at) for at in (ROOT, *whois_places(self.world).values())]
            ports = _free_ports({"web": addresses, "whois": whois}, self._control_port)
            world = self.world
            self._journal.write({"do": "begin", "world": world.id, "digest": world.digest, "ports": ports})
            self._journal.secure()
            return ports
        begin = self._journal.entries[0]
        if begin.get("digest") != self.world.digest or set(SERVERS) - begin["ports"].keys():
            self._journal.close()
            raise LabError("this folder belongs to another world, or to another version of it or of the lab")
        return {name: int(begin["ports"][name]) for name in SERVERS}

    def _keep(
        self, content: bytes, return_path: str, envelope_id: str, recipients: tuple[EnvelopeRecipient, ...]
    ) -> None:
        self._post.take(content, self._clock.now, return_path, envelope_id, recipients)

    def _asked(self) -> dict[str, int]:
        """Return how often each server was asked since this process began."""
        return {
            "web": self._web.requests,
            "dns": self._dns.questions,
            "rdap": self._rdap.questions,
            "origins": self._origins.questions,
            "whois": self._whois.questions,
        }

    def _card(self, root: str) -> dict[str, Any]:
        ports = self._ports
        asked_at = origin_lookups(self.world, f"http://127.0.0.1:{ports['origins']}/")
        return {
            "pid": os.getpid(),
            "control": f"http://127.0.0.1:{ports['control']}",
            "dns": f"127.0.0.1:{ports['dns']}",
            "rdap_bootstrap": root,
            "whois": f"{ROOT}:{ports['whois']}",
            "origin_lookups": _pairs(asked_at),
            "origin_tokens": _pairs(origin_tokens(self.world)),
            "smtp": f"smtp://127.0.0.1:{ports['smtp']}",
            "clock_file": str(self._folder.clock),
            "maildir": str(self._folder.maildir),
            "vantages": f"nl=direct,de=socks5h://127.0.0.1:{ports['socks']}",
            "control_urls": ",".join(f"http://{host}:{ports['web']}/" for host in CONTROLS),
            "catalogue": str(self._folder.catalogue),
            "hotline": self.world.hotline.id,
            "sender": f"notices@{self.world.hotline.mail.partition('@')[2]}",
            "return_path": f"return+{{token}}@{self.world.hotline.mail.partition('@')[2]}",
            "web_port": ports["web"],
            "body_marker": self.world.body_marker,
            "url_marker": self.world.url_marker,
            "world": self.world.id,
            "ports": ports,
        }


def _pairs(named: Mapping[str, str]) -> str:
    return ",".join(f"{name}={text}" for name, text in named.items())


def _at_once(loop: asyncio.AbstractEventLoop, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let the servers' loop do something, and wait until it is done; called in the engine's thread."""
    asyncio.run_coroutine_threadsafe(act(), loop).result()


def _addresses(world: World) -> Iterable[object]:
    yield from (*CONTROLS.values(), PARKING)
    for site in world.sites.values():
        for placement in (*site.placements, *(move.to for move in site.moves)):
            yield from _of_placement(placement)


def _of_placement(placement: Placement) -> Iterable[object]:
    yield placement.address
    if placement.origin is not None:
        yield placement.origin.address
