from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.checks.verdicts import Verdict
from nta.domain.notices.batching import (
    PlanItem,
    PlanRules,
    Readiness,
    form,
    plan,
    readiness,
)
from nta.domain.parties.contact_addresses import mailbox_of
from nta.domain.roles import NoticeKind, Role, Severity

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
N, H, U = Severity.NORMAL, Severity.HIGH, Severity.URGENT

ITEM = PlanItem(
    addressee_id=1,
    episode_id=1,
    party="hosting:one",
    address=mailbox_of("abuse@one.example"),
    role=Role.HOST,
    rung="first",
    kind=NoticeKind.FIRST,
    language="nl",
    format="text",
    severity=N,
    ready_at=NINE,
)


def item(number: int = 1, *, waited: float = 0, **changes: object) -> PlanItem:
    return replace(ITEM, addressee_id=number, episode_id=number, ready_at=NINE - waited * MINUTE, **changes)


def test_normal_items_gather_until_the_oldest_has_waited():
    (batch,) = plan([item(1, waited=4), item(2, waited=9)], NINE, {})

    assert batch.send_at == NINE + MINUTE
    assert [one.addressee_id for one in batch.items] == [2, 1]


def test_items_that_waited_long_enough_go_now():
    (batch,) = plan([item(1, waited=25)], NINE, {})

    assert batch.send_at == NINE


