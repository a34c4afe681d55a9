from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.checks.verdicts import (
    Cause,
    Judgement,
    ProbeAnswer,
    ProofRules,
    Run,
    Sighting,
    Verdict,
    extend,
    in_places,
    judge,
    merge_hosts,
    read,
    sign,
)
from nta.domain.lifecycle import PRESENCES, Presence, PresenceSign

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES = ProofRules()

CAUSES = {
    Verdict.UP: Cause.CONTENT_PRESENT,
    Verdict.GONE: Cause.NOT_FOUND,
    Verdict.MOVED: Cause.OTHER_HOST,
    Verdict.RESTRICTED: Cause.FORBIDDEN,
    Verdict.UNKNOWN: Cause.TIMEOUT,
}
WORDS = {verdict.value: verdict for verdict in Verdict}


def answer(status: int | None = None, error: str | None = None) -> ProbeAnswer:
    return ProbeAnswer("192.0.2.1", status, None, None, None, None, error, 0.1)


def seen(verdict: Verdict, vantage: str = "a", at: datetime = NINE, cause: Cause | None = None) -> Sighting:
    return Sighting(vantage, at, verdict, cause or CAUSES[verdict], "rule", None, None, "192.0.2.1", 0.1)


@pytest.mark.parametrize(
    ("given_answer", "expected"),
    [
        pytest.param(answer(200), ("up", "content_present", "status_2xx"), id="ok"),
        pytest.param(answer(206), ("up", "content_present", "status_2xx"), id="part-of-it"),
        pytest.param(answer(404), ("gone", "not_found", "status_404"), id="not-found"),
        pytest.param(answer(410), ("gone", "removed", "status_410"), id="removed"),
        pytest.param(answer(451), ("gone", "legal", "status_451"), id="for-legal-reasons"),
        pytest.param(answer(error="nxdomain"), ("gone", "nxdomain", "nxdomain"), id="no-such-name"),
        pytest.param(
            answer(error="no_address"), ("gone", "no_address", "no_address"), id="name-without-address"
        ),
        pytest.param(answer(401), ("restricted", "login_wall", "status_401"), id="log-in-first"),
        pytest.param(answer(403), ("restricted", "forbidden", "status_403"), id="forbidden"),
        pytest.param(answer(429), ("unknown", "bot_wall", "status_429"), id="we-looked-too-often"),
        pytest.param(answer(500), ("unknown", "server_error", "status_500"), id="server-error"),
        pytest.param(
            answer(302), ("unknown", "redirect_loop", "redirect_not_followed"), id="redirect-left-over"
        ),
        pytest.param(answer(511), ("unknown", "our_network", "status_511"), id="captive-portal"),
        pytest.param(answer(error="timeout"), ("unknown", "timeout", "timeout"), id="timeout"),
        pytest.param(answer(error="tls_error"), ("unknown", "tls_error", "tls_error"), id="tls"),
        pytest.param(
            answer(404, "too_slow"), ("unknown", "too_slow", "too_slow"), id="an-error-beats-the-status"
        ),
        pytest.param(
            answer(error="other_host"),
            ("unknown", "other_host", "redirect_to_other_host"),
            id="to-another-host",
        ),
        pytest.param(
            answer(error="not_reachable"), ("unknown", "our_network", "outside_reach"), id="out-of-reach"
        ),
        pytest.param(answer(error="news"), ("unknown", "server_error", "no_answer"), id="an-error-not-known"),
        pytest.param(answer(), ("unknown", "server_error", "no_answer"), id="nothing"),
        pytest.param(answer(999), ("unknown", "server_error", "no_answer"), id="no-such-status"),
    ],
)
def test_what_an_answer_says(given_answer, expected):
    assert read(given_answer, control_ok=True) == expected


@pytest.mark.parametrize(
    ("given_answer", "verdict"),
    [
        pytest.param(answer(200), Verdict.UP, id="content-is-content"),
        pytest.param(answer(404), Verdict.UNKNOWN, id="not-found"),
        pytest.param(answer(error="nxdomain"), Verdict.UNKNOWN, id="no-such-name"),
        pytest.param(answer(403), Verdict.UNKNOWN, id="forbidden"),
    ],
)
def test_without_control_pages_only_content_counts(given_answer, verdict):
    found, cause, rule = read(given_answer, control_ok=False)

    assert found is verdict
    assert verdict is Verdict.UP or (cause, rule) == (Cause.OUR_NETWORK, "control_page")


