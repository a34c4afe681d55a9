"""How long removals took, worked out by hand, and computed again from what was frozen."""

import io
import json
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from nta.domain.errors import RefusedError
from nta.domain.figures.removal_report import Group
from nta.domain.figures.removal_times import RemovalClock
from nta.domain.lifecycle import EventKind
from nta.domain.roles import Role
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.tables import Addressee, Arrangement, ArrangementParty, Episode, FrozenReport, Notice
from nta.store.work import due
from nta.usecases import report
from tests.builders import MadeCase, make_case, make_notice
from tests.conftest import NINE, hours

AS_OF = NINE + hours(240)
QUICK = "hosting:quick"
SLOW = "hosting:slow"
MICROSECOND_H = 1 / 3_600_000_000


def at(hour: float) -> datetime:
    return NINE + hours(hour)


def case(store: Store, path: str, *, party: str = QUICK, handed: float | None = 2, **state: Any) -> MadeCase:
    """Make a case received at nine; its party's name is its host's, and it was told `handed` hours later."""
    kept = {name: at(hour) if name.endswith("_at") else hour for name, hour in state.items()}
    made = make_case(store, f"http://{party.partition(':')[2]}.example/{path}", NINE, party=party, **kept)
    if handed is not None:
        make_notice(store, [made], at(handed), party=party)
        if kept.get("outcome"):
            with store.db.write() as connection:
                connection.execute(update(Episode).where(Episode.id == made.episode_id).values(stage="ended"))
    return made


def addressee(store: Store, made: MadeCase, **values: Any) -> None:
    with store.db.write() as connection:
        connection.execute(update(Addressee).where(Addressee.episode_id == made.episode_id).values(**values))


def bounced(store: Store, made: MadeCase, hour: float) -> None:
    """Note what a bounce of the case's only notice leaves."""
    addressee(store, made, bounced_at=at(hour))
    with store.db.write() as connection:
        connection.execute(update(Notice).values(bounced_at=at(hour)))


def gone(store: Store, path: str = "gone", **more: Any) -> MadeCase:
    """Up until ten hours after receipt, gone two hours later, proven an hour after that."""
    found = {"presence": "removed", "last_up_at": 10, "first_gone_at": 12, "proven_gone_at": 13} | more
    return case(store, path, **found)


def four(store: Store) -> dict[str, MadeCase]:
    """Make the four addressees of one host that the figures below are worked out from."""
    made = {
        "gone": gone(store),
        "open": case(store, "open", presence="up", last_up_at=239),
        "registry": case(
            store,
            "registry",
            presence="closed",
            outcome="disabled_domain",
            actor="registry",
            last_up_at=20,
            first_gone_at=21,
            proven_gone_at=22,
            ended_at=190,
        ),
        "before": case(store, "before", presence="removed", first_gone_at=1, proven_gone_at=3),
    }
    addressee(store, made["gone"], accepted_at=at(3), presumed=False)
    return made


def figures(store: Store, clock: RemovalClock, **asked: Any) -> dict[str, Group]:
    found = report.removal_times(store, clock=clock, **{"as_of": AS_OF} | asked)
    return {group.party: group for group in found.groups}


def within(group: Group) -> list[tuple[float, float]]:
    return [(pytest.approx(w.surely), pytest.approx(w.possibly)) for w in group.within]


def test_clock_b_runs_from_handing_over_and_is_censored_where_another_ended_it(store: Store) -> None:
    four(store)

    [group] = figures(store, RemovalClock.B).values()

    # From two hours after receipt: gone after 8 to 10 h; the registry's censored at 18, the open one at 237.
    assert (group.n, group.gone, group.open, group.other, group.gone_before) == (3, 1, 1, 1, 1)
    assert group.gone_before_share == 1 / 4
    assert group.check_h == 2
    assert group.median_h is None
    assert within(group) == [(1 / 3, 1 / 3)] * 4
    assert group.presumed_share == pytest.approx(2 / 3)
    assert group.one_vantage_share == 0


