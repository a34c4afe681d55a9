"""How an episode's ladder stands: who was told and since when, who failed or joined, who is told again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nta.domain.episode_state import EpisodeState, PastEvent
from nta.domain.escalation.ladders import (
    Ladder,
    Rung,
    RungHistory,
    stood_at,
)
from nta.domain.hosting.facts import HostingFacts
from nta.domain.lifecycle import EventKind, Presence
from nta.domain.notices.contact_choice import Choice
from nta.domain.notices.notice_state import UNDER_WAY, NoticeState
from nta.domain.notices.past_notices import AddresseeState, PastNotice
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.parties.organisations import PartyId

Late = tuple[Rung, Choice]
_STOPPED = frozenset({Presence.ABSENT.value, Presence.REMOVED.value})


@dataclass(frozen=True, slots=True)
class RungInputs:
    """All that bears on one episode's next rung."""

    state: EpisodeState
    facts: HostingFacts | None
    dedicated: bool
    past: tuple[PastNotice, ...]
    addressees: tuple[AddresseeState, ...]
    noted: tuple[PastEvent, ...]
    asked_to_wait: Mapping[str, datetime]
    confirmed_at: datetime | None
    # When a person last revived an address.
    revived: Mapping[ContactAddress, datetime] = field(default_factory=dict)

    @property
    def there_at(self) -> datetime | None:
        """Return when it was last known to be there: by a look, or by an analyst's word."""
        known = [at for at in (self.state.last_up_at, self.confirmed_at) if at is not None]
        return max(known, default=None)

    @property
    def returned_at(self) -> datetime | None:
        """Return when the content last came back after it was proven gone."""
        moments = [n.at for n in self.noted if n.kind == EventKind.RETURNED]
        return max(moments, default=None)

    @property
    def was_held(self) -> bool:
        """Tell whether the episode was held before."""
        return any(n.kind == EventKind.HELD for n in self.noted)


def under_way(known: RungInputs) -> bool:
    """Tell whether somebody is about to be told, or a notice may still go out."""
    return any(a.waiting_since is not None for a in known.addressees) or any(
        p.state in UNDER_WAY for p in known.past
    )


def failed(notice: PastNotice) -> bool:
    """Tell whether a notice did not reach its reader, or the reader said that it is not theirs.

    A contact that a person refused afterwards was none: its notice reached nobody.
    """
    fates = (notice.bounced_at, notice.released_at, notice.refused_at)
    return notice.state == NoticeState.REFUSED or any(at is not None for at in fates)


def told(known: RungInputs) -> dict[str, RungHistory]:
    """Return when the silence of each rung began: the latest of its notices that did not fail.

    One sent again because the content came back begins no new silence: the
    first one runs on.
    """
    found: dict[str, RungHistory] = {}
    for notice in known.past:
        before = found.get(notice.rung, RungHistory(None)).silence_from
        counts = not failed(notice) and not _is_repeated(known, notice)
        moments = [m for m in (before, (notice.accepted_at or notice.handed_at) if counts else None) if m]
        found[notice.rung] = RungHistory(max(moments, default=None), known.asked_to_wait.get(notice.rung))
    return found


def paused(known: RungInputs, silences: Mapping[str, RungHistory], now: datetime) -> timedelta:
    """Return how long the content was gone while the latest silence ran."""
    begun = [t.silence_from for t in silences.values() if t.silence_from is not None]
    return paused_since(known.noted, max(begun), now) if begun else timedelta(0)


def paused_since(noted: Sequence[PastEvent], since: datetime, now: datetime) -> timedelta:
    """Return how long the content stood at absent or removed since a moment: no deadline ran meanwhile."""
    total, stopped_at = timedelta(0), None
    for event in noted:
        if event.presence in _STOPPED:
            stopped_at = stopped_at or event.at
        elif stopped_at is not None:
            total += max(event.at - max(stopped_at, since), timedelta(0))
            stopped_at = None
    if stopped_at is not None:
        total += max(now - max(stopped_at, since), timedelta(0))
    return total


def late(
    ladder: Ladder, known: RungInputs, silences: Mapping[str, RungHistory], choices: Collection[Choice]
) -> tuple[list[Late], list[Late]]:
    """Return who is to be told of a rung that was told already.

    First the parties whose notice failed and who have another contact now,
    then those that joined the arrangement since. A contact that failed in
    this episode is not written to again, and what leads declined is not
    asked of another.
    """
    declined = {p.rung for p in known.past if p.state == NoticeState.DECLINED}
    rungs = [rung for rung in ladder.rungs if rung.id in silences and rung.id not in declined]
    dead = unreached(known)
    replaced: list[Late] = []
    joined: list[Late] = []
    for choice in choices:
        theirs = [rung for rung in rungs if choice in those_of(rung, choices)]
        about = [p for p in known.past if (p.party, p.role) == (choice.party, choice.role.value)]
        if not theirs or choice.address in dead:
            continue
        if not about:
            joined.append((theirs[0], choice))
        elif all(failed(p) for p in about):
            replaced.append((theirs[0], choice))
        else:
            latest = [p for p in about if p.rung == theirs[-1].id]
            if latest and all(failed(p) for p in latest):
                replaced.append((theirs[-1], choice))
    return replaced, joined


def again(
    ladder: Ladder, known: RungInputs, silences: Mapping[str, RungHistory], choices: Collection[Choice]
) -> list[Late]:
    """Return who is to be told once more because the content came back: those of the rung where it stood."""
    rung, at = stood_at(ladder, silences), known.returned_at
    if rung is None or at is None or any(p.rung == rung.id and p.queued_at >= at for p in known.past):
        return []
    dead = unreached(known)
    return [(rung, choice) for choice in those_of(rung, choices) if choice.address not in dead]


def unreached(known: RungInputs) -> set[ContactAddress]:
    """Return the addresses at which a notice of this episode failed, and that nobody revived since."""
    return {p.address for p in known.past if failed(p) and not _is_revived(p, known)}


def is_unreplaced(
    known: RungInputs, choices: Collection[Choice], since: datetime, refused: Collection[PartyId]
) -> bool:
    """Tell whether a party has no contact left, of which one failed since then or that is `refused`."""
    could_be = {(c.party, c.role.value) for c in choices}
    lost = {(p.party, p.role) for p in known.past if p.bounced_at is not None and p.bounced_at > since}
    lost |= {(a.party, a.role) for a in known.addressees if a.party in refused and a.released_at is None}
    return not lost <= could_be


def those_of(rung: Rung, choices: Iterable[Choice]) -> list[Choice]:
    """Return those of the choices that the rung is for."""
    return [
        c for c in choices if c.role in rung.tell and rung.party in (None, c.party, c.party.partition(":")[2])
    ]


def _is_revived(notice: PastNotice, known: RungInputs) -> bool:
    at = known.revived.get(notice.address)
    return at is not None and (notice.bounced_at or notice.queued_at) < at


def _is_repeated(known: RungInputs, notice: PastNotice) -> bool:
    """Tell whether its reader had a notice of this rung before the content came back.

    After a ladder that was exhausted there is no silence left to run on.
    """
    before = [n for n in known.noted if n.at <= notice.queued_at]
    back = [n.at for n in before if n.kind == EventKind.RETURNED]
    over = [n.at for n in before if n.kind == EventKind.EXHAUSTED]
    if not back:
        return False
    return any(
        (p.rung, p.party, p.role) == (notice.rung, notice.party, notice.role)
        and p.queued_at < back[-1]
        and not (over and over[-1] >= p.queued_at)
        and p.handed_at is not None
        and not failed(p)
        for p in known.past
    )
