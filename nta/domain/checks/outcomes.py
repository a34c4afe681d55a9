"""How an episode ended, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nta.domain.checks.verdicts import Cause
from nta.domain.policy import DeskAct
from nta.domain.roles import KEEPERS, Role


class Outcome(StrEnum):
    """How an episode ended; exactly one of these."""

    REMOVED_AFTER_NOTICE = "removed_after_notice"
    GONE_BEFORE_NOTICE = "gone_before_notice"  # never "removed in 0 h"
    MOVED_BEFORE_NOTICE = "moved_before_notice"
    MOVED_AFTER_NOTICE = "moved_after_notice"
    DISABLED_DOMAIN = "disabled_domain"
    RESTRICTED = "restricted"  # kept from some by law, not removed
    EXPIRED = "expired"  # the host deletes everything after a fixed time
    WITHDRAWN = "withdrawn"
    INVALID = "invalid"
    STILL_ONLINE = "still_online"


@dataclass(frozen=True, slots=True)
class PersonsEnd:
    """How a person ends a case: what the act is called, who may do it, and what it says of what was sent."""

    act: str
    permission: DeskAct
    takes_back: bool = False  # nobody should have been told: whoever was is told so


PERSONS_ENDS: Mapping[Outcome, PersonsEnd] = {
    Outcome.WITHDRAWN: PersonsEnd("withdraw", DeskAct.END_CASE, takes_back=True),
    Outcome.INVALID: PersonsEnd("invalid", DeskAct.END_CASE, takes_back=True),
    Outcome.EXPIRED: PersonsEnd("expire", DeskAct.GIVE_UP_CASE),
    Outcome.RESTRICTED: PersonsEnd("restrict", DeskAct.GIVE_UP_CASE),
    Outcome.STILL_ONLINE: PersonsEnd("still_online", DeskAct.GIVE_UP_CASE),
}
"""The outcomes that a person may decide; looks decide the others, and `restricted` too."""

TAKEN_BACK = frozenset(outcome for outcome, end in PERSONS_ENDS.items() if end.takes_back)


class Actor(StrEnum):
    """Who brought the end about, as far as is known."""

    HOST = "host"
    SITE = "site"
    REGISTRAR = "registrar"
    REGISTRY = "registry"
    PROXY = "proxy"
    UNKNOWN = "unknown"
    ANALYST = "analyst"
    NOBODY = "nobody"  # before anybody was told


NAME_CAUSES = frozenset({Cause.NXDOMAIN, Cause.NO_ADDRESS, Cause.DOMAIN_HOLD, Cause.PARKED})
"""The name leads nowhere, or to a page of nobody: not what a host does to a page."""

_SUSPENDED = frozenset({Cause.NXDOMAIN, Cause.DOMAIN_HOLD, Cause.PARKED})
_HOLDS = frozenset({"clienthold", "serverhold"})  # RFC 5731, section 2.3; RDAP parts the words (RFC 8056)


def on_hold(status: str | None) -> bool:
    """Tell whether a domain's status, as it was last looked up, says that its name is taken out of use."""
    words = (word.replace(" ", "").replace("_", "").lower() for word in (status or "").split(","))
    return not _HOLDS.isdisjoint(words)


def ending(
    *,
    first_handed_at: datetime | None,
    last_up_at: datetime | None,
    first_gone_at: datetime | None,
    cause: Cause,
    told_roles: frozenset[Role],
    answered_removed: bool,
    moved: bool,
    held_name: bool = False,
) -> tuple[Outcome, Actor]:
    """Return the outcome of an episode whose content is gone or moved, and the actor.

    `told_roles` are the roles in which a party was told before the end, for
    a domain also in its other cases. A name that vanished is the host's
    doing only if the host says so; a vanished page is taken as the host's
    when the host was told. `held_name` is whether a look-up found the domain
    on hold; then a name without an address is the keepers' doing too.
    """
    noticed = first_handed_at is not None and _before(first_handed_at, first_gone_at)
    if moved:
        if noticed:
            return Outcome.MOVED_AFTER_NOTICE, Actor.UNKNOWN
        return Outcome.MOVED_BEFORE_NOTICE, Actor.NOBODY
    suspended = NAME_CAUSES if held_name else _SUSPENDED
    if cause in suspended and not told_roles.isdisjoint(KEEPERS):
        return Outcome.DISABLED_DOMAIN, _keeper(told_roles)
    actor = _remover(cause, told_roles, answered_removed) if noticed else Actor.NOBODY
    if cause is Cause.LEGAL:
        return Outcome.RESTRICTED, actor
    return (Outcome.REMOVED_AFTER_NOTICE if noticed else Outcome.GONE_BEFORE_NOTICE), actor


def _before(handed_at: datetime, gone_at: datetime | None) -> bool:
    return gone_at is None or handed_at < gone_at


def _keeper(told_roles: frozenset[Role]) -> Actor:
    """Return who took the name away; the registry is told last, so it is thought to have acted."""
    return Actor.REGISTRY if Role.REGISTRY in told_roles else Actor.REGISTRAR


def _remover(cause: Cause, told_roles: frozenset[Role], answered_removed: bool) -> Actor:
    if cause in NAME_CAUSES and not answered_removed:
        return Actor.UNKNOWN
    if Role.HOST in told_roles:
        return Actor.HOST
    if Role.PROXY in told_roles and answered_removed:
        return Actor.PROXY
    return Actor.UNKNOWN
