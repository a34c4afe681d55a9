"""Steer: what people decide about cases and sending, each with its entry in the audit trail."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from nta.domain.errors import RefusedError
from nta.domain.lifecycle import Stage
from nta.domain.outcomes import Actor, Outcome
from nta.domain.references import read as read_reference
from nta.domain.urls import is_private_suffix
from nta.store import audit, due, episodes
from nta.store.base import Store
from nta.store.tables import Addressee, Case, Domain, Episode, Host, Notice, Submission, Switch

SENDING = "sending"
ON, OFF = "on", "off"
DEDICATED = ("yes", "no", "unknown")


def reveal(store: Store, case_reference: str, who: str, now: datetime) -> str:
    """Return the URL of a case, after noting who asked for it. Raises RefusedError for no case of ours."""
    with store.db.write() as connection:
        case_id, sealed = _case(connection, case_reference)
        audit.note(
            connection, store.ids, at=now, who=who, act="reveal", subject=read_reference(case_reference)
        )
    return store.sealer.text("case.url", case_id, sealed)


def mark_dedicated(
    store: Store, case_reference: str, value: str, why: str | None, who: str, now: datetime
) -> None:
    """Write whether the domain of a case serves nothing but such content: yes, no or unknown.

    A domain that becomes dedicated opens rungs that were closed, so its
    episodes already told are looked through again now.

    Raises: RefusedError for another value, an address without a domain, or
    "yes" for a name under a company's suffix: nobody can suspend that.
    """
    if value not in DEDICATED:
        raise RefusedError("say yes, no or unknown")
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        case_id, _ = _case(connection, reference)
        row = connection.execute(
            select(Domain.id, Domain.name_sealed)
            .join(Host, Host.domain_id == Domain.id)
            .join(Case, Case.host_id == Host.id)
            .where(Case.id == case_id)
        ).first()
        if row is None:
            raise RefusedError("this case is on an address or a suffix; there is no domain to mark")
        if value == "yes" and is_private_suffix(store.sealer.text("domain.name", row.id, row.name_sealed)):
            raise RefusedError("this name stands under a company's suffix and is never dedicated")
        connection.execute(
            update(Domain)
            .where(Domain.id == row.id)
            .values(dedicated=value, dedicated_by=who, dedicated_at=now, dedicated_why=_short(why))
        )
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="mark_dedicated",
            subject=reference,
            detail=f"{value}: {why}"[:200] if why else value,
        )
        if value == "yes":
            due.want(connection, due.ESCALATE, _told_on(connection, row.id), now)


def withdraw(store: Store, case_reference: str, why: str | None, who: str, now: datetime) -> None:
    """End the open episode of a case because it was handed in wrongly or is taken back."""
    _end(store, case_reference, Outcome.WITHDRAWN, why, who, now)


def invalid(store: Store, case_reference: str, why: str | None, who: str, now: datetime) -> None:
    """End the open episode of a case because the URL shows nothing that is illegal."""
    _end(store, case_reference, Outcome.INVALID, why, who, now)


def _end(
    store: Store, case_reference: str, outcome: Outcome, why: str | None, who: str, now: datetime
) -> None:
    reference = read_reference(case_reference)
    with store.db.write() as connection:
        case_id, _ = _case(connection, reference)
        episode_id = connection.execute(
            select(Episode.id)
            .where(Episode.case_id == case_id, Episode.ended_at.is_(None))
            .order_by(Episode.number.desc())
        ).scalar()
        if episode_id is None:
            raise RefusedError("this case has ended already")
        episodes.end(
            connection,
            store.ids,
            episode_id,
            outcome,
            Actor.ANALYST,
            at=now,
            who=who,
            why=_short(why),
        )
        connection.execute(
            update(Addressee)
            .where(Addressee.episode_id == episode_id, Addressee.released_at.is_(None))
            .values(released_at=now, released_why=outcome.value, waiting_since=None)
        )
        connection.execute(
            update(Submission)
            .where(Submission.case_id == case_id, Submission.withdrawn_at.is_(None))
            .values(withdrawn_at=now)
        )
        audit.note(
            connection,
            store.ids,
            at=now,
            who=who,
            act="withdraw" if outcome is Outcome.WITHDRAWN else "invalid",
            subject=reference,
            detail=_short(why),
        )


def stop_sending(store: Store, who: str, now: datetime) -> None:
    """Stop every notice that has not left yet, in one act."""
    _switch(store, OFF, "stop_sending", who, now)


def allow_sending(store: Store, who: str, now: datetime) -> None:
    """Let notices leave again; those that wait are due now."""
    _switch(store, ON, "allow_sending", who, now)


def sending_allowed(store: Store) -> bool:
    """Tell whether sending has not been stopped. Whether it is on at all is a setting."""
    with store.db.read() as connection:
        value = connection.execute(select(Switch.value).where(Switch.name == SENDING)).scalar()
    return value != OFF


def release_waiting(store: Store, notice_id: int, who: str, now: datetime) -> None:
    """Let a notice go that waits for a lead. Raises RefusedError when it does not wait."""
    with store.db.write() as connection:
        changed = connection.execute(
            update(Notice)
            .where(Notice.id == notice_id, Notice.state == "waiting_lead")
            .values(state="queued")
        )
        if changed.rowcount != 1:
            raise RefusedError("this notice does not wait for a lead any more")
        due.want(connection, due.SEND, [notice_id], now)
        reference = connection.execute(select(Notice.reference).where(Notice.id == notice_id)).scalar()
        audit.note(connection, store.ids, at=now, who=who, act="release_notice", subject=reference)


def _switch(store: Store, value: str, act: str, who: str, now: datetime) -> None:
    with store.db.write() as connection:
        known = connection.execute(select(Switch.value).where(Switch.name == SENDING)).scalar()
        if known == value or (known is None and value == ON):
            return
        if known is None:
            connection.execute(insert(Switch).values(name=SENDING, value=value, at=now, who=who))
        else:
            connection.execute(
                update(Switch).where(Switch.name == SENDING).values(value=value, at=now, who=who)
            )
        audit.note(connection, store.ids, at=now, who=who, act=act)


def _case(connection: Connection, case_reference: str) -> tuple[int, bytes]:
    row = connection.execute(
        select(Case.id, Case.url_sealed).where(Case.reference == read_reference(case_reference))
    ).first()
    if row is None:
        raise RefusedError("there is no case with this reference")
    return row.id, row.url_sealed


def _told_on(connection: Connection, domain_id: int) -> list[int]:
    """Return the open episodes of a domain whose ladder has begun."""
    stages = (Stage.NOTIFIED.value, Stage.ESCALATED.value, Stage.EXHAUSTED.value)
    return list(
        connection.execute(
            select(Episode.id)
            .join(Host, Host.id == Episode.host_id)
            .where(Host.domain_id == domain_id, Episode.ended_at.is_(None), Episode.stage.in_(stages))
        ).scalars()
    )


def _short(why: str | None) -> str | None:
    return why.strip()[:200] or None if why else None