def test_clock_c_runs_from_the_acceptance_or_else_from_handing_over(store: Store) -> None:
    made = four(store)
    addressee(store, made["open"], opened_at=at(30), bounced_at=at(2))

    [group] = figures(store, RemovalClock.C, until=at(3)).values()
    [whole] = figures(store, RemovalClock.C).values()

    assert (group.n, group.gone) == (1, 0)  # the registry's alone began before the third hour
    assert (whole.n, whole.gone, whole.open, whole.other, whole.gone_before) == (3, 1, 1, 1, 1)
    assert whole.check_h == 2
    # Gone 7 to 9 h after the acceptance, by the middle after 8, with all three at risk.
    with_half = figures(store, RemovalClock.C, since=at(3))[QUICK]
    assert (with_half.n, with_half.gone, with_half.open) == (2, 1, 1)
    assert with_half.median_h == pytest.approx(8)


def test_clock_c_does_not_run_for_a_notice_that_bounced(store: Store) -> None:
    made = gone(store)
    bounced(store, made, 2.1)

    assert figures(store, RemovalClock.C) == {}
    assert figures(store, RemovalClock.B)[QUICK].n == 1


def test_clock_c_runs_from_the_notice_that_did_not_bounce(store: Store) -> None:
    made = gone(store)
    bounced(store, made, 2.1)
    make_notice(store, [made], at(5), party=QUICK)

    group = figures(store, RemovalClock.C)[QUICK]

    # Gone 5 to 7 h after the second notice, whose arrival is presumed; clock B ran from the first.
    assert (group.n, group.median_h, group.presumed_share) == (1, pytest.approx(6), 1)
    assert figures(store, RemovalClock.B)[QUICK].median_h == pytest.approx(9)


def test_a_party_that_was_let_go_answers_for_the_time_until_then(store: Store) -> None:
    made = gone(store, last_up_at=10, first_gone_at=12)
    addressee(store, made, released_at=at(6), released_why="not ours")
    other = case(store, "moved", presence="up", last_up_at=239)
    addressee(store, other, released_at=at(20), released_why="withdrawn")

    group = figures(store, RemovalClock.B)[QUICK]
    early = figures(store, RemovalClock.B, as_of=at(5))[QUICK]

    assert (group.n, group.gone, group.set_apart, group.open) == (2, 0, 1, 1)
    assert within(group) == [(0, 0)] * 4
    assert (early.n, early.set_apart, early.open) == (2, 0, 2)


def test_clock_a_runs_from_the_receipt_and_ends_whoever_ended_it(store: Store) -> None:
    four(store)

    [group] = figures(store, RemovalClock.A).values()

    # Gone after 0 to 1 h, 10 to 12 and 20 to 21: by the middles the curve is 3/4, 2/4 and 1/4.
    assert (group.n, group.gone, group.open, group.other, group.gone_before) == (4, 3, 1, 0, 0)
    assert group.median_h == pytest.approx(11)
    assert group.median_low_h == pytest.approx(10, abs=1e-6)
    assert group.median_high_h == pytest.approx(12)
    assert group.p75_h == pytest.approx(20.5)
    assert group.p90_h is None
    assert within(group) == [(0.75, 0.75)] * 4
    assert group.check_h == 1


def test_a_median_lies_between_the_looks_around_it(store: Store) -> None:
    gone(store)
    case(store, "open", presence="up", last_up_at=239)

    group = figures(store, RemovalClock.B)[QUICK]

    assert group.median_h == pytest.approx(9)
    assert group.median_low_h == pytest.approx(8, abs=2 * MICROSECOND_H)
    assert group.median_high_h == pytest.approx(10)


def test_a_limit_between_two_looks_leaves_the_share_open(store: Store) -> None:
    case(store, "p", presence="removed", last_up_at=20, first_gone_at=30, proven_gone_at=31)

    group = figures(store, RemovalClock.B)[QUICK]

    assert within(group) == [(0, 1), (1, 1), (1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("as_of", "open_", "gone_"),
    [
        pytest.param(1.9, None, None, id="not-yet-told"),
        pytest.param(9, 1, 0, id="still-up"),
        pytest.param(12.5, 1, 0, id="gone-and-not-proven"),
        pytest.param(13, 0, 1, id="proven"),
    ],
)
def test_what_is_later_than_the_date_of_the_data_is_not_known(
    store: Store, as_of: float, open_: int | None, gone_: int | None
) -> None:
    gone(store)

    found = figures(store, RemovalClock.B, as_of=at(as_of))

    if open_ is None:
        assert found == {}
    else:
        assert (found[QUICK].n, found[QUICK].open, found[QUICK].gone) == (1, open_, gone_)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, {QUICK: 1, SLOW: 1}, id="all"),
        pytest.param({"since": at(2)}, {QUICK: 1, SLOW: 1}, id="from-the-first"),
        pytest.param({"since": at(2.1)}, {SLOW: 1}, id="after-the-first"),
        pytest.param({"until": at(5)}, {QUICK: 1}, id="until-excludes-its-moment"),
        pytest.param({"since": at(6)}, {}, id="none"),
    ],
)
def test_a_period_bounds_the_start_of_the_clock(
    store: Store, asked: dict[str, datetime], expected: dict[str, int]
) -> None:
    gone(store)
    gone(store, party=SLOW, handed=5)

    assert {party: group.n for party, group in figures(store, RemovalClock.B, **asked).items()} == expected


