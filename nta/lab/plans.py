"""What a world has planned from the beginning: its own events, whatever the service may do."""

from collections.abc import Iterator

from nta.lab import chance
from nta.lab.agenda import WorldEvent, event
from nta.lab.world import Site, World


def planned(world: World) -> Iterator[WorldEvent]:
    """Yield the events that stand in the world's file, and the end of every page."""
    for number, hand_in in enumerate(world.hand_ins):
        yield event(hand_in.at, "hand_in", f"{number:03d}", number=number)
    for number, act in enumerate(world.acts):
        yield event(act.at, "act", f"{number:03d}", number=number)
    for number, visit in enumerate(world.approvals):
        yield event(visit.at, "approve", f"{number:03d}", number=number)
    for site in world.sites.values():
        yield from _of_site(world, site)
    for page_at_end in world.pages():
        page = page_at_end.id
        yield event(world.ends, "vanish", f"{page} end", page=page, provider=None, why="the world ended")


def _of_site(world: World, site: Site) -> Iterator[WorldEvent]:
    for number, move in enumerate(site.moves):
        yield event(move.at, "move", f"{site.id} {number}", site=site.id, number=number)
    for number, down in enumerate(site.downs):
        yield event(down.begin, "down", f"{site.id} {number} begins", site=site.id, how=down.how)
        yield event(down.end, "down", f"{site.id} {number} ends", site=site.id, how=None)
    for fade in site.fades:
        for page in fade.pages:
            at = fade.begin + chance.minutes(
                fade.begin - fade.begin, fade.end - fade.begin, world.seed, "fade", page
            )
            yield event(at, "vanish", f"{page} itself", page=page, provider=None, why="went by itself")
