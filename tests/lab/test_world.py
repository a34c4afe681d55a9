"""World files: what they become, and how a broken one is refused in one line."""

from datetime import timedelta
from pathlib import Path

import pytest

from nta import catalogue
from nta.lab import chance
from nta.lab.agenda import Agenda, event
from nta.lab.overlay import write_overlay
from nta.lab.world import World
from nta.lab.world_validation import WorldError
from nta.lab.worldfile import parse_world, read_world
from nta.shipped import shipped
from tests.conftest import NINE
from tests.lab.conftest import SMALL, WIDE


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 7", "seed: 7\ncolour: red", "small.yaml: colour: is not a key here (there are seed, markers"),
        (
            "    asn: 64500",
            "    asn: 64500\n    mood: good",
            "small.yaml: providers.quick.mood: is not a key here",
        ),
        ("    asn: 64500\n", "", "small.yaml: providers.quick.asn: is missing"),
        ("asn: 64500", "asn: 65000", "small.yaml: providers.quick.asn: must be one of the documentation"),
        ("asn: 64501", "asn: 64500", "small.yaml: asn 64500 stands twice"),
        ("seed: 7", "seed: seven", "small.yaml: seed: must be a whole number"),
        ("nested: true", "nested: 1", "small.yaml: providers.slow.nested: must be true or false"),
        (
            "127.11.0.0/16",
            "127.10.9.0/24",
            "small.yaml: sites.two.at[1].address: does not lie in the network",
        ),
        ("127.13.0.0/16", "10.0.0.0/8", "small.yaml: providers.bouncing.network: must lie in 127.10.0.0"),
        ("host: four.test", "host: four.org", "small.yaml: sites.four.host: must be a lower-case name"),
        ("host: four.test", "host: two.example", "small.yaml: host two.example stands twice"),
        (
            "removes: [20m, 6h]",
            "removes: [6h, 20m]",
            "small.yaml: providers.quick.removes: must name the shorter",
        ),
        ("removes: [20m, 6h]", "removes: 20 m", "small.yaml: providers.quick.removes: must be a list"),
        ("rotates: 1h", "rotates: 1 hour", "small.yaml: sites.three.rotates: must be a span such as"),
        ("    rotates: 1h\n", "", "small.yaml: sites.three.rotates: is missing"),
        (
            "four: all}, b",
            "four: 1-3}, b",
            "small.yaml: hand_ins[1].pages.four: names a page that is not there",
        ),
        ("four: all}, b", "four: ²}, b", "small.yaml: hand_ins[1].pages.four: must be all, a number"),
        ("rotates: 1h", "rotates: ²h", "small.yaml: sites.three.rotates: must be a span such as"),
        ("four: all}, b", "five: all}, b", "small.yaml: hand_ins[1].pages.five: is no site of this world"),
        (
            "severity: urgent",
            "severity: dire",
            "small.yaml: hand_ins[1].severity: must be one of normal, high",
        ),
        ("2026-03-03T10:00Z", "2026-03-03T10:00", "small.yaml: acts[1].at: must name its offset"),
        ("2026-03-03T10:00Z", "tomorrow", "small.yaml: acts[1].at: must be a moment such as"),
        (
            "2026-03-03T10:00Z",
            "2027-03-03T10:00Z",
            "small.yaml: 2027-03-03T10:00Z lies outside start and ends",
        ),
        ("falsely: [one/2]", "falsely: [one/9]", "small.yaml: providers.quick.answers.falsely: no such page"),
        ("url: urlword", "url: bodywords", "small.yaml: markers: one holds the other"),
        ("seed: 7", "seed: 7\nseed: 8", "small.yaml: line 3: seed: stands twice"),
        ("seed: 7", "seed: [", "small.yaml: line 4: "),
    ],
)
def test_a_world_that_cannot_be_played_is_refused_with_file_and_key(old: str, new: str, said: str) -> None:
    text = SMALL.read_text(encoding="utf-8")
    assert old in text

    with pytest.raises(WorldError) as caught:
        parse_world(text.replace(old, new, 1), "small.yaml")

    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    proxy: true\n", "", "wide.yaml: providers.front.passes_on: needs proxy"),
        (
            "    listed: true\n",
            "    listed: true\n    origin_lookup: true\n",
            "wide.yaml: providers.shut.origin_lookup: needs proxy",
        ),
        (", origin: {provider: quick, address: 127.10.0.21}", "", "sites.fronted.at[1].origin: is missing"),
        (
            "at: [{provider: quick, address: 127.10.0.12}]",
            "at: [{provider: quick, address: 127.10.0.12, origin: {provider: quick, address: 127.10.0.9}}]",
            "wide.yaml: sites.echo.at[1].origin: is not for quick, which is no proxy",
        ),
        (
            "says: refused",
            "says: perhaps",
            "wide.yaml: providers.ticket.replies.says: must be one of refused",
        ),
        (
            "why: not",
            "until: 2h, why: not",
            "wide.yaml: providers.ticket.replies.until: goes with says: forwarded",
        ),
        ("    listed: true\n", "", "wide.yaml: providers.shut.outdated: needs listed"),
        (
            "farewell: suspended",
            "farewell: adieu",
            "wide.yaml: providers.shut.farewell: must be one of not_found",
        ),
        ("iana_id: 9102", "iana_id: 9101", "wide.yaml: iana_id 9101 stands twice"),
        ("parks: 200", "parks: 302", "wide.yaml: registrars.lots.parks: must be 200 or 403"),
        (
            "suffix: example",
            "suffix: org",
            "wide.yaml: registries.registry-example.suffix: must be one of test",
        ),
        ("    takes: [1h, 2h]\n", "", "wide.yaml: hotlines.abroad.takes: is missing"),
        ("hotlines: [abroad]", "hotlines: [nobody]", "wide.yaml: countries.DE.hotlines: there is no nobody"),
        ("registrar: lots", "registrar: few", "wide.yaml: sites.grumpy.registrar: must be one of tidy, lots"),
        (
            "missing: echo",
            "missing: reply",
            "wide.yaml: sites.echo.manners.missing: must be one of not_found",
        ),
        (
            "blocked_with: 451",
            "blocked_with: 404",
            "wide.yaml: sites.geo.manners.blocked_with: must be 403 or 451",
        ),
        ("how: silence", "how: fire", "wide.yaml: sites.sick.down[3].how: must be one of refused"),
        ("127.10.0.15", "127.10.0.14", "wide.yaml: sites.sick.down: its machine serves other sites"),
        (
            "to: 2026-03-02T11:00Z",
            "to: 2026-03-02T10:00Z",
            "wide.yaml: sites.sick.down[1].to: must lie after",
        ),
        ("act: withdraw", "act: origin", "wide.yaml: acts[3].address: is missing"),
        ("act: origin", "act: withdraw", "wide.yaml: acts[2].address: goes with act: origin alone"),
        ("every: 4h, to: 2026-03-03T18:00Z", "every: 4h", "wide.yaml: approvals[1].to: is missing"),
        ("every: 4h, ", "", "wide.yaml: approvals[1].to: goes with every alone"),
        ("{body: bodyword, url: urlword}", "{body: bodyword}", "wide.yaml: markers.url: is missing"),
        ("ladders:\n  - {id: only-one", "ladders:\n  - {id: 1", "wide.yaml: ladders[1].id: must be a text"),
        (
            'comes_back: [{pages: "1"',
            'comes_back: [{pages: "9"',
            "wide.yaml: sites.soft.comes_back[1].pages: names a page that is not there",
        ),
        ("act: withdraw", "act: forget", "wide.yaml: acts[3].act: must be one of withdraw"),
        ("address: 127.10.0.21, reason", "reason", "wide.yaml: acts[2].address: is missing"),
        ("who: [lead2]", "who: [analyst]", "wide.yaml: approvals[2].who: must be a list of lead and lead2"),
        ("ladders:\n  - {id: only-one, ", "ladders:\n  - {", "wide.yaml: ladders[1].id: is missing"),
    ],
)
def test_a_wider_world_that_cannot_be_played_is_refused_as_well(old: str, new: str, said: str) -> None:
    text = WIDE.read_text(encoding="utf-8")
    assert old in text

    with pytest.raises(WorldError) as caught:
        parse_world(text.replace(old, new, 1), "wide.yaml")

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_world_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(WorldError, match=r"^nowhere\.yaml: No such file .* come along: .*loop"):
        read_world("nowhere")


