"""Who was told of an episode before, and by which notices: values that the next rung depends on."""

from datetime import datetime
from typing import NamedTuple

from nta.domain.parties.contact_addresses import ContactAddress


class PastNotice(NamedTuple):
    """One notice about one episode, as far as it bears on who is told next and what is said of it."""

    episode_id: int
    notice_id: int
    reference: str
    rung: str
    kind: str
    party: str
    party_name: str
    role: str
    state: str
    address: ContactAddress
    handed_at: datetime | None
    accepted_at: datetime | None
    bounced_at: datetime | None
    released_at: datetime | None
    queued_at: datetime
    refused_at: datetime | None = None  # when a person refused the contact that it went to


class AddresseeState(NamedTuple):
    """An addressee as it stands, as far as the next rung depends on it."""

    id: int
    episode_id: int
    party: str
    role: str
    waiting_since: datetime | None
    released_at: datetime | None
