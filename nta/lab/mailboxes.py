"""How those who get mail act on it: from a mail and the state of the world to coming events."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from nta.lab import chance
from nta.lab.agenda import WorldEvent, event
from nta.lab.landscape import Landscape
from nta.lab.mail import EnvelopeRecipient, RelayedMail
from nta.lab.parties import (
    Answers,
    DrawnSpan,
    ForeignHotline,
    Keeper,
    Mailbox,
    Replies,
    WorldAuthority,
    WorldProvider,
    WorldRegistry,
)
from nta.lab.world import Party, World
from nta.lab.worldparties import ORIGIN

BOUNCE_AFTER = timedelta(minutes=1), timedelta(minutes=4)

IsPlanned = Callable[[str], bool]
"""Says whether an event of a key is, or was, on the agenda."""


def react(
    world: World, landscape: Landscape, mail: RelayedMail, now: datetime, is_planned: IsPlanned
) -> list[WorldEvent]:
    """Return what a mail sets going, for each of its recipients.

    Who is reminded of a page does not begin anew.
    """
    found: list[WorldEvent] = []
    reader = _MailReader(world, landscape, mail, now, is_planned)
    for recipient in mail.recipients:
        nobody: tuple[Party | None, Mailbox] = (None, "bounces")
        party, mailbox = world.mailboxes.get(recipient.address, nobody)
        found += _report(world, mailbox, mail, recipient, now)
        if mailbox == "bounces":
            continue
        if isinstance(party, WorldProvider):
            found += reader.provider(party)
        elif isinstance(party, ForeignHotline):
            found += reader.hotline(party)
        elif isinstance(party, Keeper):
            found += reader.keeper(party)
        elif isinstance(party, WorldAuthority) and party.works:
            found += reader.authority(party, party.works)
    return found


def _report(
    world: World, mailbox: Mailbox, mail: RelayedMail, recipient: EnvelopeRecipient, now: datetime
) -> Iterable[WorldEvent]:
    name = f"m{mail.number} {recipient.address}"
    words = (*mail.pages[:1], str(len(mail.pages)), recipient.address)
    soon = now + chance.minutes(*BOUNCE_AFTER, world.seed, "bounce", *words)
    if mailbox == "bounces" and recipient.wants("FAILURE"):
        yield event(soon, "report", name, mail=mail.number, to=recipient.address, action="failed")
    if mailbox == "delivers" and recipient.wants("SUCCESS"):
        yield event(now, "report", name, mail=mail.number, to=recipient.address, action="delivered")
    if mailbox == "auto_replies":
        yield event(soon, "report", name, mail=mail.number, to=recipient.address, action="auto_reply")


class _MailReader:
    """Reads one mail for one party after the other."""

    def __init__(
        self, world: World, landscape: Landscape, mail: RelayedMail, now: datetime, is_planned: IsPlanned
    ) -> None:
        self._world = world
        self._landscape = landscape
        self._mail = mail
        self._now = now
        self._is_planned = is_planned

    def provider(self, party: WorldProvider) -> Iterator[WorldEvent]:
        """Plan what a host or proxy says and does about each page that it is told of for the first time."""
        if party.replies:
            yield from self._reply(party, party.replies)
        if party.removes:
            yield from self._remove(party, party.removes)
        if party.passes_on:
            yield from self._pass_on(party, party.passes_on)

    def keeper(self, party: Keeper) -> Iterator[WorldEvent]:
        """Plan the end of each domain that a registrar or registry can end."""
        if party.suspends is None:
            return
        sites = {self._world.site_of(page) for page in self._mail.pages}
        by = "registry" if isinstance(party, WorldRegistry) else "registrar"
        theirs = {s.domain for s in sites if party.id == s.registrar}
        if isinstance(party, WorldRegistry):
            theirs = {s.domain for s in sites if s.suffix == party.suffix}
        for domain in sorted(theirs):
            if self._landscape.suspension(domain) is None:
                at = self._now + self._drawn(party.suspends, "suspend", domain)
                yield event(at, "suspend", domain, domain=domain, by=by, parks=party.parks)

    def hotline(self, party: ForeignHotline) -> Iterator[WorldEvent]:
        """Plan the word that a hotline abroad takes a page over, and what comes of its work."""
        if party.takes is None:
            return
        for page in self._mail.pages:
            name = f"{party.id} {page} takes"
            if not self._landscape.is_shown(page) or self._is_planned(f"answer {name}"):
                continue
            at = self._now + self._drawn(party.takes, "take", party.id, page)
            yield self._says(at, name, page, "forwarded", until=_later(at, party.until))
            if party.works:
                then = at + self._drawn(party.works, "work", party.id, page)
                host = self._shown_at(page)
                if host and not self._is_planned(f"vanish {self._removal(page, host)}"):
                    yield self._vanish(then, page, host)

    def authority(self, party: WorldAuthority, works: DrawnSpan) -> Iterator[WorldEvent]:
        """Plan the end of each page at its host, who obeys an order."""
        for page in self._mail.pages:
            host = self._shown_at(page)
            if host and not self._is_planned(f"vanish {self._removal(page, host)}"):
                yield self._vanish(self._now + self._drawn(works, "order", party.id, page), page, host)

    def _reply(self, party: WorldProvider, replies: Replies) -> Iterator[WorldEvent]:
        for page in self._mail.pages:
            name = f"{party.id} {page} reply"
            if not self._landscape.is_shown(page) or self._is_planned(f"answer {name}"):
                continue
            at = self._now + self._drawn(replies.after, "reply", party.id, page)
            whose = self._origin(page) if replies.whose == ORIGIN else replies.whose
            until = _later(at, replies.until)
            yield self._says(at, name, page, replies.says, whose=whose, until=until, why=replies.why)

    def _remove(self, party: WorldProvider, span: DrawnSpan) -> Iterator[WorldEvent]:
        spoken: dict[datetime, list[str]] = {}
        says = party.answers
        for page in self._mail.pages:
            name = self._removal(page, party.id)
            if page in party.ignores:
                continue
            if self._landscape.shown_by(page, party.id) is None or self._is_planned(f"vanish {name}"):
                continue
            at = self._now + self._drawn(span, "remove", party.id, *name.split()[:1], *name.split()[2:])
            if says and page in says.falsely:
                spoken.setdefault(at, []).append(page)
                at += says.early
            elif says and chance.fraction(self._world.seed, "answer", party.id, page) < says.share:
                spoken.setdefault(_end_of_block(self._world, says, at), []).append(page)
            yield self._vanish(at, page, party.id)
        for at, pages in sorted(spoken.items()):
            assert says is not None
            name = f"{party.id} {pages[0]} {at:%m-%dT%H:%M} m{self._mail.number}"
            yield event(at, "answer", name, token=self._mail.token, pages=pages, says={"answer": says.says})

    def _pass_on(self, party: WorldProvider, span: DrawnSpan) -> Iterator[WorldEvent]:
        """Plan what the host behind a proxy does once it hears of a page from there."""
        for page in self._mail.pages:
            showing = self._landscape.shown_by(page, party.id)
            origin = showing.placement.origin if showing else None
            host = self._world.providers[origin.provider] if origin else None
            if host is None or host.removes is None:
                continue
            if self._is_planned(f"vanish {self._removal(page, host.id)}"):
                continue
            heard = self._now + self._drawn(span, "pass on", party.id, page)
            yield self._vanish(heard + self._drawn(host.removes, "remove", host.id, page), page, host.id)

    def _says(self, at: datetime, name: str, page: str, answer: str, **rest: str) -> WorldEvent:
        says = {"answer": answer} | {key: value for key, value in rest.items() if value}
        return event(at, "answer", name, token=self._mail.token, pages=[page], says=says)

    def _vanish(self, at: datetime, page: str, provider: str) -> WorldEvent:
        name = self._removal(page, provider)
        return event(at, "vanish", name, page=page, provider=provider, why="removed")

    def _removal(self, page: str, provider: str) -> str:
        """Return the name of a removal: a page that came back can be removed once more."""
        spells = [s for s in self._landscape.showings(page) if provider in s.placement.parties]
        return f"{page} {provider}" + (f" {len(spells)}" if len(spells) > 1 else "")

    def _origin(self, page: str) -> str:
        """Return the address behind a proxy, as a proxy says it."""
        for placement in self._landscape.placements(self._world.site_of(page)):
            if placement.origin is not None:
                return str(placement.origin.address)
        return ""

    def _shown_at(self, page: str) -> str:
        """Return the party whose machine holds a page, behind a proxy too."""
        open_ = [s for s in self._landscape.showings(page) if s.until is None]
        return open_[0].placement.parties[-1] if open_ else ""

    def _drawn(self, span: DrawnSpan, *words: str) -> timedelta:
        return chance.minutes(span.low, span.high, self._world.seed, *words)


def _later(at: datetime, span: timedelta | None) -> str:
    """Return a moment as a form's field for date and time takes it."""
    return f"{at + span:%Y-%m-%dT%H:%M}" if span else ""


def _end_of_block(world: World, says: Answers, at: datetime) -> datetime:
    blocks = -((world.start - at) // says.sweep)
    return world.start + blocks * says.sweep
