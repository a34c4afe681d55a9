"""What was concluded about hosts, written for many at a time: arrangements, and how episodes go on."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from nta.domain.deadlines import FACTS_KEPT, TASK, back_off, facts_until
from nta.domain.episode_state import WHO, EpisodeChange
from nta.domain.errors import RefusedError
from nta.domain.hosting.arrangements import (
    ArrangementChange,
    another_host,
    arrangement_change,
    is_correction,
    recall,
    settle,
)
from nta.domain.hosting.facts import DomainFacts, HostingFacts
from nta.domain.hosting.lookups import LookupKind
from nta.domain.lifecycle import EventKind, Stage, StageStep, next_stage
from nta.domain.parties.organisations import Catalogue
from nta.domain.person_tasks import UNTIL_READY
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import Severity
from nta.store.cases import bulk_transitions, domains, episodes
from nta.store.cases.bulk_transitions import OpenEpisode
from nta.store.db.handle import Connection, Store
from nta.store.hosting import host_arrangements
from nta.store.hosting.host_arrangements import HostRow
from nta.store.work import due, open_tasks

_ABOUT_HOST = frozenset({LookupKind.ADDRESSES.value, LookupKind.NETWORK.value, LookupKind.SYSTEM.value})
"""A domain that cannot be asked for stops no notice to the host.

