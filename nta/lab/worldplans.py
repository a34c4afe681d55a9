"""Reads what the hotline's own people will do: hand in, act on cases, approve notices."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import IPv4Address

from nta.domain.checks.outcomes import PERSONS_ENDS
from nta.domain.roles import Severity
from nta.lab.world import Act, HandInVisit, LeadVisit, Site
from nta.lab.world_validation import Section
from nta.lab.worldsites import numbers

ROLES = ("analyst", "lead", "lead2")
ACTS = (*(end.act for end in PERSONS_ENDS.values()), "hold", "release", "origin", "dedicated")


def read_hand_ins(top: Section, sites: Mapping[str, Site]) -> tuple[HandInVisit, ...]:
    """Return the visits to the hand-in page."""
    return tuple(_hand_in(section, sites) for section in top.sections("hand_ins"))


def read_acts(top: Section, sites: Mapping[str, Site]) -> tuple[Act, ...]:
    """Return what is done on case pages."""
    return tuple(_act(section, sites) for section in top.sections("acts"))


def read_approvals(top: Section) -> tuple[LeadVisit, ...]:
    """Return the visits of leads to the notices that wait for them, one each."""
    return tuple(visit for section in top.sections("approvals") for visit in _approvals(section))


def _pages(section: Section, sites: Mapping[str, Site]) -> tuple[str, ...]:
    listing = section.section("pages")
    pages: list[str] = []
    for site in listing.keys():  # noqa: SIM118 (a Section is not a mapping)
        if site not in sites:
            raise listing.fault(site, "is no site of this world")
        pages.extend(f"{site}/{n}" for n in numbers(listing, site, len(sites[site].pages)))
    return tuple(pages)


def _hand_in(section: Section, sites: Mapping[str, Site]) -> HandInVisit:
    found = HandInVisit(
        at=section.moment("at"),
        severity=section.choice("severity", tuple(Severity)),
        class_value=section.choice("class", ("baseline", "national"), "baseline"),
        scope=section.choice("scope", ("file", "page", "directory", "site"), "page"),
        pages=_pages(section, sites),
        broken=section.texts("broken"),
        defanged=section.value("defanged", bool, False),
    )
    section.done()
    return found


def _act(section: Section, sites: Mapping[str, Site]) -> Act:
    what = section.choice("act", ACTS)
    at = section.moment("at")
    values = {"reason": section.value("reason", str)}
    if what == "dedicated":
        values["dedicated"] = section.choice("dedicated", ("yes", "no", "unknown"))
    if what == "origin":
        values["address"] = _address(section)
    if what in ("origin", "hold") and section.has("until"):
        values["until"] = f"{at + section.span('until'):%Y-%m-%dT%H:%M}"
    found = Act(
        at=at,
        who=section.choice("who", ROLES),
        what=what,
        pages=_pages(section, sites),
        values=values,
    )
    section.done()
    return found


def _address(section: Section) -> str:
    try:
        return str(IPv4Address(section.value("address", str)))
    except ValueError:
        raise section.fault("address", "must be an IPv4 address") from None


def _approvals(section: Section) -> Iterator[LeadVisit]:
    """Yield one visit for each lead at each of the moments: `at`, and every so often until `to`."""
    at = section.moment("at")
    every = section.span("every") if section.has("every") else timedelta(0)
    last = section.moment("to") if every else at
    leads = section.texts("who")
    if not leads or not set(leads) <= set(ROLES[1:]):
        raise section.fault("who", "must be a list of lead and lead2")
    word = section.choice("word", ("approve", "decline"), "approve")
    reason = section.value("reason", str, "")
    section.done()
    while at <= last:
        yield from (LeadVisit(at, who, word, reason) for who in leads)
        at += every or timedelta(days=1)