def test_presumed_and_one_vantage_shares_are_counted(store: Store) -> None:
    for number in range(3):
        made = gone(store, f"{number}", one_vantage=number == 0)
        addressee(store, made, presumed=number < 2)

    group = figures(store, RemovalClock.B)[QUICK]

    assert group.one_vantage_share == pytest.approx(1 / 3)
    assert group.presumed_share == pytest.approx(2 / 3)


def test_what_went_before_anybody_was_told_is_no_removal(store: Store) -> None:
    gone(store, "told")
    case(store, "untold", handed=None, presence="removed", last_up_at=0.5, first_gone_at=1, proven_gone_at=3)

    group = figures(store, RemovalClock.B)[QUICK]

    assert (group.n, group.gone, group.gone_before, group.gone_before_share) == (1, 1, 1, 0.5)
    assert group.median_h == pytest.approx(9)


def test_a_host_that_content_moved_to_has_no_clock_a(store: Store) -> None:
    made = case(
        store, "p", presence="up", outcome="moved_after_notice", last_up_at=10, first_gone_at=11, ended_at=12
    )
    with store.db.write() as connection:
        followed = episodes.begin(
            connection,
            store.ids,
            case_id=made.case_id,
            host_id=made.host_id,
            number=2,
            severity="normal",
            received_at=NINE,
            at=at(12),
            who="service",
            kind=EventKind.FOLLOWED,
        )
        arrangement = store.new_id()
        connection.execute(
            insert(Arrangement).values(
                id=arrangement, host_id=made.host_id, facts_sealed=b"", facts_at=at(12), began_at=at(12)
            )
        )
        connection.execute(
            insert(ArrangementParty).values(
                arrangement_id=arrangement, address="198.51.100.7", party=SLOW, seen_at=at(12)
            )
        )
        connection.execute(
            update(Episode).where(Episode.id == followed.id).values(arrangement_id=arrangement)
        )
        endings.forget(connection, [made.episode_id])
        due.want(connection, due.ESCALATE, [followed.id], at(12))

    assert {p: (g.n, g.moved, g.gone) for p, g in figures(store, RemovalClock.A).items()} == {
        QUICK: (1, 1, 0)
    }


@pytest.mark.parametrize(
    ("outcome", "column"),
    [("restricted", "set_apart"), ("expired", "set_apart"), ("withdrawn", "set_apart"), ("invalid", None)],
)
def test_what_was_no_removal_is_set_apart_or_left_out(store: Store, outcome: str, column: str | None) -> None:
    gone(store, outcome=outcome, actor="host", ended_at=14)

    found = figures(store, RemovalClock.B)

    if column is None:
        assert found == {}
    else:
        assert (found[QUICK].n, found[QUICK].gone, getattr(found[QUICK], column)) == (1, 0, 1)


def test_too_few_are_marked_as_not_to_be_published_nor_ranked(store: Store) -> None:
    for number in range(20):
        gone(store, f"{number}", party=SLOW if number == 19 else QUICK)
    gone(store, "last")

    found = figures(store, RemovalClock.B)

    assert (found[QUICK].n, found[QUICK].is_published, found[QUICK].is_ranked) == (20, True, False)
    assert (found[SLOW].n, found[SLOW].is_published) == (1, False)


def test_a_proxy_has_figures_of_its_own(store: Store) -> None:
    made = gone(store, "p")
    make_notice(store, [made], at(4), party="proxy:front", role="proxy")

    assert set(figures(store, RemovalClock.B)) == {QUICK}
    proxies = figures(store, RemovalClock.B, role=Role.PROXY)
    assert set(proxies) == {"proxy:front"}
    assert proxies["proxy:front"].n == 1