@pytest.mark.parametrize(
    ("verdicts", "merged"),
    [
        pytest.param("gone gone", "gone", id="gone-from-every-host"),
        pytest.param("gone up", "up", id="up-at-one"),
        pytest.param("gone unknown", "unknown", id="one-could-not-be-looked-at"),
        pytest.param("unknown restricted gone", "restricted", id="restricted-at-one"),
        pytest.param("gone", "gone", id="a-single-host"),
    ],
)
def test_one_vantage_point_sees_all_hosts(verdicts, merged):
    sightings = [seen(WORDS[word]) for word in verdicts.split()]

    assert merge_hosts(sightings).verdict.value == merged
    assert merge_hosts(sightings[::-1]).verdict.value == merged


def test_gone_counts_from_the_last_host_looked_at():
    late = seen(Verdict.GONE, at=NINE + HOUR)

    assert merge_hosts([late, seen(Verdict.GONE)]) is late


def test_equal_looks_make_one_run():
    run = None
    for hour in (0, 1, 4, 5):
        run = extend(run, seen(Verdict.GONE, at=NINE + hour * HOUR))

    assert run == Run("a", Verdict.GONE, Cause.NOT_FOUND, NINE, NINE + 5 * HOUR, 4, 3 * HOUR)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(seen(Verdict.UP, at=NINE + HOUR), id="another-verdict"),
        pytest.param(seen(Verdict.GONE, at=NINE + HOUR, cause=Cause.REMOVED), id="another-cause"),
    ],
)
def test_another_verdict_or_cause_begins_a_new_run(other):
    run = extend(extend(None, seen(Verdict.GONE)), other)

    assert run == Run("a", other.verdict, other.cause, NINE + HOUR, NINE + HOUR, 1, timedelta(0))


def play(*rounds: tuple[float, str]) -> list[Judgement]:
    """Judge rounds in turn: hours since nine and a letter for each of the vantages a, b, c (- no look)."""
    runs: dict[str, Run] = {}
    judgements = []
    for hour, verdicts in rounds:
        looks = [
            seen(LETTERS[letter], vantage, NINE + timedelta(hours=hour))
            for vantage, letter in zip("abc", verdicts, strict=False)
            if letter != "-"
        ]
        for look in looks:
            runs[look.vantage] = extend(runs.get(look.vantage), look)
        judgements.append(judge(looks, tuple(runs.values()), RULES))
    return judgements


LETTERS = {
    "U": Verdict.UP,
    "G": Verdict.GONE,
    "M": Verdict.MOVED,
    "R": Verdict.RESTRICTED,
    "?": Verdict.UNKNOWN,
}


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        pytest.param([(0, "GG")], ("gone", False, False), id="one-round-proves-nothing"),
        pytest.param([(0, "GG"), (0.9, "GG")], ("gone", False, False), id="two-rounds-too-close"),
        pytest.param([(0, "GG"), (1, "GG")], ("gone", True, False), id="two-rounds-an-hour-apart"),
        pytest.param([(0, "GU"), (1, "GG")], ("gone", False, False), id="the-second-saw-it-an-hour-ago"),
        pytest.param([(0, "GG"), (1, "GU")], ("up", False, False), id="up-from-one"),
        pytest.param([(0, "GG"), (1, "GR")], ("restricted", False, False), id="one-is-kept-out"),
        pytest.param([(0, "GG"), (1, "G?")], ("gone", False, True), id="one-is-blind-now"),
        pytest.param([(0, "G?"), (1, "GG")], ("gone", False, False), id="one-was-blind-before"),
        pytest.param([(0, "GG?"), (1, "GG?")], ("gone", True, False), id="two-of-three-are-enough"),
        pytest.param([(0, "??"), (9, "??")], ("unknown", False, False), id="unknown-never-counts"),
        pytest.param([(0, "MM"), (9, "MM")], ("moved", False, False), id="moved"),
        pytest.param([(0, "G"), (12, "G")], ("gone", False, True), id="alone-two-looks"),
        pytest.param([(0, "G"), (12, "G"), (23.9, "G")], ("gone", False, True), id="alone-too-soon"),
        pytest.param([(0, "G"), (24, "G")], ("gone", False, True), id="alone-too-few"),
        pytest.param([(0, "G"), (12, "G"), (24, "G")], ("gone", True, True), id="alone-three-over-a-day"),
        pytest.param(
            [(0, "G"), (12, "?"), (24, "G")], ("gone", False, True), id="unknown-between-starts-again"
        ),
        pytest.param(
            [(0, "G?"), (12, "G?"), (24, "G?")], ("gone", True, True), id="the-other-never-could-look"
        ),
        pytest.param([(0, "---")], ("unknown", False, False), id="nobody-looked"),
    ],
)
def test_what_rounds_prove(rounds, expected):
    last = play(*rounds)[-1]

    assert (last.verdict.value, last.proven, last.one_vantage) == expected


