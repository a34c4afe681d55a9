"""Overrule: a person knows better who serves a host, for a while and with a reason."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

from nta.domain.deadlines import TASK
from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.overrides import (
    EnteredOverride,
    Ground,
    Scope,
    judged,
    reason,
    scope_of,
)
from nta.domain.lifecycle import EventKind
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.organisations import Catalogue, PartyId
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Code, because, said
from nta.domain.references import read as read_reference
from nta.domain.roles import Role
from nta.store.cases import case_rows, episodes
from nta.store.db.handle import Connection, Store
from nta.store.hosting import host_arrangements, override_rows
from nta.store.hosting.host_arrangements import HostRow
from nta.store.hosting.invalidate import ask_anew
from nta.store.notices import addressees, contact_decisions
from nta.store.work import audit, due, open_tasks

Networks = Collection[IPv4Network | IPv6Network]


def overrule(
    store: Store,
    catalogue: Catalogue,
    ranges: Networks,
    case_reference: str,
    said: EnteredOverride,
    by: Person,
    now: datetime,
) -> None:
    """Write who serves a case's host, or its whole domain, and have every open case of it resolved again.

    `ranges` are the networks that may be reached whatever they are. What was
    entered for the same host or domain before is replaced.

    Raises: SlipError for what cannot be taken; RefusedError where no case is open.
    """
    who = permit(by, DeskAct.CORRECT_HOSTING)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        _, row = _open(connection, store, reference)
        facts = _facts(connection, store, row, now)
        health, met = addressees.troubled(connection), contact_decisions.known(connection)

        def is_reachable(party: PartyId) -> bool:
            named = replace(facts, forced_host=party)
            return bool(choose(Role.HOST, named, catalogue, health, known=met))

        ground = Ground(facts, row.is_ip, row.domain_id is not None, catalogue, ranges, is_reachable)
        entry = judged(said, ground, now)
        number = _number(row, entry.scope)
        override_rows.put(
            connection,
            store,
            number,
            reason=entry.why,
            until=entry.until,
            origin=entry.origin,
            party=entry.party,
            scope=entry.scope,
            by=who,
            at=now,
        )
        kind = EventKind.ORIGIN_NAMED if entry.origin else EventKind.HOST_NAMED
        _resolve_again(connection, store, entry.scope, number, kind, entry.why, who, now)
        act, detail = "name_origin" if entry.origin else "name_host", f"{entry.scope}: {entry.why}"
        audit.note(connection, store.ids, at=now, who=who, act=act, subject=reference, detail=detail)


def take_back(
    store: Store, case_reference: str, scope: str, why: str | None, by: Person, now: datetime
) -> None:
    """Take back what was entered for a case's host or its domain; what is found counts again.

    Raises: SlipError without a reason; RefusedError where nothing is entered, or no case is open.
    """
    who = permit(by, DeskAct.CORRECT_HOSTING)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        _, row = _open(connection, store, reference)
        about, words = scope_of(scope), reason(why)
        number = _number(row, about)
        if not override_rows.clear(connection, about, number):
            raise RefusedError(Code.NOTHING_ENTERED)
        _resolve_again(connection, store, about, number, EventKind.ENTRY_WITHDRAWN, words, who, now)
        detail = f"{about}: {words}"
        audit.note(
            connection, store.ids, at=now, who=who, act="withdraw_entry", subject=reference, detail=detail
        )


def ask_again(store: Store, case_reference: str, by: Person, now: datetime) -> None:
    """Have everything about a case's host asked anew at once. Raises RefusedError where no case is open."""
    who = permit(by, DeskAct.CORRECT_HOSTING)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        _, row = _open(connection, store, reference)
        ask_anew(connection, store, [row.id], now)
        audit.note(connection, store.ids, at=now, who=who, act="ask_again", subject=reference)


def something_else(store: Store, case_reference: str, why: str | None, by: Person, now: datetime) -> None:
    """Give a lead the task of reading what is wrong, and have everything asked anew.

    Raises: SlipError without a word of what it is; RefusedError where no case is open.
    """
    who = permit(by, DeskAct.CORRECT_HOSTING)
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        state, row = _open(connection, store, reference)
        words = reason(why)
        asked = because(Code.SERVED_OTHERWISE, text=words)
        open_tasks.ask(connection, state.id, asked, owner="lead", deadline=now + TASK)
        ask_anew(connection, store, [row.id], now)
        audit.note(connection, store.ids, at=now, who=who, act="found_wrong", subject=reference, detail=words)


def _resolve_again(
    connection: Connection,
    store: Store,
    scope: Scope,
    number: int,
    kind: EventKind,
    why: str,
    who: str,
    now: datetime,
) -> None:
    """Note it in every open case that it is about, and have their hosts resolved at once."""
    hosts = override_rows.open_hosts(connection, scope, number)
    states = [state for host in hosts for state in episodes.open_on_host(connection, host)]
    episodes.note(connection, store.ids, states, kind, at=now, who=who, why=said(why))
    due.want(connection, due.RESOLVE, hosts, now)


def _open(connection: Connection, store: Store, reference: str) -> tuple[EpisodeState, HostRow]:
    """Return the open episode of a case and its host, both kept from being changed until this write ends."""
    case = case_rows.by_reference(connection, reference)
    state = case_rows.open_episode(connection, case.id) if case else None
    if case is None or state is None:
        raise RefusedError(Code.NO_OPEN_CASE)
    return state, host_arrangements.hosts(connection, store, [case.host_id], lock=True)[case.host_id]


def _number(row: HostRow, scope: Scope) -> int:
    if scope is Scope.HOST:
        return row.id
    if row.domain_id is None:
        raise RefusedError(Code.NO_DOMAIN_HERE)
    return row.domain_id


def _facts(connection: Connection, store: Store, row: HostRow, now: datetime) -> HostingFacts:
    """Return what was found of a host; of one that nothing is known of yet, facts that say nothing."""
    if row.arrangement_id is None:
        return HostingFacts(row.name, now, (), (), None, None, ())
    return host_arrangements.facts(connection, store, row.arrangement_id)
