"""Notifying: those who wait to be told are gathered into notices, one list for each reader."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from nta.domain.checks.targets import Served
from nta.domain.episode_state import WHO, EpisodeState
from nta.domain.escalation.ladders import APPROVALS
from nta.domain.hosting.facts import AddressFacts
from nta.domain.lifecycle import EventKind, Presence, Stage, silence_counts
from nta.domain.notices.batching import (
    NoticeBatch,
    PlanItem,
    PlanRules,
    plan,
)
from nta.domain.notices.contact_choice import Health
from nta.domain.notices.notice_state import NoticeState
from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import Code, Reason, because
from nta.domain.references import reference
from nta.domain.roles import NoticeKind, Role, Severity
from nta.store.cases import episodes
from nta.store.db.handle import Connection, Store
from nta.store.hosting import host_arrangements
from nta.store.notices import (
    addressees,
    approval_rows,
    notice_rows,
    wanted_notices,
)
from nta.store.notices.wanted_notices import WaitingAddressee
from nta.store.work import due
from nta.store.work.isolation import apart, is_of_its_data, put_aside

_RULES = PlanRules()

_LONGEST_ADDRESSES = 200  # the column's length; a list cut between two addresses still names a machine


def notify_waiting(
    store: Store,
    *,
    catalogue: Catalogue,
    now: datetime,
    limit: int = 2_000,
    rules: PlanRules = _RULES,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Make the notices whose time has come. Return how many addressees no longer wait.

    One write from reading to writing: nobody outside is spoken to, and two
    processes that gathered side by side would part one list in two. Where
    it fails, each addressee is tried alone, those that fail are set aside,
    and the rest are gathered as if they had never waited.
    """
    told = partial(_tell, store, catalogue, now, limit, rules, checkpoint)
    try:
        done = told(None)
    except Exception as fault:
        if not is_of_its_data(fault):
            raise
        _set_aside(store, told, now, limit)
        done = told(None)
    checkpoint("notify.recorded")
    return done


class _RehearsedError(Exception):
    """A write went well, and is not to be kept."""


def _set_aside(
    store: Store, told: Callable[[Collection[int] | None], int], now: datetime, limit: int
) -> None:
    """Set those aside for whom no notice can be made."""
    with store.db.read() as connection:
        episodes_of = wanted_notices.who_waits(connection, now, limit)

    def rehearse(part: Sequence[int]) -> None:
        with suppress(_RehearsedError):
            told(part)

    _, spoilt = apart(sorted(episodes_of), rehearse)
    with store.db.write() as connection:
        put_aside(connection, "notify", spoilt, episodes_of, now)


def _tell(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    limit: int,
    rules: PlanRules,
    checkpoint: Callable[[str], None],
    rehearsed: Collection[int] | None,
) -> int:
    """Make the notices whose time has come; with `rehearsed` for these alone, and nothing is written."""
    with store.db.write() as connection:
        if not addressees.gather_alone(connection):
            return 0
        waiting = wanted_notices.waiting(connection, now, limit, only=rehearsed)
        if not waiting:
            return 0
        states = episodes.load(connection, {w.episode_id for w in waiting}, lock=True)
        stale = [w for w in waiting if not _stands(w)]
        _drop(connection, store, stale, now)
        fresh = {w.id: w for w in waiting if _stands(w)}
        since = now - timedelta(days=1)
        today = notice_rows.items_since(connection, {w.party for w in fresh.values()}, since) if fresh else {}
        batches = [b for b in plan(map(_plan_item, fresh.values()), now, today, rules) if b.send_at <= now]
        _write(connection, store, catalogue, batches, fresh, states, now)
        if rehearsed is not None:
            raise _RehearsedError
        checkpoint("notify.made")
    return len(stale) + sum(len(batch.items) for batch in batches)


def next_gathering(store: Store, now: datetime, rules: PlanRules = _RULES) -> datetime | None:
    """Return when the next notice is to be made, not before `now`; None when nobody waits to be told."""
    with store.db.read() as connection:
        moment = wanted_notices.next_waiting(connection, now, rules.gather)
    return max(moment, now) if moment else None