An AS is asked only for want of another contact; what it says goes before a guess.
"""


class Concluded(NamedTuple):
    """A host, its open episodes, and what is now known of who serves it."""

    row: HostRow
    states: Sequence[OpenEpisode]
    after: HostingFacts


def settle_hosts(
    connection: Connection, store: Store, hosts: Sequence[Concluded], catalogue: Catalogue, now: datetime
) -> dict[int, datetime | None]:
    """Write what was concluded; return when to ask again, by host, None where no episode is open."""
    told = {host.row.arrangement_id for host in hosts if host.row.arrangement_id and host.after.addresses}
    work = _Work(store, catalogue, now, host_arrangements.facts_of(connection, store, told))
    moments = {host.row.id: work.settle(host) for host in hosts}
    work.write(connection)
    return moments


class _Work:
    """What is to be written for some hosts, decided host by host."""

    def __init__(
        self, store: Store, catalogue: Catalogue, now: datetime, in_force: dict[int, HostingFacts]
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._now = now
        self._in_force = in_force
        self._domains: dict[int, DomainFacts] = {}
        self._begun: list[host_arrangements.Begun] = []
        self._renewed: dict[int, HostingFacts] = {}
        self._seen_again: list[HostRow] = []
        self._joined: list[OpenEpisode] = []
        self._ready: dict[tuple[str, str], list[OpenEpisode]] = {}
        self._unresolved: list[tuple[OpenEpisode, Reason]] = []
        self._overdue: list[tuple[OpenEpisode, Reason]] = []
        self._ladders: dict[tuple[str | None, str], tuple[str, str]] = {}

    def settle(self, host: Concluded) -> datetime | None:
        """Decide what is written of one host, and return when to ask again.

        Where nobody is known, or at first nobody's contact, because somebody
        could not be asked, nothing is written: a look-up that failed changes
        no stage.
        """
        row, states, after = host
        failing = any(p.temporary for p in after.problems)
        host_fails = any(p.temporary and p.step in _ABOUT_HOST for p in after.problems)
        serving = after.parties or (after.addresses and after.hidden_hosts)
        nobody = not serving or (row.arrangement_id is None and not _can_tell(after, self._catalogue))
        if row.domain_id is not None and after.domain is not None:
            self._domains[row.domain_id] = after.domain
        later = FACTS_KEPT
        if after.dead:
            waiting = any(s.stage == Stage.SUBMITTED for s in states)
            later = back_off(5) if waiting else FACTS_KEPT
        elif host_fails and nobody:
            # A person hears of those that nobody could be asked about for a day; asking goes on.
            self._overdue += [
                (s, _why(after))
                for s in states
                if s.stage == Stage.SUBMITTED and self._now - s.began_at >= TASK
            ]
            later = back_off(1 if row.arrangement_id is None else 4)
        elif after.addresses:
            arrangement, joined = self._arrange(row, states, after)
            self._get_ready(arrangement, states, after, joined=joined)
            later = back_off(4) if host_fails else back_off(5) if failing else FACTS_KEPT
        else:
            self._unresolved += [(s, _why(after)) for s in states if s.stage == Stage.SUBMITTED]
        if not states:
            return None
        return _said_when(after, facts_until(self._now) if later is FACTS_KEPT else self._now + later)

    def _arrange(self, row: HostRow, states: Sequence[OpenEpisode], after: HostingFacts) -> tuple[int, bool]:
        """Believe the facts, or hold them as suspected until a second look says so too.

        Return the arrangement in force by now, and whether a party joined.
        """
        if row.arrangement_id is None:
            begun = host_arrangements.Begun(self._store.new_id(), row.id, after)
            self._begun.append(begun)
            return begun.id, False
        before = self._in_force[row.arrangement_id]
        after = recall(before, after)
        change = arrangement_change(before.parties, after.parties, 0)
        if change is ArrangementChange.SUSPECT and is_correction(before, after):
            change = ArrangementChange.JOINED
        if change is ArrangementChange.SUSPECT:
            if row.suspect_id is None:
                self._begun.append(
                    host_arrangements.Begun(self._store.new_id(), row.id, after, suspected=True)
                )
            else:
                self._renewed[row.suspect_id] = after
            return row.arrangement_id, False
        self._renewed[row.arrangement_id] = settle(before, after)
        if row.missed_looks and row.suspect_id is None and after.parties & before.parties:
            # A party that went on to addresses which the look did not know: now they are known.
            self._seen_again.append(row)
        joined = change is ArrangementChange.JOINED or another_host(before, after)
        if joined:
            self._joined += [s for s in states if s.arrangement_id == row.arrangement_id]
        return row.arrangement_id, joined

    def _get_ready(
        self, arrangement: int, states: Sequence[OpenEpisode], after: HostingFacts, *, joined: bool
    ) -> None:
        """Move episodes that waited for these facts on: each gets its arrangement and its ladder."""
        for state in states:
            # Unresolved for want of a contact: only another party gives it a new chance.
            other = joined or state.arrangement_id != arrangement
            again = state.stage == Stage.UNRESOLVED and other
            if state.stage != Stage.SUBMITTED and not again:
                continue
            try:
                ladder = self._ladder(after.country, state.severity)
            except RefusedError as refusal:
                if state.stage == Stage.SUBMITTED:
                    self._unresolved.append((state, refusal.reason))
                continue
            self._ready.setdefault(ladder, []).append(state)

    def _ladder(self, country: str | None, severity: str) -> tuple[str, str]:
        """Return id and version of the ladder. Raises RefusedError where none is meant for such a case."""
        known = self._ladders.get((country, severity))
        if known is None:
            ladder = self._catalogue.ladder_for(country, Severity(severity))
            known = self._ladders[country, severity] = ladder.id, ladder.version
        return known

    def write(self, connection: Connection) -> None:
        """Write it all; each kind of row of all hosts together."""
        store, now = self._store, self._now
        domains.learned(connection, self._domains)
        found = [*(begun.what for begun in self._begun), *self._renewed.values()]
        host_arrangements.meet_parties(connection, found, now)
        host_arrangements.begin_many(connection, store, self._begun, now)
        host_arrangements.renew_many(connection, store, self._renewed)
        for row in self._seen_again:
            host_arrangements.seen_again(connection, row, now)
        # The ladder tells the party that joined too.
        episodes.note(connection, store.ids, self._joined, EventKind.PARTY_JOINED, at=now, who=WHO)
        to_tell = {s.id for s in self._joined if s.stage != Stage.SUBMITTED}
        for ladder, waiting in self._ready.items():
            bulk_transitions.ready(connection, store.ids, waiting, ladder, at=now, who=WHO)
            numbers = {s.id for s in waiting}
            open_tasks.done(connection, numbers, UNTIL_READY)
            to_tell |= numbers
        due.want(connection, due.ESCALATE, to_tell, now)
        self._hand_over(connection)
        for state, why in self._overdue:
            open_tasks.ask(connection, state.id, why, owner="analyst", deadline=now + TASK)

    def _hand_over(self, connection: Connection) -> None:
        """Hand episodes for which nobody can be found to tell to a person."""
        whys = {state.id: why for state, why in self._unresolved}
        changes = []
        for number, state in sorted(episodes.load(connection, whys).items()):
            after = state._replace(stage=next_stage(Stage.SUBMITTED, StageStep.NO_CONTACT).value)
            changes.append(EpisodeChange(state, after, EventKind.UNRESOLVED, self._now, WHO, whys[number]))
            asked = Reason(Code.NOBODY_FOUND)
            open_tasks.ask(connection, number, asked, owner="analyst", deadline=self._now + TASK)
        episodes.move(connection, self._store.ids, changes)


def _said_when(after: HostingFacts, next_at: datetime) -> datetime:
    """Return when to ask again: as soon as one who said "not now, but then" may be asked.

    Where only such are missing that is soon enough, however late it is.
    """
    told = [p.again_at for p in after.problems if p.again_at]
    untold = any(p.temporary and not p.again_at for p in after.problems)
    return min((*told, next_at)) if untold or after.dead or not told else min(told)


def _can_tell(after: HostingFacts, catalogue: Catalogue) -> bool:
    """Tell whether a contact is known of any who serve the host: by their network, or by the catalogue.

    Of whom a person named it was known when they were named.
    """
    if after.forced_host:
        return True
    for address in (*after.addresses, *after.origins):
        entry = catalogue.party(address.proxy or address.party or "")
        if address.abuse or (entry and entry.notices):
            return True
    return False


def _why(after: HostingFacts) -> Reason:
    failed = tuple(because(Code.LOOKUP_FAILED, step=p.step, text=p.reason) for p in after.problems)
    return because(Code.LOOKUPS_FAILED, all=failed) if failed else Reason(Code.NO_ADDRESS_FOUND)
