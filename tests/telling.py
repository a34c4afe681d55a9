"""The telling steps with stand-ins for the world around them: relay, inbox, settings, a sudden end."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nta.domain.errors import OutsideError
from nta.domain.notices.batching import PlanRules
from nta.domain.parties.contact_addresses import MAIL
from nta.domain.parties.organisations import Catalogue
from nta.ports import Channel, Document, Handed, HandOver, Outgoing, Received
from nta.settings import Sending
from nta.store.db.handle import Store
from nta.usecases.dispatch import LEASE, Lease, dispatch_due
from nta.usecases.escalate import escalate_due
from nta.usecases.notify import notify_waiting
from tests.builders_notices import catalogue

Checkpoint = Callable[[str], None]


def nothing(name: str) -> None:
    """Pass a checkpoint."""


@dataclass(frozen=True)
class Manner:
    """The settings that dispatch needs."""

    sending: Sending = field(default_factory=lambda: Sending("on"))
    sender: str | None = "notices@hotline.test"
    return_path: str | None = "return+{token}@hotline.test"
    portal_url: str = "http://localhost:8001"
    hotline: str | None = "hotline:ours"
    templates: Path | None = None


@dataclass
class Relay:
    """A relay that takes everything, unless told what to say; keeps every message it was given."""

    carries: Document = Document.MAIL
    says: dict[str, tuple[HandOver, str]] = field(default_factory=dict)  # by recipient
    down_after: int | None = None
    given: list[Outgoing] = field(default_factory=list)

    def hand_over(self, messages: Iterable[Outgoing], may_go: Callable[[Outgoing], bool]) -> Iterator[Handed]:
        waiting = iter(messages)
        message = next(waiting, None)
        number = 0
        while message is not None:
            if self.down_after is not None and number >= self.down_after:
                raise OutsideError("the relay broke off", temporary=True)
            number += 1
            handed = self._take(message) if may_go(message) else None
            message = next(waiting, None)
            if handed is not None:
                yield handed

    def _take(self, message: Outgoing) -> Handed:
        self.given.append(message)
        result, line = self.says.get(message.address.to, (HandOver.TAKEN, "250 2.0.0 Ok"))
        return Handed(message.notice_id, result, line)


@dataclass
class Post:
    """An inbox that holds what a test put there."""

    held: list[Received] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)

    def put(self, content: bytes) -> None:
        self.held.append(Received(f"mail-{len(self.held)}", content))

    def waiting(self, limit: int) -> Sequence[Received]:
        return [r for r in self.held if r.key not in self.settled][:limit]

    def settle(self, keys: Collection[str]) -> None:
        self.settled += keys


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class Killer:
    """A checkpoint that ends the process at the n-th passing of a name."""

    name: str
    at: int = 1
    passed: int = 0

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.passed += 1
            if self.passed == self.at:
                raise KilledError(name)


@dataclass
class Service:
    """The telling steps over one store, run as a runner would: each until it returns nothing done."""

    store: Store
    relay: Relay = field(default_factory=Relay)
    others: dict[str, Channel] = field(default_factory=dict)  # channels beside mail
    known: Catalogue = field(default_factory=catalogue)
    manner: Manner = field(default_factory=Manner)
    rules: PlanRules = field(default_factory=PlanRules)

    def escalate(self, now: datetime, checkpoint: Checkpoint = nothing, holder: str = "one") -> int:
        return escalate_due(self.store, catalogue=self.known, holder=holder, now=now, checkpoint=checkpoint)

    def notify(self, now: datetime, checkpoint: Checkpoint = nothing) -> int:
        return notify_waiting(
            self.store, catalogue=self.known, now=now, rules=self.rules, checkpoint=checkpoint
        )

    def dispatch(
        self,
        now: datetime,
        checkpoint: Checkpoint = nothing,
        holder: str = "one",
        lease: Lease = LEASE,
    ) -> int:
        return dispatch_due(
            self.store,
            catalogue=self.known,
            settings=self.manner,
            channels={MAIL: self.relay, **self.others},
            holder=holder,
            now=now,
            lease=lease,
            checkpoint=checkpoint,
        )

    def tell(self, now: datetime) -> None:
        """Run the three steps until nothing is left to do at this moment."""
        while self.escalate(now) + self.notify(now) + self.dispatch(now):
            pass