def test_the_loop_is_as_large_as_it_must_be(loop_world: World) -> None:
    handed_in = {page for hand_in in loop_world.hand_ins for page in hand_in.pages}

    told = dict.fromkeys(loop_world.providers, 0)
    for page in handed_in:
        for placement in loop_world.sites[page.partition("/")[0]].placements:
            told[placement.provider] += 1

    first = [page for page in loop_world.hand_ins[0].pages if page.startswith("cellar/")]
    assert len(first) >= 25, "where mail bounces, the first notice is the last"
    assert len(loop_world.sites) == 12
    assert len(handed_in) == 320
    assert min(told.values()) >= 25
    assert len({loop_world.url(page, 80) for page in loop_world.pages()}) == 320


def test_every_path_of_the_loop_holds_the_marker_and_no_host_name_does(loop_world: World) -> None:
    assert all(loop_world.url_marker in page.target for page in loop_world.pages())
    assert not any(loop_world.url_marker in site.host for site in loop_world.sites.values())


def test_draws_hang_on_words_alone_and_fill_their_range() -> None:
    low, high = NINE - NINE, (NINE.replace(hour=12) - NINE)
    drawn = [chance.minutes(low, high, 1, str(n)) for n in range(2_000)]

    assert drawn == [chance.minutes(low, high, 1, str(n)) for n in range(2_000)]
    assert (min(drawn), max(drawn)) == (low, high)
    assert all(span.total_seconds() % 60 == 0 for span in drawn)
    assert drawn != [chance.minutes(low, high, 2, str(n)) for n in range(2_000)]


