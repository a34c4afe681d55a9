"""Send again: a lead has what a notice that never left was to tell be told anew, on fresh facts."""

from datetime import datetime

from nta.domain.errors import RefusedError
from nta.domain.lifecycle import EventKind, Stage
from nta.domain.notices.notice_state import NEVER_LEFT
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Code, Reason
from nta.domain.references import read as read_reference
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.notices import notice_events, notice_rows, outbox
from nta.store.work import audit, due, open_tasks

_LADDER_RUNS = frozenset({Stage.READY, Stage.NOTIFIED, Stage.ESCALATED})


def send_again(store: Store, notice_reference: str, by: Person, now: datetime) -> int:
    """Let the ladder tell again what a notice was to tell; return how many episodes it tells of.

    The notice itself stays as it is, to be looked at. A new one is made for
    what is still there, after a fresh look, and waits for leads where the
    step asks for it.

    Raises: RefusedError when it left, still may leave, or tells of nothing open.
    """
    who = permit(by, DeskAct.STEER_SENDING)
    reference = read_reference(notice_reference)
    with store.db.write() as connection:
        found = notice_rows.in_state(connection, reference, NEVER_LEFT)
        if found is None:
            raise RefusedError(Code.NOTICE_MAY_LEAVE)
        states = [s for s in notice_events.lock(connection, found).values() if s.ended_at is None]
        if not states:
            raise RefusedError(Code.NOTHING_OPEN_TO_SEND)
        items = outbox.items(connection, [found])
        notice_rows.leave(connection, [item.id for item in items], now, "again")
        kind, why = EventKind.LEFT_NOTICE, Reason(Code.TO_SEND_AGAIN)
        episodes.note(connection, store.ids, states, kind, at=now, who=who, why=why, subject=found)
        asked = [s.id for s in states if Stage(s.stage) in _LADDER_RUNS]
        open_tasks.done(connection, asked, [Code.SENDING_OFF])
        due.want(connection, due.ESCALATE, {s.id for s in states}, now)
        audit.note(connection, store.ids, at=now, who=who, act="send_again", subject=reference)
    return len(states)
