"""Items that leave a notice before it is sent: whose ladder looks again at who is told, and when."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from nta.domain.deadlines import SEEN_BY
from nta.domain.episode_state import EpisodeState
from nta.domain.lifecycle import Presence, Stage, silence_counts


class Leaving(NamedTuple):
    """What comes of items that leave a notice for one reason."""

    noted: tuple[EpisodeState, ...]  # that go on: it stands among their events
    looked_through: frozenset[int]  # episodes whose ladder says anew who is told
    again_at: datetime


def leaving(states: Collection[EpisodeState], why: str, now: datetime) -> Leaving:
    """Return which episodes of items that leave go on, and which of them their ladder looks at when.

    One that is held waits for the end of its hold, and one whose content is
    gone for its return. A contact that is dead is replaced at once; for any
    other reason a look comes first.
    """
    noted = tuple(s for s in states if s.ended_at is None)
    looked_through = frozenset(
        s.id for s in noted if s.stage != Stage.HELD and silence_counts(Presence(s.presence))
    )
    return Leaving(noted, looked_through, now if why == "contact" else now + SEEN_BY)
