"""The values of a notice: who writes, to whom, what of, and what was done before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nta.domain.roles import NoticeKind


@dataclass(frozen=True, slots=True)
class Us:
    """Who we are: what gives a notice its weight, and where we are reached.

    `flagger` names who awarded us the status of trusted flagger (Article 22
    of Regulation (EU) 2022/2065); empty where nobody did.
    """

    name: str
    standing: str
    address: str
    contact: str
    flagger: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One location as it is told. `doubt`: `unknown` or `restricted`, where the last look was not clear,
    or `returned`, where it was proven gone and is back.

    `vantages` says from how many vantage points it is seen up now, 0 where
    that is not known; `networks` are the networks and AS numbers of its
    addresses, in words.
    """

    number: int
    url: str
    scope: str
    case: str
    addresses: str | None
    port: int | None
    last_up_at: datetime | None
    doubt: str
    received_at: datetime
    class_scheme: str
    class_value: str
    law: str
    country: str | None = None
    networks: tuple[str, ...] = ()
    confirmed_at: datetime | None = None
    vantages: int = 0


@dataclass(frozen=True, slots=True)
class Earlier:
    """One notice about these locations that went out before, and what its reader said since.

    `fate`: accepted, unconfirmed or bounced.
    """

    reference: str
    at: datetime
    kind: NoticeKind
    party: str
    role: str
    fate: str
    accepted_at: datetime | None
    to_you: bool
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that one notice says, and the envelope of its headers.

    `form` is `text`, `csv` (the list attached as CSV) or `xarf` (one
    location, attached as XARF under `report_id`, a UUID).
    """

    kind: NoticeKind
    language: str
    reference: str
    message_id: str
    sender: str
    recipient: str
    at: datetime
    us: Us
    party: str
    items: tuple[Item, ...]
    earlier: tuple[Earlier, ...]
    link: str
    link_until: datetime
    silence: timedelta  # how long we wait before the next party is told
    meant_for: str | None = None  # whom it would have gone to, where it is redirected
    form: str = "text"
    report_id: str = ""
