from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.errors import RefusedError
from nta.domain.escalation.ladders import (
    SERVING,
    Exhausted,
    Ladder,
    LadderFacts,
    Rung,
    RungHistory,
    Wait,
    When,
    choose_ladder,
    kind_for,
    next_rung,
    passed_over,
    stood_at,
    ties,
)
from nta.domain.roles import NoticeKind, Role, Severity
from nta.render.reason_sentences import sentence

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


FIRST = Rung("first", (Role.HOST,), NoticeKind.FIRST, hours(24))
REMINDER = Rung("reminder", (Role.HOST,), NoticeKind.REMINDER, hours(24))
REGISTRY = Rung(
    "registry",
    (Role.REGISTRY,),
    NoticeKind.REGISTRY,
    hours(72),
    only_if="dedicated_domain",
    seen_up_within=hours(6),
)
LADDER = Ladder("nl-domestic", When(("NL",)), (FIRST, REMINDER, REGISTRY), "v1")
BOTH = frozenset({Role.HOST, Role.REGISTRY})


def facts(
    *,
    dedicated: bool = True,
    reachable: frozenset[Role] = BOTH,
    up_at: datetime | None = NINE,
    looked_at: datetime | None = None,
    paused: timedelta = timedelta(0),
) -> LadderFacts:
    return LadderFacts(dedicated, reachable, up_at, looked_at or up_at, paused)


def told(**silences: float | None) -> dict[str, RungHistory]:
    return {rung: RungHistory(None if n is None else NINE + hours(n)) for rung, n in silences.items()}


@pytest.mark.parametrize(
    ("already", "elapsed", "expected"),
    [
        pytest.param(told(), 0, FIRST, id="first-notice-at-once"),
        pytest.param(told(first=0), 23.99, Wait(NINE + hours(24), "first"), id="host-still-has-time"),
        pytest.param(told(first=0), 24, REMINDER, id="reminder-after-24-hours-of-silence"),
        pytest.param(told(first=3), 24, Wait(NINE + hours(27), "first"), id="silence-runs-from-acceptance"),
        pytest.param(told(first=None), 0, REMINDER, id="no-silence-when-nobody-was-reached"),
        pytest.param(
            told(first=0, reminder=24), 47, Wait(NINE + hours(48), "reminder"), id="reminder-has-its-own-time"
        ),
        pytest.param(
            told(first=40, reminder=24),
            50,
            Wait(NINE + hours(64), "first"),
            id="a-host-that-joined-late-has-time",
        ),
        pytest.param(told(first=0, reminder=24, registry=48), 120, Exhausted(), id="nobody-left"),
        pytest.param(
            told(first=0, registry=24),
            95,
            Wait(NINE + hours(96), "registry"),
            id="earlier-rung-waits-for-later-one",
        ),
        pytest.param(told(first=0, registry=24), 96, REMINDER, id="earlier-rung-is-made-up-for"),
    ],
)
def test_next_rung(already, elapsed, expected):
    now = NINE + hours(elapsed)

    assert next_rung(LADDER, already, facts(up_at=now), now) == expected


def test_time_spent_gone_is_added_to_the_silence():
    paused = facts(paused=hours(5))

    assert next_rung(LADDER, told(first=0), paused, NINE + hours(28)) == Wait(NINE + hours(29), "first")
    assert next_rung(LADDER, told(first=0), paused, NINE + hours(29)) == REMINDER