def test_a_judgement_names_the_cause_it_saw():
    looks = [seen(Verdict.GONE, "a", cause=Cause.NXDOMAIN), seen(Verdict.UNKNOWN, "b")]

    assert judge(looks, [], RULES).cause is Cause.NXDOMAIN


GONE, PROVEN = (
    Judgement(Verdict.GONE, Cause.NOT_FOUND, False, False),
    Judgement(Verdict.GONE, Cause.NOT_FOUND, True, False, NINE),
)
ALONE = Judgement(Verdict.GONE, Cause.NOT_FOUND, True, True, NINE)
UP = Judgement(Verdict.UP, Cause.CONTENT_PRESENT, False, False)
BLIND = Judgement(Verdict.UNKNOWN, Cause.TIMEOUT, False, False)


@pytest.mark.parametrize(
    ("presence", "judgement", "gone_for", "expected"),
    [
        pytest.param(Presence.UNSEEN, UP, None, PresenceSign.SEEN_UP, id="seen-for-the-first-time"),
        pytest.param(Presence.UP, UP, None, None, id="still-there"),
        pytest.param(Presence.UP, BLIND, None, None, id="unknown-changes-nothing"),
        pytest.param(Presence.UP, GONE, None, PresenceSign.SEEN_GONE, id="gone"),
        pytest.param(Presence.UP, PROVEN, None, PresenceSign.SEEN_GONE, id="proof-never-skips-absence"),
        pytest.param(Presence.ABSENT, GONE, HOUR, None, id="still-gone-not-proven"),
        pytest.param(Presence.ABSENT, PROVEN, HOUR, PresenceSign.PROVEN_GONE, id="proven"),
        pytest.param(Presence.ABSENT, PROVEN, HOUR / 2, None, id="proof-reaches-behind-the-absence"),
        pytest.param(Presence.ABSENT, ALONE, DAY / 2, None, id="alone-within-the-absence-too-short"),
        pytest.param(Presence.ABSENT, ALONE, DAY, PresenceSign.PROVEN_GONE, id="alone-proven"),
        pytest.param(Presence.ABSENT, PROVEN, None, None, id="absence-without-beginning"),
        pytest.param(Presence.ABSENT, UP, HOUR, PresenceSign.SEEN_UP, id="back-before-proof"),
        pytest.param(Presence.REMOVED, UP, DAY, PresenceSign.SEEN_UP, id="returned"),
        pytest.param(Presence.REMOVED, GONE, 6.9 * DAY, None, id="watched"),
        pytest.param(Presence.REMOVED, GONE, 7 * DAY, PresenceSign.WATCH_OVER, id="watch-over"),
        pytest.param(Presence.REMOVED, BLIND, 7 * DAY, None, id="not-over-without-a-look"),
        pytest.param(Presence.REMOVED, BLIND, 14 * DAY, PresenceSign.WATCH_OVER, id="not-watched-for-ever"),
        pytest.param(Presence.CLOSED, UP, DAY, None, id="closed-is-closed"),
    ],
)
def test_what_a_judgement_means_for_the_presence(presence, judgement, gone_for, expected):
    first_gone_at = None if gone_for is None else NINE - gone_for

    assert sign(presence, judgement, first_gone_at, NINE) is expected


LOOKS = st.lists(st.sampled_from("UGMR?-"), min_size=1, max_size=3).map("".join)
ROUNDS = st.lists(st.tuples(st.integers(1, 20), LOOKS), min_size=1, max_size=8)


def timed(rounds: list[tuple[int, str]]) -> list[tuple[float, str]]:
    hour = 0
    return [(hour := hour + gap, looks) for gap, looks in rounds]


@given(ROUNDS)
def test_unknown_never_leads_to_gone_and_one_look_never_proves(rounds):
    for (_, looks), judgement in zip(rounds, play(*timed(rounds)), strict=True):
        spoke = looks.replace("?", "").replace("-", "")
        assert (judgement.verdict is Verdict.GONE) == (bool(spoke) and set(spoke) == {"G"})
        assert judgement.proven <= (judgement.verdict is Verdict.GONE)
    assert not play(*timed(rounds))[0].proven


