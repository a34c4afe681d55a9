"""The whole world as `nta demo` plays it: every outcome, every event, figures that hold against the truth."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from nta.domain.checks.outcomes import Outcome
from nta.lab.worldfile import read_world
from nta.store.reads.summary import COUNTED
from nta.usecases.report import summary, true_figures
from tests.databases import SystemCluster
from tests.world.leaks import no_marker_leaks
from tests.world.playing import Played, end_lab, finish, left_behind, start
from tests.world.polling import Answers, played_and_polled, waited_in_vain
from tests.world.test_stories import BY_PEOPLE, lies_within

# As long as twenty stories: among the longer tests, beside a real server, so that the others stay quick.
pytestmark = [pytest.mark.xdist_group("whole"), pytest.mark.system]


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Played, Answers]]:
    with played_and_polled(tmp_path_factory.mktemp("whole"), "whole") as both:
        yield both


@pytest.fixture(scope="module")
def played(polled: tuple[Played, Answers]) -> Played:
    return polled[0]


def test_the_whole_world_is_as_large_as_it_must_be() -> None:
    world = read_world("whole")
    behind = [placement.origin for site in world.sites.values() for placement in site.placements]

    assert len(world.sites) >= 40
    assert sum(not one.is_proxy for one in world.providers.values()) >= 12
    assert (len(world.parties.registrars), len(world.registries)) == (3, 3)
    assert len(world.parties.hotlines) >= 1
    assert sum(origin is not None for origin in behind) >= 2


def test_every_outcome_and_every_event_is_there(played: Played) -> None:
    told = played.summary

    assert played.code == 0, played.err
    assert [outcome.value for outcome in Outcome if not told["outcomes"].get(outcome.value)] == []
    assert [kind for kind in COUNTED if not told["events"].get(kind)] == []
    assert '"do":"fault"' not in (played.folder / "lab" / "journal.jsonl").read_text(), "no act was given up"
    assert sum(told["outcomes"].values()) == told["episodes"] == len(played.episodes)
    assert told["submissions"] > told["cases"] >= 300


def test_the_doors_answer_at_once_all_the_while(polled: tuple[Played, Answers]) -> None:
    played, answers = polled

    assert waited_in_vain(played) == []
    for name in answers.took:
        assert answers.share_within(name, 1.0) >= 0.99, name
        assert answers.slowest(name) <= 3.0, name


def test_every_true_moment_lies_within_its_interval(played: Played) -> None:
    assert [line for line in played.episodes if not lies_within(line)] == []
    assert sum(line["outcome"] not in BY_PEOPLE for line in played.episodes) > 250


def test_the_true_shares_lie_between_surely_and_possibly(played: Played) -> None:
    store = left_behind(played)
    ends = {
        int(line["episode"]): datetime.fromisoformat(line["true_gone"]) if line["true_gone"] else None
        for line in played.episodes
    }
    as_of = max(end for end in ends.values() if end) + timedelta(days=30)
    true = true_figures(store, as_of=as_of, vanished=ends)
    believed = {(f["provider"], f["clock"], f["role"]): f for f in summary(store, as_of)["removal_times"]}
    store.db.dispose()

    assert {role for _, _, role in believed} == {"host", "proxy"}
    assert set(believed) <= set(true)
    for key, figure in believed.items():
        share = true[key]["within_24h"]
        assert figure["within_24h"]["surely"] - 1e-9 <= share["surely"], key
        assert share["possibly"] <= figure["within_24h"]["possibly"] + 1e-9, key


def test_no_marker_leaks(played: Played) -> None:
    no_marker_leaks(played)


def test_nothing_is_published_of_few(played: Played) -> None:
    lines = played.summary["removal_times"]

    assert {line["published"] for line in lines} == {True, False}
    assert all(line["published"] == (line["n"] >= 20) for line in lines)
    assert all(line["ranked"] == (line["n"] >= 50) for line in lines)


def test_a_real_server_comes_to_the_same_summary(played: Played, tmp_path: Path) -> None:
    server = SystemCluster()
    try:
        there = finish(start(tmp_path, database_url=server.uri, world="whole"), tmp_path)
    finally:
        end_lab(tmp_path)
        server.stop()

    assert there.code == 0, there.err
    assert there.summary == played.summary
