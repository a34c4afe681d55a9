"""The worked stories of tests/data/resolution: facts in, the right addressees and sentences out."""

from pathlib import Path
from typing import Any

import pytest

from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import from_plain, to_plain
from nta.domain.hosting.lookups import LookupKind
from nta.domain.hosting.resolution import conclude, next_lookups
from nta.domain.intake.urls import parse, refang
from nta.domain.notices.contact_choice import choose
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from tests.domain.hosting.worked_findings import NOW
from tests.domain.hosting.worked_stories import (
    Story,
    UnsoundError,
    all_stories,
    cast,
    read,
)

STORIES = {story.id: story for story in all_stories()}
_ABOUT_THE_HOST = frozenset({LookupKind.ADDRESSES, LookupKind.NETWORK, LookupKind.ROUTE})
"""What has to be known before anybody is told; what else may be asked is told where it matters."""


def outcome(story: Story) -> dict[str, Any]:
    """Return what the service makes of a story's facts, in the words in which it says what it expects."""
    if story.subject is None:
        with pytest.raises(RefusedError) as refusal:
            parse(refang(story.url))
        return {"refused": sentence(refusal.value.reason)}
    facts = conclude(story.subject, story.known, story.catalogue, NOW)
    told = {role: sorted(told_as(story, role)) for role in Role}
    come_out = {
        "told": {role: choices for role, choices in told.items() if choices},
        "country": facts.country,
        "problems": [
            f"{p.step} fails for {'now' if p.temporary else 'good'}, {sentence(p.reason)}"
            for p in facts.problems
        ],
        "leads": facts.dead,
        "registered": facts.domain.registered if facts.domain else None,
    }
    return {key: value for key, value in come_out.items() if key in story.expected}


def told_as(story: Story, role: Role) -> list[tuple[str, ...]]:
    """Return party, address, language, format and reason of each who is told in a role."""
    facts = conclude(story.subject, story.known, story.catalogue, NOW)
    chosen = choose(role, facts, story.catalogue, story.health, known=story.word)
    return [(c.party, c.address.to, c.language, c.format, sentence(c.reason)) for c in chosen]


@pytest.mark.parametrize("story", STORIES.values(), ids=list(STORIES))
def test_the_right_desks_are_told_with_the_right_sentences(story):
    assert outcome(story) == story.expected, story.because


@pytest.mark.parametrize("story", [s for s in STORIES.values() if s.subject], ids=lambda story: story.id)
def test_what_is_asked_next(story):
    open_ones = next_lookups(story.subject, story.known, NOW)

    if story.next is None:
        assert {x for x in open_ones if x.kind in _ABOUT_THE_HOST} == set(), "a story is told to its end"
    else:
        assert {f"{x.kind} {x.subject}" for x in open_ones} == story.next, story.because


@pytest.mark.parametrize("story", [s for s in STORIES.values() if s.subject], ids=lambda story: story.id)
def test_the_order_of_findings_says_nothing_and_the_facts_can_be_kept(story):
    facts = conclude(story.subject, story.findings, story.catalogue, NOW)

    assert conclude(story.subject, story.findings[::-1], story.catalogue, NOW) == facts
    assert from_plain(to_plain(facts)) == facts


@pytest.mark.parametrize("story", [s for s in STORIES.values() if s.beside], ids=lambda story: story.id)
def test_two_cases_of_one_desk_can_go_in_one_notice(story):
    other = STORIES[story.beside]

    desks = [{choice[:4] for choice in told_as(one, Role.HOST)} for one in (story, other)]

    assert desks[0] & desks[1]


def test_there_are_stories_enough_each_with_a_name_and_a_title_of_its_own():
    everyone = all_stories()

    assert len(everyone) >= 60
    assert len({story.id for story in everyone}) == len({story.title for story in everyone}) == len(everyone)


def test_everybody_of_the_cast_plays():
    assert cast().names == frozenset().union(*(story.cast for story in STORIES.values()))


SOUND = """
about: One story.
stories:
  one:
    title: A name that leads nowhere.
    url: http://garden.test/
    found: {dns: {leads: nxdomain}}
    told: {}
    country: null
    leads: nxdomain
    because: There is nobody to tell.
"""


def test_a_sound_story_is_read(tmp_path):
    (story,) = read(written(tmp_path, SOUND))

    assert (story.id, story.expected["leads"]) == ("one", "nxdomain")


@pytest.mark.parametrize(
    ("sound", "wrong", "fault"),
    [
        pytest.param("about:", "abuot:", "about: is missing", id="of-the-file"),
        pytest.param("because:", "why:", "why: is not a key here", id="of-a-story"),
        pytest.param("{leads:", "{laeds:", "laeds: is not a key here", id="of-a-finding"),
        pytest.param("told: {}", "told: {hots: {}}", "'hots' is not a valid Role", id="a-role"),
        pytest.param("told: {}", "told: {host: {a b: No.}}", "must be 4 words", id="an-addressee"),
        pytest.param("told: {}", "catalogue: [nobody]\n    told: {}", "must be one of", id="not-of-the-cast"),
        pytest.param("tell.", "tell", "must be a sentence", id="no-sentence"),
        pytest.param(
            "{leads: nxdomain}", "fails", "must be keys and values", id="a-failure-without-a-reason"
        ),
    ],
)
def test_a_story_with_a_slip_of_the_pen_is_refused(tmp_path, sound, wrong, fault):
    with pytest.raises(UnsoundError, match=fault):
        read(written(tmp_path, SOUND.replace(sound, wrong)))


def written(folder: Path, content: str) -> Path:
    path = folder / "stories.yaml"
    path.write_text(content, encoding="utf-8")
    return path
