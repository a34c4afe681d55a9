"""The leap: moves the world's time on and lets happen what falls due, in one thread and one fixed order."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from nta.lab.actors import Desk, Portal, Service
from nta.lab.agenda import Agenda, WorldEvent, event
from nta.lab.delivery_reports import Maildir, auto_reply, report
from nta.lab.httpclient import ActError, UnreachableError
from nta.lab.journal import Entry, Journal
from nta.lab.landscape import Landscape, Suspension
from nta.lab.leaping_clock import WorldClock
from nta.lab.mailboxes import react
from nta.lab.plans import planned
from nta.lab.postoffice import PostOffice
from nta.lab.world import World
from nta.lab.worldpage import ShownBelief, ShownBeliefs, of_site, overview

# How often an act is tried that the service answers wrongly, and one that it answers with its own failure.
WRONG_TRIES = 5
FAILED_TRIES = 50


@dataclass(frozen=True, slots=True)
class LeapResult:
    """What a leap came to. `stuck`: an act waits for the service."""

    now: datetime
    over: bool
    stuck: bool


class Engine:
    """Owns the state of a world. All of its methods are called from one thread."""

    def __init__(
        self,
        world: World,
        landscape: Landscape,
        journal: Journal,
        post: PostOffice,
        maildir: Maildir,
        clock: WorldClock,
    ) -> None:
        self._world = world
        self._landscape = landscape
        self._journal = journal
        self._post = post
        self._maildir = maildir
        self._clock = clock
        self._agenda = Agenda()
        self._service: Service | None = None
        self._desks: dict[str, Desk] = {}
        self._notes: dict[str, str] = {}
        self._tries: dict[str, int] = {}
        self._happened = False
        self._next_due: datetime | None = None
        self.is_over = False
        self._beliefs = ShownBeliefs()
        self.faults: list[str] = []
        self.timed_out = 0
        self.obey: Callable[[], None] = lambda: None
        """Called after machines went down or up, for the sockets to follow."""
        self._does: dict[str, Callable[[WorldEvent], None]] = {
            "vanish": self._vanish,
            "move": self._move,
            "suspend": self._suspend,
            "return": self._return,
            "down": self._down,
            "read": self._read,
            "report": self._report,
            "hand_in": self._hand_in,
            "act": self._act,
            "approve": self._approve,
            "answer": self._answer,
        }
        for one in planned(world):
            self._agenda.add(one)
        self._go_on()

    def meet(self, service: Service) -> None:
        """Hear from the service where it is now, and with which log-ins."""
        if service != self._service:
            self._desks.clear()
        self._service = service

    def leap(self, next_due: datetime | None) -> LeapResult:
        """Move to the service's next due moment or the world's next event, whichever is first.

        Facts of the world are let happen on the way, each at its own moment;
        a moment that somebody acts at is stopped at, once all is done that
        it holds. An act that the service cannot take keeps the time where it is.
        """
        self._read_mail_soon()
        self._next_due = next_due
        began_at = self._clock.now
        self._happened = False
        stuck = not self._advance(self._limit(next_due))
        if self._clock.walks and stuck:
            self._clock.restart()
        if self._clock.now != began_at:
            self._journal.write({"do": "now", "at": self._clock.now.isoformat()})
        if self._happened:
            self._journal.secure()
        self.is_over = next_due is None and not self._agenda
        return LeapResult(self._clock.now, self.is_over, stuck)

    def next_event_at(self) -> datetime | None:
        self._read_mail_soon()
        first = self._agenda.first()
        return first.at if first else None

    def next_moment(self) -> datetime | None:
        """Return when something comes next, in the world or at the service; None where nothing does."""
        moments = [at for at in (self.next_event_at(), self._next_due) if at and at > self._clock.now]
        return min(moments, default=None)

    @property
    def service(self) -> Service | None:
        return self._service

    @property
    def world(self) -> World:
        return self._world

    def truth(self) -> dict[str, Any]:
        """Return where each URL was shown, from when until when."""
        urls = []
        for url, showings in self._landscape.truth():
            hosts = [
                {
                    "provider": showing.placement.provider,
                    "address": str(showing.placement.address),
                    "origin": showing.placement.origin.provider if showing.placement.origin else None,
                    "from": showing.begin.isoformat(),
                    "until": showing.until.isoformat() if showing.until else None,
                    "why": showing.why,
                }
                for showing in showings
            ]
            urls.append({"url": url, "hosts": hosts})
        providers = {
            one.id: {"name": one.name, "mail": one.mail, "asn": one.asn, "network": str(one.network)}
            for one in self._world.parties.providers.values()
        }
        return {"urls": urls, "providers": providers}

    def believe(self, beliefs: Mapping[str, ShownBelief]) -> None:
        """Hear what the service holds of each URL; it is shown beside the truth and changes nothing."""
        self._beliefs = ShownBeliefs(beliefs, self._clock.now)

    def picture(self, site: str, bar: str = "", below: str = "") -> str | None:
        """Return the world as a page, or one site of it; None where there is no such site.

        `bar` and `below` are put on the page of the world as they are.
        """
        now = self._clock.now
        if not site:
            return overview(self._landscape, self._beliefs, now, bar, below)
        known = self._world.sites.get(site)
        return of_site(self._landscape, known, self._beliefs, now) if known else None

    def state(self) -> dict[str, Any]:
        """Return in short how far the world has come."""
        next_event = self.next_event_at()
        return {
            "now": self._clock.now.isoformat(),
            "next_event": next_event.isoformat() if next_event else None,
            "waiting_acts": self._agenda.waiting(self._clock.now),
            "mails": len(self._post),
            "faults": self.faults,
            "timed_out": self.timed_out,
        }

    def _limit(self, next_due: datetime | None) -> datetime | None:
        """Return how far time may go; None means to the next event, wherever that is."""
        limit = next_due
        if self._clock.walks:
            walked = self._clock.walked()
            limit = walked if limit is None else min(limit, walked)
        return None if limit is None else max(limit, self._clock.now)

    def _advance(self, limit: datetime | None) -> bool:
        """Let happen what falls due up to a moment. Return whether nothing had to be left undone."""
        acted = False
        while (first := self._agenda.first()) is not None:
            if limit is not None and first.at > limit:
                break
            if acted and first.at > self._clock.now:
                return True
            self._clock.move(first.at)
            if not self._perform(first):
                return False
            acted = acted or not first.is_fact
        if limit is not None and not acted:
            self._clock.move(limit)
        return True

    def _perform(self, one: WorldEvent) -> bool:
        """Let one event happen. Return whether it is done with."""
        try:
            self._does[one.kind](one)
        except UnreachableError as error:
            if error.timed_out:
                self._waited_in_vain(one)
            if not error.answered or not self._gives_up(one, FAILED_TRIES, str(error)):
                return False
        except ActError as error:
            if not self._gives_up(one, WRONG_TRIES, str(error)):
                return False
        self._journal.write({"do": "done", "key": one.key, "at": self._clock.now.isoformat()})
        self._agenda.done(one.key)
        self._happened = True
        return True

    def _waited_in_vain(self, one: WorldEvent) -> None:
        """Say so each time: a service that lives lets nobody wait for so long."""
        self.timed_out += 1
        sys.stderr.write(f"lab: {one.kind} at {one.at:%Y-%m-%dT%H:%MZ} waited for an answer in vain\n")

    def _gives_up(self, one: WorldEvent, tries: int, reason: str) -> bool:
        """Count a try; once there were enough, write a fault down and let the world go on without the act."""
        self._tries[one.key] = self._tries.get(one.key, 0) + 1
        if self._tries[one.key] < tries:
            return False
        fault = f"{one.kind} at {one.at:%Y-%m-%dT%H:%MZ} was given up: {reason}"
        self._journal.write({"do": "fault", "text": fault})
        self.faults.append(fault)
        sys.stderr.write(f"lab: {fault}\n")
        return True

    def _plan(self, new: WorldEvent) -> None:
        if self._agenda.add(new):
            at = new.at.isoformat()
            name = new.key.removeprefix(f"{new.kind} ")
            self._journal.write({"do": "plan", "at": at, "kind": new.kind, "name": name, "data": new.data})

    def _read_mail_soon(self) -> None:
        for mail in self._post.unread():
            first = f"{mail.recipients[0].address} {mail.pages[0] if mail.pages else '-'}"
            self._agenda.add(event(mail.at, "read", f"{first} m{mail.number:06d}", mail=mail.number))

    # What each kind of event does.

    def _vanish(self, one: WorldEvent) -> None:
        page = one.data["page"]
        self._landscape.vanish(page, one.data["provider"], one.at, one.data["why"])
        if one.data["why"] == "removed" and not self._landscape.is_shown(page):
            for back in self._world.site_of(page).comes_back:
                if page in back.pages:
                    self._plan(event(one.at + back.after, "return", page, page=page))

    def _return(self, one: WorldEvent) -> None:
        self._landscape.put_up_again(one.data["page"], one.at)

    def _move(self, one: WorldEvent) -> None:
        site = one.data["site"]
        self._landscape.move(site, self._world.sites[site].moves[one.data["number"]].to, one.at)

    def _suspend(self, one: WorldEvent) -> None:
        self._landscape.suspend(one.data["domain"], one.at, Suspension(one.data["by"], one.data["parks"]))

    def _down(self, one: WorldEvent) -> None:
        self._landscape.go_down(one.data["site"], one.data["how"])
        self.obey()

    def _read(self, one: WorldEvent) -> None:
        mail = self._post.mail(one.data["mail"])
        for new in react(
            self._world,
            self._landscape,
            mail,
            self._clock.now,
            lambda key: self._agenda.known(key) is not None,
        ):
            self._plan(new)

    def _report(self, one: WorldEvent) -> None:
        mail = self._post.mail(one.data["mail"])
        number, recipient = next(
            (number, two) for number, two in enumerate(mail.recipients) if two.address == one.data["to"]
        )
        name = f"{mail.number:06d}.{number}.lab"
        action = one.data["action"]
        make = auto_reply if action == "auto_reply" else partial(report, action=action)
        self._maildir.deliver(name, make(mail, recipient, at=self._clock.now))

    def _hand_in(self, one: WorldEvent) -> None:
        plan = self._world.hand_ins[one.data["number"]]
        pages = [self._world.page(page) for page in plan.pages]
        urls = {self._landscape.url(page): self._landscape.referrer(page) for page in pages}
        key = self._notes.get(one.key, "")
        self._desk("analyst").hand_in(plan, urls, key, lambda new: self._note(one.key, new))

    def _act(self, one: WorldEvent) -> None:
        """Do one thing on each case page; what was sent before the service went away is not missed again."""
        plan = self._world.acts[one.data["number"]]
        for page in plan.pages:
            key = f"{one.key} {page}"
            if self._notes.get(key) == "done":
                continue
            url = self._landscape.url(self._world.page(page))
            was_sent = key in self._notes
            self._desk(plan.who).act(plan, url, partial(self._note, key, "sent"), was_sent=was_sent)
            self._note(key, "done")

    def _approve(self, one: WorldEvent) -> None:
        self._desk(self._world.approvals[one.data["number"]].who).approve(
            self._world.approvals[one.data["number"]]
        )

    def _answer(self, one: WorldEvent) -> None:
        urls = [self._landscape.url(self._world.page(page)) for page in one.data["pages"]]
        Portal(self._met()).answer(one.data["token"], urls, one.data["says"])

    def _met(self) -> Service:
        if self._service is None:
            raise UnreachableError("the service has not said where it is")
        return self._service

    def _desk(self, role: str) -> Desk:
        service = self._met()
        if role not in self._desks:
            self._desks[role] = Desk(service, role)
        return self._desks[role]

    def _note(self, key: str, value: str) -> None:
        self._notes[key] = value
        self._journal.write({"do": "note", "key": key, "value": value})

    # The journal.

    def _go_on(self) -> None:
        for entry in self._journal.entries:
            self._replay(entry)

    def _replay(self, entry: Entry) -> None:
        match entry["do"]:
            case "now":
                self._clock.move(datetime.fromisoformat(entry["at"]))
            case "mail" | "copy":
                self._post.replay(entry)
                self._read_mail_soon()
            case "plan":
                at = datetime.fromisoformat(entry["at"])
                self._agenda.add(event(at, entry["kind"], entry["name"], **entry["data"]))
            case "note":
                self._notes[entry["key"]] = entry["value"]
            case "fault":
                self.faults.append(entry["text"])
            case "done":
                self._clock.move(datetime.fromisoformat(entry["at"]))
                done = self._agenda.known(entry["key"])
                if done is not None and done.is_fact:
                    self._does[done.kind](done)
                self._agenda.done(entry["key"])
