"""What we need from outside, as small Protocols."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from nta.domain.checks.verdicts import ProbeAnswer
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.parties.contact_addresses import ContactAddress


class Clock(Protocol):
    """Service time: due moments, deadlines, sightings, clocks, link expiry."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Leap:
    """Where the lab's clock stands after a leap; `over` when its world has no event left."""

    now: datetime
    over: bool


class LeapingClock(Clock, Protocol):
    """A clock that goes on only when asked to; the lab's."""

    def leap(self, next_due: datetime | None) -> Leap:
        """Go on to `next_due` or the world's next event, whichever comes first."""
        ...


class Ids(Protocol):
    """Row ids: 63 bits, ordered by time, unique over all processes."""

    def take(self, count: int) -> Sequence[int]:
        """Return `count` new ids in rising order."""
        ...


class Asker(Protocol):
    """Look-ups of who serves a name or an address."""

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterable[Finding]:
        """Ask them all, side by side; one finding each, a failure being a finding with a problem."""
        ...


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """What the DNS says of a host right now. `error`: nxdomain, no_address, dns_failure, or None."""

    addresses: tuple[str, ...]
    error: str | None = None


class Names(Protocol):
    """Fresh addresses of many hosts, never from a cache."""

    def addresses(self, hosts: Collection[str], vantage: str) -> Mapping[str, NameAnswer]:
        """Return an answer for each host, asked from the vantage point."""
        ...


class LookRequest(NamedTuple):
    """One look: `url` at `address`, which the probe vets again and pins. `key` comes back with the answer.

    With `text` a page that says to be text is read, as far as the settings
    allow, and the rule that its words fit comes back as the answer's sign.
    """

    key: int
    url: str
    host: str
    port: int
    address: str
    referrer: str | None = None
    text: bool = False


class Prober(Protocol):
    """Looks whether something is still there, keeping no byte of it."""

    def look(self, requests: Iterable[LookRequest], vantage: str) -> Iterable[tuple[int, ProbeAnswer]]:
        """Yield (key, answer) as answers come; requests of one host one after the other.

        Requests of one host stand together, and are drawn when there is room for them.
        """
        ...


class Document(StrEnum):
    """What a notice is made as."""

    MAIL = "mail"  # with headers, its text, and what is attached
    JSON = "json"  # a report, or the text where no report can say it


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One composed message on its way. `return_path` is where mail comes back to; others have none."""

    notice_id: int
    address: ContactAddress
    content: bytes
    return_path: str = ""


class HandOver(StrEnum):
    """What came of handing one message over."""

    TAKEN = "taken"  # by a server of ours, or that passes it on
    ACCEPTED = "accepted"  # by its reader's own server
    LATER = "later"  # not now; it is worth trying again
    UNREACHABLE = "unreachable"  # refused for good: nobody can be reached at this address
    REFUSED = "refused"  # refused for good, for what we sent or who we are: its reader may be there


@dataclass(frozen=True, slots=True)
class Handed:
    """What was said to one message, and what that means: the adapter knows the codes of its protocol."""

    notice_id: int
    result: HandOver
    line: str  # the server's reply, with no address in it; for people to read


class Channel(Protocol):
    """One way for messages to reach their readers: our relay for mail, a provider's own service."""

    @property
    def carries(self) -> Document:
        """Return what messages are made as for this channel."""
        ...

    def hand_over(self, messages: Iterable[Outgoing], may_go: Callable[[Outgoing], bool]) -> Iterator[Handed]:
        """Yield an outcome for each message as soon as the other side has answered.

        `may_go` is asked before the content of a message leaves, and again
        when the other side has kept us waiting; one that may not go stays
        here, and has no outcome. The next message is drawn, and may be
        announced, before an outcome is yielded; its content goes only once
        that outcome was dealt with.

        Raises OutsideError when the channel as a whole is down; messages not
        yet answered for were not taken, or taken without our knowing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """One message in our inbox; `key` names it there."""

    key: str
    content: bytes


class Inbox(Protocol):
    """Where mail comes back to."""

    def waiting(self, limit: int) -> Sequence[Received]:
        """Return messages not yet settled, oldest first."""
        ...

    def settle(self, keys: Collection[str]) -> None:
        """Mark messages as dealt with; called after they are recorded."""
        ...