def test_of_one_moment_facts_come_first_and_a_key_counts_once() -> None:
    agenda = Agenda()
    for one in (event(NINE, "answer", "a"), event(NINE, "vanish", "z"), event(NINE, "vanish", "b")):
        agenda.add(one)

    assert not agenda.add(event(NINE.replace(hour=8), "vanish", "b"))
    order = []
    while first := agenda.first():
        order.append(first.key)
        agenda.done(first.key)
    assert order == ["vanish b", "vanish z", "answer a"]


def test_the_overlay_is_a_catalogue_the_service_can_read(small: World, tmp_path: Path) -> None:
    write_overlay(small, tmp_path)

    found = catalogue.read([tmp_path])

    assert set(found.hotlines) == {"hotline:lab-hotline"}
    assert [one.notices.to for one in found.registries.values() if one.notices] == ["abuse@registry.example"]
    assert [one.asns for one in found.hosting.values() if one.id.startswith("hosting:lab-")] == [(64501,)]


def test_the_overlay_of_a_wider_world_names_its_proxies_registrars_hotlines_and_countries(
    tmp_path: Path,
) -> None:
    world = parse_world(WIDE.read_text(encoding="utf-8"), "wide.yaml")
    write_overlay(world, tmp_path)
    write_overlay(world, tmp_path)

    found = catalogue.read([shipped("providers"), tmp_path])

    assert (found.proxies["proxy:lab-front"].asns, found.registrars["registrar:lab-tidy"].iana_id) == (
        (64503,),
        "9101",
    )
    stale = found.hosting["hosting:lab-shut"].notices
    assert (stale.to, stale.format) == ("old@shut-before.example", "xarf") if stale else False
    assert found.countries["DE"].hotlines == ("hotline:abroad",)
    assert found.countries["FR"].police_first
    assert found.countries["FR"].police_hold == timedelta(hours=48)
    assert "only-one" in {ladder.id for ladder in found.ladders}
    assert "registrar:lab-lots" not in found.registrars