def _stands(w: WaitingAddressee) -> bool:
    """Tell whether the addressee is still to be told: the content may be gone by now, or its contact dead.

    What was told wrongly is put right whatever became of it.
    """
    if w.kind == NoticeKind.CORRECTION:
        return w.health != Health.DEAD
    return (
        w.stage not in (Stage.HELD, Stage.ENDED)
        and silence_counts(Presence(w.presence))
        and w.health != Health.DEAD
    )


def _drop(connection: Connection, store: Store, stale: Sequence[WaitingAddressee], now: datetime) -> None:
    """Wait no longer for those; whoever can still be told is looked at by the ladder again."""
    if not stale:
        return
    addressees.settled(connection, [w.id for w in stale])
    states = episodes.load(connection, {w.episode_id for w in stale if w.stage != Stage.ENDED})
    episodes.note(
        connection,
        store.ids,
        states.values(),
        EventKind.LEFT_NOTICE,
        at=now,
        who=WHO,
        why=Reason(Code.NO_LONGER_TOLD),
    )
    counts = {s.id for s in states.values() if s.stage != Stage.HELD and silence_counts(Presence(s.presence))}
    due.want(connection, due.ESCALATE, counts, now)


def _plan_item(w: WaitingAddressee) -> PlanItem:
    return PlanItem(
        addressee_id=w.id,
        episode_id=w.episode_id,
        party=w.party,
        address=w.address,
        role=Role(w.role),
        rung=w.rung,
        kind=NoticeKind(w.kind),
        language=w.language,
        format=w.format,
        severity=Severity(w.severity),
        ready_at=w.waiting_since,
        class_value=w.class_value,
    )


def _write(
    connection: Connection,
    store: Store,
    catalogue: Catalogue,
    batches: Sequence[NoticeBatch],
    waiting: Mapping[int, WaitingAddressee],
    states: Mapping[int, EpisodeState],
    now: datetime,
) -> None:
    if not batches:
        return
    numbers = list(store.ids.take(len(batches)))
    references = _references(connection, store, numbers, now)
    told = [waiting[item.addressee_id] for batch in batches for item in batch.items]
    rows = [
        _notice(number, references[number], batch, waiting, _leads(batch, waiting, catalogue), now)
        for number, batch in zip(numbers, batches, strict=True)
    ]
    notice_rows.add(connection, rows, list(_items(connection, store, numbers, batches, told, waiting)))
    notice_rows.note(connection, store.ids, numbers, "queued", now, None)
    addressees.settled(connection, [w.id for w in told])
    due.want(connection, due.SEND, [r["id"] for r in rows if r["state"] == NoticeState.QUEUED], now)
    for row, batch in zip(rows, batches, strict=True):
        if row["leads"]:
            asked = Reason(Code.TWO_LEADS if row["leads"] > 1 else Code.BURST)
            approval_rows.ask(connection, row["id"], asked, now)
        if row["leads"] > 1:
            about = [states[item.episode_id] for item in batch.items]
            kind = EventKind.APPROVAL_ASKED
            why = because(Code.NOTICE, kind=batch.kind.value, party=batch.party)
            episodes.note(connection, store.ids, about, kind, at=now, who=WHO, why=why, subject=row["id"])


def _leads(batch: NoticeBatch, waiting: Mapping[int, WaitingAddressee], catalogue: Catalogue) -> int:
    """Return how many leads decide first: as many as the ladder wants for the rung, or one of a burst."""
    ladders = {waiting[item.addressee_id].ladder for item in batch.items}
    wanted = [
        APPROVALS[rung.approval]
        for ladder in catalogue.ladders
        if ladder.id in ladders
        for rung in ladder.rungs
        if rung.id == batch.rung and rung.approval is not None
    ]
    if wanted and batch.kind is not NoticeKind.CORRECTION:
        return max(wanted)
    return int(batch.needs_lead)


