"""How those who get mail act on it: from a mail and the state of the world to coming events."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from nta.lab import chance
from nta.lab.agenda import Event, event
from nta.lab.landscape import Landscape
from nta.lab.mail import Mail, Recipient
from nta.lab.world import Answers, Mailbox, Provider, Registry, World

BOUNCE_AFTER = timedelta(minutes=1), timedelta(minutes=4)


def react(
    world: World, landscape: Landscape, mail: Mail, now: datetime, is_planned: Callable[[str], bool]
) -> list[Event]:
    """Return what a mail sets going, for each of its recipients.

    `is_planned` says whether an event of a key is, or was, on the agenda: who
    is reminded of a page does not begin anew.
    """
    found: list[Event] = []
    for recipient in mail.recipients:
        party = owner(world, recipient.address)
        mailbox: Mailbox = party.mailbox if party else "bounces"
        if recipient.address == world.hotline.mail:
            mailbox = "delivers"
        found += _report(world, mailbox, mail, recipient, now)
        if mailbox == "bounces":
            continue
        if isinstance(party, Provider) and party.removes:
            found += _remove(world, landscape, party, mail, now, is_planned)
        if isinstance(party, Registry) and party.suspends:
            found += _suspend(world, landscape, party, mail, now)
    return found


def owner(world: World, address: str) -> Provider | Registry | None:
    """Return whose mailbox an address is."""
    for party in world.mail_parties():
        if party.mail == address:
            return party
    return None


def _report(
    world: World, mailbox: Mailbox, mail: Mail, recipient: Recipient, now: datetime
) -> Iterable[Event]:
    name = f"m{mail.number} {recipient.address}"
    if mailbox == "bounces" and recipient.wants("FAILURE"):
        words = (*mail.pages[:1], str(len(mail.pages)), recipient.address)
        at = now + chance.minutes(*BOUNCE_AFTER, world.seed, "bounce", *words)
        yield event(at, "report", name, mail=mail.number, to=recipient.address, action="failed")
    if mailbox == "delivers" and recipient.wants("SUCCESS"):
        yield event(now, "report", name, mail=mail.number, to=recipient.address, action="delivered")


def _remove(
    world: World,
    landscape: Landscape,
    provider: Provider,
    mail: Mail,
    now: datetime,
    is_planned: Callable[[str], bool],
) -> Iterable[Event]:
    """Plan the removal of each page told here for the first time, and what is said of it in the portal."""
    assert provider.removes is not None
    spoken: dict[datetime, list[str]] = {}
    for page in mail.pages:
        if landscape.shown_by(page, provider.id) is None or is_planned(f"vanish {page} {provider.id}"):
            continue
        span = provider.removes
        at = now + chance.minutes(span.low, span.high, world.seed, "remove", provider.id, page)
        says = provider.answers
        if says and page in says.falsely:
            spoken.setdefault(at, []).append(page)
            at += says.early
        elif says and chance.fraction(world.seed, "answer", provider.id, page) < says.share:
            spoken.setdefault(_end_of_block(world, says, at), []).append(page)
        yield event(at, "vanish", f"{page} {provider.id}", page=page, provider=provider.id, why="removed")
    for at, pages in sorted(spoken.items()):
        name = f"{provider.id} {pages[0]} {at:%m-%dT%H:%M} m{mail.number}"
        yield event(at, "answer", name, token=mail.token, pages=pages)


def _end_of_block(world: World, says: Answers, at: datetime) -> datetime:
    blocks = -((world.start - at) // says.sweep)
    return world.start + blocks * says.sweep


def _suspend(
    world: World, landscape: Landscape, registry: Registry, mail: Mail, now: datetime
) -> Iterable[Event]:
    assert registry.suspends is not None
    sites = {world.sites[page.partition("/")[0]] for page in mail.pages}
    for domain in sorted({site.domain for site in sites if site.suffix == registry.suffix}):
        if not landscape.is_suspended(domain):
            span = registry.suspends
            at = now + chance.minutes(span.low, span.high, world.seed, "suspend", domain)
            yield event(at, "suspend", domain, domain=domain)