@pytest.mark.parametrize(
    ("up_at", "looked_at", "expected"),
    [
        pytest.param(-6, -6, REGISTRY, id="seen-up-just-lately-enough"),
        pytest.param(
            -6.1, -6.1, Wait(NINE + hours(0.25), "registry", look_first=True), id="stale-look-first"
        ),
        pytest.param(
            None, None, Wait(NINE + hours(0.25), "registry", look_first=True), id="never-seen-look-first"
        ),
        pytest.param(-9, -0.25, Wait(NINE + hours(0.25), "registry"), id="just-looked-and-not-seen-up"),
        pytest.param(-9, -0.5, Wait(NINE + hours(0.25), "registry", look_first=True), id="look-is-old-again"),
        pytest.param(-36, -1.5, Wait(NINE + hours(0.5), "registry"), id="not-seen-for-a-day-looked-at-less"),
        pytest.param(-400, -2.75, Wait(NINE + hours(0.25), "registry"), id="nor-seen-for-weeks"),
        pytest.param(
            -400, -3, Wait(NINE + hours(0.25), "registry", look_first=True), id="yet-never-given-up"
        ),
    ],
)
def test_nobody_is_asked_to_act_on_stale_evidence(up_at, looked_at, expected):
    seen = LadderFacts(
        True,
        BOTH,
        None if up_at is None else NINE + hours(up_at),
        None if looked_at is None else NINE + hours(looked_at),
    )

    assert next_rung(LADDER, told(first=-48, reminder=-24), seen, NINE) == expected


@pytest.mark.parametrize(
    ("already", "known", "expected"),
    [
        pytest.param(told(), facts(), [], id="nobody"),
        pytest.param(
            told(first=0, reminder=24),
            facts(dedicated=False),
            [("registry", "The domain is not known to be dedicated.")],
            id="not-dedicated",
        ),
        pytest.param(
            told(),
            facts(reachable=frozenset({Role.REGISTRY})),
            [
                ("first", "Nobody in the role of host can be reached."),
                ("reminder", "Nobody in the role of host can be reached."),
            ],
            id="no-contact-of-the-host",
        ),
    ],
)
def test_rungs_are_passed_over_with_a_reason(already, known, expected):
    assert [(one.rung, sentence(one.why)) for one in passed_over(LADDER, already, known)] == expected


@pytest.mark.parametrize(
    ("country", "severity", "chosen"),
    [
        pytest.param("NL", Severity.NORMAL, "nl", id="by-country"),
        pytest.param("NL", Severity.URGENT, "nl-urgent", id="country-and-severity-beat-country"),
        pytest.param("DE", Severity.URGENT, "default", id="no-condition-fits-all"),
        pytest.param(None, Severity.NORMAL, "default", id="unknown-country"),
    ],
)
def test_the_most_specific_ladder_is_chosen(country, severity, chosen):
    ladders = [ladder("default"), ladder("nl", ("NL",)), ladder("nl-urgent", ("NL",), ("urgent",))]

    assert choose_ladder(ladders, country, severity).id == chosen
    assert choose_ladder(ladders[::-1], country, severity).id == chosen


@pytest.mark.parametrize(
    ("country", "home", "severity", "chosen"),
    [
        pytest.param("NL", "NL", Severity.NORMAL, "home", id="at-home"),
        pytest.param("DE", "NL", Severity.NORMAL, "abroad", id="abroad"),
        pytest.param("NL", "DE", Severity.NORMAL, "abroad", id="home-of-others"),
        pytest.param("US", "NL", Severity.NORMAL, "us", id="a-country-beats-abroad"),
        pytest.param("DE", "NL", Severity.URGENT, "urgent", id="a-severity-beats-abroad"),
        pytest.param(None, "NL", Severity.NORMAL, "default", id="an-unknown-country-is-not-abroad"),
        pytest.param("DE", None, Severity.NORMAL, "default", id="nothing-is-abroad-without-a-home"),
        pytest.param("NL", None, Severity.NORMAL, "home", id="named-without-a-home"),
    ],
)
def test_a_ladder_may_be_for_what_is_hosted_abroad(country, home, severity, chosen):
    ladders = [
        ladder("default"),
        ladder("home", ("NL",), abroad=False),
        ladder("abroad", abroad=True),
        ladder("us", ("US",)),
        ladder("urgent", severity=("urgent",)),
    ]

    assert choose_ladder(ladders, country, severity, home).id == chosen