def _notice(
    number: int,
    known_as: str,
    batch: NoticeBatch,
    waiting: Mapping[int, WaitingAddressee],
    leads: int,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": number,
        "reference": known_as,
        "party": batch.party,
        "role": batch.role.value,
        "contact_id": waiting[batch.items[0].addressee_id].contact_id,
        "kind": batch.kind.value,
        "rung": batch.rung,
        "language": batch.language,
        "format": batch.format,
        "channel": batch.address.channel,
        "severity": batch.severity.value,
        "state": (NoticeState.WAITING_LEAD if leads else NoticeState.QUEUED).value,
        "leads": leads,
        "queued_at": now,
    }


def _items(
    connection: Connection,
    store: Store,
    numbers: Sequence[int],
    batches: Sequence[NoticeBatch],
    told: Sequence[WaitingAddressee],
    waiting: Mapping[int, WaitingAddressee],
) -> Iterable[dict[str, Any]]:
    laws = notice_rows.laws_of_cases(connection, {w.case_id for w in told})
    served = host_arrangements.served(
        connection, {w.arrangement_id for w in told if w.arrangement_id is not None}
    )
    hidden = _hidden(connection, store, told, served)
    ids = iter(store.ids.take(len(told)))
    seal, portal_seal = store.sealer.seal, store.portal_sealer.seal
    for notice_id, batch in zip(numbers, batches, strict=True):
        for position, item in enumerate(batch.items, start=1):
            w, number = waiting[item.addressee_id], next(ids)
            url = store.sealer.open("case.url", w.case_id, w.url_sealed)
            yield {
                "id": number,
                "notice_id": notice_id,
                "addressee_id": w.id,
                "episode_id": w.episode_id,
                "position": position,
                "case_reference": w.case_reference,
                "location_sealed": seal("notice_item.location", number, url),
                "portal_sealed": portal_seal("notice_item.portal", number, url),
                "addresses": _addresses(
                    w, served.get(w.arrangement_id or 0, ()), hidden.get(w.arrangement_id or 0, ())
                ),
                "port": w.port,
                "last_up_at": w.last_up_at,
                "received_at": w.received_at,
                "law": laws.get(w.case_id),
                "scope": w.scope,
            }


def _hidden(
    connection: Connection,
    store: Store,
    told: Sequence[WaitingAddressee],
    served: Mapping[int, Collection[Served]],
) -> dict[int, tuple[AddressFacts, ...]]:
    """Return the known origins of arrangements in which a host is told that serves from no address."""
    numbers = {
        w.arrangement_id
        for w in told
        if w.arrangement_id is not None
        and w.role == Role.HOST
        and all(s.party != w.party for s in served.get(w.arrangement_id, ()))
    }
    return {number: host_arrangements.facts(connection, store, number).origins for number in sorted(numbers)}


def _addresses(w: WaitingAddressee, served: Collection[Served], hidden: Sequence[AddressFacts]) -> str | None:
    """Return the addresses to name: a party's own where it serves from some, else all of them.

    A host behind a proxy knows its machine, not the proxy's.
    """
    own = [s.address for s in served if s.party == w.party]
    if not own and w.role == Role.HOST:
        own = [a.ip for a in hidden if a.party == w.party] or [a.ip for a in hidden]
    own = own or [s.address for s in served]
    listed = ""
    for address in own:
        longer = f"{listed}, {address}" if listed else address
        if len(longer) > _LONGEST_ADDRESSES:
            break
        listed = longer
    return listed or None


def _references(
    connection: Connection, store: Store, numbers: Sequence[int], now: datetime
) -> dict[int, str]:
    """Return a reference for each notice that no other has: two ids can meet in one."""
    key = store.keys.derived("reference")
    found: dict[int, str] = {}
    attempt, wanted = 0, list(numbers)
    while wanted:
        tried = {n: reference("N", n, now.year, key, attempt) for n in wanted}
        taken = notice_rows.taken_references(connection, tried.values()) | set(found.values())
        for number, made in tried.items():
            if made not in taken:
                found[number] = made
                taken.add(made)
        wanted = [n for n in wanted if n not in found]
        attempt += 1
    return found
