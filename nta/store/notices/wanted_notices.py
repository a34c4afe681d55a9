"""Who waits to be told: addressees for whom a notice is still to be made, and when the next one is."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.roles import Severity
from nta.store.db.bulk import table_of
from nta.store.notices.addressees import as_written_to
from nta.store.tables import Addressee, Case, Contact, Due, Episode, Host
from nta.store.work.isolation import first_back, is_aside

_ADDRESSEE = table_of(Addressee)
_CASE = table_of(Case)
_CONTACT = table_of(Contact)
_EPISODE = table_of(Episode)
_HOST = table_of(Host)


class WaitingAddressee(NamedTuple):
    """An addressee for whom a notice is still to be made, with all that the notice says of its location."""

    id: int
    episode_id: int
    party: str
    role: str
    rung: str
    kind: str
    waiting_since: datetime
    contact_id: int
    channel: str
    to: str
    language: str
    format: str
    health: str
    severity: str
    stage: str
    presence: str
    ladder: str | None
    arrangement_id: int | None
    last_up_at: datetime | None
    received_at: datetime
    case_id: int
    case_reference: str
    url_sealed: bytes
    scope: str
    port: int
    class_value: str

    @property
    def address(self) -> ContactAddress:
        """Return where its notice goes."""
        return ContactAddress(self.channel, self.to)


def waiting(
    connection: Connection, now: datetime, limit: int, *, only: Collection[int] | None = None
) -> list[WaitingAddressee]:
    """Return addressees for whom a notice is to be made: hurried ones first, then the longest waiting.

    Those who were set aside until later are left out; `only` narrows to some.
    """
    gathers = {severity.value: int(severity.urgency.gathers) for severity in Severity}
    hurried = case(gathers, value=_EPISODE.c.severity, else_=0)
    query = (
        select(
            *(_ADDRESSEE.c[name] for name in WaitingAddressee._fields[:8]),
            _CONTACT.c.way,
            _CONTACT.c.address,
            _CONTACT.c.language,
            _CONTACT.c.format,
            as_written_to(),
            *(_EPISODE.c[name] for name in WaitingAddressee._fields[13:21]),
            _CASE.c.reference,
            _CASE.c.url_sealed,
            _CASE.c.scope,
            _HOST.c.port,
            _CASE.c.class_value,
        )
        .join(_CONTACT, _CONTACT.c.id == _ADDRESSEE.c.contact_id)
        .join(_EPISODE, _EPISODE.c.id == _ADDRESSEE.c.episode_id)
        .join(_CASE, _CASE.c.id == _EPISODE.c.case_id)
        .join(_HOST, _HOST.c.id == _EPISODE.c.host_id)
        .where(_ADDRESSEE.c.waiting_since.is_not(None), ~is_aside(_ADDRESSEE.c.id, now))
        .order_by(hurried, _ADDRESSEE.c.waiting_since, _ADDRESSEE.c.id)
        .limit(limit)
    )
    if only is not None:
        query = query.where(_ADDRESSEE.c.id.in_(sorted(only)))
    return [WaitingAddressee._make(row) for row in connection.execute(query)]


def who_waits(connection: Connection, now: datetime, limit: int) -> dict[int, int]:
    """Return the episode of each addressee that `waiting` returns, by addressee: nothing else is read."""
    query = (
        select(_ADDRESSEE.c.id, _ADDRESSEE.c.episode_id)
        .where(_ADDRESSEE.c.waiting_since.is_not(None), ~is_aside(_ADDRESSEE.c.id, now))
        .order_by(_ADDRESSEE.c.waiting_since, _ADDRESSEE.c.id)
        .limit(limit)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def next_waiting(connection: Connection, now: datetime, gather: timedelta) -> datetime | None:
    """Return when the next notice is to be made: normal ones after they gathered, hurried ones at once.

    One that was set aside is made when it comes back.
    """
    query = (
        select(_EPISODE.c.severity, func.min(_ADDRESSEE.c.waiting_since))
        .join(_ADDRESSEE, _ADDRESSEE.c.episode_id == _EPISODE.c.id)
        .where(_ADDRESSEE.c.waiting_since.is_not(None), ~is_aside(_ADDRESSEE.c.id, now))
        .group_by(_EPISODE.c.severity)
    )
    found = [(severity, at) for severity, at in connection.execute(query) if at is not None]
    moments = [at + gather if Severity(s).urgency.gathers else at for s, at in found]
    back = connection.execute(
        first_back(now)
        .join(_ADDRESSEE, _ADDRESSEE.c.id == Due.subject)
        .where(_ADDRESSEE.c.waiting_since.is_not(None))
    ).scalar()
    return min([*moments, *([back] if back else [])], default=None)
