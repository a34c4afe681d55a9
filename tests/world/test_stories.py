"""Each story of the lab, played to its end on each database, comes to what its YAML says."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from nta.lab.world import World
from nta.lab.worldfile import WORLDS, read_world
from tests.databases import SystemCluster
from tests.world.telling import Templates, Told, told

STORIES = sorted(path.stem for path in WORLDS.glob("*.yaml") if path.stem not in ("loop", "whole"))
BY_PEOPLE = ("still_online", "expired", "withdrawn", "invalid", "restricted")
"""Outcomes of pages that may stay where they are."""


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, blank_sqlite: Path) -> Iterator[Templates]:
    made = Templates(tmp_path_factory.mktemp("template"), blank_sqlite)
    yield made
    made.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, blank_sqlite: Path) -> Iterator[Templates]:
    server = SystemCluster()
    server.make_blank()
    made = Templates(tmp_path_factory.mktemp("template"), blank_sqlite, server)
    yield made
    made.close()
    server.stop()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_as_it_says(name: str, embedded: Templates, tmp_path: Path) -> None:
    plays_as_it_says(name, "sqlite", embedded, tmp_path)


@pytest.mark.system
@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_the_same_on_a_real_server(name: str, served: Templates, tmp_path: Path) -> None:
    plays_as_it_says(name, "postgresql", served, tmp_path)


def plays_as_it_says(name: str, kind: str, templates: Templates, folder: Path) -> None:
    world = read_world(name)
    with told(name, kind, templates, folder) as found:
        ended_as_it_says(world, found)
        ended_well(found)


def ended_as_it_says(world: World, found: Told) -> None:
    assert world.story
    expected, summary = world.expect, found.summary
    assert {"cases", "outcomes", "events"} <= set(expected)
    for key in ("cases", "episodes", "outcomes", "notices"):
        if key in expected:
            assert summary[key] == expected[key], key
    assert {kind: count for kind, count in summary["events"].items() if count} == expected["events"]
    for figure in expected.get("figures", ()):
        assert figure_of(summary, figure) == figure


def figure_of(summary: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figure of the wanted provider, clock and role, as far as the story speaks of it."""
    role = wanted.get("role", "host")
    (found,) = [
        line
        for line in summary["removal_times"]
        if (line["provider"], line["clock"], line["role"]) == (wanted["provider"], wanted["clock"], role)
    ]
    return {key: found[key] for key in wanted}


def ended_well(found: Told) -> None:
    """Nothing waits unseen, no act was given up, every true moment lies within its interval."""
    assert (found.unseen, found.faults, found.failures) == ([], [], 0)
    stayed = sum(found.summary["outcomes"].get(outcome, 0) for outcome in BY_PEOPLE)
    assert len(found.left) <= stayed, "only what people ended themselves was there until its world ended"
    assert [ip for ip in found.reached if not ip_address(ip).is_loopback] == [], "nothing leaves this machine"
    assert len(found.reached) > 1
    outside = [line for line in found.episodes if not lies_within(line)]
    assert outside == []


def lies_within(line: Mapping[str, Any]) -> bool:
    if line["outcome"] in BY_PEOPLE and line["first_gone"] is None:
        return True
    true, up, gone = (
        line[key] and datetime.fromisoformat(line[key]) for key in ("true_gone", "last_up", "first_gone")
    )
    return bool(true and gone and true <= gone and (up is None or up < true))
