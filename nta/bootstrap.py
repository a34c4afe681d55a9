"""The place that puts everything together: what works in an installation, and the way into its commands."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import structlog
from flask import Flask

from nta import assembly
from nta.adapters.clock import LabClock, SystemClock
from nta.adapters.mail.maildir import MaildirInbox
from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.probe_apart import ApartProber
from nta.catalogue import Checked
from nta.catalogue import check as check_catalogue
from nta.catalogue import read as read_catalogue
from nta.cli import commands
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.parties.organisations import AskableProxies, Catalogue
from nta.installation import Installation
from nta.jobs.garbage_collection import calm
from nta.jobs.runner import Leaper, Metronome, Runner
from nta.jobs.schedule import JobStep, schedule
from nta.jobs.single_runner import Alone
from nta.ports import Asker, Channel, Clock
from nta.shipped import shipped
from nta.store.notices import notice_rows
from nta.store.work import (
    audit,
    due,
    pending_steps,
    switches,
)
from nta.store.work.alive import GRACE_S, Alive, holder_of
from nta.usecases import answer, dispatch, escalate, inbox, notify, recheck, resolve
from nta.web import access
from nta.web.accounts import Accounts
from nta.web.desk import create_desk
from nta.web.portal import create_portal
from nta.web.serving import Door, Servers

log = structlog.get_logger("nta.jobs")

Checkpoint = Callable[[str], None]


def _pass(_name: str) -> None:
    """Do nothing: the checkpoint of everyday."""


class House(Installation):
    """One installation with all that works in it, built as far as a command needs it."""

    def __init__(self, environment: Mapping[str, str], checkpoint: Checkpoint = _pass) -> None:
        super().__init__(environment)
        self.stopping = threading.Event()
        self._checkpoint = checkpoint
        self._alone: Alone | None = None
        self._alive: Alive | None = None

    @cached_property
    def catalogue_folders(self) -> Sequence[Path]:
        """Return where the catalogue is read from; a later folder's file wins."""
        own = self.settings.catalogue
        if own is not None and not own.is_dir():
            raise RefusedError(f"NTA_CATALOGUE: {own} is no folder")
        return [shipped("providers"), *([own] if own else [])]

    @cached_property
    def catalogue(self) -> Catalogue:
        """Return the catalogue, whole and checked."""
        return self._seen_from_home(read_catalogue(self.catalogue_folders))

    def _seen_from_home(self, catalogue: Catalogue) -> Catalogue:
        """Return the catalogue with our own country, once it is known which entry of hotlines/ is ours."""
        ours = catalogue.ours(self.settings.hotline)
        return replace(catalogue, home=ours.country if ours else None)

    def refuse_nobody(self) -> None:
        """Refuse to work for a hotline that is not named, or without what notices say of their sender."""
        ours = self.catalogue.ours(self.settings.hotline)
        if ours is None or not ours.can_be_ours:
            hotlines = self.catalogue.hotlines.values()
            whole = sorted(h.id.partition(":")[2] for h in hotlines if h.can_be_ours)
            raise RefusedError(
                f"NTA_HOTLINE is {self.settings.hotline or 'not set'}: name the entry of hotlines/ that is "
                f"yours, with standing, address and notices ({', '.join(whole) or 'none yet'})"
            )

    def choose_hotline(self, name: str) -> None:
        """Keep in the instance which entry of hotlines/ is ours, as it was answered at the first start."""
        self.settings = self.settings.model_copy(update={"hotline": name})
        (self.instance / "hotline").write_text(f"{name}\n", encoding="utf-8")
        self.catalogue = self._seen_from_home(self.catalogue)

    def check_catalogue(self) -> Checked:
        """Return what is wrong with the catalogue, and what a person should look at."""
        return check_catalogue(self.catalogue_folders, self.clock.now().date())

    @cached_property
    def clock(self) -> Clock:
        """Return the clock of the service's time."""
        named = self.settings.clock
        return SystemClock() if named == "system" else LabClock(named.removeprefix("lab:"))

    @cached_property
    def gate(self) -> Gate:
        """Return the gate that every look-up and look passes."""
        return Gate(self.settings.reach)

    @cached_property
    def asker(self) -> Asker:
        """Return what asks who serves a name or an address."""
        return assembly.asker(self.settings, self.gate)

    @cached_property
    def askable(self) -> AskableProxies | None:
        """Return the proxies that are asked what stands behind a host."""
        return assembly.askable(self.settings, lambda: self.catalogue)

    @cached_property
    def prober(self) -> ApartProber:
        """Return what asks for pages."""
        return assembly.prober(self.settings, self.gate, self.catalogue.marks)

    @cached_property
    def eyes(self) -> recheck.Eyes:
        """Return what looks."""
        return assembly.eyes(self.settings, self.prober, lambda: self.catalogue)

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """Return what hands messages over, by the channel's name."""
        return assembly.channels(self.settings, self.gate)

    def desk(self) -> Flask:
        """Return the desk's app."""
        self.refuse_nobody()
        return create_desk(
            self.store,
            self.settings,
            self.clock,
            self.catalogue,
            self._checkpoint,
            is_world_over=self._is_world_over,
        )

    def portal(self, *, alone: bool = False) -> Flask:
        """Return the portal's app; `alone` in a process that does nothing else."""
        self.refuse_nobody()
        store = self.portal_store if alone else self.store
        return create_portal(
            store, self.settings, self.clock, self.catalogue, is_world_over=self._is_world_over
        )

    def _is_world_over(self) -> bool:
        """Tell whether this serves a lab's world, and that has ended."""
        return isinstance(self.clock, LabClock) and self.clock.is_over

    def add_user(self, email: str, password: str, role: str, secret: str | None = None) -> str:
        """Make an account of the desk, with this TOTP secret or a new one; return the secret in base 32."""
        self._checkpoint("user.making")
        made = access.add_user(self.store, email, password, role, clock=self.clock, secret=secret)
        self._checkpoint("user.made")
        assert made.secret is not None
        return made.secret

    @property
    def accounts(self) -> Accounts:
        """Return the accounts of the desk, to be looked after."""
        return Accounts(self.store, self.clock)

    def steps(self) -> tuple[JobStep, ...]:
        """Return the steps of the jobs, put together."""
        store, point = self.store, self._checkpoint
        holder = holder_of(self.node)
        given, known = self.settings, self.catalogue
        self.refuse_nobody()
        mine: dict[str, Any] = {"holder": holder, "checkpoint": point}
        resolving = partial(
            resolve.resolve_due,
            store,
            asker=self.asker,
            catalogue=known,
            routes=given.routes.are_asked,
            askable=self.askable,
            **mine,
        )
        looking = partial(recheck.recheck_due, store, eyes=self.eyes, **mine)
        escalating = partial(escalate.escalate_due, store, catalogue=known, **mine)
        telling = partial(notify.notify_waiting, store, catalogue=known, checkpoint=point)
        sending = partial(
            dispatch.dispatch_due, store, catalogue=known, settings=given, channels=self.channels, **mine
        )
        return schedule(
            {
                "inbox": self._inbox_step,
                "answers": lambda now: answer.settle(store, now, checkpoint=point),
                "resolve": lambda now: resolving(now=now),
                "recheck": lambda now: looking(now=now),
                "escalate": lambda now: escalating(now=now),
                "notify": lambda now: telling(now=now),
                "dispatch": lambda now: sending(now=now),
                "seal": self._seal,
            }
        )

    def pending(self, now: datetime) -> set[str]:
        """Return the steps that have something to do; an inbox and other runners are always seen to."""
        always = {"inbox"} if self.database.is_sqlite else {"inbox", "seal"}
        with self.store.db.read() as connection:
            return pending_steps.pending(connection, now) | always

    def next_due(self) -> datetime | None:
        """Return when something is due next: a due row, or a notice that is being gathered.

        Notices that a lead has stopped are due at no time: the clock goes on without them.
        """
        with self.store.db.read() as connection:
            stopped = switches.sending_stopped(connection)
            kinds = [kind for kind in due.JOBS if not (stopped and kind == due.SEND)]
            moments = [due.next_at(connection, kinds), notify.next_gathering(self.store, self.clock.now())]
        return min((m for m in moments if m is not None), default=None)

    def take_alone(self) -> None:
        """Be the only one to work on an embedded database; another that does is named."""
        if self.database.is_sqlite:
            self._alone = Alone(Path(self.database.url.database or "nta.sqlite"))
            self._alone.take()

    def take_jobs(self) -> None:
        """Become a runner of jobs: the only one on an embedded database, one of many on PostgreSQL."""
        self.take_alone()
        if self.database.is_sqlite:
            with self.store.db.write() as connection:
                due.release_all(connection)
                notice_rows.forget_return_paths(connection)
            return
        db = self.store.db  # its keys are made before this process counts as having used it
        self._alive = alive = Alive(db, self.node, grace_s=GRACE_S)
        if not alive.take():
            raise OutsideError("another process goes by this one's number; start again", temporary=True)
        if alive.free_the_dead():
            self.stopping.wait(GRACE_S)
            alive.free_the_dead()
        with db.write() as connection:
            notice_rows.forget_return_paths(connection)

    def may_work(self) -> bool:
        """Tell whether this process still counts as alive; end it where another goes by its number."""
        alive = self._alive
        if alive is None or alive.holds():
            return True
        if alive.is_replaced:
            log.error("another process goes by this one's number; this one ends", node=self.node)
            self.stopping.set()
        return False

    def give_back(self, step: str) -> None:
        """Free what this process took for a step and has no more in hand: its last batch broke off."""
        kinds = [kind for kind, name in pending_steps.STEP_OF.items() if name == step]
        with self.store.db.write() as connection:
            due.release_of(connection, holder_of(self.node), kinds)

    def release_the_dead(self) -> None:
        """Free the work of runners whose session is gone (PostgreSQL)."""
        if self._alive is not None:
            self._alive.free_the_dead()

    def runner(self) -> Runner:
        """Return the runner of this process's jobs."""
        calm()
        return Runner(self.steps(), self.clock, self.pending, self.stopping, self.may_work, self.give_back)

    def metronome(self, runner: Runner) -> Metronome:
        """Return the beat that drives a runner by the machine's clock."""
        return Metronome(runner, self.steps())

    def leaper(self, runner: Runner, before_leap: Callable[[], None] = lambda: None) -> Leaper:
        """Return what drives a runner through the lab's world."""
        clock = self.clock
        if not isinstance(clock, LabClock):
            raise RefusedError("NTA_CLOCK is the system's: only the lab's clock leaps")

        def next_due() -> datetime | None:
            before_leap()
            return self.next_due()

        return Leaper(runner, clock, next_due, self.stopping)

    def servers(self, doors: Sequence[tuple[str, str, int]]) -> Servers:
        """Return servers for doors, each (desk or portal, host, port), and keep looks away from them."""
        alone = len(doors) == 1
        apps: dict[str, Callable[[], Flask]] = {
            "desk": self.desk,
            "portal": partial(self.portal, alone=alone),
        }
        servers = Servers([Door(name, apps[name](), host, port) for name, host, port in doors], self.stopping)
        self.gate.own = [(host, port) for _, host, port in servers.listening]
        return servers

    def close(self) -> None:
        """Give back what this process holds."""
        if self._alive is not None:
            self._alive.close()
            self._alive = None
        if self._alone is not None:
            self._alone.release()
        if isinstance(self.__dict__.get("clock"), LabClock):
            self.__dict__["clock"].close()
        if "prober" in self.__dict__:
            self.prober.close()
        if "database" in self.__dict__:
            self.database.dispose()

    def _inbox_step(self, now: datetime) -> int:
        where = self.settings.inbox_url
        if where is None:
            return 0
        box = MaildirInbox(Path(where.removeprefix("maildir:")))
        return inbox.read_inbox(
            self.store,
            inbox=box,
            now=now,
            ours=assembly.ours(self.settings),
            checkpoint=self._checkpoint,
        )

    def _seal(self, now: datetime) -> int:
        self.release_the_dead()
        with self.store.db.write() as connection:
            return audit.seal(connection, now)


def desk_app() -> Flask:
    """Return the desk for a WSGI server, by the settings of its environment."""
    return House(os.environ).desk()


def portal_app() -> Flask:
    """Return the portal for a WSGI server, by the settings of its environment."""
    return House(os.environ).portal(alone=True)


def main(checkpoint: Checkpoint = _pass) -> None:
    """Run the command `nta`."""
    commands.run(partial(House, checkpoint=checkpoint))
