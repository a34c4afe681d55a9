"""Contacts: a person says that one may be used, may not, or lives again; the cases that hang on it go on."""

from collections.abc import Collection
from datetime import datetime

from nta.domain.episode_state import EpisodeChange
from nta.domain.errors import RefusedError
from nta.domain.given_words import given, needed
from nta.domain.lifecycle import EventKind, Stage, StageStep, next_stage
from nta.domain.notices.contact_choice import Health
from nta.domain.person_tasks import UNTIL_READY
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Code, Reason
from nta.store.cases import episodes
from nta.store.db.bulk import chunks
from nta.store.db.handle import Connection, Store
from nta.store.notices import contact_decisions
from nta.store.notices.contact_decisions import Held
from nta.store.work import audit, due, open_tasks


def approve(store: Store, contact_id: int, why: str | None, by: Person, now: datetime) -> int:
    """Let a contact be used for its party from now on, one that was refused before too.

    Return how many open cases are judged anew.

    Raises: RefusedError when there is no such contact, it is approved
    already, or dead.
    """
    who = permit(by, DeskAct.DECIDE_CONTACT)
    with store.db.write() as connection:
        contact = _held(connection, contact_id)
        if contact.approved_at is not None:
            raise RefusedError(Code.CONTACT_APPROVED_BEFORE)
        if contact.health == Health.DEAD:
            raise RefusedError(Code.CONTACT_IS_DEAD)
        word = {"approved_by": who[:64], "approved_at": now, "refused_by": None, "refused_at": None}
        contact_decisions.put(connection, contact_id, **word, word_why=given(why))
        concerned = _said(connection, store, contact, "approve_contact", why, who, now)
    _go_on(store, concerned, who, now, usable=True)
    return len(concerned)


def refuse(store: Store, contact_id: int, why: str | None, by: Person, now: datetime) -> int:
    """Let a contact not be used for its party any more; the next best is told instead.

    Return how many open cases are judged anew.

    Raises: RefusedError when there is no such contact, it is refused
    already, or no reason is given.
    """
    who = permit(by, DeskAct.DECIDE_CONTACT)
    reason = needed(why)
    with store.db.write() as connection:
        contact = _held(connection, contact_id)
        if contact.refused_at is not None:
            raise RefusedError(Code.CONTACT_REFUSED_BEFORE)
        word = {"refused_by": who[:96], "refused_at": now, "approved_by": None, "approved_at": None}
        contact_decisions.put(connection, contact_id, **word, word_why=reason)
        concerned = _said(connection, store, contact, "refuse_contact", reason, who, now)
    _go_on(store, concerned, who, now, usable=False)
    return len(concerned)


def revive(store: Store, contact_id: int, why: str | None, by: Person, now: datetime) -> int:
    """Let an address that is dead or in doubt be fine again, for every party that has it.

    Return how many open cases are judged anew.

    Raises: RefusedError when there is no such contact, it is fine, or no
    reason is given.
    """
    who = permit(by, DeskAct.DECIDE_CONTACT)
    reason = needed(why)
    with store.db.write() as connection:
        if _held(connection, contact_id).health == Health.FINE:
            raise RefusedError(Code.CONTACT_IS_FINE)
        concerned: set[int] = set()
        for contact in contact_decisions.with_address_of(connection, contact_id):
            health = {"health": Health.FINE.value, "health_why": None, "health_at": now}
            contact_decisions.put(connection, contact.id, **health, revived_at=now, word_why=reason)
            concerned.update(contact_decisions.concerned(connection, contact))
        _note(connection, store, contact_id, "revive_contact", reason, who, now)
    _go_on(store, concerned, who, now, usable=True)
    return len(concerned)


def _held(connection: Connection, contact_id: int) -> Held:
    contact = contact_decisions.held(connection, contact_id)
    if contact is None:
        raise RefusedError(Code.NO_CONTACT)
    return contact


def _said(
    connection: Connection, store: Store, contact: Held, act: str, why: str | None, who: str, now: datetime
) -> list[int]:
    """End the task of a contact, note the word in the audit trail, and return the episodes it concerns."""
    contact_decisions.ask_no_more(connection, [contact.id])
    _note(connection, store, contact.id, act, why, who, now)
    return contact_decisions.concerned(connection, contact)


def _note(
    connection: Connection, store: Store, number: int, act: str, why: str | None, who: str, now: datetime
) -> None:
    # Its number alone: the address of a site's own contact would name the site.
    subject, detail = f"contact {number}", given(why)
    audit.note(connection, store.ids, at=now, who=who, act=act, subject=subject, detail=detail)


def _go_on(store: Store, episode_ids: Collection[int], who: str, now: datetime, *, usable: bool) -> None:
    """Have these episodes judged now, a part in each write; with `usable` those too that had no contact.

    What a sudden end leaves out goes on at its deadline.
    """
    for part in chunks(episode_ids):
        with store.db.write() as connection:
            states = episodes.load(connection, part, lock=True).values()
            still = [s for s in states if s.ended_at is None and s.arrangement_id is not None]
            stuck = [s for s in still if usable and s.stage == Stage.UNRESOLVED]
            ready = next_stage(Stage.UNRESOLVED, StageStep.RESOLVED).value
            changes = [
                EpisodeChange(
                    s, s._replace(stage=ready), EventKind.RESOLVED, now, who, Reason(Code.CONTACT_USABLE)
                )
                for s in stuck
            ]
            episodes.move(connection, store.ids, changes)
            open_tasks.done(connection, [s.id for s in stuck], UNTIL_READY)
            waits = (Stage.SUBMITTED, Stage.HELD, Stage.UNRESOLVED)
            due.want(
                connection, due.ESCALATE, {s.id for s in still if s in stuck or s.stage not in waits}, now
            )
            if not usable:  # somebody further off may name another contact
                due.want(connection, due.RESOLVE, {s.host_id for s in still}, now)
