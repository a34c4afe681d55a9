"""Tasks: a person finishes one, and reads the mail that it may be about."""

from datetime import datetime

from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import Stage
from nta.store.cases import case_rows, episodes
from nta.store.db.handle import Connection, Store
from nta.store.notices import contact_decisions, kept_mails, notice_rows
from nta.store.reads import mails as mail_reads
from nta.store.reads.mails import Text
from nta.store.work import audit, due

_DECIDED = frozenset({Stage.UNRESOLVED, Stage.EXHAUSTED, Stage.HELD})
"""Stages in which nothing goes on but by a decision about the case."""


def finish(store: Store, subject: int, why: str | None, who: str, now: datetime, *, is_lead: bool) -> None:
    """Note that a person did what a task asked. What the machine has to go on with is made due.

    Raises: RefusedError when it was done before, is another's to do, or
    asks for a decision that no word of "done" can take the place of.
    """
    with store.db.write() as connection:
        # The episode before its due rows, as the steps lock them.
        state = episodes.load(connection, [subject], lock=True).get(subject)
        task = due.task_of(connection, subject)
        if task is None:
            raise RefusedError("this task was done before")
        if task.owner == "lead" and not is_lead:
            raise RefusedError("this task is a lead's")
        if state is not None and state.stage in _DECIDED and state.ended_at is None:
            raise RefusedError("this case waits for a decision; take it on the page of the case")
        about = _about(connection, subject, state)
        due.drop(connection, [(due.TASK, subject)])
        if state is not None and state.ended_at is None:
            _go_on(connection, state, now)
        detail = f"{task.reason or ''}: {why.strip()}" if why and why.strip() else task.reason
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="task_done",
            subject=about,
            detail=(detail or "")[:200] or None,
        )


def read_mail(store: Store, mail_id: int, who: str, now: datetime) -> Text:
    """Return what a mail says, after noting who asked for it: it may quote a notice with its URLs.

    Raises: RefusedError when there is no such mail.
    """
    with store.db.read() as connection:  # what others wrote is read before the write begins
        found = mail_reads.text(connection, store, mail_id)
    if found is None:
        raise RefusedError("there is no such mail")
    with store.db.write() as connection:
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="read_mail",
            subject=_about(connection, mail_id, None),
        )
    return found


def _about(connection: Connection, subject: int, state: EpisodeState | None) -> str:
    """Return the reference of what a task is about. Raises RefusedError for what waits for a decision."""
    if state is not None:
        return case_rows.reference_of(connection, state.case_id)
    if notice_rows.exists(connection, subject):
        raise RefusedError("this notice waits for a decision; take it on the page of the notice")
    if contact_decisions.held(connection, subject):
        raise RefusedError("this contact waits for a decision; take it on the page of contacts")
    return kept_mails.notice_of(connection, subject) or f"mail {subject}"


def _go_on(connection: Connection, state: EpisodeState, now: datetime) -> None:
    """Make due what the task stood in for: the ladder says anew what it waits for, a look never harms."""
    due.want(connection, due.ESCALATE, [state.id], now)
    due.want(connection, due.LOOK, [state.id], now)
    if state.stage == Stage.SUBMITTED:
        due.want(connection, due.RESOLVE, [state.host_id], now)