def test_a_case_that_no_ladder_is_for_is_refused():
    with pytest.raises(RefusedError, match="no_ladder normal unknown"):
        choose_ladder([ladder("nl", ("NL",))], None, Severity.NORMAL)


@pytest.mark.parametrize(
    ("ladders", "count"),
    [
        pytest.param([("a", ("NL",), ()), ("b", ("DE",), ())], 0, id="other-countries"),
        pytest.param([("a", ("NL", "BE"), ()), ("b", ("BE",), ())], 1, id="a-country-in-both"),
        pytest.param([("a", ("NL",), ()), ("b", (), ("urgent",))], 1, id="country-against-severity"),
        pytest.param([("a", ("NL",), ()), ("b", ("NL",), ("urgent",))], 0, id="one-is-more-specific"),
        pytest.param([("a", (), ()), ("b", (), ())], 1, id="two-for-all"),
        pytest.param([("a", (), (), True), ("b", ("NL",), ())], 0, id="a-country-says-more-than-abroad"),
        pytest.param([("a", (), (), True), ("b", (), (), False)], 0, id="abroad-and-at-home"),
        pytest.param([("a", (), (), True), ("b", (), (), True)], 1, id="abroad-twice"),
    ],
)
def test_ties_are_found(ladders, count):
    assert len(ties([ladder(*one) for one in ladders])) == count


def ladder(
    name: str,
    hosted_in: tuple[str, ...] = (),
    severity: tuple[str, ...] = (),
    abroad: bool | None = None,
) -> Ladder:
    return Ladder(name, When(hosted_in, severity, abroad), (FIRST,), "v1")


ROLES = st.sampled_from([Role.HOST, Role.PROXY, Role.REGISTRAR, Role.REGISTRY, Role.HOTLINE])
MINUTES = st.integers(0, 6000).map(lambda n: timedelta(minutes=n))
RUNGS = st.builds(
    Rung,
    id=st.just(""),
    tell=st.lists(ROLES, min_size=1, max_size=2, unique=True).map(tuple),
    kind=st.just(NoticeKind.FIRST),
    wait=MINUTES,
    only_if=st.sampled_from([None, "dedicated_domain"]),
    seen_up_within=st.none() | MINUTES,
)
LADDERS = st.lists(RUNGS, min_size=1, max_size=6).map(
    lambda rungs: Ladder(
        "any",
        When(),
        tuple(Rung(str(i), r.tell, r.kind, r.wait, r.only_if, r.seen_up_within) for i, r in enumerate(rungs)),
        "v1",
    )
)
MOMENTS = MINUTES.map(lambda span: NINE - span)
FACTS = st.builds(
    LadderFacts,
    dedicated=st.booleans(),
    reachable=st.frozensets(ROLES),
    last_up_at=st.none() | MOMENTS,
    looked_at=st.none() | MOMENTS,
    paused=MINUTES,
)
UPSTREAM = Rung("upstream", (Role.HOST, Role.UPSTREAM), NoticeKind.ESCALATION, hours(24))
CLOSED = LadderFacts(True, BOTH, NINE, NINE, direct=False)


def test_where_hosts_are_not_told_directly_their_rungs_are_passed_over() -> None:
    assert next_rung(LADDER, {}, CLOSED, NINE) == REGISTRY
    assert [(p.rung, sentence(p.why)) for p in passed_over(LADDER, {}, CLOSED)] == [
        ("first", "Hosts in this country are not told directly."),
        ("reminder", "Hosts in this country are not told directly."),
    ]


