"""What would wait for ever: open episodes that nothing brings on and nobody is asked about."""

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, or_, select

from nta.domain.lifecycle import Presence, Stage
from nta.domain.notices.notice_state import NoticeState
from nta.store.tables import Addressee, Due, Episode, Notice, NoticeItem, TaskRow
from nta.store.work import due

_COUNTS = (Presence.UNSEEN.value, Presence.UP.value)
_AT_WORK = (Stage.READY.value, Stage.NOTIFIED.value, Stage.ESCALATED.value)
_A_PERSONS = (Stage.UNRESOLVED.value, Stage.EXHAUSTED.value, Stage.HELD.value)


def waiting_unseen(connection: Connection) -> list[int]:
    """Return the open episodes that no due row, waiting addressee, notice or task will ever bring on.

    An episode needs a look or a task; before it is resolved, its host's
    look-up; while its deadline runs, its ladder, a notice that is being
    made, sent or judged by leads, or a task; and where a person's word is needed, a task.
    """
    task = exists().where(TaskRow.subject == Episode.id)
    under_way = or_(_due(due.ESCALATE), _is_waiting(), _is_being_sent(), _waits_for_leads(), task)
    faults = or_(
        not_(or_(_due(due.LOOK), task)),
        and_(Episode.stage == Stage.SUBMITTED.value, not_(or_(_due_host(), task))),
        and_(Episode.stage.in_(_AT_WORK), Episode.presence.in_(_COUNTS), not_(under_way)),
        and_(Episode.stage.in_(_A_PERSONS), not_(task)),
    )
    query = select(Episode.id).where(Episode.ended_at.is_(None), faults).order_by(Episode.id)
    return list(connection.execute(query).scalars())


def _due(kind: str) -> ColumnElement[bool]:
    return exists().where(Due.kind == kind, Due.subject == Episode.id)


def _due_host() -> ColumnElement[bool]:
    return exists().where(Due.kind == due.RESOLVE, Due.subject == Episode.host_id)


def _is_waiting() -> ColumnElement[bool]:
    return exists().where(Addressee.episode_id == Episode.id, Addressee.waiting_since.is_not(None))


def _is_being_sent() -> ColumnElement[bool]:
    """Tell whether a notice of the episode is due to be sent; a state alone moves nothing."""
    return exists().where(
        NoticeItem.episode_id == Episode.id,
        NoticeItem.left_at.is_(None),
        Notice.id == NoticeItem.notice_id,
        Notice.state.in_((NoticeState.QUEUED, NoticeState.COMPOSED)),
        Due.kind == due.SEND,
        Due.subject == Notice.id,
    )


def _waits_for_leads() -> ColumnElement[bool]:
    """Tell whether leads have the task of letting a notice of the episode go."""
    return exists().where(
        NoticeItem.episode_id == Episode.id,
        NoticeItem.left_at.is_(None),
        Notice.id == NoticeItem.notice_id,
        Notice.state == NoticeState.WAITING_LEAD,
        TaskRow.subject == Notice.id,
    )
