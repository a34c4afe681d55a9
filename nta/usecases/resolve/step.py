"""The step that resolves due hosts, many as a set."""

from collections.abc import Callable
from datetime import datetime

from nta.domain.deadlines import back_off
from nta.domain.parties import AskableProxies, Catalogue
from nta.domain.resolution import conclude, next_lookups
from nta.ports import Asker
from nta.store import arrangements, due, episodes, findings, forced
from nta.store.base import Store
from nta.store.forced import Forced
from nta.usecases.resolve.asking import by_host, gather, subject_of
from nta.usecases.resolve.settling import settle_host


def resolve_due(
    store: Store,
    *,
    asker: Asker,
    catalogue: Catalogue,
    holder: str,
    now: datetime,
    limit: int = 200,
    routes: bool = False,
    askable: AskableProxies | None = None,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> int:
    """Resolve one batch of due hosts as a set: a question is asked once for all of them. Return how many.

    `routes` says that the asker knows routes too, `askable` which proxies it can ask for an origin.
    """
    with store.db.write() as connection:
        taken = due.take(connection, due.RESOLVE, holder, now, limit)
    if not taken:
        return 0
    checkpoint("resolve.taken")
    with store.db.read() as connection:
        rows = arrangements.hosts(connection, store, taken)
        behind = forced.of_hosts(connection, store, taken, now)
    subjects = {
        i: subject_of(row.name, row.is_ip, behind.get(i), routes=routes, askable=askable)
        for i, row in rows.items()
    }
    known, new = gather(store, list(subjects.values()), asker, now)
    checkpoint("resolve.asked")
    with store.db.write() as connection:
        findings.save(connection, store, new)
    about = by_host(known)
    for host_id, subject in sorted(subjects.items()):
        after = conclude(subject, about(subject), catalogue, now)
        is_whole = not next_lookups(subject, about(subject), now)
        with store.db.write() as connection:
            # Episodes, then the host, then due rows: the order in which all steps lock.
            states = episodes.open_on_host(connection, host_id, lock=True)
            row = arrangements.hosts(connection, store, [host_id], lock=True)[host_id]
            if due.still_mine(connection, due.RESOLVE, [host_id], holder):
                next_at = now + back_off(1) if states else None
                if is_whole:
                    next_at = settle_host(connection, store, row, states, after, catalogue, now)
                    next_at = _not_after(next_at, behind.get(host_id))
                due.record_many(connection, due.RESOLVE, [(host_id, next_at)])
        checkpoint("resolve.recorded")
    return len(taken)


def _not_after(next_at: datetime | None, behind: Forced | None) -> datetime | None:
    """Return when to ask again: no later than what a person knows runs out."""
    until = behind.until if behind else None
    return min(next_at, until) if next_at and until else next_at
