"""`nta check` on pages whose status alone does not tell, against the lab."""

from collections.abc import Iterator

import pytest

from nta.lab.world import World
from nta.lab.worldfile import read_world
from tests.cli.conftest import Nta
from tests.lab.conftest import SMALL, Client, playing


@pytest.fixture(scope="module")
def wide() -> World:
    return read_world(str(SMALL.with_name("wide.yaml")))


@pytest.fixture(scope="module")
def lab(wide: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with playing(wide, tmp_path_factory.mktemp("lab")) as client:
        yield client


@pytest.fixture
def online(nta: Nta, lab: Client) -> Nta:
    card = lab.card
    nta.settings |= {
        "NTA_HOTLINE": card["hotline"],
        "NTA_CATALOGUE": card["catalogue"],
        "NTA_CLOCK": f"lab:{card['control']}",
        "NTA_DNS_SERVERS": card["dns"],
        "NTA_RDAP_BOOTSTRAP": card["rdap_bootstrap"],
        "NTA_VANTAGES": card["vantages"],
        "NTA_CONTROL_URLS": card["control_urls"],
        "NTA_REACH": "127.0.0.0/8",
    }
    return nta


def url(world: World, lab: Client, site: str) -> str:
    return world.url(world.sites[site].pages[0], lab.card["web_port"])


@pytest.mark.parametrize(
    ("site", "verdict", "seen"),
    [
        pytest.param(
            "echo", "up", ["up content_present unlike_canary", "up content_present unlike_canary"], id="echo"
        ),
        pytest.param(
            "geo",
            "up",
            ["up content_present status_2xx", "restricted geo_blocked seen_from_elsewhere"],
            id="geo",
        ),
        pytest.param(
            "hot",
            "restricted",
            ["restricted forbidden status_403", "restricted forbidden status_403"],
            id="hot",
        ),
    ],
)
def test_each_place_says_what_it_saw_and_by_which_rule(
    online: Nta, wide: World, lab: Client, site: str, verdict: str, seen: list[str]
) -> None:
    ended = online("check", "--json", url(wide, lab, site))

    (found,) = ended.objects
    assert found["verdict"] == verdict
    assert [f"{s['verdict']} {s['cause']} {s['rule']}" for s in found["sightings"]] == seen


def test_a_page_that_never_was_on_a_host_that_answers_anything_is_unknown(
    online: Nta, wide: World, lab: Client
) -> None:
    ended = online("check", "--json", url(wide, lab, "echo") + "-never")

    (found,) = ended.objects
    assert (ended.code, found["verdict"], found["cause"]) == (3, "unknown", "soft_404")
    assert {s["rule"] for s in found["sightings"]} == {"answers_anything"}


def test_a_person_reads_the_rule(online: Nta, wide: World, lab: Client) -> None:
    ended = online("check", url(wide, lab, "geo"))

    assert "  de: restricted, geo_blocked by the rule seen_from_elsewhere, status 451" in ended.out
