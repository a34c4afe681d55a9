"""Who gets which items in one message, and when it goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from nta.domain.checks.verdicts import Verdict
from nta.domain.parties.contact_addresses import ContactAddress
from nta.domain.parties.organisations import PartyId
from nta.domain.roles import NoticeKind, Role, Severity


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One addressee that is to be told of one episode, ready since `ready_at`."""

    addressee_id: int
    episode_id: int
    party: PartyId
    address: ContactAddress
    role: Role
    rung: str
    kind: NoticeKind
    language: str
    format: str
    severity: Severity
    ready_at: datetime
    class_value: str = "baseline"


@dataclass(frozen=True, slots=True)
class NoticeBatch:
    """One message to be: to whom, what of, when. `severity` is the strictest of its items."""

    party: PartyId
    address: ContactAddress
    role: Role
    rung: str
    kind: NoticeKind
    language: str
    format: str
    severity: Severity
    items: tuple[PlanItem, ...]
    send_at: datetime
    needs_lead: bool


@dataclass(frozen=True, slots=True)
class PlanRules:
    """How long unhurried items gather, how long a list may be, and what counts as a burst in a day."""

    gather: timedelta = timedelta(minutes=10)
    most_items: int = 100
    burst_items: int = 2000


XARF_KINDS = frozenset(
    {
        NoticeKind.FIRST,
        NoticeKind.REMINDER,
        NoticeKind.ESCALATION,
        NoticeKind.UPSTREAM,
        NoticeKind.SITE_OWNER,
        NoticeKind.REGISTRAR,
        NoticeKind.REGISTRY,
    }
)
"""What can be said in XARF: that something is there. It has no word for taking back or closing."""


def form(wanted: str, kind: NoticeKind, class_values: Iterable[str]) -> str:
    """Return the form in which locations are told to a reader who wants `wanted`: text, csv or xarf.

    XARF's class of such material knows what is illegal nearly everywhere;
    what one country's law alone forbids goes as a list instead.
    """
    if wanted != "xarf":
        return wanted
    if any(value != "baseline" for value in class_values):
        return "csv"
    return "xarf" if kind in XARF_KINDS else "text"


Letter = tuple[PartyId, ContactAddress, Role, str, NoticeKind, str, str]
"""What the items of one message have in common: party, address, role, rung, kind, language, format."""


def plan(
    items: Iterable[PlanItem],
    now: datetime,
    sent_today: Mapping[PartyId, int],
    rules: PlanRules = PlanRules(),
) -> tuple[NoticeBatch, ...]:
    """Return the messages to be, the most urgent first; every item is in exactly one.

    Items of a severity in a hurry go at once and take along what waits for
    the same reader; others gather until the oldest has waited long enough
    or the list is full. An XARF report is about one location, so its list is
    full with one. A batch that takes a party over a day's burst, with
    `sent_today` counted in, waits for a lead.
    """
    letters: dict[Letter, list[PlanItem]] = {}
    for item in items:
        letters.setdefault(_letter(item), []).append(item)
    drafts = [
        _batch(letter, tuple(part), now, rules)
        for letter, waiting in letters.items()
        for part in _parts(sorted(waiting, key=_turn), _most(letter, rules))
    ]
    drafts.sort(key=lambda batch: (batch.send_at, *_turn(batch.items[0])))
    return _with_leads(drafts, sent_today, rules)


def _letter(item: PlanItem) -> Letter:
    told_as = form(item.format, item.kind, [item.class_value])
    return (item.party, item.address, item.role, item.rung, item.kind, item.language, told_as)


def _most(letter: Letter, rules: PlanRules) -> int:
    return 1 if letter[-1] == "xarf" else rules.most_items


def _turn(item: PlanItem) -> tuple[int, datetime, int, int]:
    return (-item.severity.rank, item.ready_at, item.addressee_id, item.episode_id)


def _parts(items: list[PlanItem], most: int) -> Iterable[list[PlanItem]]:
    return (items[i : i + most] for i in range(0, len(items), most))


def _batch(letter: Letter, items: tuple[PlanItem, ...], now: datetime, rules: PlanRules) -> NoticeBatch:
    party, address, role, rung, kind, language, notice_format = letter
    hurried = not items[0].severity.urgency.gathers or len(items) >= _most(letter, rules)
    gathered = min(item.ready_at for item in items) + rules.gather
    return NoticeBatch(
        party=party,
        address=address,
        role=role,
        rung=rung,
        kind=kind,
        language=language,
        format=notice_format,
        severity=items[0].severity,
        items=items,
        send_at=now if hurried else max(now, gathered),
        needs_lead=False,
    )


def _with_leads(
    drafts: Iterable[NoticeBatch], sent_today: Mapping[PartyId, int], rules: PlanRules
) -> tuple[NoticeBatch, ...]:
    counts = dict(sent_today)
    batches: list[NoticeBatch] = []
    for batch in drafts:
        counts[batch.party] = counts.get(batch.party, 0) + len(batch.items)
        over = counts[batch.party] > rules.burst_items
        batches.append(replace(batch, needs_lead=True) if over else batch)
    return tuple(batches)


FACTS_FRESH = timedelta(hours=1)
PATIENCE = max(severity.urgency.patience for severity in Severity)
"""The longest that any notice waits for fresh facts and a look before it goes without them."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether an item may go out now, and what to make due first when it has to wait."""

    state: Literal["ready", "wait", "leave"]
    refresh_facts: bool = False
    look: bool = False
    why: str = ""


def readiness(
    *,
    facts_at: datetime | None,
    tried_at: datetime | None,
    verdict: Verdict | None,
    moved: bool,
    severity: Severity,
    waiting_since: datetime | None,
    now: datetime,
) -> Readiness:
    """Return whether an item goes out now, waits for newer facts or a look, or leaves the message.

    `tried_at` is the last look that was tried, whatever it gave, and
    `verdict` the last round's. An item leaves only when it is gone or
    moved; `unknown` and `restricted` are sent and say so.
    """
    if moved or verdict is Verdict.MOVED:
        return Readiness("leave", why="moved")
    if verdict is Verdict.GONE:
        return Readiness("leave", why="gone")
    urgency = severity.urgency
    old_facts = facts_at is None or now - facts_at >= FACTS_FRESH
    old_look = tried_at is None or now - tried_at >= urgency.look_fresh
    if not old_facts and not old_look:
        return Readiness("ready")
    if waiting_since is not None and now - waiting_since >= urgency.patience:
        return Readiness("ready", why="waited long enough")
    return Readiness("wait", refresh_facts=old_facts, look=old_look, why="stale")