@given(ROUNDS, st.integers(0, 3))
def test_adding_an_up_look_never_yields_gone(rounds, place):
    hour, looks = timed(rounds)[-1]
    with_up = looks[:place] + "U" + looks[place:]

    assert play(*timed(rounds)[:-1], (hour, with_up[:3] if place < 3 else "U"))[-1].verdict is Verdict.UP


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from(["G", "?", "-", "U"])), min_size=1, max_size=9))
def test_one_vantage_point_needs_three_looks_over_a_day(rounds):
    alone = timed(rounds)
    for number, judgement in enumerate(play(*alone)):
        run = []
        for hour, look in reversed(alone[: number + 1]):
            if look not in "G-":
                break
            run += [hour] if look == "G" else []
        assert judgement.proven == (alone[number][1] == "G" and len(run) >= 3 and run[0] - run[-1] >= 24)
        assert judgement.one_vantage or not judgement.proven


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=5))
def test_merging_hosts_is_gone_only_when_all_are(verdicts):
    merged = merge_hosts([seen(verdict) for verdict in verdicts]).verdict

    assert (merged is Verdict.GONE) == (set(verdicts) == {Verdict.GONE})
    assert (merged is Verdict.UP) == (Verdict.UP in verdicts)


@given(
    st.sampled_from(list(Presence)),
    st.builds(
        Judgement, st.sampled_from(list(Verdict)), st.sampled_from(list(Cause)), st.booleans(), st.booleans()
    ),
    st.none() | st.integers(0, 500).map(lambda n: NINE - n * HOUR),
)
def test_every_sign_fits_the_table(presence, judgement, first_gone_at):
    given_sign = sign(presence, judgement, first_gone_at, NINE)

    assert given_sign is None or (presence, given_sign) in PRESENCES


@pytest.mark.parametrize("status", [200, 202, 403, 503])
def test_an_answer_that_asks_whether_a_person_looks_tells_nothing_else(status):
    walled = answer(status)._replace(sign="challenge")

    assert read(walled, control_ok=True) == ("restricted", "bot_wall", "challenge_header")


@pytest.mark.parametrize("sign", ["removal_page", "suspended_page", "parked", "placeholder", "soft_404"])
def test_what_a_page_says_of_itself_counts(sign):
    said = answer(200)._replace(sign=sign)

    assert read(said, control_ok=True) == ("gone", sign, f"words_{sign}")
    assert read(said, control_ok=False)[0] is Verdict.UNKNOWN


def kept_out(status: int, vantage: str) -> Sighting:
    verdict, cause, rule = read(answer(status), control_ok=True)
    return Sighting(vantage, NINE, verdict, cause, rule, status, None, "192.0.2.1", 0.1)


@pytest.mark.parametrize("status", [403, 451])
def test_what_one_place_sees_and_another_is_denied_is_blocked_there(status):
    up = seen(Verdict.UP, "b")

    here, there = in_places([kept_out(status, "a"), up])

    assert (here.verdict, here.cause, here.rule) == ("restricted", "geo_blocked", "seen_from_elsewhere")
    assert here.status == status
    assert there is up


@pytest.mark.parametrize("status", [403, 451])
def test_a_place_that_was_kept_out_stays_so_and_counts_for_nothing(status):
    told = in_places([kept_out(status, "a"), seen(Verdict.GONE, "b")], ["a"])

    assert told[0].cause is Cause.GEO_BLOCKED
    assert judge(told, [], RULES) == Judgement(Verdict.GONE, Cause.NOT_FOUND, False, True)
    assert judge(told[:1], [], RULES)[:2] == (Verdict.RESTRICTED, Cause.GEO_BLOCKED)


def test_a_place_that_was_never_seen_to_be_kept_out_has_a_word():
    told = in_places([kept_out(403, "a"), seen(Verdict.GONE, "b")])

    assert judge(told, [], RULES).verdict is Verdict.RESTRICTED


@given(st.lists(st.sampled_from([403, 451, 404, 200, 503, 401]), min_size=1, max_size=4))
def test_places_change_nothing_but_denials_beside_content(statuses):
    sightings = [kept_out(status, str(place)) for place, status in enumerate(statuses)]

    told = in_places(sightings)

    assert judge(told, [], RULES).verdict == judge(sightings, [], RULES).verdict
    if 200 not in statuses:
        assert list(told) == sightings
    else:
        assert [s for s in told if s.status not in (403, 451)] == [
            s for s in sightings if s.status not in (403, 451)
        ]