@pytest.mark.parametrize(
    ("already", "expected"),
    [
        pytest.param({}, None, id="nobody-told"),
        pytest.param({"first": None}, None, id="nobody-reached"),
        pytest.param({"first": 0}, FIRST, id="the-first"),
        pytest.param({"first": 0, "reminder": 24}, REMINDER, id="the-latest"),
        pytest.param({"first": 0, "reminder": 24, "registry": None}, REMINDER, id="the-latest-that-reached"),
        pytest.param({"first": 30, "reminder": 24}, FIRST, id="one-that-joined-late"),
        pytest.param({"first": 24, "reminder": 24}, REMINDER, id="at-one-moment-the-later-rung"),
    ],
)
def test_where_a_ladder_stands(already, expected):
    assert stood_at(LADDER, told(**already)) == expected


@pytest.mark.parametrize(
    ("rung", "role", "kind"),
    [
        pytest.param(UPSTREAM, Role.HOST, NoticeKind.ESCALATION, id="the-host"),
        pytest.param(UPSTREAM, Role.UPSTREAM, NoticeKind.UPSTREAM, id="who-connects-it"),
        pytest.param(REGISTRY, Role.REGISTRY, NoticeKind.REGISTRY, id="another"),
    ],
)
def test_what_is_asked_of_each_role(rung, role, kind):
    assert kind_for(rung, role) is kind


SILENCES = st.dictionaries(st.sampled_from("012345"), (st.none() | MOMENTS).map(RungHistory))


@given(LADDERS, SILENCES, FACTS)
def test_nobody_is_told_twice_for_a_rung_and_no_wait_is_cut_short(any_ladder, already, known):
    answer = next_rung(any_ladder, already, known, NINE)

    running = [
        already[rung.id].silence_from + rung.wait + known.paused
        for rung in any_ladder.rungs
        if rung.id in already and already[rung.id].silence_from is not None
    ]
    if isinstance(answer, Rung):
        assert answer.id not in already
        assert all(until <= NINE for until in running)
    if isinstance(answer, Wait):
        assert answer.until > NINE
        assert answer.why in {rung.id for rung in any_ladder.rungs}


@given(LADDERS, SILENCES, FACTS)
def test_silence_always_has_a_reason(any_ladder, already, known):
    answer = next_rung(any_ladder, already, known, NINE)
    reasons = passed_over(any_ladder, already, known)

    untold = [rung.id for rung in any_ladder.rungs if rung.id not in already]
    assert [one.rung for one in reasons] == untold[: len(reasons)]
    assert all(sentence(one.why).endswith(".") for one in reasons)
    if isinstance(answer, Exhausted):
        assert len(reasons) == len(untold)
    if isinstance(answer, Rung):
        assert untold[len(reasons)] == answer.id


@given(LADDERS, st.booleans(), st.frozensets(ROLES), st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_ladder_walked_to_its_end_tells_each_rung_once_and_ends(any_ladder, dedicated, reachable, bounces):
    now, already, order = NINE, {}, []
    answer = None
    for _ in range(3 * len(any_ladder.rungs) + 1):
        known = LadderFacts(dedicated, reachable, now, now)
        answer = next_rung(any_ladder, already, known, now)
        if isinstance(answer, Wait):
            now = answer.until
        elif isinstance(answer, Rung):
            already[answer.id] = RungHistory(None if bounces[int(answer.id)] else now)
            order.append(answer.id)
        else:
            break

    assert answer == Exhausted()
    assert order == sorted(set(order))


@given(LADDERS, SILENCES)
def test_a_ladder_stands_at_a_rung_that_reached_somebody(any_ladder, already):
    rung = stood_at(any_ladder, already)

    begun = [t.silence_from for r in any_ladder.rungs if (t := already.get(r.id)) and t.silence_from]
    assert (rung is None) == (not begun)
    if rung is not None:
        assert already[rung.id].silence_from == max(begun)


@given(LADDERS, SILENCES, FACTS)
def test_nobody_who_serves_it_is_told_where_that_is_not_done(any_ladder, already, known):
    answer = next_rung(any_ladder, already, replace(known, direct=False), NINE)

    if isinstance(answer, Rung):
        assert not SERVING.issuperset(answer.tell)