@pytest.mark.parametrize("clock", [RemovalClock.A, RemovalClock.B])
def test_what_a_proxy_serves_is_in_its_figures_and_in_no_hosts(store: Store, clock: RemovalClock) -> None:
    made = case(store, "behind", handed=None, presence="up", last_up_at=239)
    make_notice(store, [made], at(4), party="proxy:front", role="proxy")
    gone(store, party=SLOW)
    nobody = make_case(store, "http://nobody.example/", NINE, resolved=False)
    with store.db.write() as connection:
        connection.execute(
            update(ArrangementParty).where(ArrangementParty.party == QUICK).values(proxy="proxy:front")
        )

    hosts, proxies = figures(store, clock), figures(store, clock, role=Role.PROXY)

    assert nobody.episode_id
    assert set(hosts) == ({SLOW, "not known"} if clock is RemovalClock.A else {SLOW})
    assert {party: (g.n, g.open) for party, g in proxies.items()} == {"proxy:front": (1, 1)}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param({"by": "country"}, "by provider", id="by"),
        pytest.param({"role": Role.POLICE}, "hosts and for proxies", id="role"),
        pytest.param({"since": AS_OF, "until": NINE}, "period_reversed", id="period"),
    ],
)
def test_what_cannot_be_reported_is_refused(store: Store, asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        report.removal_times(store, **{"clock": RemovalClock.B, "as_of": AS_OF} | asked)


@pytest.mark.parametrize("clock", RemovalClock)
def test_a_frozen_report_is_computed_again(store: Store, clock: RemovalClock) -> None:
    four(store)
    made = report.removal_times(store, clock=clock, since=NINE, as_of=AS_OF)
    number = report.freeze(store, made, "lead@hotline.test", AS_OF)
    with store.db.write() as connection:
        connection.execute(
            update(Episode).values(last_up_at=at(60), first_gone_at=at(100), proven_gone_at=at(101))
        )
        connection.execute(update(Addressee).values(first_handed_at=at(50)))

    again = report.again(store, number)

    assert report.removal_times(store, clock=clock, since=NINE, as_of=AS_OF).groups != made.groups
    assert again.is_equal
    assert again.report.groups == made.groups
    assert again.report.parameters == made.parameters


def tampered(data: bytes) -> bytes:
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        columns = {name: kept[name] for name in kept.files}
    columns["gone"] = np.where(columns["gone"] > 0, columns["gone"] - 3_600_000_000, columns["gone"])
    held = io.BytesIO()
    np.savez_compressed(held, **columns)
    return held.getvalue()


@pytest.mark.parametrize("part", ["data", "figures"])
def test_a_frozen_report_that_was_tampered_with_is_not_equal(store: Store, part: str) -> None:
    four(store)
    number = report.freeze(
        store, report.removal_times(store, clock=RemovalClock.B, as_of=AS_OF), "lead@hotline.test"
    )
    with store.db.write() as connection:
        kept = connection.execute(select(FrozenReport.data, FrozenReport.figures)).one()
        changed = tampered(kept.data) if part == "data" else bytes(kept.figures).replace(b'"n":3', b'"n":4')
        connection.execute(update(FrozenReport).values(**{part: changed}))

    again = report.again(store, number)

    assert not again.is_equal


def test_a_frozen_report_names_no_page_and_no_episode(store: Store) -> None:
    made = four(store)
    report.freeze(
        store, report.removal_times(store, clock=RemovalClock.B, as_of=AS_OF), "lead@hotline.test", AS_OF
    )

    with store.db.read() as connection:
        kept = connection.execute(select(FrozenReport.__table__)).one()

    assert (kept.kind, kept.who, kept.made_at) == ("removal_times", "lead@hotline.test", AS_OF)
    with np.load(io.BytesIO(kept.data), allow_pickle=False) as found:
        numbers = {int(n) for name in found.files if found[name].dtype.kind == "i" for n in found[name]}
    assert not numbers & {m.episode_id for m in made.values()}
    assert "example" not in kept.parameters + bytes(kept.figures).decode()
    assert json.loads(kept.parameters)["as_of"] == AS_OF.isoformat()


def test_a_report_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(RefusedError, match="no_report"):
        report.again(store, 7)


def test_a_summary_has_the_keys_of_the_command_in_their_order(store: Store) -> None:
    four(store)
    gone(store, party=SLOW, outcome="removed_after_notice", actor="host", ended_at=180)

    found = report.summary(store, AS_OF)

    assert list(found) == [
        "cases",
        "episodes",
        "submissions",
        "notices",
        "outcomes",
        "events",
        "removal_times",
    ]
    assert (found["cases"], found["episodes"], found["submissions"]) == (5, 5, 5)
    assert found["notices"] == {"first": 5}
    assert found["outcomes"] == {"disabled_domain": 1, "removed_after_notice": 1, "still_online": 1}
    assert list(found["events"]) == [
        "bounced",
        "answered_removed",
        "returned",
        "told_hotline",
        "told_registrar",
        "told_registry",
        "domain_disabled",
        "moved",
        "contact_replaced",
        "held",
        "released",
    ]
    assert [(line["provider"], line["clock"]) for line in found["removal_times"]] == [
        (QUICK, "A"),
        (QUICK, "B"),
        (QUICK, "C"),
        (SLOW, "A"),
        (SLOW, "B"),
        (SLOW, "C"),
    ]
    assert found["removal_times"][1] == {
        "provider": QUICK,
        "clock": "B",
        "n": 3,
        "open": 1,
        "median_h": None,
        "p90_h": None,
        "within_24h": {"surely": 0.333333, "possibly": 0.333333},
        "true_median_h": None,
        "role": "host",
        "gone": 1,
        "ended_by_other": 1,
        "moved": 0,
        "set_apart": 0,
        "gone_before_notice": 1,
        "one_vantage": 0.0,
        "presumed": 0.6667,
        "published": False,
        "ranked": False,
    }
    assert list(found["removal_times"][0]) == list(found["removal_times"][1])
    assert json.loads(json.dumps(found)) == found


def test_a_summary_of_nothing_is_all_zeros(store: Store) -> None:
    found = report.summary(store, AS_OF)

    assert (found["cases"], found["episodes"], found["submissions"]) == (0, 0, 0)
    assert (found["notices"], found["outcomes"], found["removal_times"]) == ({}, {}, [])
    assert set(found["events"].values()) == {0}


def test_an_episodes_line_says_where_it_was_and_between_which_looks_it_went(store: Store) -> None:
    made = four(store)

    found = {line["episode"]: line for line in report.episode_lines(store)}

    assert found[str(made["gone"].episode_id)] == {
        "episode": str(made["gone"].episode_id),
        "provider": QUICK,
        "outcome": "removed",
        "last_up": at(10).isoformat(),
        "first_gone": at(12).isoformat(),
    }
    assert found[str(made["open"].episode_id)]["outcome"] == "still_online"
    assert found[str(made["registry"].episode_id)]["outcome"] == "disabled_domain"
    assert found[str(made["before"].episode_id)]["last_up"] is None
    assert "example" not in json.dumps(list(found.values()))


def test_an_episodes_line_has_its_url_only_when_asked_for(store: Store) -> None:
    made = gone(store)

    [line] = report.episode_lines(store, with_url=True)

    assert line["url"] == made.url
    assert list(line) == ["episode", "provider", "outcome", "last_up", "first_gone", "url"]


@pytest.mark.parametrize("vanished", [10.001, 11.5, 12], ids=["early", "between", "late"])
def test_true_figures_lie_between_the_bounds(store: Store, vanished: float) -> None:
    made = gone(store)
    other = case(store, "late", presence="removed", last_up_at=20, first_gone_at=40, proven_gone_at=41)
    moments = {made.episode_id: at(vanished), other.episode_id: at(vanished + 12)}

    true = report.true_figures(store, as_of=AS_OF, vanished=moments)

    for clock, begins in ((RemovalClock.A, 0), (RemovalClock.B, 2)):
        bounds, line = figures(store, clock)[QUICK], true[QUICK, clock.value, "host"]
        assert line["n"] == bounds.n == 2
        assert line["median_h"] == pytest.approx(vanished - begins, abs=1e-3)
        assert bounds.median_low_h <= line["median_h"] <= bounds.median_high_h
        day = bounds.within[0]
        assert line["within_24h"]["surely"] == line["within_24h"]["possibly"]
        assert day.surely <= line["within_24h"]["surely"] <= day.possibly


def test_true_figures_leave_the_open_and_the_moved_as_they_are(store: Store) -> None:
    made = four(store)

    true = report.true_figures(store, as_of=AS_OF, vanished={m.episode_id: at(11) for m in made.values()})

    assert (true[QUICK, "B", "host"]["n"], true[QUICK, "B", "host"]["open"]) == (3, 1)
    assert true[QUICK, "B", "host"]["within_24h"] == {"surely": 0.333333, "possibly": 0.333333}
