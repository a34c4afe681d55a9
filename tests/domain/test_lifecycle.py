from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nta.domain.checks.outcomes import Actor, Outcome, ending
from nta.domain.checks.verdicts import (
    Cause,
    Judgement,
    ProofRules,
    Run,
    Sighting,
    Verdict,
    extend,
    judge,
    sign,
)
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import (
    PRESENCES,
    STAGES,
    Presence,
    PresenceSign,
    Stage,
    StageStep,
    next_presence,
    next_stage,
    silence_counts,
)
from nta.domain.roles import Role
from nta.render.diagrams import PAGES

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("step", list(StageStep))
def test_an_ended_episode_takes_no_step(step):
    with pytest.raises(RefusedError, match="stage_forbids"):
        next_stage(Stage.ENDED, step)


@pytest.mark.parametrize("given", list(PresenceSign))
def test_closed_content_gives_no_sign(given):
    with pytest.raises(RefusedError, match="content that is closed cannot"):
        next_presence(Presence.CLOSED, given)


@pytest.mark.parametrize("stage", [s for s in Stage if s is not Stage.ENDED])
def test_every_open_episode_can_end_and_be_held(stage):
    assert next_stage(stage, StageStep.END) is Stage.ENDED
    assert stage is Stage.HELD or next_stage(stage, StageStep.HOLD) is Stage.HELD


def test_every_stage_and_presence_can_be_reached():
    assert {Stage.SUBMITTED, *STAGES.values()} == set(Stage)
    assert {Presence.UNSEEN, *PRESENCES.values()} == set(Presence)


def test_content_is_proven_gone_only_after_it_was_seen_gone():
    assert [start for start, sign_ in PRESENCES if sign_ is PresenceSign.PROVEN_GONE] == [Presence.ABSENT]


@pytest.mark.parametrize(
    ("presence", "counts"),
    [
        (Presence.UNSEEN, True),
        (Presence.UP, True),
        (Presence.ABSENT, False),
        (Presence.REMOVED, False),
        (Presence.CLOSED, False),
    ],
)
def test_a_deadline_counts_only_while_content_may_be_there(presence, counts):
    assert silence_counts(presence) is counts


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_the_docs_is_drawn_from_its_tables(name):
    page = Path(__file__).parents[2] / "docs" / f"{name}.md"

    assert page.read_text("utf-8") == PAGES[name]()