@pytest.mark.parametrize("severity", [H, U])
def test_an_item_in_a_hurry_goes_at_once_and_takes_the_others_along(severity):
    (batch,) = plan([item(1), item(2, severity=severity)], NINE, {})

    assert batch.send_at == NINE
    assert batch.severity is severity
    assert [one.addressee_id for one in batch.items] == [2, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"party": "hosting:two"},
        {"address": mailbox_of("noc@one.example")},
        {"role": Role.PROXY},
        {"rung": "reminder"},
        {"kind": NoticeKind.REMINDER},
        {"language": "en"},
        {"format": "xarf"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_differs_for_the_reader_goes_apart(change):
    assert len(plan([item(1), item(2, **change)], NINE, {})) == 2


def test_a_full_list_goes_at_once_and_the_rest_gathers():
    batches = plan([item(n) for n in range(250)], NINE, {})

    assert [(len(b.items), b.send_at) for b in batches] == [
        (100, NINE),
        (100, NINE),
        (50, NINE + 10 * MINUTE),
    ]


def test_a_burst_to_one_party_waits_for_a_lead():
    items = [item(n, severity=H) for n in range(150)] + [item(500, party="hosting:two", severity=H)]

    batches = plan(items, NINE, {"hosting:one": 1900})

    assert [(b.party, len(b.items), b.needs_lead) for b in batches] == [
        ("hosting:one", 100, False),
        ("hosting:one", 50, True),
        ("hosting:two", 1, False),
    ]


def test_an_xarf_report_is_about_one_location_and_goes_at_once():
    batches = plan([item(n, format="xarf") for n in range(3)], NINE, {})

    assert [(b.format, len(b.items), b.send_at) for b in batches] == [("xarf", 1, NINE)] * 3


def test_what_one_law_forbids_goes_to_an_xarf_party_as_one_list():
    items = [item(n, format="xarf", class_value="national" if n % 2 else "baseline") for n in range(6)]

    batches = plan(items, NINE, {})

    assert sorted((b.format, len(b.items)) for b in batches) == [("csv", 3)] + [("xarf", 1)] * 3
    assert {i.class_value for b in batches for i in b.items if b.format == "csv"} == {"national"}


def test_a_burst_of_reports_waits_for_a_lead_too():
    batches = plan([item(n, format="xarf") for n in range(5)], NINE, {}, PlanRules(burst_items=3))

    assert [b.needs_lead for b in batches] == [False] * 3 + [True] * 2


@pytest.mark.parametrize(
    ("wanted", "kind", "classes", "expected"),
    [
        ("xarf", NoticeKind.FIRST, ["baseline"], "xarf"),
        ("xarf", NoticeKind.REGISTRAR, ["baseline"], "xarf"),
        ("xarf", NoticeKind.FIRST, ["national"], "csv"),
        ("xarf", NoticeKind.FIRST, ["baseline", "national"], "csv"),
        ("xarf", NoticeKind.CORRECTION, ["baseline"], "text"),
        ("xarf", NoticeKind.CLOSING, ["baseline"], "text"),
        ("xarf", NoticeKind.HOTLINE, ["baseline"], "text"),
        ("csv", NoticeKind.FIRST, ["baseline"], "csv"),
        ("csv", NoticeKind.CLOSING, ["national"], "csv"),
        ("text", NoticeKind.FIRST, ["national"], "text"),
    ],
)
def test_the_form_depends_on_what_is_said(wanted, kind, classes, expected):
    assert form(wanted, kind, classes) == expected


ITEMS = st.lists(
    st.builds(
        replace,
        st.just(ITEM),
        addressee_id=st.integers(1, 10**9),
        episode_id=st.integers(1, 10**9),
        party=st.sampled_from(["hosting:one", "hosting:two"]),
        address=st.sampled_from([mailbox_of("abuse@one.example"), mailbox_of("noc@one.example")]),
        rung=st.sampled_from(["first", "reminder"]),
        format=st.sampled_from(["text", "xarf", "csv"]),
        class_value=st.sampled_from(["baseline", "national"]),
        severity=st.sampled_from(list(Severity)),
        ready_at=st.integers(0, 30).map(lambda n: NINE - n * MINUTE),
    ),
    max_size=60,
    unique_by=lambda one: one.addressee_id,
)
RULES = PlanRules(most_items=7, burst_items=20)


@given(ITEMS, st.randoms(use_true_random=False), st.integers(0, 25))
def test_every_item_is_in_one_message_to_its_own_reader(items, random, sent):
    batches = plan(items, NINE, {"hosting:one": sent}, RULES)

    planned = [one for batch in batches for one in batch.items]
    assert sorted(planned, key=lambda i: i.addressee_id) == sorted(items, key=lambda i: i.addressee_id)
    assert all(1 <= len(batch.items) <= RULES.most_items for batch in batches)
    assert all(len(batch.items) == 1 for batch in batches if batch.format == "xarf")
    for batch in batches:
        assert {(i.party, i.address, i.rung) for i in batch.items} == {
            (batch.party, batch.address, batch.rung)
        }
        assert batch.severity is max((i.severity for i in batch.items), key=lambda s: s.rank)
        assert NINE <= batch.send_at <= max(NINE, min(i.ready_at for i in batch.items) + RULES.gather)
    shuffled = list(items)
    random.shuffle(shuffled)
    assert plan(shuffled, NINE, {"hosting:one": sent}, RULES) == batches


@given(ITEMS, st.integers(0, 25))
def test_without_a_lead_no_party_gets_more_than_a_burst(items, sent):
    batches = plan(items, NINE, {"hosting:one": sent}, RULES)

    for party, before in (("hosting:one", sent), ("hosting:two", 0)):
        free = sum(len(b.items) for b in batches if b.party == party and not b.needs_lead)
        assert free == 0 or before + free <= RULES.burst_items


READY, WAITED = Readiness("ready"), Readiness("ready", why="waited long enough")


def wait(*, facts: bool = False, look: bool = False) -> Readiness:
    return Readiness("wait", refresh_facts=facts, look=look, why="stale")


@pytest.mark.parametrize(
    ("facts", "tried", "severity", "waiting", "expected"),
    [
        pytest.param(59, 29, N, None, READY, id="fresh-enough"),
        pytest.param(60, 29, N, None, wait(facts=True), id="facts-too-old"),
        pytest.param(59, 30, N, None, wait(look=True), id="look-too-old"),
        pytest.param(None, None, N, None, wait(facts=True, look=True), id="nothing-yet"),
        pytest.param(59, 10, U, None, wait(look=True), id="urgent-wants-a-newer-look"),
        pytest.param(59, 9, U, None, READY, id="urgent-fresh-enough"),
        pytest.param(60, 30, N, 14, wait(facts=True, look=True), id="still-waiting"),
        pytest.param(60, 30, N, 15, WAITED, id="waited-long-enough"),
        pytest.param(60, 30, U, 4, wait(facts=True, look=True), id="urgent-still-waiting"),
        pytest.param(60, 30, U, 5, WAITED, id="urgent-waits-less"),
        pytest.param(None, None, H, 15, WAITED, id="goes-even-if-nothing-was-learned"),
    ],
)
def test_an_item_goes_when_it_is_fresh_or_waited(facts, tried, severity, waiting, expected):
    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else NINE - minutes * MINUTE

    found = readiness(
        facts_at=ago(facts),
        tried_at=ago(tried),
        verdict=Verdict.UNKNOWN,
        moved=False,
        severity=severity,
        waiting_since=ago(waiting),
        now=NINE,
    )

    assert found == expected


@pytest.mark.parametrize(
    ("verdict", "moved", "state", "why"),
    [
        pytest.param(Verdict.GONE, False, "leave", "gone", id="gone"),
        pytest.param(Verdict.MOVED, False, "leave", "moved", id="seen-moved"),
        pytest.param(Verdict.UP, True, "leave", "moved", id="moved-to-another-host"),
        pytest.param(Verdict.UP, False, "ready", "", id="up"),
        pytest.param(Verdict.UNKNOWN, False, "ready", "", id="unknown-is-sent"),
        pytest.param(Verdict.RESTRICTED, False, "ready", "", id="restricted-is-sent"),
        pytest.param(None, False, "ready", "", id="never-judged"),
    ],
)
def test_an_item_leaves_only_when_gone_or_moved(verdict, moved, state, why):
    found = readiness(
        facts_at=NINE, tried_at=NINE, verdict=verdict, moved=moved, severity=N, waiting_since=None, now=NINE
    )

    assert (found.state, found.why) == (state, why)
