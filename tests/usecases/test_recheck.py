"""Looking again: what counts as there and as gone, and that no look is lost or counted twice."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from nta.domain.intake.urls import parse
from nta.store.db.handle import Store
from nta.store.tables import ArrangementParty, Due, Episode, Event, SightingSpan
from nta.store.work import due
from nta.usecases import recheck
from nta.usecases.recheck import look_once
from tests.builders import make_case, make_notice
from tests.conftest import NINE, hours
from tests.usecases.eyes import HOME, World

URL = "http://images.quick.example/p/1"
SECOND = "198.51.100.20"
FAR = NINE + hours(10_000)


class CutOffError(BaseException):
    """The process ends here: nothing may catch it."""


@pytest.fixture
def world() -> World:
    return World()


def look(
    store: Store,
    world: World,
    now: datetime,
    *vantages: str,
    holder: str = "me",
    cut_at: str | None = None,
) -> int:
    def checkpoint(name: str) -> None:
        if name == cut_at:
            raise CutOffError

    return recheck.recheck_due(
        store, eyes=world.eyes(*vantages), holder=holder, now=now, checkpoint=checkpoint
    )


def all_due(store: Store, at: datetime) -> None:
    """Let every look come at `at`, whatever the deadlines say."""
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=at))


def looks(store: Store, world: World, *rounds: float, vantages: tuple[str, ...] = ()) -> None:
    """Look so many hours after nine."""
    for hour in rounds:
        all_due(store, NINE + hours(hour))
        assert look(store, world, NINE + hours(hour), *vantages) > 0


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.db.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))


def episode(store: Store, *columns: Any) -> tuple[Any, ...]:
    [found] = rows(store, *columns)
    return found


def presence(store: Store) -> str:
    return str(episode(store, Episode.presence)[0])


def events(store: Store) -> list[str]:
    return [kind for _, kind in rows(store, Event.id, Event.kind)]


def due_at(store: Store, kind: str, subject: int) -> datetime | None:
    with store.db.read() as connection:
        return connection.execute(
            select(Due.due_at).where(Due.kind == kind, Due.subject == subject)
        ).scalar_one_or_none()


def test_what_is_seen_is_up_and_its_ladder_goes_on(store: Store, world: World) -> None:
    case = make_case(store, URL, NINE)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.ESCALATE).values(due_at=FAR))

    assert look(store, world, NINE) == 1

    found = episode(
        store,
        Episode.presence,
        Episode.last_up_at,
        Episode.looked_at,
        Episode.last_verdict,
        Episode.last_cause,
    )
    assert found == ("up", NINE, NINE, "up", "content_present")
    assert events(store) == ["submitted", "seen_up"]
    assert due_at(store, due.ESCALATE, case.episode_id) == NINE
    assert world.asked == [("nl", URL, HOME), ("de", URL, HOME)]


def test_gone_for_two_vantage_points_in_two_rounds_an_hour_apart_is_removed(
    store: Store, world: World
) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.page(404)

    looks(store, world, 1)
    after_one = episode(store, Episode.presence, Episode.first_gone_at, Episode.paused_since)
    looks(store, world, 1.9)
    after_two = presence(store)
    looks(store, world, 2)

    one = NINE + hours(1)
    assert after_one == ("absent", one, one)
    assert after_two == "absent"
    found = episode(
        store, Episode.presence, Episode.first_gone_at, Episode.proven_gone_at, Episode.one_vantage
    )
    assert found == ("removed", one, NINE + hours(2), False)
    assert episode(store, Episode.last_up_at) == (NINE,)
    assert events(store) == ["submitted", "seen_up", "seen_gone", "proven_gone"]


@pytest.mark.parametrize(
    ("handed", "outcome", "actor"),
    [
        pytest.param(hours(0.5), "removed_after_notice", "host", id="told-before-it-went"),
        pytest.param(hours(1.5), "gone_before_notice", "nobody", id="told-after-it-went"),
        pytest.param(None, "gone_before_notice", "nobody", id="nobody-told"),
    ],
)
def test_what_stays_gone_is_closed_after_the_watch(
    store: Store, world: World, handed: timedelta | None, outcome: str, actor: str
) -> None:
    case = make_case(store, URL, NINE)
    looks(store, world, 0)
    if handed is not None:
        make_notice(store, [case], NINE + handed)
    world.page(410)
    looks(store, world, 1, 2)

    looks(store, world, 168.9)
    watched = presence(store)
    looks(store, world, 169)

    assert watched == "removed"
    found = episode(store, Episode.presence, Episode.stage, Episode.outcome, Episode.actor, Episode.ended_at)
    assert found == ("closed", "ended", outcome, actor, NINE + hours(169))
    assert events(store)[-1] == "ended"
    assert rows(store, Due.subject) == [(case.host_id,)]


@pytest.mark.parametrize("said", ["timeout", "reset", "tls_error", "dns_failure", 500, 503, 429, 302])
def test_what_could_not_be_told_is_never_gone_however_often(
    store: Store, world: World, said: int | str
) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.page(said)

    looks(store, world, 1, 2, 30, 60, 400)

    assert episode(store, Episode.presence, Episode.last_verdict) == ("up", "unknown")
    assert episode(store, Episode.first_gone_at, Episode.last_up_at) == (None, NINE)
    assert events(store) == ["submitted", "seen_up"]


@pytest.mark.parametrize("trouble", ["page", "name"])
def test_with_the_control_pages_out_of_reach_nothing_is_gone(
    store: Store, world: World, trouble: str
) -> None:
    make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    if trouble == "page":
        world.page(404)
    else:
        world.name(error="nxdomain")
    world.control_is_down()

    looks(store, world, 1, 2, 3)

    assert presence(store) == "up"
    assert rows(
        store, SightingSpan.vantage, SightingSpan.verdict, SightingSpan.cause, SightingSpan.count
    ) == [
        ("de", "unknown", "our_network", 3),
        ("nl", "unknown", "our_network", 3),
    ]


def test_what_one_vantage_point_still_sees_is_up(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    world.page(404, vantage="nl")

    looks(store, world, 0, 1, 2, 30)

    assert episode(store, Episode.presence, Episode.last_up_at) == ("up", NINE + hours(30))
    assert [verdict for _, verdict in rows(store, SightingSpan.vantage, SightingSpan.verdict)] == [
        "up",
        "gone",
    ]


@pytest.mark.parametrize(
    "vantages", [pytest.param(("nl",), id="only-one"), pytest.param((), id="the-other-is-blind")]
)
def test_one_vantage_point_alone_needs_three_looks_over_a_day(
    store: Store, world: World, vantages: tuple[str, ...]
) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0, vantages=vantages)
    world.page(404)
    world.page("timeout", vantage="de")

    looks(store, world, 1, 12, 24.9, vantages=vantages)
    before_a_day = presence(store)
    looks(store, world, 25, vantages=vantages)

    assert before_a_day == "absent"
    assert episode(store, Episode.presence, Episode.one_vantage) == ("removed", True)


def test_one_vantage_point_with_two_looks_over_a_day_proves_nothing(store: Store, world: World) -> None:
    make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    world.page(404)

    looks(store, world, 1, 26, vantages=("nl",))

    assert presence(store) == "absent"


def test_a_page_is_gone_only_when_every_host_of_the_arrangement_says_so(store: Store, world: World) -> None:
    make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    with store.db.write() as connection:
        [arrangement] = connection.execute(select(ArrangementParty.arrangement_id)).scalars()
        connection.execute(
            insert(ArrangementParty).values(
                arrangement_id=arrangement, address=SECOND, party="hosting:second", seen_at=NINE
            )
        )
    world.name(HOME)
    world.page(404, address=HOME)

    looks(store, world, 1, 2)
    still_at_the_second = presence(store)
    world.page(404)
    looks(store, world, 3, 4)

    assert still_at_the_second == "up"
    assert presence(store) == "removed"
    assert {address for _, _, address in world.asked} == {HOME, SECOND}


def test_one_address_of_each_host_is_looked_at(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    with store.db.write() as connection:
        connection.execute(update(ArrangementParty).values(network="192.0.2.0/24"))
    world.name("192.0.2.20", "192.0.2.21")

    looks(store, world, 0, vantages=("nl",))

    assert world.asked == [("nl", URL, "192.0.2.20")]


def test_a_name_that_vanished_after_the_registry_was_told_ends_as_disabled(
    store: Store, world: World
) -> None:
    case = make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    make_notice(store, [case], NINE, role="host")
    make_notice(store, [case], NINE + hours(0.5), party="registry:example", role="registry", kind="registry")
    world.name(error="nxdomain")

    looks(store, world, 1, 2)
    noted = rows(store, Event.id, Event.kind, Event.who)
    looks(store, world, 169)

    assert [row[1:] for row in noted[-2:]] == [("proven_gone", "service"), ("domain_disabled", "registry")]
    assert episode(store, Episode.outcome, Episode.actor) == ("disabled_domain", "registry")
    assert events(store).count("domain_disabled") == 1


def test_a_name_that_vanished_while_the_host_alone_was_told_is_by_an_unknown_hand(
    store: Store, world: World
) -> None:
    case = make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    make_notice(store, [case], NINE)
    world.name(error="nxdomain")

    looks(store, world, 1, 2, 169)

    assert episode(store, Episode.outcome, Episode.actor) == ("removed_after_notice", "unknown")
    assert "domain_disabled" not in events(store)


def test_a_return_counts_and_lets_the_ladder_go_on_with_the_time_it_had_left(
    store: Store, world: World
) -> None:
    case = make_case(store, URL, NINE)
    looks(store, world, 0)
    make_notice(store, [case], NINE)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.ESCALATE).values(due_at=FAR))
    world.page(404)
    looks(store, world, 1, 2)
    world.page(200)

    looks(store, world, 26)

    found = episode(store, Episode.presence, Episode.returns, Episode.paused, Episode.paused_since)
    assert found == ("up", 1, hours(25), None)
    assert episode(store, Episode.first_gone_at, Episode.proven_gone_at) == (None, None)
    assert events(store)[-1] == "returned"
    assert due_at(store, due.ESCALATE, case.episode_id) == NINE + hours(26)


def test_one_that_was_absent_for_a_look_only_is_no_return(store: Store, world: World) -> None:
    make_case(store, URL, NINE, presence="up", last_up_at=NINE)
    world.page(404)
    looks(store, world, 1)
    world.page(200)

    looks(store, world, 2)

    found = episode(store, Episode.presence, Episode.returns, Episode.paused)
    assert found == ("up", 0, hours(1))
    assert events(store)[-1] == "seen_up"


def test_equal_looks_extend_one_span_and_another_verdict_begins_the_next(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0, 1, 3, 3.5, vantages=("nl",))
    world.page(404)
    looks(store, world, 4, vantages=("nl",))

    spans = rows(
        store,
        SightingSpan.first_at,
        SightingSpan.last_at,
        SightingSpan.count,
        SightingSpan.longest_gap,
        SightingSpan.verdict,
        SightingSpan.status,
        SightingSpan.address,
        SightingSpan.current,
    )
    four = NINE + hours(4)
    assert spans == [
        (NINE, NINE + hours(3.5), 4, hours(2), "up", 200, HOME, False),
        (four, four, 1, hours(0), "gone", 404, HOME, True),
    ]


MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "severity", "said", "now", "expected"),
    [
        pytest.param({}, "normal", 200, NINE + 3 * MINUTES, NINE + hours(1), id="young"),
        pytest.param({}, "urgent", 200, NINE + 3 * MINUTES, NINE + 15 * MINUTES, id="urgent"),
        pytest.param({}, "urgent", 200, NINE + hours(6), NINE + hours(7), id="urgent-after-six-hours"),
        pytest.param({}, "normal", 200, NINE + hours(50), NINE + hours(56), id="after-two-days"),
        pytest.param({}, "normal", 200, NINE + hours(170), NINE + hours(182), id="after-a-week"),
        pytest.param({}, "normal", 404, NINE + 3 * MINUTES, NINE + 65 * MINUTES, id="absent-never-early"),
        pytest.param(
            {"presence": "removed", "first_gone_at": NINE - hours(2), "paused_since": NINE - hours(2)},
            "normal",
            404,
            NINE + 3 * MINUTES,
            NINE + hours(24),
            id="watched-on-the-hour",
        ),
    ],
)
def test_the_next_look_comes_as_the_deadlines_say(
    store: Store,
    world: World,
    state: dict[str, Any],
    severity: str,
    said: int,
    now: datetime,
    expected: datetime,
) -> None:
    case = make_case(store, URL, NINE, severity=severity, **state)
    world.page(said)

    look(store, world, now)

    assert due_at(store, due.LOOK, case.episode_id) == expected


def test_overdue_looks_are_made_once(store: Store, world: World) -> None:
    for number in range(3):
        make_case(store, f"{URL}/{number}", NINE)

    taken = [look(store, world, NINE + hours(72)) for _ in range(2)]

    assert taken == [3, 0]
    assert len(world.asked) == 6
    assert [count for _, count in rows(store, SightingSpan.id, SightingSpan.count)] == [1] * 6


def test_a_batch_takes_no_more_than_its_limit_longest_due_first(store: Store, world: World) -> None:
    for number in range(3):
        make_case(store, f"{URL}/{number}", NINE + number * MINUTES)

    taken = recheck.recheck_due(store, eyes=world.eyes("nl"), holder="me", now=NINE + hours(1), limit=2)

    assert taken == 2
    assert [url for _, url, _ in world.asked] == [f"{URL}/0", f"{URL}/1"]


def test_nothing_due_looks_at_nothing(store: Store, world: World) -> None:
    make_case(store, URL, NINE)

    assert look(store, world, NINE - hours(1)) == 0
    assert world.asked == []


def test_a_look_whose_lease_another_took_is_dropped(store: Store, world: World) -> None:
    case = make_case(store, URL, NINE)

    def lose() -> None:
        with store.db.write() as connection:
            connection.execute(update(Due).where(Due.kind == due.LOOK).values(taken_by="other"))

    world.before_looking = lose
    look(store, world, NINE)

    assert presence(store) == "unseen"
    assert rows(store, SightingSpan.id) == []
    assert events(store) == ["submitted"]
    held = [row for row in rows(store, Due.kind, Due.subject, Due.due_at, Due.taken_by) if row[0] == due.LOOK]
    assert held == [(due.LOOK, case.episode_id, NINE, "other")]


def test_a_look_wanted_while_one_is_under_way_follows_it_and_nobody_else_looks_meanwhile(
    store: Store, world: World
) -> None:
    case = make_case(store, URL, NINE)
    others: list[int] = []

    def somebody_wants() -> None:
        world.before_looking = lambda: None
        with store.db.write() as connection:
            due.want(connection, due.LOOK, [case.episode_id], NINE)
            others.extend(due.take(connection, due.LOOK, "other", NINE, 1))

    world.before_looking = somebody_wants
    look(store, world, NINE)
    counted = presence(store)

    assert (counted, others) == ("up", [])
    assert look(store, world, NINE, holder="other") == 1
    assert due_at(store, due.LOOK, case.episode_id) == NINE + hours(1)


def test_a_case_that_ended_while_it_was_looked_at_stays_as_it_ended(store: Store, world: World) -> None:
    make_case(store, URL, NINE)

    def end() -> None:
        with store.db.write() as connection:
            connection.execute(
                update(Episode).values(stage="ended", outcome="withdrawn", actor="analyst", ended_at=NINE)
            )

    world.before_looking = end
    look(store, world, NINE)

    assert episode(store, Episode.presence, Episode.outcome) == ("unseen", "withdrawn")
    assert due.LOOK not in [kind for (kind,) in rows(store, Due.kind)]


@pytest.mark.parametrize("cut_at", ["recheck.taken", "recheck.looked", "recheck.recorded"])
def test_looks_cut_off_at_any_point_are_made_again_without_harm(
    store: Store, world: World, cut_at: str
) -> None:
    cases = [make_case(store, f"{URL}/{number}", NINE) for number in range(3)]
    world.page(404, url=cases[2].url)

    with pytest.raises(CutOffError):
        look(store, world, NINE, cut_at=cut_at)
    with store.db.write() as connection:
        due.release_of(connection, "me")
    look(store, world, NINE, holder="next")

    assert rows(store, Episode.id, Episode.presence, Episode.looked_at) == [
        (cases[0].episode_id, "up", NINE),
        (cases[1].episode_id, "up", NINE),
        (cases[2].episode_id, "absent", NINE),
    ]
    assert [count for _, count in rows(store, SightingSpan.id, SightingSpan.count)] == [1] * 6
    assert sorted(events(store)) == ["seen_gone", "seen_up", "seen_up", "submitted", "submitted", "submitted"]
    next_looks = {due_at(store, due.LOOK, case.episode_id) for case in cases}
    assert next_looks == {NINE + hours(1)}
    assert {by for (by,) in {(row[1],) for row in rows(store, Due.kind, Due.taken_by)}} == {None}


def test_the_leased_looks_of_a_living_holder_are_left_to_it(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    with pytest.raises(CutOffError):
        look(store, world, NINE, cut_at="recheck.taken")

    assert look(store, world, NINE, holder="next") == 0


def test_looking_once_answers_from_every_vantage_point_and_writes_nothing(store: Store, world: World) -> None:
    world.name("192.0.2.77")
    world.page(404, vantage="de")

    found = look_once(parse(URL), eyes=world.eyes(), now=NINE)

    assert [(s.vantage, s.verdict, s.status, s.ip) for s in found] == [
        ("nl", "up", 200, "192.0.2.77"),
        ("de", "gone", 404, "192.0.2.77"),
    ]
    assert rows(store, Episode.id) == []


@pytest.mark.parametrize(
    ("reachable", "verdict", "cause"),
    [
        pytest.param(True, "gone", "nxdomain", id="gone"),
        pytest.param(False, "unknown", "our_network", id="ours"),
    ],
)
def test_looking_once_at_a_name_that_leads_nowhere_asks_whose_fault_it_is(
    world: World, reachable: bool, verdict: str, cause: str
) -> None:
    world.name(error="nxdomain")
    if not reachable:
        world.control_is_down()

    found = look_once(parse(URL), eyes=world.eyes("nl"), now=NINE)

    assert [(s.verdict, s.cause) for s in found] == [(verdict, cause)]
    assert world.asked == []


def test_looking_once_at_an_address_asks_no_name(world: World) -> None:
    world.name(error="nxdomain")

    found = look_once(parse("http://192.0.2.7/p"), eyes=world.eyes("nl"), now=NINE)

    assert [(s.verdict, s.ip) for s in found] == [("up", "192.0.2.7")]
