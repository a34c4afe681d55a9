"""Tasks: a person finishes one, and reads the mail that it may be about."""

from datetime import datetime

from nta.domain.episode_state import EpisodeState
from nta.domain.errors import RefusedError
from nta.domain.given_words import given
from nta.domain.lifecycle import Stage
from nta.domain.person_tasks import decided_where
from nta.domain.policy import DeskAct, Person, permit, permitted
from nta.domain.reasons import Code
from nta.store.cases import case_rows, episodes
from nta.store.db.handle import Connection, Store
from nta.store.notices import kept_mails
from nta.store.reads import mails as mail_reads
from nta.store.reads.mails import Text
from nta.store.work import audit, due, open_tasks

_CODES = frozenset(Code)


def finish(store: Store, subject: int, code: str, why: str | None, by: Person, now: datetime) -> None:
    """Note that a person did what a task asked. What the machine has to go on with is made due.

    Raises: RefusedError when it was done before, is another's to do, or
    asks for a decision that no word of "done" can take the place of.
    """
    who = permit(by, DeskAct.FINISH_TASK)
    words = given(why)
    asked = Code(code) if code in _CODES else None
    with store.db.write() as connection:
        # The episode before its due rows, as the steps lock them.
        state = episodes.load(connection, [subject], lock=True).get(subject)
        task = open_tasks.of(connection, subject, asked) if asked else None
        if task is None or asked is None:
            raise RefusedError(Code.TASK_DONE_BEFORE)
        if task.owner == "lead" and DeskAct.FINISH_LEADS_TASK not in permitted(by.roles):
            raise RefusedError(Code.TASK_OF_LEAD)
        open_stage = state.stage if state is not None and state.ended_at is None else None
        if elsewhere := decided_where(asked, open_stage):
            raise RefusedError(elsewhere)
        about = _about(connection, subject, state)
        open_tasks.done(connection, [subject], [asked])
        if state is not None and state.ended_at is None:
            _go_on(connection, state, now)
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="task_done",
            subject=about,
            detail=f"{asked}: {words}" if words else asked.value,
        )


def read_mail(store: Store, mail_id: int, by: Person, now: datetime) -> Text:
    """Return what a mail says, after noting who asked for it: it may quote a notice with its URLs.

    Raises: RefusedError when there is no such mail.
    """
    who = permit(by, DeskAct.READ_MAIL)
    with store.db.read() as connection:  # what others wrote is read before the write begins
        found = mail_reads.text(connection, store, mail_id)
    if found is None:
        raise RefusedError(Code.NO_MAIL)
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
    """Return the reference of what a task is about."""
    if state is not None:
        return case_rows.reference_of(connection, state.case_id)
    return kept_mails.notice_of(connection, subject) or f"mail {subject}"


def _go_on(connection: Connection, state: EpisodeState, now: datetime) -> None:
    """Make due what the task stood in for: the ladder says anew what it waits for, a look never harms."""
    due.want(connection, due.ESCALATE, [state.id], now)
    due.want(connection, due.LOOK, [state.id], now)
    if state.stage == Stage.SUBMITTED:
        due.want(connection, due.RESOLVE, [state.host_id], now)