class Episode(RuleBasedStateMachine):
    """A simple episode as the use cases lead it: the chains of times hold however things fall."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NINE
        self.stage, self.presence = Stage.SUBMITTED, Presence.UNSEEN
        self.outcome: tuple[Outcome, Actor] | None = None
        self.told: set[Role] = set()
        self.queued_at = self.handed_at = self.accepted_at = None
        self.last_up_at = self.first_gone_at = self.proven_at = None
        self.runs: dict[str, Run] = {}
        self.answered_removed = False
        self.alone = False
        self.returned = 0
        self.visited: list[tuple[Stage, Presence]] = []

    @initialize(
        waits=st.tuples(*[st.integers(0, 600)] * 3),
        first=st.sampled_from([StageStep.RESOLVED, StageStep.NO_CONTACT]),
    )
    def hand_in(self, waits, first):
        self.reported_at, self.received_at, self.confirmed_at = (
            self.now - timedelta(minutes=sum(waits[i:])) for i in range(3)
        )
        self.submitted_at = self.now
        assert self.take(first)

    def take(self, step: StageStep) -> bool:
        """Take a step if the table knows it; a refused one changes nothing."""
        try:
            self.stage = next_stage(self.stage, step)
        except RefusedError:
            assert (self.stage, step) not in STAGES
            return False
        return True

    @rule(minutes=st.integers(1, 60 * 30))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule()
    def a_week_passes(self):
        self.now += timedelta(days=7)

    @precondition(lambda self: self.stage is not Stage.ENDED)
    @rule(
        step=st.sampled_from(
            [
                StageStep.RESOLVED,
                StageStep.NO_CONTACT,
                StageStep.NOBODY_LEFT,
                StageStep.HOLD,
                StageStep.RELEASE,
            ]
        )
    )
    def somebody_steps(self, step):
        self.take(step)

    @rule(role=st.sampled_from([Role.HOST, Role.REGISTRY]))
    def notice_is_handed_over(self, role):
        if not self.take(StageStep.TOLD_NEXT if self.told else StageStep.TOLD):
            return
        self.told.add(role)
        self.queued_at = self.queued_at or self.now
        self.handed_at = self.handed_at or self.now

    @precondition(lambda self: self.handed_at is not None and self.accepted_at is None)
    @rule(removed=st.booleans())
    def proof_comes_back(self, removed):
        self.accepted_at = self.now
        self.answered_removed = removed

    @precondition(lambda self: self.stage is not Stage.ENDED)
    @rule(
        verdicts=st.lists(
            st.sampled_from([Verdict.UP, Verdict.GONE, Verdict.GONE, Verdict.UNKNOWN]), min_size=1, max_size=3
        ),
        minutes=st.sampled_from([15, 60, 60 * 12]),
    )
    def look(self, verdicts, minutes):
        self.now += timedelta(minutes=minutes)
        looks = [
            Sighting(vantage, self.now, verdict, _CAUSES[verdict], "rule", None, None, None, 0.1)
            for vantage, verdict in zip("abc", verdicts, strict=False)
        ]
        for seen in looks:
            self.runs[seen.vantage] = extend(self.runs.get(seen.vantage), seen)
        judgement = judge(looks, tuple(self.runs.values()), ProofRules())
        given = sign(self.presence, judgement, self.first_gone_at, self.now)
        if given is PresenceSign.WATCH_OVER:
            self.outcome = self.conclude(judgement)
            assert self.take(StageStep.END)
        if given is not None:
            self.returned += given is PresenceSign.SEEN_UP and self.presence is Presence.REMOVED
            self.presence = next_presence(self.presence, given)
        self.note(judgement, given)

    def note(self, judgement: Judgement, given: PresenceSign | None) -> None:
        if judgement.verdict is Verdict.UP:
            self.last_up_at, self.first_gone_at, self.proven_at = self.now, None, None
        elif given is PresenceSign.SEEN_GONE:
            self.first_gone_at = self.now
        elif given is PresenceSign.PROVEN_GONE:
            self.proven_at, self.alone = self.now, judgement.one_vantage

    def conclude(self, judgement: Judgement) -> tuple[Outcome, Actor]:
        return ending(
            first_handed_at=self.handed_at,
            last_up_at=self.last_up_at,
            first_gone_at=self.first_gone_at,
            cause=judgement.cause,
            told_roles=frozenset(self.told),
            answered_removed=self.answered_removed,
            moved=False,
        )

    @precondition(lambda self: self.stage is Stage.EXHAUSTED)
    @rule()
    def analyst_withdraws(self):
        self.outcome = (Outcome.WITHDRAWN, Actor.ANALYST)
        assert self.take(StageStep.END)

    @invariant()
    def is_where_the_tables_lead(self):
        self.visited.append((self.stage, self.presence))
        assert self.stage in Stage
        assert self.presence in Presence
        assert self.presence is not Presence.CLOSED or self.stage is Stage.ENDED

    @invariant()
    def ends_are_final_and_have_an_outcome(self):
        ends = [place for place in self.visited if place[0] is Stage.ENDED]
        assert len(set(ends)) <= 1
        assert (self.stage is Stage.ENDED) == (self.outcome is not None)

    @invariant()
    def chains_of_times_hold(self):
        if hasattr(self, "submitted_at"):
            assert self.reported_at <= self.received_at <= self.confirmed_at <= self.submitted_at
        assert _ordered(self.queued_at, self.handed_at, self.accepted_at)
        assert _ordered(self.first_gone_at, self.proven_at)
        if self.last_up_at and self.first_gone_at:
            assert self.last_up_at < self.first_gone_at

    @invariant()
    def proof_rests_on_the_present_absence_alone(self):
        if self.presence is Presence.REMOVED:
            assert self.proven_at - self.first_gone_at >= (24 * HOUR if self.alone else HOUR)

    @invariant()
    def gone_before_notice_is_nobodys(self):
        if self.outcome and self.outcome[0] is Outcome.GONE_BEFORE_NOTICE:
            assert self.outcome[1] is Actor.NOBODY
            assert self.handed_at is None or self.handed_at >= self.first_gone_at


_CAUSES = {
    Verdict.UP: Cause.CONTENT_PRESENT,
    Verdict.GONE: Cause.NOT_FOUND,
    Verdict.UNKNOWN: Cause.TIMEOUT,
}


def _ordered(*times: datetime | None) -> bool:
    known = [time for time in times if time is not None]
    return known == sorted(known)


TestEpisode = Episode.TestCase
TestEpisode.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
